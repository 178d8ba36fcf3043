"""The Two-Flow model: select in each flow, stack the selections, let a forest decide."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from numbers import Integral
from typing import Any, ClassVar, Self

import joblib
import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metaestimators import _BaseComposition, available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ..flows import CNNEmbedding, Flow, FlowUnion, PixelProjection
from ..flows.base import StoreLike
from ..images import check_pictures
from .forest_selector import ForestSelector
from .labels import check_labels
from .seeding import seeded

#: A name, a flow, and what selects among its features: a transformer of features or "passthrough".
FlowStep = tuple[str, Flow, Any]


def _paper_flows() -> list[FlowStep]:
    return [
        ("projection", PixelProjection(n_components=128), ForestSelector(max_features=55)),
        ("cnn", CNNEmbedding(), ForestSelector(max_features=400)),
    ]


def _classifier_has(method: str) -> Any:
    return available_if(lambda self: hasattr(self._fitted_or_given_classifier(), method))


class TwoFlowClassifier(ClassifierMixin, _BaseComposition):
    """Classify pictures by several flows of features, each selected on its own, then stacked.

    By default the model of Iliukovich-Strakovskaia, Dral & Dral (2016): 128 random projections of the pixels, of which
    a Random Forest selects 55; the global pool of a pretrained network, of which it selects 400; a Random Forest of
    200 trees on both. Every part can be replaced.

    Parameters
    ----------
    flows : list of (str, Flow, transformer or "passthrough"), optional
        A name, a flow, and the selector of its features; the paper's two flows, named "projection" and "cnn", when not
        given.
    classifier : classifier, optional
        Decides on the stacked selections; the paper's forest when not given.
    random_state : int, RandomState or None
        Seeds every part that has a `random_state` of None.
    n_jobs : int, optional
        For reading pictures and for fitting the parts that have an `n_jobs` of None.
    verbose : bool
        Show progress on stderr when that is a terminal.
    store : path or FeatureStore, optional
        Keeps the flows' features on disk, so that another fit on the same pictures finds them; see `Flow`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    union_ : FlowUnion
        The fitted flows.
    model_ : Pipeline
        The fitted selectors and classifier; it takes what `union_` gives.

    Notes
    -----
    The parts are parameters by name: ``projection``, ``projection__n_components``,
    ``projection_selector__max_features``, ``cnn__layer``, ``classifier__n_estimators``, ..., for `set_params` and
    `GridSearchCV`, also where the defaults were not touched.

    Examples
    --------
    >>> from twoflow import TwoFlowClassifier, make_shop
    >>> shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    >>> model = TwoFlowClassifier(random_state=0).set_params(classifier__n_estimators=20)
    >>> model.fit(shop, shop.labels).predict(shop[:1])
    array(['tee/01'], dtype='<U6')
    """

    _parameter_constraints: ClassVar[dict] = {
        "flows": [list, tuple, None],
        "classifier": [HasMethods(["fit", "predict"]), None],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["boolean"],
        "store": Flow._parameter_constraints["store"],
    }

    def __init__(
        self,
        flows: Sequence[FlowStep] | None = None,
        classifier: Any = None,
        *,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        self.flows = flows
        self.classifier = classifier
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.store = store

    def fit(self, X: Any, y: Any) -> Self:
        """Compute the features, select, and fit the classifier.

        Parameters
        ----------
        X : sequence of n pictures, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
        y : array-like of shape (n,)
            Classes; at least two.

        Returns
        -------
        self

        Raises
        ------
        ImageReadError
            For the first picture that cannot be read.
        """
        pictures = check_pictures(X)
        y = check_labels(y)
        check_consistent_length(pictures, y)
        union, model = self.split()
        self.union_ = union.fit(pictures, y)
        features = self.union_.transform(pictures)
        with nullcontext() if self.n_jobs is None else joblib.parallel_config(n_jobs=self.n_jobs):
            self.model_ = model.fit(features, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The class of each picture, of shape (n,)."""
        features = self._features(X)
        return self.model_.predict(features)

    @_classifier_has("predict_proba")
    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, of shape (n, n_classes), in the order of `classes_`."""
        features = self._features(X)
        return self.model_.predict_proba(features)

    @_classifier_has("decision_function")
    def decision_function(self, X: Any) -> np.ndarray:
        """The classifier's score of each class; see there for its shape."""
        features = self._features(X)
        return self.model_.decision_function(features)

    @property
    def flow_importances_(self) -> dict[str, float]:
        """By flow, the sum of the classifier's importances of its features; for classifiers that have importances."""
        check_is_fitted(self)
        select, classifier = self.model_["select"], self.model_["classify"]
        importances = classifier.feature_importances_
        return {name: float(importances[select.output_indices_[name]].sum()) for name, _ in self.union_.flows_}

    def split(self) -> tuple[FlowUnion, Pipeline]:
        """The unfitted model in two: the flows, and what is fitted on their features.

        A comparison computes the features once and fits the second part in each fold. Both parts are clones, with
        their random states set; the second expects the columns as the first gives them.
        """
        self._validate_params()
        self._check_flows()
        rng = check_random_state(self.random_state)
        steps = [(name, seeded(flow, rng), seeded(selector, rng)) for name, flow, selector in self._resolved_flows()]
        named = [(name, flow) for name, flow, _ in steps]
        union = FlowUnion(named, n_jobs=self.n_jobs, verbose=self.verbose, store=self.store)
        union._check()  # before a flow is asked for its width, which it may not know with wrong parameters
        columns = union.slices()
        select = ColumnTransformer(
            [(name, selector, columns[name]) for name, _, selector in steps],
            n_jobs=1,  # the forests in it are parallel already
        )
        return union, Pipeline([("select", select), ("classify", seeded(self._resolved_classifier(), rng))])

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters; with ``deep`` also the parts by name and theirs as ``part__parameter``."""
        # What was given comes last: `classifier` is still None where the default's parameters are listed.
        return {**self._get_params("_parts", deep=deep), **self._get_params("_parts", deep=False)}

    def set_params(self, **params: Any) -> Self:
        """Set parameters; a part is replaced by its name, a parameter of one set as ``part__parameter``."""
        # The defaults must exist before something in them can be set.
        self.flows = params.pop("flows", self.flows)
        self.classifier = params.pop("classifier", self.classifier)
        if any(name not in ("random_state", "n_jobs", "verbose", "store") for name in params):
            self._parts = self._parts
        return self._set_params("_parts", **params)

    @property
    def _parts(self) -> list[tuple[str, Any]]:
        """Flows, selectors and classifier as the flat list of names and parts that scikit-learn's helpers work on."""
        flows = self._resolved_flows()
        well_formed = isinstance(flows, (list, tuple)) and all(map(_is_step, flows))  # if not, fit says so, not a repr
        parts = [
            part
            for name, flow, selector in (flows if well_formed else [])
            for part in ((name, flow), (f"{name}_selector", selector))
        ]
        return [*parts, ("classifier", self._resolved_classifier())]

    @_parts.setter
    def _parts(self, parts: Sequence[tuple[str, Any]]) -> None:
        *rest, (_, self.classifier) = parts
        self.flows = [(name, flow, selector) for (name, flow), (_, selector) in zip(rest[::2], rest[1::2])]

    def _resolved_flows(self) -> Sequence[FlowStep]:
        return _paper_flows() if self.flows is None else self.flows

    def _resolved_classifier(self) -> Any:
        return RandomForestClassifier(n_estimators=200) if self.classifier is None else self.classifier

    def _fitted_or_given_classifier(self) -> Any:
        return self.model_["classify"] if hasattr(self, "model_") else self._resolved_classifier()

    def _features(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.union_.transform(X)

    def _check_flows(self) -> None:
        for step in self._resolved_flows():
            if not _is_step(step):
                raise ValueError(f'flows must be a list of (name, flow, selector or "passthrough"), got {step!r}')
        names = [name for name, _ in self._parts]
        if len(set(names)) < len(names):
            raise ValueError(f"every part needs a name of its own, got {', '.join(names)}")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


def _is_step(step: Any) -> bool:
    return isinstance(step, (tuple, list)) and len(step) == 3
