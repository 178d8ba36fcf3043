"""The likeliest class of each level of a tree, for those who want to see how an answer came about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..heads.hierarchy import ClassTree
from ..heads.hierarchy.decisions import find_candidates
from .answers import Step


def find_steps(tree: ClassTree, node_proba: np.ndarray, answered: np.ndarray) -> Iterator[tuple[Step, ...]]:
    """Yield for each image the steps to its answer, and the likeliest class of each finer level.

    A finer class need not lie below the answer: that is one of the reasons to answer a broader class. A level at which
    a class of a broader level is likeliest, because nothing is below that class, has no step.

    Parameters
    ----------
    tree : ClassTree
    node_proba : ndarray of shape (n, n_nodes)
    answered : ndarray of int and shape (n,)
        The position of each answered node; -1 for unknown.

    Yields
    ------
    tuple of Step
        The broadest level first.

    Examples
    --------
    >>> tree = ClassTree.from_dict({"bags": ["tote"], "shoes": ["boots", "heels"]}, ["kind", "style"])
    >>> steps, = find_steps(tree, np.array([[0.1, 0.9, 0.1, 0.5, 0.4]]), np.array([1]))
    >>> [(step.path, step.confidence, step.is_answered) for step in steps]
    [(('shoes',), 0.9, True), (('shoes', 'boots'), 0.5, False)]
    """
    likeliest = find_candidates(tree, node_proba).nodes[:, ::-1]
    for row, own, node in zip(node_proba, likeliest.tolist(), answered.tolist()):
        on_the_way = [] if node < 0 else list(dict.fromkeys(tree.ancestors[node].tolist()))
        finer = [
            each for level, each in enumerate(own)
            if level >= len(on_the_way) and tree.depths[each] == level and not _ends(tree, node)
        ]
        yield tuple(
            Step(tree.levels[int(tree.depths[each])], tree.nodes[each], min(float(row[each]), 1.0), each in on_the_way)
            for each in (*on_the_way, *finer)
        )


def _ends(tree: ClassTree, node: Any) -> bool:
    """Return whether the answer is a full path, so that finer levels have nothing to say."""
    return node >= 0 and bool(tree.is_leaf[node])
