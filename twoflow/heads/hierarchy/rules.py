"""Rules of fallback: when an answer is a class, a broader class, or unknown."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from ..._text import listed, printable
from ...errors import InputError
from .decisions import find_candidates, first_that_reaches, reaches
from .tree import ClassTree


class Rule(Protocol):
    """What decides which node is answered; its parameters are those of a scikit-learn estimator."""

    #: Whether `fit` needs the probabilities of models that were not fitted on the rows.
    needs_held_out: ClassVar[bool]

    def fit(self, tree: ClassTree, node_proba: Any = None, nodes: Any = None, groups: Any = None) -> Self:
        """Fit the rule on the probabilities, true leaves and groups of held-out rows, if it needs them."""

    def answer(self, tree: ClassTree, node_proba: np.ndarray) -> np.ndarray:
        """Return the answered node of each row, of shape (n,); -1 for unknown."""

    def explain(self, tree: ClassTree, row: np.ndarray, node: int) -> str:
        """Say why the answer of one row is not a full path."""


class Likeliest(BaseEstimator):
    """Always answer the likeliest leaf. This is the rule of `fallback=None`."""

    needs_held_out: ClassVar[bool] = False

    def fit(self, tree: ClassTree, node_proba: Any = None, nodes: Any = None, groups: Any = None) -> Self:
        """Return the rule; nothing is fitted."""
        return self

    def answer(self, tree: ClassTree, node_proba: np.ndarray) -> np.ndarray:
        """Return the likeliest leaf of each row, of shape (n,)."""
        return tree.leaves[node_proba[:, tree.leaves].argmax(axis=1)]

    def explain(self, tree: ClassTree, row: np.ndarray, node: int) -> str:
        """Return "": every answer is a full path."""
        return ""


class AtLeast(BaseEstimator):
    """Answer the deepest node that reaches a threshold. This is the rule of a number as `fallback`.

    Parameters
    ----------
    threshold : float in [0, 1]
        The least probability of an answer.
    """

    _parameter_constraints: ClassVar[dict] = {"threshold": [Interval(Real, 0, 1, closed="both")]}
    needs_held_out: ClassVar[bool] = False

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold

    def fit(self, tree: ClassTree, node_proba: Any = None, nodes: Any = None, groups: Any = None) -> Self:
        """Check the threshold; nothing is fitted."""
        self._validate_params()
        return self

    def answer(self, tree: ClassTree, node_proba: np.ndarray) -> np.ndarray:
        """Return the deepest node that reaches the threshold, of shape (n,)."""
        return first_that_reaches(find_candidates(tree, node_proba), self.threshold)

    def explain(self, tree: ClassTree, row: np.ndarray, node: int) -> str:
        """Say which leaf is likeliest, and what is answered instead."""
        leaf = int(tree.leaves[row[tree.leaves].argmax()])
        return explain_shortfall(tree, row, leaf, node, self.threshold)


class Confidence(BaseEstimator):
    """Answer unknown below a confidence of the broadest class, and a broader class where the finer one contradicts it.

    The likeliest class of the broadest level must reach the threshold; otherwise the answer is unknown. At each finer
    level, the likeliest class is the answer if it lies below the answer so far; otherwise that one remains.

    Parameters
    ----------
    threshold : float in [0, 1], default=0.7
        The least probability of the likeliest class of the broadest level. A higher one answers fewer images.

    Notes
    -----
    This is the fallback of Gopalakrishnan, Bindhu et al. (*Classifying Fashion Products with ResNet-50 and
    Confidence-Based Fallback Mechanisms*), with their threshold, for any number of levels.
    """

    _parameter_constraints: ClassVar[dict] = {"threshold": [Interval(Real, 0, 1, closed="both")]}
    needs_held_out: ClassVar[bool] = False

    def __init__(self, threshold: float = 0.7) -> None:
        self.threshold = threshold

    def fit(self, tree: ClassTree, node_proba: Any = None, nodes: Any = None, groups: Any = None) -> Self:
        """Check the threshold; nothing is fitted."""
        self._validate_params()
        return self

    def answer(self, tree: ClassTree, node_proba: np.ndarray) -> np.ndarray:
        """Return the answered node of each row, of shape (n,); -1 for unknown."""
        candidates = find_candidates(tree, node_proba)
        answered = candidates.nodes[:, -1]
        is_open = reaches(candidates.confidences[:, -1], self.threshold)
        answered = np.where(is_open, answered, -1)
        for column in range(candidates.nodes.shape[1] - 2, -1, -1):
            finer = candidates.nodes[:, column]
            is_open &= tree.ancestors[finer, tree.depths[answered]] == answered
            answered = np.where(is_open, finer, answered)
        return answered

    def explain(self, tree: ClassTree, row: np.ndarray, node: int) -> str:
        """Say that no class reaches the threshold, or which finer class contradicts the answer."""
        candidates = find_candidates(tree, row[None])
        nodes, confidences = candidates.nodes[0, ::-1].tolist(), candidates.confidences[0, ::-1].tolist()
        if node < 0:
            return explain_shortfall(tree, row, nodes[0], node, self.threshold, tree.levels[0])
        level = int(tree.depths[node]) + 1
        return (
            f"the likeliest {tree.levels[level]}, {tree.name(nodes[level])} with {confidences[level]:.2f}, is not "
            f"below {tree.name(node)} with {row[node]:.2f}; the answer is its {tree.levels[level - 1]} "
            f"{tree.name(node)}"
        )


def explain_shortfall(
    tree: ClassTree, row: np.ndarray, likeliest: int, node: int, threshold: float, what: str = "class"
) -> str:
    """Say that a node does not reach the threshold, with as many digits as it takes to see that.

    Parameters
    ----------
    tree : ClassTree
    row : ndarray of shape (n_nodes,)
    likeliest : int
        The node that would be the answer without the threshold.
    node : int
        The answered node, or -1.
    threshold : float
    what : str, default="class"
        What is missing: a class, or the name of a level.
    """
    share = float(row[likeliest])
    digits = next((n for n in range(2, 7) if f"{share:.{n}f}" != f"{threshold:.{n}f}"), 7)
    least, most = f"{threshold:.{digits}f}", f"{share:.{digits}f}"
    reason = f"no {what} reaches {least}: the likeliest, {tree.name(likeliest)}, has {most}"
    if node < 0:
        return reason
    return f"{reason}; the answer is its {tree.levels[tree.depths[node]]} {tree.name(node)} with {row[node]:.2f}"


#: The rules by name.
RULES = {"confidence": Confidence}


def to_rule(fallback: Any) -> Rule:
    """Return the rule of a value of `fallback`: None, a number, a name of `RULES`, or a rule itself.

    Raises
    ------
    ValueError
        If it is none of these; True and False are no numbers.
    """
    if fallback is None:
        return Likeliest()
    if isinstance(fallback, str) and fallback in RULES:
        return RULES[fallback]()
    if isinstance(fallback, Real) and not isinstance(fallback, bool):
        return AtLeast(float(fallback))
    if isinstance(fallback, type) or not hasattr(fallback, "answer"):
        raise InputError(
            f"fallback: expected None, a number from 0 to 1, {listed(map(repr, RULES), 'or')} or a rule such as "
            f"Risk(0.02), got {printable(repr(fallback), 60)}; pass one of these"
        )
    return fallback


def fitted_rule(fallback: Any, tree: ClassTree) -> Rule:
    """Return a rule that can answer; see `to_rule`.

    Raises
    ------
    ValueError
        If it is no rule, or one that has to be fitted on held-out rows, and is not.
    """
    rule = to_rule(fallback)
    if not rule.needs_held_out:
        return clone(rule).fit(tree)
    try:
        check_is_fitted(rule)
    except ValueError as error:
        raise InputError(
            f"fallback: expected a number, None or a fitted rule, got {rule!r}, which is not fitted; fit the "
            "classifier with it"
        ) from error
    return rule
