"""The table of scores that say how much an image is like the training images: higher is more in scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp, xlogy
from sklearn.covariance import ledoit_wolf

from .views import Views

#: The arrays that a fitted score holds, by name.
Parameters = dict[str, np.ndarray]


class Score(NamedTuple):
    """One score.

    Attributes
    ----------
    fit : callable
        From the `Views` of the training rows, their classes, and the temperature of the indicators, to `Parameters`.
    score : callable
        From `Parameters` and `Views` to an ndarray of shape (n,), or of shape (n, n_evidence) if it is weighed.
    uses_components, uses_probabilities : bool
        What it needs besides the indicators.
    is_weighed : bool
        Whether the score is evidence that `twoflow.heads.scope.weighing` weighs.
    """

    fit: Callable[[Views, np.ndarray, float], Parameters]
    score: Callable[[Mapping[str, np.ndarray], Views], np.ndarray]
    uses_components: bool = False
    uses_probabilities: bool = False
    is_weighed: bool = False


def _fit_nothing(views: Views, codes: np.ndarray, temperature: float) -> Parameters:
    return {}


def _top_probability(parameters: Mapping[str, np.ndarray], views: Views) -> np.ndarray:
    """Hendrycks & Gimpel (2017), https://arxiv.org/abs/1610.02136."""
    return views.probabilities.max(axis=1)


def _entropy(parameters: Mapping[str, np.ndarray], views: Views) -> np.ndarray:
    return xlogy(views.probabilities, views.probabilities).sum(axis=1)


def _indicator(parameters: Mapping[str, np.ndarray], views: Views) -> np.ndarray:
    """Minus the squared distance of the predicted indicators from those of the nearest class.

    With a ridge of 0 this is the null space method of Bodesheim, Freytag, Rodner, Kemmler & Denzler (CVPR 2013,
    https://doi.org/10.1109/CVPR.2013.433), which maps all training rows of a class to one point.
    """
    found = views.indicators
    return 2 * found.max(axis=1) - (found**2).sum(axis=1) - 1


def _fit_energy(views: Views, codes: np.ndarray, temperature: float) -> Parameters:
    return {"temperature": np.array(temperature)}


def _energy(parameters: Mapping[str, np.ndarray], views: Views) -> np.ndarray:
    """Liu, Wang, Owens & Li (NeurIPS 2020), https://arxiv.org/abs/2010.03759."""
    return logsumexp(views.indicators / parameters["temperature"], axis=1)


def _fit_neighbors(views: Views, codes: np.ndarray, temperature: float) -> Parameters:
    return {"rows": views.components}


def _neighbors(parameters: Mapping[str, np.ndarray], views: Views) -> np.ndarray:
    """Minus the distance of the nearest training row (Sun, Ming, Zhu & Li, ICML 2022, arXiv 2204.06507).

    The training rows count without what the components leave out of them.
    """
    return -np.sqrt(_squared_distances(views.components, parameters["rows"]).min(axis=1) + _residual(views) ** 2)


def _fit_mahalanobis(views: Views, codes: np.ndarray, temperature: float) -> Parameters:
    components = views.components
    counts = np.bincount(codes)
    means = np.zeros((len(counts), components.shape[1]))
    np.add.at(means, codes, components)
    means /= counts[:, None]
    covariance = ledoit_wolf(components - means[codes], assume_centered=True)[0]
    values, vectors = np.linalg.eigh(covariance)
    # Where all rows of each class are equal, any other row is far; the floor keeps the distance finite.
    floor = max(values.max(initial=0.0) * 1e-6, np.finfo(np.float32).tiny)
    whitening = vectors / np.sqrt(np.maximum(values, floor))
    return {"whitening": whitening, "means": means @ whitening}


def _mahalanobis(parameters: Mapping[str, np.ndarray], views: Views) -> np.ndarray:
    """Minus the distance from the nearest class mean, with the covariance within classes.

    Lee, Lee, Lee & Shin (NeurIPS 2018, arXiv 1807.03888), on features of unit norm: Mueller & Hein (2025, arXiv
    2505.18032).
    """
    return -np.sqrt(_squared_distances(views.components @ parameters["whitening"], parameters["means"]).min(axis=1))


def _fit_vim(views: Views, codes: np.ndarray, temperature: float) -> Parameters:
    logits = views.indicators / temperature
    scale = logits.max(axis=1).mean() / max(_residual(views).mean(), np.finfo(np.float32).tiny)
    return {"temperature": np.array(temperature), "scale": np.array(scale)}


def _vim(parameters: Mapping[str, np.ndarray], views: Views) -> np.ndarray:
    """The energy minus a virtual logit: what the components leave out (Wang, Li, Feng & Zhang, CVPR 2022,
    https://arxiv.org/abs/2203.10807)."""
    return _energy(parameters, views) - parameters["scale"] * _residual(views)


#: How many of the nearest rows are averaged: of the likeliest class, and of all other classes.
_N_OWN, _N_OTHER = 3, 5


def _fit_combined(views: Views, codes: np.ndarray, temperature: float) -> Parameters:
    return {"rows": views.components, "codes": codes}


def _combined(parameters: Mapping[str, np.ndarray], views: Views) -> np.ndarray:
    """Return the evidence that the combined score weighs, of shape (n, 14).

    The columns are, for the indicators and for the smooth ones, the greatest, the second, the sum of squares of all,
    and the logarithm of the squared distance from those of the nearest class; the distance of the nearest row of the
    likeliest class, and the mean of the nearest 3; the same of the nearest row, and of 5, of all other classes; the
    distance from the mean of the training rows; and, last, the norm of what the components leave out of this distance.
    """
    distances = np.sqrt(_squared_distances(views.components, parameters["rows"]))
    is_own = parameters["codes"] == views.indicators.argmax(axis=1)[:, None]
    return np.column_stack([
        *_describe(views.indicators), *_describe(views.smooth),
        *_nearest(np.where(is_own, distances, np.inf), _N_OWN),
        *_nearest(np.where(is_own, np.inf, distances), _N_OTHER),
        views.distance, _residual(views),
    ])


def _describe(indicators: np.ndarray) -> tuple[np.ndarray, ...]:
    second, greatest = np.partition(indicators, [-2, -1], axis=1)[:, -2:].T
    squares = (indicators**2).sum(axis=1)
    return greatest, second, squares, np.log(np.maximum(squares - 2 * greatest + 1, 0.0) + 1e-4)


def _nearest(distances: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest distance of each row, and the mean of the smallest ones; those that are missing are inf."""
    number = min(number, distances.shape[1])
    smallest = np.partition(distances, number - 1, axis=1)[:, :number]
    is_there = np.isfinite(smallest)
    mean = np.where(is_there, smallest, 0.0).sum(axis=1) / np.maximum(is_there.sum(axis=1), 1)
    return np.where(is_there.any(axis=1), smallest.min(axis=1), 0.0), mean


def _residual(views: Views) -> np.ndarray:
    """Return the norm of what the components leave out of the distance from the mean."""
    return np.sqrt(np.maximum(views.distance**2 - (views.components**2).sum(axis=1), 0.0))


def _squared_distances(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    squared = (X**2).sum(axis=1)[:, None] + (Y**2).sum(axis=1) - 2 * X @ Y.T
    return np.maximum(squared, 0.0)


#: The scores by name, the cheapest first.
SCORES: dict[str, Score] = {
    "probability": Score(_fit_nothing, _top_probability, uses_probabilities=True),
    "entropy": Score(_fit_nothing, _entropy, uses_probabilities=True),
    "indicator": Score(_fit_nothing, _indicator),
    "energy": Score(_fit_energy, _energy),
    "vim": Score(_fit_vim, _vim, uses_components=True),
    "mahalanobis": Score(_fit_mahalanobis, _mahalanobis, uses_components=True),
    "neighbors": Score(_fit_neighbors, _neighbors, uses_components=True),
    "combined": Score(_fit_combined, _combined, uses_components=True, is_weighed=True),
}
