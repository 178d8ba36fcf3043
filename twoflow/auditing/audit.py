"""A data set looked through before anything is learned from it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..evaluation.duplicates import Duplicates, match
from ..evaluation.folds import official_split
from ..evaluation.leakage import Leaks, leaks
from ..evaluation.statistics import IndependenceResult, chi2_independence
from ..flows import CNNEmbedding, FlowUnion
from ..flows.contract import StoreLike
from ..flows.engine.extraction import extract
from ..flows.image_traits import ImageTraits, read_traits
from ..flows.sharpness import Sharpness
from ..images import ImageCollection, ImageReadError, check_images
from ..images.passed_over import PassedOver
from ..images.reading import Source, describe
from .label_issues import LabelIssues, find_label_issues, out_of_fold_probabilities
from .quality import Fault, find_faults

_FEW = 5  # images of a class: fewer than folds, so that it is not in every one


@dataclass(frozen=True, eq=False)
class Audit:
    """What `audit` found among n images.

    Attributes
    ----------
    images : sequence of n images
    labels : ndarray of shape (n,) or None
    duplicates : Duplicates
    conflicts : ndarray of shape (m,) and dtype int
        Those of ``duplicates.pairs`` whose labels differ: equal images first, then the nearest.
    leaks : Leaks or None
        Between the sides of the official split, if there is one.
    issues : LabelIssues or None
        Labels worth a second look; None where they could not be judged.
    faults : tuple of Fault
    unreadable : tuple of (int or None, ImageReadError)
        Positions and errors; those that the collection had left out before have no position.
    class_counts : mapping of str to int
        Images of each class, the largest first; those that cannot be read are counted too.
    small_classes : mapping of str to int
        Of these, the classes with fewer than five.
    associations : mapping of str to IndependenceResult
        Of the class with each other column, by its name.
    lookalikes : tuple of tuple of str
        Groups of classes whose names differ only in what is hard to see; see `ImageCollection.lookalikes`.
    passed_over : tuple of PassedOver
        Files and folders that were not taken for images, by reason.
    notes : tuple of str
        How the images were found; what was not looked at, and why.
    network : str
    seconds : float
    n_computed : int
        Of how many images something had to be computed; that of the others was in the store.
    """

    images: Sequence[Source]
    labels: np.ndarray | None
    duplicates: Duplicates
    conflicts: np.ndarray
    leaks: Leaks | None
    issues: LabelIssues | None
    faults: tuple[Fault, ...]
    unreadable: tuple[tuple[int | None, ImageReadError], ...]
    class_counts: dict[str, int]
    small_classes: dict[str, int]
    associations: dict[str, IndependenceResult]
    lookalikes: tuple[tuple[str, ...], ...]
    passed_over: tuple[PassedOver, ...]
    notes: tuple[str, ...]
    network: str
    seconds: float
    n_computed: int

    def name(self, position: int) -> str:
        """The path of an image, or what it is called that has none."""
        source = self.images[position]
        if isinstance(source, (str, os.PathLike)):
            return describe(source)
        return f"image {position} ({describe(source)})"


def audit(
    images: Any,
    *,
    network: str | os.PathLike = "efficientnet-lite0",
    split_column: str | None = None,
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: bool = False,
    store: StoreLike = None,
) -> Audit:
    """Look for duplicates, labels worth a second look, and images that are no use.

    Labels are judged by a logistic regression on the network's features that was trained on other images, five folds
    over; images that are duplicates, or of one group of the collection, are always on the same side.

    Parameters
    ----------
    images : ImageCollection, or sequence of n images without labels
        If a collection has several targets, the labels of the finest are checked.
    network : str or path
        See `CNNEmbedding`.
    split_column : str, optional
        The column of the collection that holds an official split, to find what leaks from its one side to the other.
    random_state : int
        For the folds.
    n_jobs, verbose, store
        See `Flow`.

    Returns
    -------
    Audit

    Raises
    ------
    ValueError
        If there are no images, or none can be read, or there is no such column.

    Examples
    --------
    >>> from twoflow import make_shop
    >>> found = audit(make_shop(n_classes=2, n_per_class=5, n_duplicates=2, random_state=0))
    >>> len(found.duplicates.pairs), len(found.conflicts)
    (2, 0)
    """
    began = time.perf_counter()
    collection = images if isinstance(images, ImageCollection) else None
    if split_column is not None and (collection is None or split_column not in collection.columns):
        raise InputError(f"the collection has no column {split_column!r} for the split")
    images = collection.images if collection is not None else check_images(images)
    flows = FlowUnion(
        [("traits", ImageTraits()), ("sharpness", Sharpness()), ("network", CNNEmbedding(network))],
        n_jobs=n_jobs, on_error="nan", verbose=verbose, store=store,
    )
    extraction = extract(flows.fit(images), images)
    if len(extraction.errors) == len(images):
        raise InputError(f"none of the {len(images)} images can be read; the first: {extraction.errors[0][1]}")
    columns = flows.slices()
    traits = read_traits(extraction.features[:, columns["traits"]])
    embeddings = extraction.features[:, columns["network"]]
    duplicates = match(images, traits, extraction.errors, embeddings, n_jobs)
    faults = find_faults(images, traits, extraction.features[traits.positions, columns["sharpness"]].ravel())

    notes: list[str] = [] if collection is None else list(collection.notes)
    n_converted = len(traits.with_profile("converted"))
    if n_converted:
        counted = "1 image" if n_converted == 1 else f"{n_converted:,} images"
        notes.append(f"converted to sRGB by color profile: {counted}")
    labels = issues = None
    conflicts, counts = np.empty(0, int), {}
    if collection is None:
        notes.append("no labels: neither they nor the classes were looked at")
    else:
        labels = collection.target(collection.finest)
        conflicts = _conflicts(duplicates, labels)
        issues = _label_issues(collection, traits.positions, embeddings, duplicates, random_state, n_jobs, notes)
        classes, numbers = np.unique(labels, return_counts=True)
        order = np.argsort(-numbers, kind="stable")
        counts = {str(classes[i]): int(numbers[i]) for i in order}
    return Audit(
        images=images,
        labels=labels,
        duplicates=duplicates,
        conflicts=conflicts,
        leaks=_split_leaks(collection, split_column, duplicates),
        issues=issues,
        faults=faults,
        unreadable=(
            *((None, error) for error in (() if collection is None else collection.unreadable)), *extraction.errors
        ),
        class_counts=counts,
        small_classes={name: count for name, count in counts.items() if count < _FEW},
        associations=_associations(collection),
        lookalikes=() if collection is None else tuple(tuple(map(str, group)) for group in collection.lookalikes),
        passed_over=() if collection is None else collection.passed_over,
        notes=tuple(notes),
        network=str(network),
        seconds=time.perf_counter() - began,
        n_computed=extraction.n_computed,
    )


def _conflicts(duplicates: Duplicates, labels: np.ndarray) -> np.ndarray:
    first, second = duplicates.pairs.T
    numbers = np.flatnonzero(labels[first] != labels[second])
    severity = {"exact": 0, "near": 1, "embedding": 2}
    kinds = np.array([severity[kind] for kind in duplicates.kinds[numbers].tolist()], dtype=int)
    return numbers[np.lexsort((numbers, duplicates.distances[numbers], kinds))]


def _label_issues(
    collection: ImageCollection, positions: np.ndarray, embeddings: np.ndarray, duplicates: Duplicates,
    random_state: int, n_jobs: int | None, notes: list[str],
) -> LabelIssues | None:
    """Of the images that can be read; a copy that is near makes a label no more credible, so it is not trained on."""
    groups, labels = duplicates.join(collection.groups)[positions], collection.target(collection.finest)[positions]
    try:
        judged, classes = out_of_fold_probabilities(
            embeddings[positions], labels, groups, random_state=random_state, n_jobs=n_jobs
        )
    except ValueError as error:
        notes.append(f"labels not judged: {error}")
        return None
    probabilities = np.full((len(collection), len(classes)), np.nan)
    probabilities[positions] = judged
    n_left = len(positions) - int(np.isfinite(judged[:, 0]).sum())
    if n_left:
        notes.append(f"labels of {n_left:,} images not judged: their classes have too few images (or groups)")
    return find_label_issues(collection.target(collection.finest), probabilities, classes)


def _split_leaks(collection: ImageCollection | None, column: str | None, duplicates: Duplicates) -> Leaks | None:
    if collection is None or column is None:
        return None
    return leaks(official_split(collection.columns[column], collection.labels), duplicates)


def _associations(collection: ImageCollection | None) -> dict[str, IndependenceResult]:
    if collection is None or len(collection.classes) < 2:
        return {}
    labels = collection.target(collection.finest)
    return {
        name: chi2_independence(labels, values) for name, values in collection.columns.items()
        if len(np.unique(values)) > 1
    }
