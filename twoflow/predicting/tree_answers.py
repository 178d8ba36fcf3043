"""Answers of a model with a tree of classes: the full path, a broader class, or "unknown"."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..heads.hierarchy import UNKNOWN
from ..models.model_file import TargetCard
from ..models.tree_names import find_hierarchy, name_node
from .answers import Answer, ScopeScore
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
        self._scope = find_hierarchy(head).scope_
        self._n_nodes = len(self._tree.nodes)
        self.n_columns = self._n_nodes + (self._scope is not None)

    def score(self, inputs: Any) -> np.ndarray:
        """Score rows of features, or images if the head takes them; of shape (n, n_columns)."""
        columns = [self._head.predict_node_proba(inputs)]
        if self._scope is not None:
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
        nodes, scope = scores[:, :self._n_nodes], None if self._scope is None else scores[:, self._n_nodes]
        decisions = self._head.decide(nodes, scope, **rule)
        of_leaves, leaves = nodes[:, tree.leaves], set(tree.leaves.tolist())
        order = np.argsort(-of_leaves, axis=1, kind="stable")[:, :top]
        rows = zip(
            order.tolist(), of_leaves.tolist(), decisions.node.tolist(), decisions.confidence.tolist(),
            decisions.reason, find_steps(tree, nodes, decisions.node), self._scopes(scope, len(nodes)),
        )
        answers = []
        for columns, shares, node, confidence, reason, steps, score in rows:
            named = tuple((target.classes[column], shares[column]) for column in columns)
            answer = Answer(target.name, UNKNOWN, "", confidence, reason, named, (), steps, score)
            if node >= 0:
                path = tree.nodes[node]
                level = target.name if node in leaves else tree.levels[len(path) - 1]
                answer = answer._replace(label=name_node(tree, path), level=level, path=path)
            answers.append(answer)
        return answers

    def _scopes(self, scores: np.ndarray | None, n: int) -> list[ScopeScore | None]:
        if scores is None:
            return [None] * n
        threshold = float(self._scope.threshold_)
        return [ScopeScore(score, threshold) for score in scores.tolist()]
