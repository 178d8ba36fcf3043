"""Strategies: which classifiers several targets need, and what these answer for each target."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import _safe_indexing, get_tags

from ...errors import InputError
from ..class_balance import change_class_weights
from ..inner_folds import fit_clone
from ..partial_labels import PartialLabels
from ..targets import learns_several_targets, learns_targets_together
from .chain import ask_chain, fit_chain
from .memory import warn_of_large_forests


class Task(NamedTuple):
    """What a strategy learns.

    Attributes
    ----------
    X : array-like of shape (n, n_features), or a sequence of n images
    targets : PartialLabels
    groups : ndarray of shape (n,) or None
    estimators : list of k classifier
        What learns each target, unfitted.
    order : list of int
        The targets in the order in which a chain learns them.
    cv : int
        The most folds in which a chain asks for the probabilities of held-out rows.
    rng : RandomState
        Draws these folds.
    n_jobs : int or None
        How many classifiers are fitted at the same time.
    """

    X: Any
    targets: PartialLabels
    groups: np.ndarray | None
    estimators: Sequence[Any]
    order: list[int]
    cv: int
    rng: np.random.RandomState
    n_jobs: int | None

    def complete_rows(self, strategy: str) -> np.ndarray:
        """Return the rows that have all labels; ValueError if there are fewer than two."""
        rows = np.flatnonzero(self.targets.has_label.all(axis=1))
        if len(rows) < 2:
            raise InputError(
                f"strategy={strategy!r}: expected rows that have all labels, got {len(rows)} of "
                f"{len(self.targets.has_label)}; label more rows, or choose 'separate' or 'chain'"
            )
        return rows

    def fit(self, estimator: Any, rows: np.ndarray, y: np.ndarray) -> Any:
        """Fit a clone of an estimator on some rows."""
        part = self.X if len(rows) == len(self.targets.has_label) else _safe_indexing(self.X, rows)
        return fit_clone(estimator, part, y, None if self.groups is None else self.groups[rows])


class Learned(NamedTuple):
    """What a strategy has learned.

    Attributes
    ----------
    estimators : list of classifier
        For "separate" and "chain" one for each target, in the order of the columns of y; else the only one.
    classes : list of k ndarray
        The classes of each target.
    combinations : ndarray of int and shape (n_combinations, k), or None
        For "joint" the classes of each combination, as positions among those of each target.
    order : list of int
        For "chain" the targets in the order in which they were learned.
    """

    estimators: list[Any]
    classes: list[np.ndarray]
    combinations: np.ndarray | None
    order: list[int]


class Strategy(Protocol):
    """How several targets are learned by classifiers.

    Attributes
    ----------
    has_one : bool
        Whether one classifier learns all targets, so that there cannot be one for each.
    """

    has_one: bool

    @staticmethod
    def fit(task: Task) -> tuple[list[Any], np.ndarray | None]:
        """Return the fitted classifiers and, for "joint", the combinations; see `Learned`."""

    @staticmethod
    def predict(learned: Learned, X: Any) -> list[np.ndarray]:
        """Return the class of each row, of shape (n,), for each target."""

    @staticmethod
    def predict_proba(learned: Learned, X: Any) -> list[np.ndarray]:
        """Return the probability of each class, of shape (n, n_classes), for each target."""


class Separate:
    """A classifier for each target, fitted on the rows that have its label."""

    has_one = False

    @staticmethod
    def fit(task: Task) -> tuple[list[Any], np.ndarray | None]:
        """Fit the classifiers side by side."""
        jobs = zip(task.estimators, task.targets.has_label.T, task.targets.labels)
        fitted = Parallel(n_jobs=task.n_jobs, prefer="threads")(
            delayed(task.fit)(estimator, np.flatnonzero(known), labels) for estimator, known, labels in jobs
        )
        return fitted, None

    @staticmethod
    def predict(learned: Learned, X: Any) -> list[np.ndarray]:
        """Ask each classifier."""
        return [each.predict(X) for each in learned.estimators]

    @staticmethod
    def predict_proba(learned: Learned, X: Any) -> list[np.ndarray]:
        """Ask each classifier."""
        return [each.predict_proba(X) for each in learned.estimators]


class Shared:
    """One classifier with an output for each target, fitted on the rows that have all labels, or if it takes missing
    labels on all rows.

    It learns positions of classes. Classes that no such row has get the probability 0.
    """

    has_one = True

    @staticmethod
    def fit(task: Task) -> tuple[list[Any], np.ndarray | None]:
        """Fit the classifier; ValueError if it learns one target only."""
        estimator = task.estimators[0]
        n_targets = len(task.targets.names)
        if n_targets > 1 and not learns_several_targets(estimator):
            raise InputError(
                f"strategy='shared': expected a classifier that learns several targets at once, such as kernel ridge, "
                f"a forest, trees or neighbors, got {type(estimator).__name__}; choose one of these, or the strategy "
                "'separate', 'joint' or 'chain'"
            )
        classes = task.targets.classes

        def weigh(weights: Any) -> Any:
            return [{code: weights[label] for code, label in enumerate(own.tolist())} for own in classes]

        estimator = change_class_weights(estimator, weigh)
        if n_targets > 1 and learns_targets_together(estimator):
            codes = task.targets.codes.astype(object)
            codes[~task.targets.has_label] = None
            return [task.fit(estimator, np.arange(len(codes)), codes)], None
        rows = task.complete_rows("shared")
        codes = task.targets.codes[rows]
        for name, column, own in zip(task.targets.names, codes.T, classes):
            if (column == column[0]).all():
                raise InputError(
                    f"strategy='shared': expected at least two classes of {name!r} in the {len(rows)} rows that have "
                    f"all labels, got only {own[column[0]]!s}; label more rows, or choose 'separate' or 'chain'"
                )
        return [task.fit(estimator, rows, codes if n_targets > 1 else codes[:, 0])], None

    @staticmethod
    def predict(learned: Learned, X: Any) -> list[np.ndarray]:
        """Ask the classifier."""
        codes = np.asarray(learned.estimators[0].predict(X)).astype(int).reshape(-1, len(learned.classes))
        return [own[column] for own, column in zip(learned.classes, codes.T)]

    @staticmethod
    def predict_proba(learned: Learned, X: Any) -> list[np.ndarray]:
        """Ask the classifier, and give the classes that it does not know the probability 0."""
        (estimator,) = learned.estimators
        several = len(learned.classes) > 1
        found, known = estimator.predict_proba(X), estimator.classes_
        answers = []
        for own, proba, codes in zip(learned.classes, found if several else [found], known if several else [known]):
            full = np.zeros((len(proba), len(own)), dtype=proba.dtype)
            full[:, codes.astype(int)] = proba
            answers.append(full)
        return answers


class Joint:
    """One classifier of the combinations of labels that occur.

    The probability of a class is the sum over the combinations with it. The answer is the likeliest class of each
    target, so it may be a combination that never occurred.
    """

    has_one = True

    @staticmethod
    def fit(task: Task) -> tuple[list[Any], np.ndarray | None]:
        """Fit the classifier on the rows that have all labels."""
        rows = task.complete_rows("joint")
        combinations, y = np.unique(task.targets.codes[rows], axis=0, return_inverse=True)
        y = y.reshape(-1)
        if len(combinations) in (1, len(rows)):
            raise InputError(
                f"strategy='joint': expected at least two combinations of labels, and one that occurs twice, got "
                f"{len(combinations)} in {len(rows)} rows that have all labels; label more rows, or choose 'separate' "
                "or 'chain'"
            )
        warn_of_large_forests(task.estimators[0], len(rows), len(combinations))
        classes = [own.tolist() for own in task.targets.classes]

        def weigh(weights: Any) -> Any:
            """Multiply the weights of a combination's labels."""
            return {
                number: float(np.prod([weights[own[code]] for own, code in zip(classes, combination)]))
                for number, combination in enumerate(combinations.tolist())
            }

        # scikit-learn's classifiers check y themselves, so the warning cannot be avoided, only be ignored here.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The number of unique classes is greater than 50%")
            return [task.fit(change_class_weights(task.estimators[0], weigh), rows, y)], combinations

    @staticmethod
    def predict(learned: Learned, X: Any) -> list[np.ndarray]:
        """Return the likeliest class of each target; without probabilities, those of the answered combination."""
        (estimator,), combinations = learned.estimators, learned.combinations
        assert combinations is not None
        if hasattr(estimator, "predict_proba"):
            codes = [proba.argmax(axis=1) for proba in Joint.predict_proba(learned, X)]
        else:
            codes = list(combinations[np.asarray(estimator.predict(X)).astype(int)].T)
        return [own[column] for own, column in zip(learned.classes, codes)]

    @staticmethod
    def predict_proba(learned: Learned, X: Any) -> list[np.ndarray]:
        """Sum the probabilities of the combinations with each class."""
        (estimator,) = learned.estimators
        assert learned.combinations is not None
        proba = estimator.predict_proba(X)
        return [proba @ each for each in indicators(learned.combinations, learned.classes)]


class Chain:
    """A classifier for each target, which also sees the probabilities of the targets before it; see `fit_chain`."""

    has_one = False

    @staticmethod
    def fit(task: Task) -> tuple[list[Any], np.ndarray | None]:
        """Fit the classifiers one after the other; ValueError if X are images."""
        if not all(get_tags(each).input_tags.two_d_array for each in task.estimators):
            raise InputError(
                "strategy='chain': expected models made of flows, or classifiers of features, got "
                f"{type(task.estimators[0]).__name__}, which takes images; choose another strategy"
            )
        return fit_chain(
            task.X, task.targets, task.groups, task.estimators, task.order, task.cv, task.rng, task.n_jobs
        ), None

    @staticmethod
    def predict(learned: Learned, X: Any) -> list[np.ndarray]:
        """Ask each classifier."""
        return ask_chain(learned.estimators, learned.order, learned.classes, X, "predict")

    @staticmethod
    def predict_proba(learned: Learned, X: Any) -> list[np.ndarray]:
        """Ask each classifier."""
        return ask_chain(learned.estimators, learned.order, learned.classes, X, "predict_proba")


#: The strategies by name.
STRATEGIES: dict[str, type[Strategy]] = {"separate": Separate, "shared": Shared, "joint": Joint, "chain": Chain}


def indicators(combinations: np.ndarray, classes: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return which combinations have each class, of shape (n_combinations, n_classes), for each target.

    Parameters
    ----------
    combinations, classes
        See `Learned`.
    """
    return [np.eye(len(own))[column] for own, column in zip(classes, combinations.T)]
