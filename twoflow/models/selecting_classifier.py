"""Fit the second half of a model, on features: a selector for each flow, and a head on the stacked selections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
from scipy import sparse
from sklearn.base import ClassifierMixin, clone
from sklearn.utils import Tags, get_tags
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.metaestimators import _BaseComposition
from sklearn.utils.validation import check_is_fitted

from ..errors import InputError
from ..heads.composition import PartsByName
from ..heads.inner_folds import fit_clone, fit_transform_clone
from ..heads.multi_target.chain import use_more_columns
from ..heads.needed_memory import least_memory
from ..heads.targets import learns_several_targets
from .delegation import DelegatedPredictions

#: Some columns of an array.
Columns = slice | np.ndarray

#: A name, a selector ("passthrough" keeps all columns), and the columns that it is given.
Selection = tuple[str, Any, Columns]


class SelectingClassifier(DelegatedPredictions, PartsByName, ClassifierMixin, _BaseComposition):
    """Select among the columns of each flow, stack the selections, and classify them by a head.

    `FlowClassifier` fits this on features. If features are computed once for all folds, it also replaces a
    `FlowClassifier` inside a meta-estimator. It works as a pipeline of a `sklearn.compose.ColumnTransformer` and the
    head, but also hands groups to the selectors and the head.

    Parameters
    ----------
    selections : list of (str, transformer or "passthrough", slice or ndarray of int)
        A name, a selector, and the columns of X that it is given. "passthrough" keeps all of them.
    head : classifier
        Decides on all selections, side by side.

    Attributes
    ----------
    selectors_ : dict of str to transformer or "passthrough"
        The fitted selectors, by name.
    head_ : classifier
        The fitted head.
    classes_ : ndarray of shape (n_classes,)
    n_features_in_ : int

    Notes
    -----
    The parts are parameters by name: ``NAME_selector``, ``NAME_selector__max_features``, ``head__n_estimators``.
    """

    _parameter_constraints: ClassVar[dict] = {
        "selections": [list, tuple],
        "head": [HasMethods(["fit", "predict"])],
    }

    def __init__(self, selections: Sequence[Selection], head: Any) -> None:
        self.selections = selections
        self.head = head

    @classmethod
    def of_fitted(cls, name: str, columns: slice, n_features: int, head: Any) -> SelectingClassifier:
        """Give a fitted head some of the `n_features` columns of X, under a name."""
        selecting = cls([(name, "passthrough", columns)], head)
        selecting.selectors_, selecting.head_, selecting.classes_ = {name: "passthrough"}, head, head.classes_
        selecting.n_features_in_ = n_features
        return selecting

    @property
    def _named_parts(self) -> list[tuple[str, Any]]:
        return [(f"{name}_selector", selector) for name, selector, _ in self.selections]

    @_named_parts.setter
    def _named_parts(self, parts: Sequence[tuple[str, Any]]) -> None:
        self.selections = [
            (name, selector, columns) for (name, _, columns), (_, selector) in zip(self.selections, parts)
        ]

    @property
    def columns(self) -> np.ndarray:
        """The columns of X that are used, in the order of the selections."""
        return np.concatenate([_positions(columns) for _, _, columns in self.selections])

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit the selectors, then the head on what they select.

        Parameters
        ----------
        X : ndarray of shape (n, n_features)
        y : array-like of shape (n,) or (n, k)
            Classes.
        groups : array-like of shape (n,), optional
            If a selector or the head holds rows out, it holds whole groups out. Default: no groups.

        Returns
        -------
        self
        """
        self._validate_params()
        selected = self.fit_selectors(X, y, groups)
        self.head_ = fit_clone(self.head, selected, y, groups)
        self.classes_ = self.head_.classes_
        return self

    def fit_selectors(self, X: np.ndarray, y: Any, groups: Any = None) -> np.ndarray:
        """Fit the selectors, but not the head; return the selected features, of shape (n, n_selected)."""
        self.n_features_in_ = X.shape[1]
        self.selectors_: dict[str, Any] = {}
        selected = []
        for name, selector, columns in self.selections:
            self.selectors_[name], part = fit_selector(selector, X[:, columns], y, groups)
            selected.append(to_dense(part))
        return side_by_side(selected)

    def least_memory(self, n_rows: int, n_features: int) -> int:
        """Return the bytes that `fit` takes at least; of a flow that a selector selects in, no feature is counted."""
        kept = [_positions(columns) for _, selector, columns in self.selections if isinstance(selector, str)]
        return least_memory(self.head, n_rows, sum(map(len, kept)))

    def select(self, X: Any) -> np.ndarray:
        """Apply the fitted selectors; return the features that the head takes, of shape (n, n_selected)."""
        check_is_fitted(self)
        return side_by_side([
            X[:, columns] if selector == "passthrough" else to_dense(selector.transform(X[:, columns]))
            for selector, (_, _, columns) in zip(self.selectors_.values(), self.selections)
        ])

    def without_other_columns(self) -> SelectingClassifier:
        """Return the same fitted classifier for an X that has only the columns it uses, in the same order."""
        kept = {column: i for i, column in enumerate(np.unique(self.columns).tolist())}
        selections = [
            (name, selector, as_slice(np.array([kept[column] for column in _positions(columns).tolist()])))
            for name, selector, columns in self.selections
        ]
        smaller = SelectingClassifier(selections, self.head)
        smaller.selectors_, smaller.head_, smaller.classes_ = self.selectors_, self.head_, self.classes_
        smaller.n_features_in_ = len(kept)
        return smaller

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        is_possible = learns_several_targets(self.head) and all(map(_takes_several, dict(self._named_parts).values()))
        tags.target_tags.multi_output = is_possible
        return tags

    def _delegate(self) -> Any:
        return getattr(self, "head_", self.head)

    def _inputs(self, X: Any) -> np.ndarray:
        return self.select(X)


@use_more_columns.register
def _(estimator: SelectingClassifier, start: int, widths: Sequence[int]) -> SelectingClassifier:
    """Add a selection for each block of columns, with the selector that suits it; see `_selector_beside`."""
    if not widths:
        return estimator
    names = [name for name, _, _ in estimator.selections]
    selections = list(estimator.selections)
    for number, width in enumerate(widths, start=1):
        name = f"chain_{number}"
        while name in names:
            name += "_"
        selections.append((name, _selector_beside(estimator.selections[0][1]), slice(start, start + width)))
        start += width
    n_selected = len(estimator.columns)  # what the head takes now, if its features are not selected among
    head = use_more_columns(estimator.head, n_selected, widths)
    if head is not estimator.head and not all(selector == "passthrough" for _, selector, _ in selections):
        raise InputError(
            f"strategy='chain': expected a head that takes all selected columns, got {type(estimator.head).__name__}, "
            "which takes some of them; put the selectors into its candidates"
        )
    return clone(SelectingClassifier(selections, head))


def _selector_beside(selector: Any) -> Any:
    """Return the selector of probabilities of other targets, beside another selector.

    What scales or classifies the columns of a flow does the same to these. What selects among the columns of a flow
    keeps all of these: they are few.
    """
    return "passthrough" if isinstance(selector, str) or hasattr(selector, "get_support") else clone(selector)


def _takes_several(selector: Any) -> bool:
    """Return whether a selector can be fitted with y of shape (n, k): it ignores y, or learns several targets."""
    if isinstance(selector, str):
        return True
    return not get_tags(selector).target_tags.required or learns_several_targets(selector)


def fit_selector(selector: Any, X: np.ndarray, y: Any, groups: Any) -> tuple[Any, Any]:
    """Fit a clone of a selector; return the clone and the features it selects. "passthrough" keeps X unchanged."""
    return (selector, X) if isinstance(selector, str) else fit_transform_clone(selector, X, y, groups)


def _positions(columns: Columns) -> np.ndarray:
    return np.arange(columns.start, columns.stop) if isinstance(columns, slice) else columns


def to_dense(features: Any) -> np.ndarray:
    """Convert the output of a selector, which may be sparse, to a dense array."""
    return features.toarray() if sparse.issparse(features) else np.asarray(features)


def side_by_side(tables: Sequence[np.ndarray]) -> np.ndarray:
    """Stack the columns of arrays of the same rows; a single array is not copied."""
    return tables[0] if len(tables) == 1 else np.hstack(tables)


def as_slice(columns: np.ndarray) -> Columns:
    """Convert consecutive columns to a slice, which needs no copy; return other columns unchanged."""
    start, stop = int(columns[0]), int(columns[-1]) + 1
    return slice(start, stop) if np.array_equal(columns, np.arange(start, stop)) else columns
