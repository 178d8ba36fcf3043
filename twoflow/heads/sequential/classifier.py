"""Learn several targets one after the other, on a representation that the first of them shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from ...images.targets import all_right, join_targets
from ..groups import read_groups
from ..inner_folds import fit_clone, fit_transform_clone
from ..partial_labels import PartialLabels, find_positions, read_partial_labels
from ..random_states import seeded
from ..targets import TargetsTags, extend_targets_tags
from .discriminants import DiscriminantProjection
from .early_stopping import EarlyStoppingMLPClassifier

#: The representations by name.
REPRESENTATIONS: dict[str, Callable[[], Any]] = {
    "lda": DiscriminantProjection,
    "mlp": EarlyStoppingMLPClassifier,
}


class SequentialClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    """Learn one target with all features, and the others on the representation that it has shaped.

    These are the sequential decoupled sub-models of Tymkiv & Horun (2025,
    https://doi.org/10.31891/2307-5732-2025-359-67). They train a network for the subcategory first. Then they freeze
    its features, and train a small model for each other target on them. Here flows compute the features. The first
    target shapes a supervised projection of them, or the hidden layer of a perceptron.

    Parameters
    ----------
    order : sequence of str or int, optional
        The targets in the order in which they are learned, each once: names of the columns of y, or their positions
        from 0. Names need a y that is a table with names. The first one shapes the representation; the order of the
        others changes only their random seeds. By default the finest first: the target with the most classes, and the
        later column at a tie.
    representation : "lda", "mlp" or classifier, default="lda"
        "lda" is `DiscriminantProjection`, which has as many outputs as the first target has classes, and takes wide
        features. "mlp" is `EarlyStoppingMLPClassifier`; its last hidden layer keeps more of what the first target does
        not need. Any other classifier must have `transform`; if it has `fit_transform`, the later targets learn from
        what that returns.
    estimator : classifier, optional
        Learns a later target on the representation. It is cloned for each. By default an `EarlyStoppingMLPClassifier`:
        layers of 512 and 256 units and an L2 penalty of 5e-4, as in the paper. `twoflow.deep.DropoutMLPClassifier` adds
        the paper's dropout of 0.3.
    random_state : int, RandomState or None, default=None
        Seeds every part that has a `random_state` of None. With None each fit draws other seeds.

    Attributes
    ----------
    order_ : list of int
        The columns of y in the order in which they were learned.
    classes_ : list of ndarray of shape (n_classes,)
        The classes of each target, in the order of the columns of y, as in all lists below.
    representation_ : classifier
        The fitted representation. It also answers for the first target.
    estimators_ : list of classifier
        What answers for each target: `representation_` for the first one, which takes the features. The others take
        its outputs.
    n_labeled_ : dict of str to int
        How many rows have a label, by target.
    n_parameters_ : int or None
        The number of fitted weights and intercepts; the representation counts once. None if a classifier has neither
        `n_parameters_` nor `coef_`.
    n_parameters_by_target_ : dict of str to (int or None)
        The same by target; the representation counts for the first one.
    epochs_ : dict of str to (int or None)
        How many epochs were trained, by target. None for a classifier without `epochs_`, such as a projection.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has feature names.

    Notes
    -----
    Some labels may be missing. A target is learned from the rows that have its label, so rows without the label of the
    first target do not shape the representation, but the other targets still learn from them.

    A later target can only use what the representation keeps. The paper's attribute fell from 98.6 to 92 %. A target
    that has little to do with the first one, such as the color, is better learned by itself; see
    `MultiTargetClassifier`.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = np.random.RandomState(0).rand(60, 5)
    >>> fine = np.array(["a", "b", "c"])[(3 * X[:, 0]).astype(int)]
    >>> y = np.column_stack([np.where(X[:, 0] > 0.5, "shoe", "top"), fine])
    >>> y[:5, 0] = ""
    >>> model = SequentialClassifier(estimator=LogisticRegression()).fit(X, y)
    >>> model.order_, model.n_labeled_, model.predict(X).shape
    ([1, 0], {'target 1': 55, 'target 2': 60}, (60, 2))
    """

    _parameter_constraints: ClassVar[dict] = {
        "order": ["array-like", None],
        "representation": [StrOptions(set(REPRESENTATIONS)), HasMethods(["fit", "transform", "predict_proba"])],
        "estimator": [HasMethods(["fit", "predict_proba"]), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        order: Sequence[str | int] | None = None,
        *,
        representation: Any = "lda",
        estimator: Any = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.order = order
        self.representation = representation
        self.estimator = estimator
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Learn the first target, then the others on its representation.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n, k)
            Classes; a column for each target. None, NaN and blank text are missing labels.
        groups : array-like of shape (n,), optional
            Rows of one group, such as photos of one item, are held out together wherever a part holds rows out.
            Default: no groups.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If y has one dimension, a target has no label or only one class, or `order` does not name each target once.
        """
        self._validate_params()
        X = validate_data(self, X, dtype=[np.float64, np.float32], ensure_min_samples=2)
        targets = read_partial_labels(y)
        check_consistent_length(X, targets.has_label, groups)
        groups = read_groups(groups)
        self.order_ = _resolve(self.order, targets)
        rng = check_random_state(self.random_state)
        first, *later = self.order_
        self.estimators_: list[Any] = [None] * len(targets.names)
        shared = self._fit_first(X, targets, groups, first, rng)
        estimator = EarlyStoppingMLPClassifier() if self.estimator is None else self.estimator
        for position in later:
            rows = targets.has_label[:, position]
            self.estimators_[position] = fit_clone(
                seeded(estimator, rng), shared[rows], targets.labels[position], None if groups is None else groups[rows]
            )
        self.classes_ = [each.classes_ for each in self.estimators_]
        self.n_labeled_ = targets.n_labeled
        counts = [count_parameters(each) for each in self.estimators_]
        self.n_parameters_ = None if None in counts else sum(count for count in counts if count is not None)
        self.n_parameters_by_target_ = dict(zip(targets.names, counts))
        self.epochs_ = {name: getattr(each, "epochs_", None) for name, each in zip(targets.names, self.estimators_)}
        return self

    def _fit_first(
        self, X: np.ndarray, targets: PartialLabels, groups: np.ndarray | None, first: int, rng: np.random.RandomState
    ) -> np.ndarray:
        """Fit the representation, and return it for all training rows."""
        kind = self.representation
        representation = seeded(REPRESENTATIONS[kind]() if isinstance(kind, str) else kind, rng)
        rows = targets.has_label[:, first]
        self.estimators_[first], known = fit_transform_clone(
            representation, X[rows], targets.labels[first], None if groups is None else groups[rows]
        )
        if rows.all():
            return known
        shared = np.empty((len(X), known.shape[1]), dtype=known.dtype)
        shared[rows] = known
        shared[~rows] = self.representation_.transform(X[~rows])
        return shared

    @property
    def representation_(self) -> Any:
        """The fitted representation, which also answers for the first target."""
        check_is_fitted(self)
        return self.estimators_[self.order_[0]]

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of each row and target, of shape (n, k), in the order of the columns of y."""
        return join_targets([each.predict(rows) for each, rows in self._inputs(X)])

    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """Return the probabilities of each target's classes: a list with an array of shape (n, n_classes) for each."""
        return [each.predict_proba(rows) for each, rows in self._inputs(X)]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows whose targets are all right.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n, k)
            No label may be missing.
        sample_weight : array-like of shape (n,), optional
            By default all rows count the same.

        Returns
        -------
        float
        """
        return float(np.average(all_right(np.asarray(y), self.predict(X)), weights=sample_weight))

    def _inputs(self, X: Any) -> list[tuple[Any, np.ndarray]]:
        """Return what answers for each target, with the rows that it takes."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        shared = self.representation_.transform(X)
        inputs = [shared] * len(self.estimators_)
        inputs[self.order_[0]] = X
        return list(zip(self.estimators_, inputs))

    def __sklearn_tags__(self) -> TargetsTags:
        tags = extend_targets_tags(super().__sklearn_tags__())
        tags.target_tags.single_output = False
        tags.target_tags.multi_output = True
        tags.non_deterministic = self.random_state is None
        return tags


def count_parameters(classifier: Any) -> int | None:
    """Count the weights and intercepts of a fitted classifier; None if it has neither `n_parameters_` nor `coef_`."""
    if hasattr(classifier, "n_parameters_"):
        return int(classifier.n_parameters_)
    if hasattr(classifier, "coef_"):
        return int(np.size(classifier.coef_) + np.size(getattr(classifier, "intercept_", ())))
    return None


def _resolve(order: Any, targets: PartialLabels) -> list[int]:
    """Return the positions of the targets in the order in which they are learned."""
    n_targets = len(targets.names)
    if order is None:
        sizes = [len(np.unique(labels)) for labels in targets.labels]
        finest = max(range(n_targets), key=lambda position: (sizes[position], position))
        return [finest, *(position for position in range(n_targets) if position != finest)]
    return find_positions("order", order, targets.names)
