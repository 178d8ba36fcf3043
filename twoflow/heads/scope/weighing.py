"""Weigh evidence so that it tells held-out classes of the training data from known ones.

The indicators of an unusual image are lower than those of a usual one, whether or not its class is known. So a score is
better if the distances from the training images say how low is too low.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.linear_model import LogisticRegression

from .scores import Parameters

#: The inverse strength of the penalty on the weights of standardized evidence.
_C = 0.1

#: Standardized evidence beyond this counts as this, so that no piece outweighs all others.
_MOST = 5.0

#: The column of the evidence that is greater the farther a row is from all classes: what the components leave out.
_DISTANCE = -1

#: The share of held-out images that are nearer than what is too far.
_NEAR = 0.995

#: How much of the score a row loses for each standard deviation that it is farther than that.
_FAR = 10.0


def fit_scale(inside: np.ndarray) -> Parameters:
    """Fit how evidence is standardized, and what is too far.

    Parameters
    ----------
    inside : ndarray of shape (n, n_evidence)
        Evidence of held-out images of known classes.
    """
    spread = inside.std(axis=0)
    return {
        "mean": inside.mean(axis=0), "spread": np.where(spread > 0, spread, 1.0),
        "farthest": np.array(np.quantile(inside[:, _DISTANCE], _NEAR)),
    }


def standardize(evidence: np.ndarray, scale: Mapping[str, np.ndarray]) -> np.ndarray:
    """Standardize evidence, and limit it."""
    return np.clip((evidence - scale["mean"]) / scale["spread"], -_MOST, _MOST)


def fit_weights(inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
    """Find the weights that tell known classes from held-out classes, by logistic regression.

    Parameters
    ----------
    inside, outside : ndarray of shape (n, n_evidence)
        Standardized evidence of held-out images of known classes, and of images of held-out classes. Both sides count
        the same, whatever their numbers.

    Returns
    -------
    ndarray of shape (n_evidence,)
    """
    model = LogisticRegression(C=_C, class_weight="balanced", max_iter=1000)
    model.fit(np.concatenate([inside, outside]), np.repeat([1, 0], [len(inside), len(outside)]))
    return model.coef_[0]


def weigh(evidence: np.ndarray, scale: Mapping[str, np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Return the weighted evidence, of shape (n,).

    A row that is farther from all classes than nearly all held-out images loses more the farther it is. The weights
    know look-alike classes only, and may not see that an image of something else is far.
    """
    excess = np.maximum(evidence[:, _DISTANCE] - scale["farthest"], 0.0) / scale["spread"][_DISTANCE]
    return standardize(evidence, scale) @ weights - _FAR * excess
