"""Decide which node of the tree is answered, from the probabilities of all nodes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...errors import InputError
from .tree import ClassTree


class Decisions(NamedTuple):
    """The answer for each image.

    Attributes
    ----------
    node : ndarray of int and shape (n,)
        The position of the answered node in `ClassTree.nodes`; -1 for unknown.
    confidence : ndarray of float and shape (n,)
        The probability of this node; of the likeliest leaf if the answer is unknown.
    reason : list of n str
        Why the answer is not a full path; "" if it is.
    """

    node: np.ndarray
    confidence: np.ndarray
    reason: list[str]


class Candidates(NamedTuple):
    """The likeliest node of each level, from the finest level to the broadest.

    At each level, a leaf of a broader level is a candidate too. So the candidates of a level share all images.

    Attributes
    ----------
    nodes : ndarray of int and shape (n, k)
    confidences : ndarray of float and shape (n, k)
        The probability of each of these nodes.
    """

    nodes: np.ndarray
    confidences: np.ndarray


def reaches(confidence: Any, threshold: Any) -> Any:
    """Return whether a confidence, or each of an array, reaches a threshold; compared in float32.

    The held-out answers by which thresholds are chosen are float32 too.
    """
    return np.asarray(confidence, dtype=np.float32) >= np.asarray(threshold, dtype=np.float32)


def find_candidates(tree: ClassTree, node_proba: np.ndarray) -> Candidates:
    """Return the likeliest node of each level, the finest level first; of equally likely ones the first.

    Parameters
    ----------
    tree : ClassTree
    node_proba : ndarray of shape (n, n_nodes)
        A row with NaN has no meaningful candidates.
    """
    nodes, confidences = [], []
    for level in range(len(tree.levels) - 1, -1, -1):
        cut = tree.cut(level)
        within = node_proba[:, cut]
        best = within.argmax(axis=1)
        nodes.append(cut[best])
        confidences.append(np.take_along_axis(within, best[:, None], axis=1)[:, 0])
    return Candidates(np.column_stack(nodes), np.column_stack(confidences))


def first_that_reaches(candidates: Candidates, thresholds: Any) -> np.ndarray:
    """Return the finest candidate of each row that reaches its threshold; -1 if none does.

    Parameters
    ----------
    candidates : Candidates
    thresholds : float, or ndarray of shape (n, k)

    Returns
    -------
    ndarray of int and shape (n,)
    """
    is_reached = reaches(candidates.confidences, thresholds)
    first = is_reached.argmax(axis=1)[:, None]
    nodes = np.take_along_axis(candidates.nodes, first, axis=1)[:, 0]
    return np.where(is_reached.any(axis=1), nodes, -1)


def decide(
    tree: ClassTree, node_proba: Any, rule: Any, scope_scores: Any = None, scope: Any = None
) -> Decisions:
    """Decide which node is answered for each row, and why it is not a full path.

    Parameters
    ----------
    tree : ClassTree
    node_proba : array-like of shape (n, n_nodes)
        The answer for a row with NaN is unknown.
    rule : Rule
        Fitted.
    scope_scores : array-like of shape (n,), optional
        The answer for a row that does not reach the scope's threshold, or has NaN, is unknown. Default: no row is out
        of scope.
    scope : OutOfScope, optional
        Has the threshold. Default: no row is out of scope.

    Returns
    -------
    Decisions

    Raises
    ------
    ValueError
        If the probabilities or the scores have another shape.
    """
    node_proba = np.asarray(node_proba, dtype=float)
    if node_proba.ndim != 2 or node_proba.shape[1] != len(tree.nodes):
        raise InputError(
            f"node_proba: expected a column for each of {len(tree.nodes)} nodes, got shape {node_proba.shape}; pass "
            "what predict_node_proba returns"
        )
    nodes = rule.answer(tree, node_proba)
    is_nothing = np.isnan(node_proba).any(axis=1)
    is_outside, scores = np.zeros(len(nodes), dtype=bool), np.zeros(0)
    if scope_scores is not None and scope is not None:
        scores = np.asarray(scope_scores, dtype=float)
        if scores.shape != nodes.shape:
            raise InputError(
                f"scope_scores: expected one score for each of {len(nodes)} rows, got shape {scores.shape}; pass what "
                "scope_scores returns"
            )
        is_outside = ~(scores >= scope.threshold_)  # so is a score of NaN
    nodes = np.where(is_nothing | is_outside, -1, nodes)
    likeliest = node_proba[:, tree.leaves].max(axis=1, initial=0.0)
    confidence = np.where(nodes >= 0, node_proba[np.arange(len(nodes)), nodes], likeliest)
    reasons = [""] * len(nodes)
    for row in np.flatnonzero((nodes < 0) | ~tree.is_leaf[nodes]).tolist():
        if is_nothing[row]:
            reasons[row] = "the model gives no probabilities"
        elif is_outside[row]:
            reasons[row] = (
                f"looks like nothing in the training images: its {scope.score_} score {scores[row]:.3g} is below "
                f"{scope.threshold_:.3g}"
            )
        else:
            reasons[row] = rule.explain(tree, node_proba[row], int(nodes[row]))
    return Decisions(nodes, np.minimum(confidence, 1.0), reasons)
