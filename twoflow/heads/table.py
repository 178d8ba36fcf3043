"""Define the heads by name: a selector for each flow's features, and a classifier that decides on all of them."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler

from .._text import listed
from ..errors import InputError
from ..flows.contract import FeatureKind, FlowContract, feature_kind
from .binned_forest import BinnedForestClassifier
from .class_balance import ClassWeight, balance, check_balance, takes_class_weight
from .class_covariance import ClassCovariance
from .forest_selector import ForestSelector
from .kernel_ridge import KernelRidgeClassifier
from .kernel_svm import KernelSVMClassifier
from .kernel_weight import KernelWeight
from .opinion_pool import LogOpinionPool
from .out_of_fold import OutOfFoldProbabilities


class Head(NamedTuple):
    """The selectors and the classifier of a model.

    Attributes
    ----------
    selector : callable
        Takes a flow; returns the selector of its features: a transformer of features or "passthrough".
    classifier : callable
        Takes nothing; returns the classifier that decides on the outputs of all selectors, side by side.
    selectors_classify : bool
        Whether each selector is an `OutOfFoldProbabilities` whose classifier learns the classes, and the head only
        combines what they say. By default the head learns them.
    """

    selector: Callable[[FlowContract], Any]
    classifier: Callable[[], Any]
    selectors_classify: bool = False

    def balanced(self, name: str, class_weight: ClassWeight, max_per_class: int | None) -> Head:
        """Return the same head with class weights and a limit on the images of each class; see `balance`.

        Both are given to what learns the classes: the classifier, or that of each selector. `name` is what an error
        calls the head.

        Raises
        ------
        ValueError
            If a parameter is wrong, or there is a class weight and what learns the classes takes none.
        """
        check_balance(class_weight, max_per_class)
        if class_weight is None and max_per_class is None:
            return self
        if not self.selectors_classify:
            given = self.classifier()
            if class_weight is not None and not takes_class_weight(given):
                raise InputError(
                    f"class_weight: expected a head that weighs classes, got {name}; choose "
                    f"{listed(_weighing_heads(), ' or')}, or limit the images of each class by max_per_class"
                )
            classifier = balance(given, class_weight, max_per_class)
            return self._replace(classifier=lambda: classifier)

        def selector(flow: FlowContract) -> Any:
            own = self.selector(flow)
            return own.set_params(classifier=balance(own.classifier, class_weight, max_per_class))

        return self._replace(selector=selector)


def get_head(name: str) -> Head:
    """Return the head of that name.

    Raises
    ------
    ValueError
        If there is none. The message gives similar names.
    """
    if name in HEADS:
        return HEADS[name]
    near = difflib.get_close_matches(name, HEADS, n=3, cutoff=0.4) or list(HEADS)
    raise InputError(f"there is no head {name!r}; did you mean {' or '.join(map(repr, near))}?")


def _weighing_heads() -> list[str]:
    """List the heads that take class weights."""
    return [name for name, head in HEADS.items() if head.selectors_classify or takes_class_weight(head.classifier())]


#: How many features a forest selects: the paper's top 55 of 128 projections, and top 400 of a network's features.
_MOST_IMPORTANT: dict[FeatureKind, int] = {"dense": 400, "histogram": 400, "projection": 55, "unit": 400}


def _important(flow: FlowContract) -> ForestSelector:
    return ForestSelector(max_features=_MOST_IMPORTANT[feature_kind(flow)])


def _centered() -> Pipeline:
    return make_pipeline(StandardScaler(with_std=False), Normalizer())


def _lightened() -> Pipeline:
    """Make the selector of histograms for a kernel: square roots, unit norm, and a tenth of the weight.

    The dot product of square roots is the overlap of two distributions (Bhattacharyya 1946). Large bins count less in
    it. If classes differ in color, a tenth is as good as any weight from a tenth to one. If they do not, histograms
    cost half a point of accuracy with this weight, and three points with a weight of one.
    """
    root = FunctionTransformer(np.sqrt, feature_names_out="one-to-one")
    return make_pipeline(root, Normalizer(), KernelWeight(0.1))


#: Scales features to rows of unit norm, so that each flow counts the same. The dot product of two images over all flows
#: is then a sum of cosines.
_UNIT_ROWS: dict[FeatureKind, Callable[[], Any]] = {
    "dense": _centered,
    "histogram": _lightened,
    "projection": _centered,
    "unit": lambda: "passthrough",
}


def _on_the_sphere(flow: FlowContract) -> Any:
    return _UNIT_ROWS[feature_kind(flow)]()


def _as_it_is(flow: FlowContract) -> str:
    return "passthrough"


def _calibrated(classifier: Any, floor: float = 1e-30) -> Pipeline:
    """Calibrate a classifier on out-of-fold outputs. It may have no probabilities, or wrong ones."""
    return make_pipeline(OutOfFoldProbabilities(classifier, floor=floor), LogOpinionPool())


#: Selection by the importances of a forest suits trees. A linear classifier gets all features, because it weighs them
#: itself.
HEADS: dict[str, Head] = {
    "forest": Head(_important, lambda: BinnedForestClassifier(n_estimators=200)),
    # The trees of a forest agree so rarely that its probabilities are far too low. The calibration holds images out, so
    # no selector before it may use their labels.
    "calibrated-forest": Head(_as_it_is, lambda: _calibrated(BinnedForestClassifier(n_estimators=200), floor=1e-3)),
    # Its answers are those of the plain LogisticRegression: calibrating one opinion scales all its scores alike.
    "logistic": Head(lambda flow: StandardScaler(), lambda: _calibrated(LogisticRegression(C=0.01, max_iter=1000))),
    # PCA does not change the result, but leaves at most as many features as images. This is true for `ClassCovariance`.
    # shrinkage="auto" scales each direction first, which costs 12 points of accuracy on held-out sneakers.
    "lda": Head(
        _on_the_sphere,
        lambda: _calibrated(
            make_pipeline(
                PCA(),
                LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=ClassCovariance(store_precision=False)),
            )
        ),
    ),
    "kernel-ridge": Head(_on_the_sphere, KernelRidgeClassifier),
    "kernel-svm": Head(_on_the_sphere, lambda: _calibrated(KernelSVMClassifier())),
    "stack": Head(
        lambda flow: OutOfFoldProbabilities(make_pipeline(_on_the_sphere(flow), KernelRidgeClassifier())),
        LogOpinionPool,
        selectors_classify=True,
    ),
}
