"""The heads of a model by name: what is made of each flow's features, and what decides on all of them together."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler

from ..errors import InputError
from ..flows import CNNEmbedding, ColorHistogram, Flow, LBPHistogram, PixelProjection, SIFTBagOfWords
from .forest_selector import ForestSelector
from .kernel_ridge import KernelRidgeClassifier
from .kernel_svm import KernelSVMClassifier
from .opinion_pool import LogOpinionPool
from .out_of_fold import OutOfFoldProbabilities


class Head(NamedTuple):
    """How a decision is made.

    Attributes
    ----------
    selector : callable
        From a flow to what its features pass through: a transformer of features or "passthrough".
    classifier : callable
        Makes what decides on what comes out of all selectors, side by side.
    """

    selector: Callable[[Flow], Any]
    classifier: Callable[[], Any]


def get_head(name: str) -> Head:
    """The head of that name.

    Raises
    ------
    ValueError
        If there is none; the message gives the nearest names.
    """
    if name in HEADS:
        return HEADS[name]
    near = difflib.get_close_matches(name, HEADS, n=3, cutoff=0.4) or list(HEADS)
    raise InputError(f"there is no head {name!r}; did you mean {' or '.join(map(repr, near))}?")


def _important(flow: Flow) -> ForestSelector:
    """The paper's selection: the top 55 of 128 projections, the top 400 of a network's features."""
    return ForestSelector(max_features=55 if isinstance(flow, PixelProjection) else 400)


def _on_the_sphere(flow: Flow) -> Any:
    """Rows of unit norm, so that each flow counts the same: the dot product of two images is the sum of cosines.

    Of histograms the root is taken first: then it is the overlap of two distributions (Bhattacharyya 1946), which the
    large bins do not rule alone. And they are given a tenth of the weight. Where color decides that is as good as any
    weight from a tenth to one, and where it does not it costs half a point of accuracy rather than three.
    """
    if isinstance(flow, _HISTOGRAMS):
        root = FunctionTransformer(np.sqrt, feature_names_out="one-to-one")
        return make_pipeline(root, Normalizer(), FunctionTransformer(_lighten, feature_names_out="one-to-one"))
    if isinstance(flow, CNNEmbedding) and flow.pooling == "covariance":
        return "passthrough"  # they are so already
    return make_pipeline(StandardScaler(with_std=False), Normalizer())


def _lighten(features: np.ndarray) -> np.ndarray:
    """To a tenth of their weight in a kernel."""
    return features * np.sqrt(features.dtype.type(0.1))


def _as_it_is(flow: Flow) -> str:
    return "passthrough"


def _calibrated(classifier: Any, floor: float = 1e-30) -> Pipeline:
    """Probabilities of a classifier whose own are not to be believed, or that has none: calibrated out of fold."""
    return make_pipeline(OutOfFoldProbabilities(classifier, floor=floor), LogOpinionPool())


class _ClassCovariance(LedoitWolf):
    """The covariance within one class, shrunk toward a multiple of the identity; zero for a class of one row.

    A discriminant takes the mean of these over classes. That is more shrinkage than the same rule finds for the mean
    itself, and better: 0.59 of the sneakers left out of training are right with it, and 0.53 with the other.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Only one sample available")
            return super().fit(X, y)


_HISTOGRAMS = (ColorHistogram, LBPHistogram, SIFTBagOfWords)

#: A selection by forest importances suits trees; what is linear in the features weighs them itself, and is given all.
HEADS: dict[str, Head] = {
    "forest": Head(_important, lambda: RandomForestClassifier(n_estimators=200)),
    # Trees agree so rarely that a forest is right far more often than it says. What calibrates it leaves images out,
    # which a selection by all labels would give away.
    "calibrated-forest": Head(_as_it_is, lambda: _calibrated(RandomForestClassifier(n_estimators=200), floor=1e-3)),
    "logistic": Head(lambda flow: StandardScaler(), lambda: _calibrated(LogisticRegression(C=0.01, max_iter=1000))),
    # The rotation changes nothing but the size: there are no more directions than images. That is so with this
    # covariance; shrinkage="auto" scales each direction first, which costs 12 points on sneakers left out of training.
    "lda": Head(
        _on_the_sphere,
        lambda: _calibrated(
            make_pipeline(
                PCA(),
                LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=_ClassCovariance(store_precision=False)),
            )
        ),
    ),
    "kernel-ridge": Head(_on_the_sphere, KernelRidgeClassifier),
    "kernel-svm": Head(_on_the_sphere, lambda: _calibrated(KernelSVMClassifier())),
    "stack": Head(
        lambda flow: OutOfFoldProbabilities(make_pipeline(_on_the_sphere(flow), KernelRidgeClassifier())),
        LogOpinionPool,
    ),
}
