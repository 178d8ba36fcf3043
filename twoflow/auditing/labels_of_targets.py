"""Judge the labels of each target of a collection, and compare those of images."""

from __future__ import annotations

import numpy as np

from .._text import counted
from ..evaluation.duplicates import Duplicates
from ..images import ImageCollection
from ..images.targets import has_label
from .label_issues import LabelIssues, find_label_issues, out_of_fold_probabilities


def judge_labels(
    collection: ImageCollection, positions: np.ndarray, embeddings: np.ndarray, duplicates: Duplicates, *, rank: str,
    random_state: int, n_jobs: int | None,
) -> tuple[dict[str, LabelIssues], list[str]]:
    """Judge the labels of each target by a model of its own; of levels, only whole paths are judged.

    Duplicates stay in one fold. Otherwise a model trained on a copy with the same label would confirm that label.

    Parameters
    ----------
    collection : ImageCollection
        n images. Those without a label of a target are not judged for it.
    positions : ndarray of shape (m,) and dtype int
        The images that can be read.
    embeddings : ndarray of shape (n, n_features)
    duplicates : Duplicates
    rank, random_state, n_jobs
        See `find_label_issues` and `out_of_fold_probabilities`.

    Returns
    -------
    issues : dict of str to LabelIssues
        For each target that could be judged.
    notes : list of str
        Which labels were not judged, and why.
    """
    groups, issues, notes = duplicates.join(collection.groups), {}, []
    targets = labels_by_target(collection)
    for name, labels in targets.items():
        of = f" of {name}" if len(targets) > 1 else ""
        rows = positions[has_label(labels)[positions]]
        try:
            judged, classes = out_of_fold_probabilities(
                embeddings[rows], labels[rows], groups[rows], random_state=random_state, n_jobs=n_jobs
            )
        except ValueError as error:
            notes.append(f"labels{of} were not judged: {error}")
            continue
        n_left = len(rows) - int(np.isfinite(judged[:, 0]).sum())
        if n_left:
            were = counted(n_left, "image was", "images were")
            notes.append(f"labels{of} of {were} not judged: their classes have too few images or groups")
        probabilities = np.full((len(labels), len(classes)), np.nan)
        probabilities[rows] = judged
        issues[name] = find_label_issues(labels, probabilities, classes, rank=rank)
    return issues, notes


def labels_by_target(collection: ImageCollection) -> dict[str, np.ndarray]:
    """Return the labels of each target, of shape (n,); levels are one target, whose labels are whole paths."""
    if collection.are_levels:
        return {collection.finest: collection.finest_labels}
    return {name: collection.target(name) for name in collection.target_names}


def differ(collection: ImageCollection | None, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return which pairs of images have different labels of a target; a missing label contradicts none.

    Parameters
    ----------
    collection : ImageCollection or None
        Without a collection there are no labels, so nothing differs.
    first, second : ndarray of shape (m,) and dtype int
        Positions of images.

    Returns
    -------
    ndarray of shape (m,) and dtype bool
    """
    found = np.zeros(first.shape, dtype=bool)
    for labels in () if collection is None else labels_by_target(collection).values():
        given = has_label(labels)
        found |= (labels[first] != labels[second]) & given[first] & given[second]
    return found
