"""Turn the predictions of a comparison into the held-out answers that the card of a model file holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._text import counted
from ..heads.hierarchy import UNKNOWN, ClassTree
from ..images.targets import split_targets
from ..models.model_file.card import HeldOut
from .folds import Folds
from .metrics import Pooled


def describe_source(folds: Folds, groups: np.ndarray | None) -> str:
    """Say in a few words on which images the accuracies were measured.

    Parameters
    ----------
    folds : Folds
    groups : ndarray of shape (n_images,) or None
        The groups of the collection.

    Returns
    -------
    str
        Such as "5 folds of 3,068 images, groups kept together".
    """
    tested = np.unique(np.concatenate([fold.test for fold in folds]))
    images = counted(len(tested), "image")
    if folds.n_splits > 1:
        again = f", drawn {folds.repeats} times" if folds.repeats > 1 else ""
        text = f"{folds.n_splits} folds of {images}{again}"
    elif folds.seed is not None:
        text = f"{counted(folds.repeats, 'random split')} that tested {images}"
    else:
        text = f"an official split that tested {images}"
    if groups is None:
        return text
    is_together = all(not np.isin(groups[fold.test], groups[fold.train]).any() for fold in folds)
    return f"{text}, groups {'kept together' if is_together else 'on both sides'}"


def collect_answers(pooled: Pooled, groups: np.ndarray | None) -> HeldOut | None:
    """Return the answers of a method for one target; see `Comparison.held_out`.

    Parameters
    ----------
    pooled : Pooled
    groups : ndarray of shape (n_images,) or None
        The groups of the collection.

    Returns
    -------
    HeldOut or None
        None for a method without probabilities.
    """
    if pooled.probabilities is None:
        return None
    rows = np.arange(len(pooled.true))
    is_class = pooled.predicted >= 0
    confidence = np.where(is_class, pooled.probabilities[rows, pooled.predicted], np.nan)
    return HeldOut(
        pooled.true.astype(np.int32), pooled.predicted.astype(np.int32), confidence.astype(np.float32),
        _number_groups(pooled.images, groups),
    )


class TestedPaths(NamedTuple):
    """What a hierarchical method answered for n test images whose true class is a leaf of the tree.

    Attributes
    ----------
    rows : ndarray of int and shape (n,)
        Positions among all tested images. Images that are partly labeled or out of scope are left out.
    true, full : ndarray of int and shape (n,)
        The true leaf, and the answer before fallback, as positions in `ClassTree.leaves`; -1 for an answer that is no
        path of the tree, which independent levels may give.
    answered : ndarray of int and shape (n,)
        The answer after fallback, as a position in `ClassTree.nodes`; -1 for unknown.
    """

    rows: np.ndarray
    true: np.ndarray
    full: np.ndarray
    answered: np.ndarray


def find_tested_paths(tree: ClassTree, y: np.ndarray, full: np.ndarray, predicted: np.ndarray) -> TestedPaths:
    """Find the leaves and nodes that labels and answers name.

    Parameters
    ----------
    tree : ClassTree
        Of all labels of the collection.
    y : ndarray of shape (n_tested, k) or (n_tested,)
        The true labels.
    full, predicted : ndarray of the same shape
        The answers before and after fallback.
    """
    true = tree.encode(y)
    rows = np.flatnonzero((true >= 0) & tree.is_leaf[true])
    of_node = np.full(len(tree.nodes) + 1, -1)
    of_node[tree.leaves] = np.arange(len(tree.leaves))
    return TestedPaths(rows, of_node[true[rows]], of_node[_nodes(tree, full[rows])], _nodes(tree, predicted[rows]))


def collect_tree_answers(
    paths: TestedPaths, labels: np.ndarray, probabilities: Sequence[np.ndarray] | None,
    classes: Sequence[np.ndarray], images: np.ndarray, groups: np.ndarray | None,
) -> HeldOut | None:
    """Return the answers of a hierarchical method; see `Comparison.held_out`.

    Parameters
    ----------
    paths : TestedPaths
    labels : ndarray of shape (n_tested, k) or (n_tested,)
        The answers before fallback.
    probabilities : sequence of k ndarray of shape (n_tested, n_classes), or None
    classes : sequence of k ndarray of shape (n_classes,)
        What the columns of these arrays are.
    images : ndarray of int and shape (n_tested,)
        Positions in the collection.
    groups : ndarray of shape (n_images,) or None
        The groups of the collection.

    Returns
    -------
    HeldOut or None
        None for a method without probabilities.

    Notes
    -----
    The confidence of a path is the lowest probability of its labels. That is the probability of its leaf, unless the
    name of the leaf occurs at several places of the tree: their probabilities are one number in `predict_proba`. The
    confidence is then a little too high.
    """
    if probabilities is None:
        return None
    confidence = np.ones(len(paths.rows))
    for column, shares, known in zip(split_targets(labels[paths.rows]), probabilities, classes):
        place = {label: i for i, label in enumerate(known.tolist())}
        columns = np.array([place.get(label, -1) for label in column.tolist()], dtype=int)
        found = np.where(columns >= 0, shares[paths.rows, columns], 1.0)
        confidence = np.minimum(confidence, found)
    return HeldOut(
        paths.true.astype(np.int32), paths.full.astype(np.int32),
        np.where(paths.full >= 0, confidence, np.nan).astype(np.float32),
        _number_groups(images[paths.rows], groups), paths.answered.astype(np.int32),
    )


def _nodes(tree: ClassTree, labels: np.ndarray) -> np.ndarray:
    """Return the node of each row of labels; -1 for unknown, and for labels that are no path of the tree."""
    position = {path: i for i, path in enumerate(tree.nodes)}
    found = []
    for row in zip(*(column.tolist() for column in split_targets(labels))):
        end = next((i for i, label in enumerate(row) if label in ("", UNKNOWN)), len(row))
        found.append(position.get(row[:end], -1))
    return np.array(found, dtype=int)


def _number_groups(images: np.ndarray, groups: np.ndarray | None) -> np.ndarray | None:
    """Number the groups of tested images; None if each image is by itself.

    The answers for an image that is tested several times belong together, as those of a group do.
    """
    is_grouped = groups is not None or len(np.unique(images)) < len(images)
    units = images if groups is None else groups[images]
    return np.unique(units, return_inverse=True)[1].astype(np.int32) if is_grouped else None
