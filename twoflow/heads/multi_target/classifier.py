"""Learn several targets of the same rows or images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import ClassifierMixin, MetaEstimatorMixin
from sklearn.pipeline import FeatureUnion
from sklearn.utils import check_random_state, get_tags
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.metaestimators import _BaseComposition, available_if
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from ...errors import InputError
from ...images import ImageCollection
from ...images.targets import all_right, join_targets, to_targets
from ..composition import PartsByName
from ..groups import read_groups
from ..partial_labels import find_positions, read_partial_labels, with_empty
from ..random_states import seeded
from ..shared_features import SharesFeatures, on_shared_features, trained_parts
from ..targets import TargetsTags, extend_targets_tags
from .strategies import STRATEGIES, Learned, Task


def _has_probabilities(self: MultiTargetClassifier) -> bool:
    return all(hasattr(each, "predict_proba") for each in getattr(self, "estimators_", self._given))


class MultiTargetClassifier(SharesFeatures, PartsByName, MetaEstimatorMixin, ClassifierMixin, _BaseComposition):
    """Learn several targets by the same features, such as the type and the color of a garment.

    Parameters
    ----------
    estimator : classifier, or dict of str or int to classifier
        Learns one target; for "shared" all of them. It is cloned, and never fitted itself. A dict has one for each
        target, by its name or its position from 0; names need a y that has them, or `target_names`. It may also be a
        whole model of images; then X are images, and the features of each image are computed once for all targets.
    strategy : {"separate", "shared", "joint", "chain"}, default="separate"
        Which classifiers are fitted.

        - "separate": one for each target.
        - "shared": one with an output for each target, such as a forest or `KernelRidgeClassifier`.
        - "joint": one of the combinations of labels that occur. The probability of a class is the sum over the
          combinations with it.
        - "chain": one for each target, which also sees the probabilities of the targets before it.
    order : sequence of str or int, optional
        The targets in the order in which a chain learns them, each once, by name or position. By default that of the
        columns of y. The other strategies ignore it.
    missing : {"skip", "class"}, default="skip"
        What a missing label is. "skip": no label; see Notes. "class": a class of its own, "", such as the finer label
        of an image that has none in a hierarchy.
    target_names : sequence of str, optional
        The names of the targets. By default those of the collection, or of the columns of y if it is a table, else
        "target 1", "target 2", ...
    cv : int, default=5
        The most folds in which a chain computes the probabilities of held-out rows. The other strategies ignore it.
    random_state : int, RandomState or None, default=None
        Draws the folds, and seeds the estimator where its random states are None. By default each fit differs.
    n_jobs : int or None, default=1
        How many classifiers are fitted at the same time. It has no effect on the answers. By default one after the
        other, because most classifiers use all cores themselves.

    Attributes
    ----------
    target_names_ : tuple of k str
        In the order of the columns of y, as all lists below.
    classes_ : list of k ndarray of shape (n_classes,)
        The classes of each target.
    estimators_ : list of classifier
        For "separate" and "chain" one for each target; for "shared" and "joint" the only one. It learns positions: of
        classes in `classes_`, or of rows of `combinations_`.
    combinations_ : ndarray of int and shape (n_combinations, k), or None
        For "joint" the combinations that occur, as positions in `classes_`.
    order_ : list of int
        The columns of y in the order of a chain.
    n_labeled_ : dict of str to int
        How many rows have a label, by target.
    n_partly_labeled_ : int
        How many rows lack the label of some target. "joint" does not learn from them, and "shared" only if its
        classifier can.
    model_ : FlowClassifier or None
        For whole models of images, the flows and, as head, this classifier on their features.
    flow_ : Flow or None
        For a classifier of images that trains a flow for all targets, that flow; `estimators_` decide on its features.
    history_ : list of dict, or None
        The epochs of the training of `flow_`; None without it.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has feature names.

    Notes
    -----
    Some labels may be missing: None, NaN or blank text. "separate" and "chain" learn each target from the rows that
    have its label; "shared" and "joint" learn from rows that have all. A class that no such row has gets the
    probability 0 there. A classifier that takes missing labels, such as `twoflow.deep.FineTunedClassifier` or
    `twoflow.deep.DropoutMLPClassifier`, learns by "shared" from all rows.

    The answer for each target is its likeliest class, so "joint" may answer a combination that never occurred. The
    likeliest combination would be right more often if only known combinations occur, but would contradict
    `predict_proba`, and what a threshold, a service or an exported graph says of each target.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> y = np.array([["boot", 1990], ["boot", 1968], ["clog", 1968]], dtype=object)
    >>> model = MultiTargetClassifier(DecisionTreeClassifier(random_state=0)).fit([[0], [1], [2]], y)
    >>> model.predict([[1]]).tolist(), model.target_names_, [len(classes) for classes in model.classes_]
    ([['boot', 1968]], ('target 1', 'target 2'), [2, 2])
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": [HasMethods(["fit", "predict"]), Mapping],
        "strategy": [StrOptions(set(STRATEGIES))],
        "order": ["array-like", None],
        "missing": [StrOptions({"skip", "class"})],
        "target_names": ["array-like", None],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator: Any,
        strategy: str = "separate",
        *,
        order: Sequence[str | int] | None = None,
        missing: str = "skip",
        target_names: Sequence[str] | None = None,
        cv: int = 5,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = 1,
    ) -> None:
        self.estimator = estimator
        self.strategy = strategy
        self.order = order
        self.missing = missing
        self.target_names = target_names
        self.cv = cv
        self.random_state = random_state
        self.n_jobs = n_jobs

    @property
    def _named_parts(self) -> list[tuple[str, Any]]:
        """The estimators of a dict, by the names that parameters have."""
        return [(str(name), each) for name, each in self.estimator.items()] if self._is_mapping else []

    @_named_parts.setter
    def _named_parts(self, parts: Sequence[tuple[str, Any]]) -> None:
        if parts:
            self.estimator = {name: each for name, (_, each) in zip(self.estimator, parts)}

    @property
    def _is_mapping(self) -> bool:
        return isinstance(self.estimator, Mapping)

    @property
    def _given(self) -> list[Any]:
        """The estimators that were given."""
        return list(self.estimator.values()) if self._is_mapping else [self.estimator]

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Fit the classifiers of the strategy.

        Parameters
        ----------
        X : array-like of shape (n, n_features), or n images for models of images
            An `ImageCollection` brings y, groups and the names of the targets.
        y : array-like of shape (n, k)
            Classes; a column for each target. None, NaN and blank text are missing labels.
        groups : array-like of shape (n,), optional
            Where rows are held out, whole groups are. By default there are no groups.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is wrong, y has one dimension, a target has no label or only one class, or the estimator
            cannot learn by this strategy.

        Warns
        -----
        LargeForestWarning
            If "joint" needs several gigabytes for the trees of a forest.
        """
        self._validate_params()
        self._check_mapping()
        self.model_ = on_shared_features(self)
        if self.model_ is not None:
            self._take_over(self.model_.fit(X, y, groups).model_)
            return self
        names = self.target_names
        if y is None and isinstance(X, ImageCollection):
            y, groups = X.labels, X.groups if groups is None else groups
            names = X.target_names if names is None else names
        X = self._checked(X, reset=True)
        targets = read_partial_labels(
            y, None if names is None else list(names), missing_is_class=self.missing == "class"
        )
        check_consistent_length(X, targets.has_label, groups)
        strategy, rng = STRATEGIES[self.strategy], check_random_state(self.random_state)
        estimators = self._by_target(targets.names, rng)
        order = range(len(targets.names)) if self.order is None else self.order
        self.order_ = find_positions("order", order, targets.names)
        task = Task(X, targets, read_groups(groups), estimators, self.order_, self.cv, rng, self.n_jobs)
        fitted, self.combinations_ = strategy.fit(task)
        self.flow_, self.estimators_, self.history_ = trained_parts(fitted)
        self.target_names_ = targets.names
        self.classes_ = [with_empty(classes) for classes in targets.classes]
        self.n_labeled_ = targets.n_labeled
        self.n_partly_labeled_ = int((~targets.has_label.all(axis=1)).sum())
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of each row and target, of shape (n, k), in the order of the columns of y."""
        model, X = self._enter(X)
        return join_targets([with_empty(column) for column in STRATEGIES[self.strategy].predict(model._learned, X)])

    @available_if(_has_probabilities)
    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """Return the probabilities of each target's classes: a list with an array of shape (n, n_classes) for each."""
        model, X = self._enter(X)
        return STRATEGIES[self.strategy].predict_proba(model._learned, X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the exact match ratio: the share of rows whose targets are all right.

        Parameters
        ----------
        X : array-like of shape (n, n_features), or n images
        y : array-like of shape (n, k)
            No label may be missing.
        sample_weight : array-like of shape (n,), optional
            The weight of each row. By default all count the same.

        Raises
        ------
        ValueError
            If y does not have a column for each target.
        """
        check_is_fitted(self)
        targets = to_targets(y)
        if len(self.target_names_) != (targets.shape[1] if targets.ndim == 2 else 1):
            raise InputError(
                f"y: expected shape (n, {len(self.target_names_)}), got {targets.shape}; pass a column for each target"
            )
        return float(np.average(all_right(targets, self.predict(X)), weights=sample_weight))

    @property
    def _learned(self) -> Learned:
        return Learned(self.estimators_, self.classes_, self.combinations_, self.order_)

    def _check_mapping(self) -> None:
        """Raise an error if a dict of estimators is empty, or has something else."""
        is_estimator = HasMethods(["fit", "predict"]).is_satisfied_by
        others = [repr(name) for name, each in self._named_parts if not is_estimator(each)]
        if not self._given or others:
            got = f"something else for {', '.join(others)}" if others else "an empty dict"
            raise InputError(
                f"estimator: expected a model or a classifier for each target, got {got}; give one for each"
            )

    def _by_target(self, names: Sequence[str], rng: np.random.RandomState) -> list[Any]:
        """Return the seeded estimator of each target."""
        if not self._is_mapping:
            return [seeded(self.estimator, rng)] * len(names)
        if STRATEGIES[self.strategy].has_one:
            raise InputError(
                f"estimator: expected one classifier for strategy={self.strategy!r}, got a dict; give one, or choose "
                "'separate' or 'chain'"
            )
        positions = find_positions("estimator", self.estimator, names)
        seed = rng.randint(np.iinfo(np.int32).max)
        parts = {
            position: seeded(each, np.random.RandomState(seed)) for position, each in zip(positions, self._given)
        }
        return [parts[position] for position in range(len(names))]

    def _sk_visual_block_(self) -> Any:
        """Show the estimators of a dict side by side."""
        return FeatureUnion(self._named_parts or [("estimator", self.estimator)])._sk_visual_block_()

    def __sklearn_tags__(self) -> TargetsTags:
        tags = extend_targets_tags(super().__sklearn_tags__())
        tags.input_tags = get_tags(self._given[0]).input_tags
        tags.input_tags.sparse = False
        tags.target_tags.single_output = False
        tags.target_tags.multi_output = True
        return tags
