"""Audit a data set before training on it."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._text import counted, listed, printable
from ..errors import InputError
from ..evaluation.dependences import find_dependences
from ..evaluation.duplicates import Duplicates, match, rank_kinds
from ..evaluation.folds import official_split
from ..evaluation.leakage import Leaks, leaks
from ..evaluation.statistics import IndependenceResult, chi2_independence
from ..flows import CNNEmbedding, FlowUnion
from ..flows.engine.extraction import extract
from ..flows.image_traits import ImageTraits, read_traits
from ..flows.sharpness import Sharpness
from ..images import ImageCollection, ImageReadError, check_images
from ..images.passed_over import PassedOver
from ..images.reading import Source, describe
from ..images.targets import NO_LABEL, has_label
from ..networks import NetworkRecord, NetworksLike, list_networks, name_networks
from ..store import StoreLike
from .cleaning import REASONS, LeftOut, choose_images
from .label_issues import LabelIssues, check_rank
from .labels_of_targets import differ, judge_labels, labels_by_target
from .quality import Fault, find_faults

_FEW = 5  # the number of folds: a class with fewer images is missing in some


@dataclass(frozen=True, eq=False)
class Audit:
    """Result of `audit` for n images.

    Attributes
    ----------
    images : sequence of n images
        The images that were audited.
    collection : ImageCollection or None
        The collection that was audited; None if there are only images.
    labels : ndarray of shape (n,) or None
        Their labels of the finest target; None if there are none. `label` describes those of all targets.
    duplicates : Duplicates
        Pairs and groups of duplicates.
    conflicts : ndarray of shape (m,) and dtype int
        Row numbers of ``duplicates.pairs`` that show the same photo and have different labels. Exact duplicates come
        first, then near ones; each kind by distance.
    kept : ndarray of shape (m,) and dtype int
        Positions of the images to train on; see `choose_images`.
    left_out : tuple of LeftOut
        The other images, and why.
    leaks : Leaks or None
        Duplicates between the sides of the official split; None if there is no split.
    issues : mapping of str to LabelIssues
        Labels that may be wrong, for each target that could be judged. Of levels, only whole paths are judged, under
        the name of the finest.
    faults : tuple of Fault
        Images that may be unusable.
    unreadable : tuple of (int or None, ImageReadError)
        Positions and errors of images that cannot be read. Images that the collection left out earlier have no
        position.
    class_counts : mapping of str to mapping of str to int
        For each target the number of images in each class, largest first. Unreadable images count too. Of levels, for
        the finest.
    small_classes : mapping of str to mapping of str to int
        The classes of `class_counts` with fewer than five images, for each target that has some.
    associations : mapping of str to IndependenceResult
        For each other column, the test of its dependence on the finest target.
    dependences : mapping of (str, str) to IndependenceResult
        For each pair of targets, the test of their dependence on each other. Empty for levels.
    lookalikes : tuple of tuple of str
        Groups of classes whose names are hard to distinguish; see `ImageCollection.lookalikes`.
    passed_over : tuple of PassedOver
        Files and folders that are not images of the collection, by reason.
    notes : tuple of str
        How the images were found; which checks were left out, and why.
    networks : tuple of NetworkRecord
        The networks whose features were used.
    seconds : float
        Duration of the audit.
    n_computed : int
        Number of images with features that had to be computed. The features of the others were in the store.
    """

    images: Sequence[Source]
    collection: ImageCollection | None
    labels: np.ndarray | None
    duplicates: Duplicates
    conflicts: np.ndarray
    kept: np.ndarray
    left_out: tuple[LeftOut, ...]
    leaks: Leaks | None
    issues: dict[str, LabelIssues]
    faults: tuple[Fault, ...]
    unreadable: tuple[tuple[int | None, ImageReadError], ...]
    class_counts: dict[str, dict[str, int]]
    small_classes: dict[str, dict[str, int]]
    associations: dict[str, IndependenceResult]
    dependences: dict[tuple[str, str], IndependenceResult]
    lookalikes: tuple[tuple[str, ...], ...]
    passed_over: tuple[PassedOver, ...]
    notes: tuple[str, ...]
    networks: tuple[NetworkRecord, ...]
    seconds: float
    n_computed: int

    def describe_classes(self) -> str:
        """Return how many classes there are, such as "5 classes"; with several targets, of each."""
        several = len(self.class_counts) > 1
        return listed(
            counted(len(counts), "class", "classes") + (f" of {printable(target)}" if several else "")
            for target, counts in self.class_counts.items()
        )

    def count_left_out(self) -> dict[str, int]:
        """Count the images not to train on by reason; those that the collection left out earlier count too."""
        counts = Counter(each.reason for each in self.left_out)
        counts["unreadable"] += sum(position is None for position, _ in self.unreadable)
        return {reason: counts[reason] for reason in REASONS if counts[reason]}

    def is_conflict(self, first: Any, second: Any) -> np.ndarray:
        """Return whether images have different labels for a target; a missing label differs from none.

        Parameters
        ----------
        first, second : array-like of shape (m,) and dtype int
            Positions of images.

        Returns
        -------
        ndarray of shape (m,) and dtype bool
        """
        return differ(self.collection, np.asarray(first), np.asarray(second))

    def label(self, position: int) -> str:
        """Return the label of an image as text: of several targets each with its name, "" if there is none."""
        collection = self.collection
        if collection is None or self.labels is None:
            return ""
        if collection.are_levels or len(collection.target_names) == 1:
            return str(self.labels[position])
        given = zip(collection.target_names, collection.labels[position].tolist())
        return ", ".join(f"{name} {label}" for name, label in given if label != NO_LABEL)

    def name(self, position: int) -> str:
        """Return the path of an image, or its position and kind if it has no path."""
        source = self.images[position]
        if isinstance(source, (str, os.PathLike)):
            return describe(source)
        return f"image {position} ({describe(source)})"


def audit(
    images: Any,
    *,
    network: NetworksLike = "efficientnet-lite0",
    split_column: str | None = None,
    rank: str = "ratio",
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: bool = False,
    store: StoreLike = None,
) -> Audit:
    """Find duplicates, labels that may be wrong, and images that may be unusable.

    Labels are judged by a logistic regression on the network's features, in five folds: an image is never judged by a
    model that was trained on it. Duplicates, and images of one group, are kept on the same side of each fold.

    Parameters
    ----------
    images : ImageCollection, or sequence of n images without labels
        The images to audit. Without labels, neither labels nor classes are checked. With several targets, the labels of
        each are judged, and every pair of targets is tested for independence.
    network : str, path, CarriedNetwork, or list of these
        The network that computes features, or several; see `CNNEmbedding`. The embeddings of several networks are
        scaled to unit norm and put side by side, so that each counts alike. Default: "efficientnet-lite0".
    split_column : str, optional
        Column of the collection with an official split, to find duplicates across its sides. Default: none.
    rank : {"ratio", "margin"}
        What doubtful labels are ranked by; see `find_label_issues`. Default: "ratio".
    random_state : int
        Seed of the folds. Default: 0.
    n_jobs, verbose, store
        See `Flow`.

    Returns
    -------
    Audit

    Raises
    ------
    ValueError
        If there are no images, no image can be read, the collection has no column of that name, or `rank` is another
        word.

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
        raise InputError(
            f"expected a column {split_column!r} with the split, got a collection without it; load the table with that "
            "column"
        )
    check_rank(rank)
    images = collection.images if collection is not None else check_images(images)
    networks = list_networks(network)
    names = name_networks(networks, taken=("traits", "sharpness"))
    own = [(name, CNNEmbedding(each)) for name, each in zip(names, networks)]
    flows = FlowUnion(
        [("traits", ImageTraits()), ("sharpness", Sharpness()), *own],
        n_jobs=n_jobs, on_error="nan", verbose=verbose, store=store,
    )
    extraction = extract(flows.fit(images), images)
    if len(extraction.errors) == len(images):
        raise InputError(f"none of the {len(images)} images can be read; the first: {extraction.errors[0][1]}")
    columns = flows.slices()
    traits = read_traits(extraction.features[:, columns["traits"]])
    embeddings = _side_by_side([extraction.features[:, columns[name]] for name in names])
    duplicates = match(images, traits, extraction.errors, embeddings, n_jobs)
    faults = find_faults(images, traits, extraction.features[traits.positions, columns["sharpness"]].ravel())

    notes: list[str] = [] if collection is None else [*collection.notes, *collection.label_notes]
    n_converted = len(traits.with_profile("converted"))
    if n_converted:
        notes.append(f"converted to sRGB by color profile: {counted(n_converted, 'image')}")
    labels = None
    issues: dict[str, LabelIssues] = {}
    dependences: dict[tuple[str, str], IndependenceResult] = {}
    associations: dict[str, IndependenceResult] = {}
    counts: dict[str, dict[str, int]] = {}
    if collection is None:
        notes.append("there are no labels, so labels and classes were not checked")
    else:
        labels = collection.finest_labels
        issues, unjudged = judge_labels(
            collection, traits.positions, embeddings, duplicates, rank=rank, random_state=random_state, n_jobs=n_jobs
        )
        notes += unjudged
        dependences, untested = find_dependences(collection)
        associations, unrelated = _associations(collection)
        notes += [*untested, *unrelated]
        counts = {name: _count_classes(own) for name, own in labels_by_target(collection).items()}
    kept, left_out = choose_images(
        [position for position, _ in extraction.errors], faults, duplicates,
        None if collection is None else collection.labels,
    )
    return Audit(
        images=images,
        collection=collection,
        labels=labels,
        duplicates=duplicates,
        conflicts=_conflicts(duplicates, collection),
        kept=kept,
        left_out=left_out,
        leaks=_split_leaks(collection, split_column, duplicates),
        issues=issues,
        faults=faults,
        unreadable=(
            *((None, error) for error in (() if collection is None else collection.unreadable)), *extraction.errors
        ),
        class_counts=counts,
        small_classes={target: small for target, own in counts.items() if (small := _find_small(own))},
        associations=associations,
        dependences=dependences,
        lookalikes=() if collection is None else tuple(tuple(map(str, group)) for group in collection.lookalikes),
        passed_over=() if collection is None else collection.passed_over,
        notes=tuple(notes),
        networks=tuple(record for _, flow in flows.flows_ for record in flow.networks()),
        seconds=time.perf_counter() - began,
        n_computed=extraction.n_computed,
    )


def _side_by_side(embeddings: Sequence[np.ndarray]) -> np.ndarray:
    """Put the embeddings of several networks side by side, each of unit norm; those of one are left as they are."""
    if len(embeddings) == 1:
        return embeddings[0]
    norms = [np.linalg.norm(each, axis=1, keepdims=True) for each in embeddings]
    return np.hstack([each / np.where(norm == 0, 1, norm) for each, norm in zip(embeddings, norms)])


def _conflicts(duplicates: Duplicates, collection: ImageCollection | None) -> np.ndarray:
    numbers = np.flatnonzero(duplicates.is_same_photo & differ(collection, *duplicates.pairs.T))
    return numbers[np.lexsort((numbers, duplicates.distances[numbers], rank_kinds(duplicates.kinds[numbers])))]


def _count_classes(labels: np.ndarray) -> dict[str, int]:
    """Count the images of each class of a target, largest first; a missing label is no class."""
    classes, numbers = np.unique(labels[has_label(labels)], return_counts=True)
    return {str(classes[i]): int(numbers[i]) for i in np.argsort(-numbers, kind="stable")}


def _find_small(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count < _FEW}


def _split_leaks(collection: ImageCollection | None, column: str | None, duplicates: Duplicates) -> Leaks | None:
    if collection is None or column is None:
        return None
    return leaks(official_split(collection.columns[column], collection.to_stratify), duplicates)


def _associations(collection: ImageCollection) -> tuple[dict[str, IndependenceResult], list[str]]:
    """Test each other column that has several values against the finest target; say which could not be tested."""
    found, notes = {}, []
    labels = collection.finest_labels if len(collection.classes) > 1 else None
    for name, values in () if labels is None else collection.columns.items():
        if len(set(values.tolist())) < 2:
            continue
        try:
            found[name] = chi2_independence(labels, values, collection.groups, names=(collection.finest, name))
        except InputError as error:
            notes.append(f"whether {name} depends on {collection.finest} was not tested: {error}")
    return found, notes
