"""Combine flows, a selector for each flow, and a head into one classifier of images."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from numbers import Integral
from typing import Any, ClassVar, Self

import joblib
import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted

from ..errors import InputError
from ..flows import Flow, FlowUnion
from ..heads.class_balance import complete_class_weights
from ..heads.composition import PartsByName
from ..heads.inner_folds import fit_clone
from ..heads.random_states import seeded
from ..heads.targets import complete_target_names, learns_targets_together
from ..images.tags import ImageTags, extend_tags
from ..store import StoreLike
from .delegation import DelegatedPredictions
from .importances import flow_shares
from .inputs import check_inputs, given_names, name_levels
from .parts import Parts, Step, take_apart

#: A name, a flow, and the selector of its features: a transformer of features or "passthrough".
FlowStep = tuple[str, Flow, Any]


class FlowClassifier(DelegatedPredictions, PartsByName, ClassifierMixin, _BaseComposition):
    """Classify images by several flows of features, each selected on its own, then stacked.

    This is the model of Iliukovich-Strakovskaia, Dral & Dral (2016, section 6), with any flows, selectors and head.
    `make_model` makes one for a recipe, or for flows and the name of a head.

    Parameters
    ----------
    flows : list of (str, Flow, transformer or "passthrough")
        A name, a flow, and its selector: the transformer that its features pass through before they are stacked.
        "passthrough" keeps all of them.
    head : classifier
        Decides on the stacked features.
    random_state : int, RandomState or None, default=None
        Seeds every part that has a `random_state` of None. With None each fit draws other seeds.
    n_jobs : int, optional
        How many images are read at the same time, and how many jobs the parts with an `n_jobs` of None use. Default:
        1, unless a ``joblib.parallel_config`` says otherwise. -1 is all cores.
    verbose : bool, default=False
        Show progress on stderr: a bar on a terminal or in a notebook, elsewhere a line now and then.
    store : path or FeatureStore, optional
        Keeps the flows' features on disk, so that another fit on the same images finds them; see `Flow`. Default: no
        store.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    union_ : FlowUnion
        The fitted flows.
    model_ : estimator
        The fitted second half, which takes the features: a `SelectingClassifier`, or only the head if nothing is
        selected.
    head_ : classifier
        The fitted head.
    flow_importances_ : dict of str to float
        The share of each flow in the decision; the shares sum to 1. See `share_of_flows`. It exists only for heads
        with `feature_importances_` or `coef_`.

    Notes
    -----
    The parts are parameters by name: ``cnn``, ``cnn__layer``, ``cnn_selector__max_features``, ``head__n_estimators``,
    ..., for `set_params` and `sklearn.model_selection.GridSearchCV`.

    Examples
    --------
    >>> from sklearn.linear_model import RidgeClassifier
    >>> from twoflow import CNNEmbedding, ColorHistogram, FlowClassifier, make_shop
    >>> shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    >>> flows = [("cnn", CNNEmbedding(), "passthrough"), ("color", ColorHistogram(), "passthrough")]
    >>> model = FlowClassifier(flows, RidgeClassifier()).set_params(cnn__layer="stage5", head__alpha=3)
    >>> model.fit(shop).predict(shop[:1])
    array(['tee/01'], dtype='<U6')
    """

    _parameter_constraints: ClassVar[dict] = {
        "flows": [list, tuple],
        "head": [HasMethods(["fit", "predict"])],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["boolean"],
        "store": Flow._parameter_constraints["store"],
    }

    def __init__(
        self,
        flows: Sequence[FlowStep],
        head: Any,
        *,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        self.flows = flows
        self.head = head
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.store = store

    @property
    def _named_parts(self) -> list[tuple[str, Any]]:
        """The flows and selectors as the flat list of names and parts that scikit-learn's helpers need."""
        if not _are_steps(self.flows):
            return []  # fit raises an error that says what is wrong
        return [part for name, flow, selector in self.flows for part in ((name, flow), (f"{name}_selector", selector))]

    @_named_parts.setter
    def _named_parts(self, parts: Sequence[tuple[str, Any]]) -> None:
        if parts:
            self.flows = [(name, flow, selector) for (name, flow), (_, selector) in zip(parts[::2], parts[1::2])]

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Compute the features, fit the selectors, and fit the head.

        Parameters
        ----------
        X : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
        y : array-like of shape (n,), optional
            Classes; at least two. Default: the labels of the collection.
        groups : array-like of shape (n,), optional
            Images that belong together, such as photos of the same item. Where a selector or the head holds images
            out, it holds whole groups out. Default: the groups of the collection, if it has any.

        Returns
        -------
        self

        Raises
        ------
        ImageReadError
            For the first image that cannot be read.
        ValueError
            If a parameter of the model or of a flow is wrong, or y contains no classes.
        """
        names = given_names(X, y)
        images, y, groups = check_inputs(X, y, groups, may_be_missing=learns_targets_together(self.head))
        parts = take_apart(self)
        parts.check_memory(len(images))
        flows = [(name, complete_target_names(flow, names)) for name, flow in parts.flows]
        self.union_ = FlowUnion(flows, n_jobs=self.n_jobs, verbose=self.verbose, store=self.store)
        features = self.union_.fit_transform(images, y, groups)
        with nullcontext() if self.n_jobs is None else joblib.parallel_config(n_jobs=self.n_jobs):
            half = complete_target_names(complete_class_weights(parts.on_features(), y), names)
            self.model_ = fit_clone(half, features, y, groups)
        name_levels(self.model_, names)
        self.classes_ = self.model_.classes_
        self._flow_shares = flow_shares(parts, self.model_, features)
        return self

    def _delegate(self) -> Any:
        return getattr(self, "model_", self.head)

    def _inputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.union_.transform(X)

    @property
    def head_(self) -> Any:
        """The fitted head."""
        check_is_fitted(self)
        return getattr(self.model_, "head_", self.model_)

    @property
    def flow_importances_(self) -> dict[str, float]:
        """The share of each flow in the decision."""
        check_is_fitted(self)
        if self._flow_shares is None:
            raise AttributeError(
                f"flow_importances_: expected a head with feature_importances_ or coef_, got {type(self.head).__name__}"
            )
        return self._flow_shares

    def _check(self) -> None:
        """Raise ValueError if a parameter is wrong, before any image is read."""
        self._validate_params()
        if not self.flows:
            raise InputError("flows: expected at least one flow, got none")
        if not _are_steps(self.flows):
            raise InputError(
                f"flows: expected a list of (name, flow, selector), got {self.flows!r}; for the selectors that suit a "
                "head, use make_model(flows, head=...)"
            )
        names = [name for name, *_ in self.flows]
        taken = [*type(self)._get_param_names(), *(f"{name}_selector" for name in names)]
        for name in names:
            if names.count(name) > 1 or name in taken:
                raise InputError(f"flows: expected unique names that are no parameters, got {name!r}; rename the flow")

    def _sk_visual_block_(self) -> Any:
        """Show the flows side by side, each with its selector, then the head."""
        branches = [(name, Pipeline([("flow", flow), ("selector", selector)])) for name, flow, selector in self.flows]
        return Pipeline([("flows", FeatureUnion(branches)), ("head", self.head)])._sk_visual_block_()

    def __sklearn_tags__(self) -> ImageTags:
        return extend_tags(super().__sklearn_tags__(), ImageTags)


@take_apart.register
def _(model: FlowClassifier) -> Parts:
    """Return clones of all parts, with their random states set."""
    model._check()
    rng = check_random_state(model.random_state)
    steps = []
    for name, flow, selector in model.flows:
        flow, selector = seeded(flow, rng), seeded(selector, rng)
        FlowUnion([(name, flow)]).check_parameters()  # now, because a flow with wrong parameters has no width
        steps.append(Step(name, flow.named_members(name), selector))
    return Parts(steps, seeded(model.head, rng))


def _are_steps(flows: Any) -> bool:
    return isinstance(flows, (list, tuple)) and all(
        isinstance(step, (list, tuple)) and len(step) == 3 and isinstance(step[0], str) for step in flows
    )
