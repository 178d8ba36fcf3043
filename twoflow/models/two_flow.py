"""Classify images by a recipe: an estimator with the parameters of `make_model`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import check_is_fitted

from ..errors import InputError
from ..flows import Flow
from ..heads.class_balance import ClassWeight
from ..heads.multi_target import MultiTargetClassifier
from ..heads.multi_target.strategies import STRATEGIES
from ..heads.targets import complete_target_names, learns_targets_together
from ..images.tags import ImageTags, extend_tags
from ..images.targets import default_names
from ..networks import CarriedNetwork, NetworksLike
from ..store import StoreLike
from .best_of import BestOf
from .delegation import DelegatedPredictions
from .flow_classifier import FlowClassifier
from .inputs import check_inputs, given_names, has_several_targets, name_levels
from .parts import Parts, take_apart
from .recipes import RECIPES, make_model
from .several_targets import for_targets


class TwoFlowClassifier(DelegatedPredictions, ClassifierMixin, BaseEstimator):
    """Classify images by the model of a recipe.

    `fit` makes the model with `make_model`, and fits it. `make` returns it unfitted, with the parameters of all parts.
    With several targets, the features are computed once, and `strategy` says which heads learn them; see
    `MultiTargetClassifier`.

    Parameters
    ----------
    recipe : {"paper", "fast", "best"}, default="paper"
        The recipe, which defines flows, selectors and head; see `make_model`.
    head : str or classifier, optional
        Another head than the recipe's own: "forest" (its probabilities are the votes of its trees),
        "calibrated-forest", "logistic", "lda", "kernel-ridge", "kernel-svm", "stack" (combines the probabilities of a
        head for each flow), or any classifier of features, for which nothing is selected. Default: the recipe's own.
    network : str, path, CarriedNetwork or list of these, default="efficientnet-lite0"
        The network of the recipe's flows, or several networks; see `make_model`.
    class_weight : {"balanced"}, dict of class to float, or None, default=None
        How much an image of each class counts when the head learns; see `make_model`. By default all count the same.
    max_per_class : int, optional
        The head learns from at most so many images of each class; see `make_model`. By default there is no limit.
    strategy : {"separate", "shared", "joint", "chain"}, default="separate"
        Which classifiers learn several targets; see `MultiTargetClassifier`. By default each target has selectors and a
        head of its own. It has no effect on one target.
    random_state, n_jobs, verbose, store
        See `FlowClassifier`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        With several targets, a list with one such array for each.
    model_ : FlowClassifier, BestOf or MultiTargetClassifier
        The fitted model; `BestOf` for a recipe whose flows are weighed, and `MultiTargetClassifier` around it for
        several targets.

    Examples
    --------
    >>> from twoflow import TwoFlowClassifier, make_shop
    >>> shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    >>> TwoFlowClassifier("fast", random_state=0).fit(shop).predict(shop[:1])
    array(['tee/01'], dtype='<U6')
    """

    _parameter_constraints: ClassVar[dict] = {
        "recipe": [StrOptions(set(RECIPES))],
        "head": [str, HasMethods(["fit", "predict"]), None],
        "network": [str, os.PathLike, CarriedNetwork, list, tuple],
        "class_weight": [Mapping, StrOptions({"balanced"}), None],
        "max_per_class": [Interval(Integral, 1, None, closed="left"), None],
        "strategy": [StrOptions(set(STRATEGIES))],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["boolean"],
        "store": Flow._parameter_constraints["store"],
    }

    def __init__(
        self,
        recipe: str = "paper",
        *,
        head: Any = None,
        network: NetworksLike = "efficientnet-lite0",
        class_weight: ClassWeight = None,
        max_per_class: int | None = None,
        strategy: str = "separate",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        self.recipe = recipe
        self.head = head
        self.network = network
        self.class_weight = class_weight
        self.max_per_class = max_per_class
        self.strategy = strategy
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.store = store

    def make(self) -> FlowClassifier | BestOf:
        """Make the unfitted model of these parameters.

        Raises
        ------
        ValueError
            If a parameter is wrong; see `make_model`.
        """
        self._validate_params()
        params = self.get_params(deep=False)
        del params["strategy"]  # it says how targets are learned, not what the model of one is
        return make_model(**params)

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Make the model and fit it.

        Parameters
        ----------
        X : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
        y : array-like of shape (n,) or (n, k), optional
            Classes, at least two of each target; with k targets, a column for each. Default: the labels of the
            collection.
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
            If a parameter is wrong, or y contains no classes.
        """
        names = given_names(X, y)
        may_be_missing = learns_targets_together(self.head) or has_several_targets(X, y)
        images, y, groups = check_inputs(X, y, groups, may_be_missing=may_be_missing)
        n_targets = 1 if y.ndim == 1 else y.shape[1]
        self.model_ = for_targets(self, names or default_names(n_targets)).fit(images, y, groups)
        name_levels(self.model_, names)
        self.classes_ = self.model_.classes_
        return self

    def _delegate(self) -> Any:
        return self.model_ if hasattr(self, "model_") else self.make()

    def _inputs(self, X: Any) -> Any:
        check_is_fitted(self)
        return X

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Raises
        ------
        ValueError
            If there is no such parameter. The model that `make` returns has the parameters of the parts.
        """
        own: Sequence[str] = self._get_param_names()
        head = params.get("head", self.head)
        for name in params:
            part, _, rest = name.partition("__")
            if part not in own or rest and not (part == "head" and hasattr(head, "set_params")):
                raise InputError(
                    f"Invalid parameter {name!r} for {type(self).__name__}: expected one of {', '.join(own)}; the "
                    f"parameters of the parts belong to the model that make_model({self.recipe!r}) returns"
                )
        return super().set_params(**params)

    def _sk_visual_block_(self) -> Any:
        return self.make()._sk_visual_block_()

    def __sklearn_tags__(self) -> ImageTags:
        return extend_tags(super().__sklearn_tags__(), ImageTags)


@for_targets.register
def _(model: TwoFlowClassifier, names: Sequence[str]) -> FlowClassifier | BestOf | MultiTargetClassifier:
    made = model.make()
    if len(names) == 1 or learns_targets_together(model.head):
        return complete_target_names(made, names)
    return MultiTargetClassifier(made, model.strategy, target_names=names, random_state=model.random_state)


@take_apart.register
def _(model: TwoFlowClassifier) -> Parts:
    return take_apart(model.make())
