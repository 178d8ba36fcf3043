"""The Two-Flow model: select in each flow, stack the selections, let a head decide."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from numbers import Integral
from typing import Any, ClassVar, Self

import joblib
import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.metaestimators import _BaseComposition, available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ..errors import InputError
from ..flows import Flow, FlowUnion
from ..flows.contract import StoreLike
from ..heads.inner_folds import fit_clone
from ..heads.random_states import seeded
from ..heads.table import get_head
from ..heads.targets import check_targets
from ..images import ImageCollection, check_images
from .choice import BestOf, Candidate
from .recipes import RECIPES, Recipe, candidates

#: A name, a flow, and what selects among its features: a transformer of features or "passthrough".
FlowStep = tuple[str, Flow, Any]


def _head_has(method: str) -> Any:
    return available_if(lambda self: hasattr(self._fitted_or_given_head(), method))


class TwoFlowClassifier(ClassifierMixin, _BaseComposition):
    """Classify images by several flows of features, each selected on its own, then stacked.

    By default the model of Iliukovich-Strakovskaia, Dral & Dral (2016): 128 random projections of the pixels, of which
    a Random Forest selects 55; the global pool of a pretrained network, of which it selects 400; a Random Forest of
    200 trees on both. Other recipes are more accurate, and every part can be replaced.

    Parameters
    ----------
    flows : list of (str, Flow) or (str, Flow, transformer or "passthrough"), optional
        A name, a flow, and the selector of its features, which is the head's own when not given. The flows of the
        recipe when there are none.
    head : str or classifier, optional
        Decides on the stacked selections: "forest" (the paper's, whose probabilities are the votes of its trees),
        "calibrated-forest", "logistic", "lda", "kernel-ridge", "kernel-svm", "stack" (a head for each flow, whose
        probabilities are combined), or any classifier of features, for which nothing is selected. That of the recipe
        when not given.
    recipe : {"paper", "fast", "best"}
        "paper" is the model above. "fast" takes one pass over one network, how the channels of its late stages vary
        together, and kernel ridge on these. "best" does so with the mirror image, more stages, color, and a second
        and third network where they are installed (the extra ``twoflow[networks]``), and chooses among some such
        candidates on the images it is fitted on: see `chosen_`.
    network : str or path
        The network of the recipe's flows; see `CNNEmbedding`.
    random_state : int, RandomState or None
        Seeds every part that has a `random_state` of None.
    n_jobs : int, optional
        For reading images and for fitting the parts that have an `n_jobs` of None.
    verbose : bool
        Show progress on stderr when that is a terminal.
    store : path or FeatureStore, optional
        Keeps the flows' features on disk, so that another fit on the same images finds them; see `Flow`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    union_ : FlowUnion
        The fitted flows.
    model_ : Pipeline
        The fitted selectors and head; it takes what `union_` gives.
    chosen_ : str
        The candidate that a recipe with several has chosen; of a recipe with one, its name.
    candidates_ : dict of str to float
        The accuracy of each candidate on images of the training side that it was not fitted on; empty for a recipe
        with one.

    Notes
    -----
    The parts are parameters by name: ``projection``, ``projection__n_components``,
    ``projection_selector__max_features``, ``cnn__layer``, ``head__n_estimators``, ..., for `set_params` and
    `GridSearchCV`, also where the defaults were not touched. A recipe that has several candidates has none of these.

    Examples
    --------
    >>> from twoflow import TwoFlowClassifier, make_shop
    >>> shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    >>> model = TwoFlowClassifier(random_state=0).set_params(head__n_estimators=20)
    >>> model.fit(shop, shop.labels).predict(shop[:1])
    array(['tee/01'], dtype='<U6')
    """

    _parameter_constraints: ClassVar[dict] = {
        "flows": [list, tuple, None],
        "head": [str, HasMethods(["fit", "predict"]), None],
        "recipe": [StrOptions(set(RECIPES))],
        "network": [str, os.PathLike],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["boolean"],
        "store": Flow._parameter_constraints["store"],
    }

    def __init__(
        self,
        flows: Sequence[FlowStep | tuple[str, Flow]] | None = None,
        head: Any = None,
        *,
        recipe: str = "paper",
        network: str | os.PathLike = "efficientnet-lite0",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        self.flows = flows
        self.head = head
        self.recipe = recipe
        self.network = network
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.store = store

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Compute the features, select, and fit the head.

        Parameters
        ----------
        X : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
        y : array-like of shape (n,)
            Classes; at least two.
        groups : array-like of shape (n,), optional
            Images that belong together, as photos of the same item do; by default those of the collection. Where the
            model tries on some images what it has learned from others, groups are kept together; but for selectors,
            such as those of the head "stack", which are not given any.

        Returns
        -------
        self

        Raises
        ------
        ImageReadError
            For the first image that cannot be read.
        """
        images = check_images(X)
        y = check_targets(y)
        if groups is None and isinstance(X, ImageCollection):
            groups = X.groups
        groups = None if groups is None else np.asarray(groups)
        check_consistent_length(images, y, groups)
        union, model = self.split()
        self.union_ = union.fit(images, y)
        features = self.union_.transform(images)
        with nullcontext() if self.n_jobs is None else joblib.parallel_config(n_jobs=self.n_jobs):
            self.model_: Pipeline = fit_clone(model, features, y, groups)
        self.classes_ = self.model_.classes_
        head = self.model_["head"]
        self.chosen_: str = self.recipe
        self.candidates_: dict[str, float] = {}
        if isinstance(head, BestOf):
            self._keep(head)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The class of each image, of shape (n,)."""
        features = self._features(X)
        return self.model_.predict(features)

    @_head_has("predict_proba")
    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, of shape (n, n_classes), in the order of `classes_`."""
        features = self._features(X)
        return self.model_.predict_proba(features)

    @_head_has("decision_function")
    def decision_function(self, X: Any) -> np.ndarray:
        """The head's score of each class; see there for its shape."""
        features = self._features(X)
        return self.model_.decision_function(features)

    @property
    def flow_importances_(self) -> dict[str, float]:
        """By flow, the sum of the head's importances of its features; for heads that have importances."""
        check_is_fitted(self)
        select, head = self.model_["select"], self.model_["head"]
        importances = head.feature_importances_
        return {name: float(importances[select.output_indices_[name]].sum()) for name, _ in self.union_.flows_}

    def split(self) -> tuple[FlowUnion, Pipeline]:
        """The unfitted model in two: the flows, and what is fitted on their features.

        A comparison computes the features once and fits the second part in each fold. Both parts are clones, with
        their random states set; the second expects the columns as the first gives them.
        """
        self._validate_params()
        self._check_flows()
        rng = check_random_state(self.random_state)
        found = self._candidates()
        if len(found) == 1:
            recipe, = found.values()
            return self._split(self._steps(recipe), self._made_head(recipe), rng)
        return self._split_many(found, rng)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters; with ``deep`` also the parts by name and theirs as ``part__parameter``."""
        # What was given comes last: `head` is still None where the default's parameters are listed.
        return {**self._get_params("_parts", deep=deep), **self._get_params("_parts", deep=False)}

    def set_params(self, **params: Any) -> Self:
        """Set parameters; a part is replaced by its name, a parameter of one set as ``part__parameter``."""
        # The defaults must exist before something in them can be set, and be those of the recipe that is set with them.
        for name in _OWN & params.keys():
            setattr(self, name, params.pop(name))
        if params:
            self._parts = self._parts
            self._set_params("_parts", **params)
        return self

    @property
    def _parts(self) -> list[tuple[str, Any]]:
        """Flows, selectors and head as the flat list of names and parts that scikit-learn's helpers work on."""
        try:
            recipe, = self._candidates().values()
            steps, head = self._steps(recipe), self._made_head(recipe)
        except (IndexError, KeyError, TypeError, ValueError):
            return []  # several candidates; or what is wrong, fit says so, not a repr
        parts = [part for name, flow, selector in steps for part in ((name, flow), (f"{name}_selector", selector))]
        return [*parts, ("head", head)]

    @_parts.setter
    def _parts(self, parts: Sequence[tuple[str, Any]]) -> None:
        if parts:
            *rest, (_, self.head) = parts
            self.flows = [(name, flow, selector) for (name, flow), (_, selector) in zip(rest[::2], rest[1::2])]

    def _candidates(self) -> dict[str, Recipe]:
        """The recipe's, with what was given in the place of its own; given flows leave nothing to choose from."""
        found = candidates(self.recipe, self.network)
        if self.flows is not None:
            first, *_ = found.values()
            return {self.recipe: Recipe(self.flows, first.head if self.head is None else self.head)}
        return found if self.head is None else {name: Recipe(flows, self.head) for name, (flows, _) in found.items()}

    def _steps(self, recipe: Recipe) -> list[FlowStep]:
        """The flows with their selectors."""

        def selector(flow: Flow) -> Any:
            return get_head(recipe.head).selector(flow) if isinstance(recipe.head, str) else "passthrough"

        return [(step[0], step[1], step[2] if len(step) == 3 else selector(step[1])) for step in recipe.flows]

    def _made_head(self, recipe: Recipe) -> Any:
        return get_head(recipe.head).classifier() if isinstance(recipe.head, str) else recipe.head

    def _split(self, steps: Sequence[FlowStep], head: Any, rng: np.random.RandomState) -> tuple[FlowUnion, Pipeline]:
        steps = [(name, seeded(flow, rng), seeded(selector, rng)) for name, flow, selector in steps]
        named = [(name, flow) for name, flow, _ in steps]
        union = FlowUnion(named, n_jobs=self.n_jobs, verbose=self.verbose, store=self.store)
        union._check()  # before a flow is asked for its width, which it may not know with wrong parameters
        columns = union.slices()
        select = ColumnTransformer(
            [(name, selector, columns[name]) for name, _, selector in steps],
            n_jobs=1,  # the forests in it are parallel already
        )
        return union, Pipeline([("select", select), ("head", seeded(head, rng))])

    def _split_many(self, found: dict[str, Recipe], rng: np.random.RandomState) -> tuple[FlowUnion, Pipeline]:
        """All flows of all candidates, and the choice among these."""
        flows = {name: (name, flow, "passthrough") for recipe in found.values() for name, flow, *_ in recipe.flows}
        union, _ = self._split(list(flows.values()), "passthrough", rng)
        places = union.slices()
        models = [
            Candidate(
                candidate,
                [(name, seeded(selector, rng), places[name]) for name, _, selector in self._steps(recipe)],
                seeded(self._made_head(recipe), rng),
            )
            for candidate, recipe in found.items()
        ]
        return self._split([(name, flow, "passthrough") for name, flow in union.flows], BestOf(models), rng)

    def _keep(self, head: BestOf) -> None:
        """The chosen candidate alone, so that no image to predict passes through flows that nobody asks."""
        self.chosen_, self.candidates_ = head.chosen_, head.accuracy_
        flows = dict(self.union_.flows_)
        running = {name: getattr(self.union_, name) for name in ("n_jobs", "verbose", "store")}
        self.union_ = FlowUnion.of_fitted(
            {name: flows[name] for name, _, _ in head.model_["select"].transformers}, **running
        )
        self.model_ = head.model_

    def _fitted_or_given_head(self) -> Any:
        if hasattr(self, "model_"):
            return self.model_["head"]
        return self._made_head(next(iter(self._candidates().values())))

    def _features(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.union_.transform(X)

    def _check_flows(self) -> None:
        for step in () if self.flows is None else self.flows:
            if not _is_step(step):
                raise InputError(
                    f'flows must be a list of (name, flow) or (name, flow, selector or "passthrough"), got {step!r}'
                )
        if self.flows is not None and len(self.flows) == 0:
            raise InputError("a model needs at least one flow")
        for recipe in self._candidates().values():
            self._made_head(recipe)  # a wrong name is told now
        names = [name for name, _ in self._parts]
        if len(set(names)) < len(names):
            raise InputError(f"every part needs a name of its own, got {', '.join(names)}")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        return tags


#: The parameters that are no parts.
_OWN = {"flows", "head", "recipe", "network", "random_state", "n_jobs", "verbose", "store"}


def _is_step(step: Any) -> bool:
    return isinstance(step, (tuple, list)) and len(step) in (2, 3)
