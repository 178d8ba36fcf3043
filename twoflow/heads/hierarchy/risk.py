"""The rule that promises an error among its answers."""

from __future__ import annotations

import warnings
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from ..._text import listed
from ...errors import InputError
from .decisions import Candidates, find_candidates, first_that_reaches, reaches
from .risk_control import control_risk, independent_answers, independent_answers_needed
from .rules import explain_shortfall
from .tree import ClassTree

#: In the rules that answer broad levels nearly always, so large a share of the held-out rows is not sure enough.
_UNSURE = 0.01

#: The confidence of an answer that does not depend on the threshold: above every probability.
_ALWAYS = 2.0


class Risk(BaseEstimator):
    """Answer the deepest node whose probability keeps a promise about the error among answers.

    An answer is wrong if the answered node is not on the true path. Unknown is no answer. The threshold is chosen on
    the probabilities of training rows that were held out; see `control_risk`. If the broad levels are nearly always
    right, they have lower thresholds than the finer ones.

    Parameters
    ----------
    error : float in (0, 1)
        The promise: at most this share of the answers for new images is wrong. A lower error answers broader classes,
        and more often "unknown".
    confidence : float in (0, 1), default=0.95
        How sure the promise is: the share of training sets for which it is kept.
    per_class : bool, default=False
        By default, the promise is about all answers. With True, it is about the answers at and below each class of the
        broadest level, and each of these classes has thresholds of its own.

    Attributes
    ----------
    thresholds_ : ndarray of float and shape (n_broadest, k)
        For each class of the broadest level, in the order of the tree, the threshold of each level, the broadest first.
        The rows are equal if `per_class` is False. Infinity at levels that are never answered.
    n_held_out_ : int
        The number of held-out rows that the thresholds were chosen on.

    Notes
    -----
    The rule of answering is close to that of hierarchical selective classification (Goren, Galil & El-Yaniv, NeurIPS
    2024, https://arxiv.org/abs/2405.11533): the sums of the leaves' probabilities are compared with one threshold, from
    the finest level to the broadest. They climb from the likeliest leaf; here, each level has its likeliest node. Their
    threshold reaches a target accuracy on a calibration set. Here the rate is that of wrong answers among the answers
    that are given, for which images of one group count as one; see `control_risk`.

    MAPIE 1.6 (BSD-3-Clause, 0.6 MB, no further dependency) has controllers for such tests. They count all rows as
    independent, and know no hierarchy, so they are not used.

    With one threshold for all levels, an image whose finest class is doubtful gets no answer unless its broad class
    reaches the same threshold, even if broad classes are never wrong. So k rules are tried for k levels: one with the
    same threshold at all levels, and others that answer the broadest level, or the two broadest, and so on, for all
    but the least sure 1 % of the held-out rows. Each is tested at (1 - confidence) / k, so by Bonferroni the promise
    holds whichever is taken. The one that answers most levels of the held-out rows is taken, the first at a tie. An
    unusual image remains unknown, because no class of it is likely.

    In 500 simulated data sets with two levels, the promise was broken in 1.0 % (500 rows, error 0.1), 2.0 % (2,000
    rows, 0.05) and 2.2 % (2,000 rows, 0.02); 5 % are allowed.

    With `per_class`, an image belongs to its likeliest class of the broadest level, and only nodes below it can be its
    answer. Each promise holds by itself; that all hold together is less sure.

    The promise is about images of the classes, and about models that were fitted on part of the training rows. The
    final model was fitted on all of them. An image that `scope` recognizes as none of the classes gets no answer; the
    thresholds do not use that.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> tree = ClassTree.from_dict({"shoes": ["boots", "heels"], "bags": ["tote"]})
    >>> share = rng.uniform(0.5, 1, 1000)
    >>> node_proba = np.column_stack([np.zeros(1000), np.ones(1000), np.zeros(1000), share, 1 - share])
    >>> is_right = rng.random(1000) < share
    >>> rule = Risk(0.05).fit(tree, node_proba, np.where(is_right, 3, 4))
    >>> [tree.nodes[node] for node in rule.answer(tree, node_proba[3:6])]
    [('shoes',), ('shoes', 'boots'), ('shoes', 'boots')]
    """

    _parameter_constraints: ClassVar[dict] = {
        "error": [Interval(Real, 0, 1, closed="neither")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "per_class": ["boolean"],
    }
    needs_held_out: ClassVar[bool] = True

    def __init__(self, error: float, confidence: float = 0.95, per_class: bool = False) -> None:
        self.error = error
        self.confidence = confidence
        self.per_class = per_class

    def fit(self, tree: ClassTree, node_proba: Any = None, nodes: Any = None, groups: Any = None) -> Self:
        """Choose the thresholds.

        Parameters
        ----------
        tree : ClassTree
        node_proba : ndarray of shape (n, n_nodes)
            Probabilities from models that were not fitted on these rows.
        nodes : ndarray of int and shape (n,)
            The true leaf of each row.
        groups : ndarray of shape (n,), optional
            Rows that belong together. By default each row is a group.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If no threshold keeps the promise; with `per_class`, of any class.

        Warns
        -----
        UserWarning
            With `per_class`, if the promise of some classes cannot be kept. It names them.
        """
        self._validate_params()
        nodes = np.asarray(nodes)
        groups = None if groups is None else np.asarray(groups)
        candidates, main = self._candidates(tree, node_proba)
        is_right = tree.ancestors[nodes[:, None], tree.depths[candidates.nodes]] == candidates.nodes
        n_main = int((tree.depths == 0).sum())
        self.n_held_out_ = len(nodes)
        parts = [main == each for each in range(n_main)] if self.per_class else [np.ones(len(nodes), dtype=bool)]
        chosen = [
            self._choose(tree, Candidates(*(values[part] for values in candidates)), is_right[part],
                         None if groups is None else groups[part])
            for part in parts
        ]
        if all(each is None for each in chosen):
            raise InputError(f"fallback: expected {self._remedy(len(nodes), groups, len(tree.levels))}")
        names = [tree.name(each) for each in range(n_main) if self.per_class and chosen[each] is None]
        if names:
            warnings.warn(
                f"fallback: no threshold promises an error of {self.error:g} among the answers of {listed(names)}, so "
                "these are never answered; give a higher error, or more images of them",
                UserWarning, stacklevel=2,
            )
        never = np.full(len(tree.levels), np.inf)
        thresholds = [never if each is None else each for each in chosen]
        self.thresholds_ = np.array(thresholds if self.per_class else thresholds * n_main)
        return self

    def _choose(
        self, tree: ClassTree, candidates: Candidates, is_right: np.ndarray, groups: np.ndarray | None
    ) -> np.ndarray | None:
        """Choose the thresholds of the levels, of shape (k,), the broadest first; None if no rule keeps the promise."""
        n_levels = len(tree.levels)
        confidence = 1 - (1 - self.confidence) / n_levels
        best, most = None, -1.0
        for n_broad in range(n_levels):
            table = candidates.confidences.copy()
            broad = table[:, n_levels - n_broad:]
            # As everything that chooses among rules, these thresholds depend on no label.
            least = np.quantile(broad, _UNSURE, axis=0, method="lower") if len(broad) else np.zeros(n_broad)
            least = np.maximum(least, 0.0)  # minus infinity is never answered
            broad[:] = np.where(reaches(broad, least), _ALWAYS, -np.inf)
            found = control_risk(table, is_right, groups, error=self.error, confidence=confidence)
            if found is None:
                continue
            finer = np.inf if found == _ALWAYS else found
            thresholds = np.concatenate([least[::-1], np.full(n_levels - n_broad, finer)])
            nodes = first_that_reaches(candidates, thresholds[::-1])
            answered = np.where(nodes < 0, 0, np.where(tree.is_leaf[nodes], n_levels, tree.depths[nodes] + 1)).sum()
            if answered > most:
                best, most = thresholds, answered
        return best

    def answer(self, tree: ClassTree, node_proba: np.ndarray) -> np.ndarray:
        """Return the deepest node that reaches the threshold of its level, of shape (n,); -1 for unknown."""
        check_is_fitted(self)
        candidates, main = self._candidates(tree, node_proba)
        return first_that_reaches(candidates, self.thresholds_[main, ::-1])

    def explain(self, tree: ClassTree, row: np.ndarray, node: int) -> str:
        """Say which leaf is likeliest, the threshold that it does not reach, and what is answered instead."""
        candidates, main = self._candidates(tree, row[None])
        threshold, leaf = float(self.thresholds_[main[0], -1]), int(candidates.nodes[0, 0])
        if threshold == np.inf:
            reason = f"no answer at {tree.name(int(main[0]))} keeps the promised error of {self.error:g}"
            return reason if node < 0 else (
                f"no finer answer keeps the promised error of {self.error:g}; the answer is its "
                f"{tree.levels[tree.depths[node]]} {tree.name(node)} with {row[node]:.2f}"
            )
        if candidates.confidences[0, 0] == -np.inf:
            reason = f"the likeliest class, {tree.name(leaf)}, is not below the likeliest {tree.levels[0]}"
            return explain_shortfall(tree, row, int(main[0]), node, threshold) if node < 0 else (
                f"{reason}; the answer is its {tree.levels[tree.depths[node]]} {tree.name(node)} with {row[node]:.2f}"
            )
        return explain_shortfall(tree, row, leaf, node, threshold)

    def _candidates(self, tree: ClassTree, node_proba: np.ndarray) -> tuple[Candidates, np.ndarray]:
        """Return the candidates, and the position of each row's likeliest class of the broadest level.

        With `per_class`, candidates that are not below this class have the confidence minus infinity.
        """
        candidates = find_candidates(tree, node_proba)
        main = candidates.nodes[:, -1]
        if self.per_class:
            is_below = tree.ancestors[candidates.nodes, 0] == main[:, None]
            candidates = candidates._replace(confidences=np.where(is_below, candidates.confidences, -np.inf))
        return candidates, main

    def _remedy(self, n: int, groups: Any, n_levels: int) -> str:
        needed = independent_answers_needed(self.error, 1 - (1 - self.confidence) / n_levels)
        independent = n if groups is None else independent_answers(groups).max(initial=0)
        got = f"{n:,} that count as {independent:,.0f}" if independent < needed or self.per_class else (
            "too many wrong ones"
        )
        return (
            f"at least {needed:,} independent held-out answers, nearly all right, to promise an error of "
            f"{self.error:g}, got {got}; give a higher error, or more images"
        )
