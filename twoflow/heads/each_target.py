"""Learn several targets by one classifier for each."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from joblib import Parallel, delayed
from sklearn.multioutput import MultiOutputClassifier

from ..errors import InputError
from ..images.targets import join_targets, split_targets
from .groups import read_groups
from .inner_folds import fit_clone
from .targets import check_targets

#: What a classifier sees in the place of "". It is no likely label, and is sorted before nearly all labels, as "" is.
_EMPTY = "!\N{EMPTY SET}"


class EachTargetClassifier(MultiOutputClassifier):
    """Fit one clone of a classifier for each target.

    This is `sklearn.multioutput.MultiOutputClassifier` for the targets of images. It also takes targets of different
    kinds, such as text and numbers, and it hands groups to the cross-validation inside each classifier. If the targets
    are levels of a hierarchy, a missing finer label, "", is a class of its own there.

    Parameters
    ----------
    estimator : classifier
        Learns one target. It is cloned, and never fitted itself.
    n_jobs : int or None, default=1
        How many targets are learned at the same time. It has no effect on the answers. By default one after the other,
        because most classifiers use all cores themselves.

    Attributes
    ----------
    estimators_ : list of classifier
        The fitted classifiers, one for each target.
    classes_ : list of ndarray of shape (n_classes,)
        The classes of each target.

    Examples
    --------
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> y = np.array([["boot", 1990], ["boot", 1968], ["clog", 1968]], dtype=object)
    >>> model = EachTargetClassifier(DecisionTreeClassifier(random_state=0)).fit([[0], [1], [2]], y)
    >>> model.predict([[1]]).tolist(), [len(classes) for classes in model.classes_]
    ([['boot', 1968]], [2, 2])
    """

    def __init__(self, estimator: Any, *, n_jobs: int | None = 1) -> None:
        super().__init__(estimator, n_jobs=n_jobs)

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit a clone of the classifier for each target.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n, k)
            Classes; a column for each target. In all columns but the first "" is a class too.
        groups : array-like of shape (n,), optional
            Where a classifier holds rows out, it holds whole groups out. Default: no groups.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If y has one dimension, or a target has fewer than two classes.
        """
        self._validate_params()
        y = check_targets(y, may_end=True)
        if y.ndim == 1:
            raise InputError(
                f"y: expected shape (n, n_targets), got {y.shape}; for one target, use the classifier alone"
            )
        groups = read_groups(groups)
        self.estimators_ = Parallel(n_jobs=self.n_jobs)(
            delayed(fit_clone)(self.estimator, X, _without_empty(target), groups) for target in split_targets(y)
        )
        self.classes_ = [_with_empty(classifier.classes_) for classifier in self.estimators_]
        if hasattr(self.estimators_[0], "n_features_in_"):
            self.n_features_in_ = self.estimators_[0].n_features_in_
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the class of each row and target, of shape (n, k)."""
        return join_targets([_with_empty(classifier.predict(X)) for classifier in self.estimators_])


def _without_empty(labels: np.ndarray) -> np.ndarray:
    """Replace "", which classifiers take for a missing label, by a name of its own, which comes first when sorted."""
    if labels.dtype.kind != "U":
        return labels
    if (labels == _EMPTY).any():
        raise InputError(f'y: expected no label {_EMPTY!r}, which stands for "" in classifiers, got one; rename it')
    return np.where(labels == "", _EMPTY, labels)


def _with_empty(labels: np.ndarray) -> np.ndarray:
    """Undo `_without_empty`."""
    return np.where(labels == _EMPTY, "", labels) if labels.dtype.kind == "U" else labels
