"""Answers of a model with a tree of classes: the full path, a broader class, or "unknown"."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..images.levels import name_path
from ..models.model_file import TargetCard
from .answers import UNKNOWN, Answer, ScopeScore
from .steps import find_steps


class TreeAnswers:
    """Score rows by a head with a tree of classes, and turn scores into answers.

    The scores are a table with a column for each node of the tree: its probability. If the head has a scope, the scope
    score is one more column. So the scores of several photos can be averaged before the head decides on them.

    Parameters
    ----------
    head : HierarchicalClassifier
        Fitted, or an estimator that leaves its methods to one.
    target : TargetCard
        With the tree.
    """

    def __init__(self, head: Any, target: TargetCard) -> None:
        assert target.tree is not None
        self._head, self._target, self._tree = head, target, target.tree
        self._has_scope = hasattr(head, "scope_scores")
        self._n_nodes = len(self._tree.nodes)
        self.n_columns = self._n_nodes + self._has_scope

    def score(self, inputs: Any) -> np.ndarray:
        """Score rows of features, or images if the head takes them; of shape (n, n_columns)."""
        columns = [self._head.predict_node_proba(inputs)]
        if self._has_scope:
            columns.append(self._head.scope_scores(inputs)[:, None])
        return np.hstack(columns)

    def answer(self, scores: np.ndarray, threshold: float | None, top: int) -> list[Answer]:
        """Answer by scores.

        Parameters
        ----------
        scores : ndarray of shape (n, n_columns)
            A row with NaN means that the model gives no probabilities for this image: the answer is `UNKNOWN`.
        threshold : float or None
            The least confidence of an answer, in place of the head's own rule. With None the head's rule decides.
        top : int
            How many of the likeliest classes an answer names. If there are fewer classes, it names all.

        Returns
        -------
        list of n Answer
        """
        tree, target = self._tree, self._target
        rule = {} if threshold is None else {"fallback": threshold}
        is_known = ~np.isnan(scores).any(axis=1)
        known = scores[is_known]
        decisions = self._head.decide(
            known[:, :self._n_nodes], known[:, self._n_nodes] if self._has_scope else None, **rule
        )
        of_leaves = scores[:, np.asarray(tree.leaves)]
        order = np.argsort(-of_leaves, axis=1, kind="stable")[:, :top]
        leaves = dict(zip(np.asarray(tree.leaves).tolist(), target.classes))
        decided = zip(
            np.asarray(decisions.node).tolist(), decisions.confidence.tolist(), decisions.reason,
            find_steps(tree, known[:, :self._n_nodes], np.asarray(decisions.node)), self._scopes(known),
        )
        answers = []
        for columns, shares, is_answered in zip(order.tolist(), of_leaves.tolist(), is_known.tolist()):
            named = tuple((target.classes[column], shares[column]) for column in columns)
            node, confidence, reason, *seen = next(decided) if is_answered else (-1, float("nan"), _NOTHING, (), None)
            if node < 0:
                answers.append(Answer(target.name, UNKNOWN, "", confidence, reason, named, (), *seen))
                continue
            path = tree.nodes[node]
            level = target.name if node in leaves else tree.levels[len(path) - 1]
            answers.append(Answer(target.name, name_path(path), level, confidence, reason, named, path, *seen))
        return answers

    def _scopes(self, scores: np.ndarray) -> list[ScopeScore | None]:
        if not self._has_scope:
            return [None] * len(scores)
        threshold = float(self._head.scope_.threshold_)
        return [ScopeScore(score, threshold) for score in scores[:, self._n_nodes].tolist()]


_NOTHING = "the model gives no probabilities"
