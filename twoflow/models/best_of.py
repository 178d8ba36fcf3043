"""Choose among models on the training images only."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from numbers import Integral
from typing import Any, ClassVar, Self

import joblib
import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.pipeline import FeatureUnion
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted

from ..errors import InputError
from ..flows import Flow, FlowUnion
from ..heads.class_balance import complete_class_weights
from ..heads.composition import PartsByName
from ..heads.inner_folds import fit_clone
from ..heads.random_states import seeded
from ..heads.targets import complete_target_names
from ..images.tags import ImageTags, extend_tags
from ..store import StoreLike
from .choosing_classifier import ChoosingClassifier
from .delegation import DelegatedPredictions
from .inputs import check_inputs, given_names
from .parts import Parts, join_flows, take_apart


class BestOf(DelegatedPredictions, PartsByName, ClassifierMixin, _BaseComposition):
    """Fit the model, of several, that is best on held-out training images.

    The choice uses no test images, so scores on test images are not biased by it. It holds out some of the images that
    it is fitted on; see `ChoosingClassifier`. The features of all models are computed in one pass.

    Parameters
    ----------
    models : list of (str, model)
        Names and models that `take_apart` can take apart, such as `FlowClassifier`. At a tie the first is chosen, so
        put cheaper models first.
    cv : int, default=4
        The number of folds that the models are judged on. It has no effect if all can be judged in closed form.
    weights : {"equal", "leave-out"}, default="equal"
        How much the flows of a model count beside each other. With "leave-out" their weights are found on the training
        images, and flows of weight zero are left out of the fitted model; see `ChoosingClassifier`. It has no effect if
        a head cannot be fitted from the kernel alone.
    random_state : int, RandomState or None, default=None
        Draws the folds, and seeds every part that has a `random_state` of None. With None each fit draws others.
    n_jobs, verbose, store
        See `FlowClassifier`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    chosen_ : str
        The name of the best model.
    candidates_ : dict of str to float
        The accuracy of each model on held-out images. That of the best is optimistic, because it was chosen by it: on
        new images expect less.
    weights_ : dict of str to float
        The weight of each flow of the best model, by its name there. The mean is 1.
    union_ : FlowUnion
        The fitted flows of the best model that have a weight. The other flows are not kept.
    model_ : SelectingClassifier
        The best model's selectors and head, fitted on the features of these flows.

    Examples
    --------
    >>> from sklearn.linear_model import RidgeClassifier
    >>> from twoflow import ColorHistogram, RawPixels, make_model, make_shop
    >>> from twoflow.models import BestOf
    >>> shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    >>> flows = {"color": ColorHistogram(), "pixels": RawPixels((8, 8))}
    >>> models = [(name, make_model([(name, flow)], RidgeClassifier())) for name, flow in flows.items()]
    >>> model = BestOf(models, random_state=0).fit(shop)
    >>> model.chosen_ == max(model.candidates_, key=model.candidates_.get)
    True
    """

    _parameter_constraints: ClassVar[dict] = {
        "models": [list, tuple],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "weights": [StrOptions({"equal", "leave-out"})],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["boolean"],
        "store": Flow._parameter_constraints["store"],
    }

    def __init__(
        self,
        models: Sequence[tuple[str, Any]],
        *,
        cv: int = 4,
        weights: str = "equal",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        self.models = models
        self.cv = cv
        self.weights = weights
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.store = store

    @property
    def _named_parts(self) -> Sequence[tuple[str, Any]]:
        return self.models

    @_named_parts.setter
    def _named_parts(self, parts: Sequence[tuple[str, Any]]) -> None:
        self.models = parts

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Judge the models, and fit the best on all images.

        Parameters
        ----------
        X : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
        y : array-like of shape (n,), optional
            Classes; at least two. Default: the labels of the collection.
        groups : array-like of shape (n,), optional
            Images of one group are held out together. Default: the groups of the collection, if it has any.

        Returns
        -------
        self

        Raises
        ------
        ImageReadError
            For the first image that cannot be read.
        ValueError
            If a parameter is wrong, a model is not made of flows, or y contains no classes.
        """
        names = given_names(X, y)
        images, y, groups = check_inputs(X, y, groups)
        parts = take_apart(self)
        parts.check_memory(len(images))
        running: dict[str, Any] = {"n_jobs": self.n_jobs, "verbose": self.verbose, "store": self.store}
        union = FlowUnion([(name, complete_target_names(flow, names)) for name, flow in parts.flows], **running)
        features = union.fit_transform(images, y, groups)
        with nullcontext() if self.n_jobs is None else joblib.parallel_config(n_jobs=self.n_jobs):
            chooser = fit_clone(complete_class_weights(parts.head, y), features, y, groups)
        self.chosen_, self.candidates_, self.weights_ = chooser.chosen_, chooser.candidates_, chooser.weights_
        places = union.slices()
        needed = [name for name, place in places.items() if place.start in chooser.best_.columns]
        self.union_ = FlowUnion.of_fitted({name: flow for name, flow in union.flows_ if name in needed}, **running)
        self.model_ = chooser.best_.without_other_columns()
        self.classes_ = self.model_.classes_
        return self

    def _delegate(self) -> Any:
        return getattr(self, "model_", self.models[0][1])

    def _inputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.union_.transform(X)

    def _sk_visual_block_(self) -> Any:
        """Show the models side by side."""
        return FeatureUnion(self.models)._sk_visual_block_()

    def __sklearn_tags__(self) -> ImageTags:
        return extend_tags(super().__sklearn_tags__(), ImageTags)


@take_apart.register
def _(model: BestOf) -> Parts:
    """Return the flows of all models, each once, and a `ChoosingClassifier` on their features as the head."""
    model._validate_params()
    if not model.models:
        raise InputError("models: expected at least one model, got none")
    rng = check_random_state(model.random_state)
    seed = rng.randint(np.iinfo(np.int32).max)
    apart: dict[str, Parts] = {}
    for name, each in model.models:
        # All models get the same seed, so that a flow that two models share is recognized as one.
        apart[name] = take_apart(seeded(each, np.random.RandomState(seed)))
        if not apart[name].steps:
            raise InputError(f"models: expected models made of flows, got {type(each).__name__} as {name!r}")
    steps, candidates = join_flows(apart)
    seed = rng.randint(np.iinfo(np.int32).max)
    chooser = ChoosingClassifier([*candidates.items()], cv=model.cv, weights=model.weights, random_state=seed)
    return Parts(steps, chooser)
