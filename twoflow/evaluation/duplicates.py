"""Find duplicate images: equal files, equal pixels, changed copies, and images that look alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ..errors import InputError
from ..flows.engine.extraction import extract
from ..flows.image_traits import ImageTraits, TraitTable, read_traits
from ..images import ImageReadError, LoadedImage, check_images
from ..images.reading import Source
from ..store import StoreLike
from .matching import find_pairs

#: Largest cosine distance of two embeddings of near duplicates. It was chosen for the global pool of EfficientNet-Lite0
#: on the photographs of `sneakers` and `products`: 95 pairs are within it, and 80 of them are marked as duplicates.
MOST_COSINE_DISTANCE = 0.03

_KIND = "<U9"  # dtype of kinds
_BLOCK = 1024  # images to compare with all others at a time, to bound memory
_MOST_EACH = 50  # nearest images kept for each image, in case thousands are alike


#: The kinds of pairs, the surest first, and what each means.
KINDS = {
    "exact": "the same content or the same pixels",
    "near": "the same photo, compressed again, resized, slightly cropped, or changed in brightness or saturation",
    "alike": "most details agree: the same photo in gray or with text over it, or the same shape in another color",
    "embedding": "similar only for the network, for example a mirror image",
}

#: The kinds of pairs that show the same photo. All kinds count for groups and leaks.
SAME_PHOTO = ("exact", "near")


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Duplicates among n images, in two tiers.

    The strict tier is the same photo: the kinds "exact" and "near". Hardly any pair is wrong, so one of each may be
    left out. The generous tier is all kinds. It also has different products that look alike, and misses fewer copies.
    So it is for folds: images of it are kept together, and count as leaks.

    Attributes
    ----------
    pairs : ndarray of shape (m, 2) and dtype int
        Pairs of positions, sorted; the first position is below the second. Each of several equal images is paired
        only with the first of them, and only that first one is paired with other images. So a thousand copies give a
        thousand pairs, not half a million.
    kinds : ndarray of shape (m,) and dtype str
        "exact": the files have the same content, or the images the same pixels. "near": one is a copy of the other
        that was compressed again, resized, slightly cropped, or changed in brightness or saturation. "alike": most
        details agree, as in a gray copy, a copy with text over it, or the same shape in another color. "embedding":
        only the network finds them alike. A pair of several kinds has the first of them.
    distances : ndarray of shape (m,)
        0 for "exact". For "near" and "alike" up to 1, each by its own measure; see
        `evaluation.photo_distance.photo_distances`. For "embedding" the cosine distance, up to 0.03.
    contents : ndarray of shape (n,) and dtype int
        The same number for exact duplicates: the position of the first of them.
    photos : ndarray of shape (n,) and dtype int
        The same number for images that a chain of pairs of the strict tier connects, counted from 0 in the order of
        their first images.
    groups : ndarray of shape (n,) and dtype int
        The same, for pairs of all kinds. The ends of a chain may look different. They are still one group, so that
        splitting by groups separates no pair.
    unreadable : tuple of (int, ImageReadError)
        Positions and errors of the images that cannot be read. Each of them is its own group.
    """

    pairs: np.ndarray
    kinds: np.ndarray
    distances: np.ndarray
    contents: np.ndarray
    photos: np.ndarray
    groups: np.ndarray
    unreadable: tuple[tuple[int, ImageReadError], ...] = ()

    @property
    def is_same_photo(self) -> np.ndarray:
        """Whether each pair is of the strict tier, shape (m,)."""
        return np.isin(self.kinds, SAME_PHOTO)

    def join(self, groups: Any = None) -> np.ndarray:
        """Merge the duplicates of all kinds with given groups: the connected components of both.

        Parameters
        ----------
        groups : array-like of shape (n,), optional
            Images with the same value stay together, as duplicates do. Default: none, so only duplicates do.

        Returns
        -------
        ndarray of shape (n,) and dtype int
            The merged groups, counted from 0 in the order of their first images.

        Raises
        ------
        ValueError
            If there is not one value an image.
        """
        if groups is None:
            return self.groups
        _, given = np.unique(np.asarray(groups), return_inverse=True)
        n = len(self.groups)
        if given.shape != (n,):
            raise InputError(f"groups: expected {n} values, one an image, got shape {given.shape}")
        return _components(n, np.concatenate([_to_first(given), _to_first(self.groups)]))


def find_duplicates(
    images: Any,
    embeddings: np.ndarray | None = None,
    *,
    n_jobs: int | None = None,
    verbose: bool = False,
    store: StoreLike = None,
) -> Duplicates:
    """Find images that occur more than once, and images that look alike.

    Mirror images do not count as duplicates: the left and the right shoe of a pair are two photographs. But a network
    hardly distinguishes them, so some are found if `embeddings` are given.

    Parameters
    ----------
    images : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
        The images to search.
    embeddings : ndarray of shape (n, n_features), optional
        Features of a network. Their cosine distances find duplicates that the pixels do not reveal, such as a crop by
        8 %, or a copy with a banner over a seventh of it. A row of NaN or of zeros has no duplicates. Default: none,
        so only the pixels are compared.
    n_jobs, verbose, store
        See `Flow`.

    Returns
    -------
    Duplicates

    Examples
    --------
    >>> from twoflow import make_shop
    >>> shop = make_shop(n_classes=2, n_per_class=3, random_state=0)
    >>> found = find_duplicates([*shop.images, shop.images[1]])
    >>> found.pairs.tolist(), found.kinds.tolist(), found.groups.tolist()
    ([[1, 6]], ['exact'], [0, 1, 2, 3, 4, 5, 1])
    """
    images = check_images(images)
    flow = ImageTraits(n_jobs=n_jobs, on_error="nan", verbose=verbose, store=store)
    extraction = extract(flow, images)
    return match(images, read_traits(extraction.features), extraction.errors, embeddings, n_jobs)


def match(
    images: Sequence[Source],
    traits: TraitTable,
    errors: Sequence[tuple[int, ImageReadError]] = (),
    embeddings: np.ndarray | None = None,
    n_jobs: int | None = None,
    *,
    compare_pixels: bool = True,
) -> Duplicates:
    """Find duplicates from traits that were read before.

    Parameters
    ----------
    images : sequence of n images
        The images to search.
    traits : TraitTable
        Traits of the images that could be read.
    errors : sequence of (int, ImageReadError)
        Positions and errors of the other images. Default: none.
    embeddings, n_jobs
        See `find_duplicates`.
    compare_pixels : bool
        Read images with equal traits again, to find equal pixels in different files. Default: True. Without it, such
        images are "near" with a distance of 0.

    Returns
    -------
    Duplicates
    """
    _, first, inverse = np.unique(traits.digests, return_index=True, return_inverse=True)
    is_first = np.zeros(len(traits.digests), dtype=bool)
    is_first[first] = True
    distinct = np.flatnonzero(is_first)  # rows of `traits`, in order
    contents = np.arange(len(images))
    contents[traits.positions] = traits.positions[first[inverse]]

    matches = find_pairs(traits.pixels[distinct], n_jobs)
    rows = distinct[matches.pairs]
    is_same = _same_pixels(images, traits, rows) if compare_pixels else np.zeros(len(rows), dtype=bool)
    pairs = traits.positions[rows]
    for i, j in pairs[is_same]:
        contents[contents == contents[j]] = contents[i]  # pairs are in order, so a chain ends at its first image
    near, alike = matches.distances
    pairs, distances = pairs[~is_same], np.where(near <= 1, near, alike)[~is_same]
    kinds = np.where(near <= 1, "near", "alike").astype(_KIND)[~is_same]
    if embeddings is not None:
        heads = np.unique(contents[traits.positions])
        similar, cosines = _near_embeddings(np.asarray(embeddings)[heads])
        pairs, distances = np.concatenate([pairs, heads[similar]]), np.concatenate([distances, cosines])
        kinds = np.concatenate([kinds, np.full(len(similar), "embedding", dtype=_KIND)])
    return _collect(len(images), contents, pairs, kinds, distances, tuple(errors))


def _collect(
    n: int, contents: np.ndarray, pairs: np.ndarray, kinds: np.ndarray, distances: np.ndarray,
    unreadable: tuple[tuple[int, ImageReadError], ...],
) -> Duplicates:
    """Collect each pair once, in order; of a pair of several kinds keep the surest."""
    copies = np.flatnonzero(contents != np.arange(n))
    pairs = np.concatenate([
        np.stack([contents[copies], copies], axis=1), np.sort(contents[pairs], axis=1).reshape(-1, 2)
    ])
    kinds = np.concatenate([np.full(len(copies), "exact", dtype=_KIND), kinds])
    distances = np.concatenate([np.zeros(len(copies)), distances])
    surest = np.argsort(rank_kinds(kinds), kind="stable")
    pairs, kinds, distances = pairs[surest], kinds[surest], distances[surest]
    _, first = np.unique(pairs, axis=0, return_index=True)  # sorts, and keeps the first of equal pairs
    first = first[pairs[first, 0] != pairs[first, 1]]
    strict = pairs[np.isin(kinds, SAME_PHOTO)]
    return Duplicates(
        pairs[first], kinds[first], distances[first], contents, _components(n, strict), _components(n, pairs),
        unreadable,
    )


def rank_kinds(kinds: np.ndarray) -> np.ndarray:
    """Return the position of each kind in `KINDS`: 0 is the surest."""
    order = {kind: rank for rank, kind in enumerate(KINDS)}
    return np.array([order[kind] for kind in kinds.tolist()], dtype=int)


def _same_pixels(images: Sequence[Source], traits: TraitTable, rows: np.ndarray) -> np.ndarray:
    """Return whether each pair has the same pixels; only images with the same traits are read again."""
    first, second = rows.T
    is_same = (traits.sizes[first] == traits.sizes[second]).all(axis=1)
    is_same[is_same] = (traits.pixels[first[is_same]] == traits.pixels[second[is_same]]).all(axis=(1, 2, 3))
    asked = np.unique(rows[is_same])
    digests = {int(row): _pixel_digest(images[traits.positions[row]]) for row in asked}
    is_same[is_same] = [digests[i] == digests[j] for i, j in rows[is_same].tolist()]
    return is_same


def _pixel_digest(source: Source) -> bytes | None:
    try:
        return LoadedImage(LoadedImage(source).rgb).digest
    except ImageReadError:  # it was readable the first time, but is gone now
        return None


def _near_embeddings(embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    norms = np.linalg.norm(embeddings, axis=1, keepdims=True)
    usable = np.flatnonzero(np.isfinite(norms[:, 0]) & (norms[:, 0] > 0))
    directions = (embeddings[usable] / norms[usable]).astype(np.float32)
    pairs, distances = [np.empty((0, 2), int)], [np.empty(0)]
    for start in range(0, len(usable), _BLOCK):
        cosines = directions[start:start + _BLOCK] @ directions[start:].T
        first, second = np.nonzero(cosines >= 1 - MOST_COSINE_DISTANCE)
        found = cosines[first, second]
        order = np.lexsort((-found, first))
        first, second, found = first[order], second[order], found[order]
        is_kept = (first < second) & (np.arange(len(first)) - np.searchsorted(first, first) < _MOST_EACH)
        pairs.append(usable[start + np.stack([first, second], axis=1)[is_kept]])
        distances.append(np.maximum(1 - found[is_kept].astype(float), 0))
    return np.concatenate(pairs), np.concatenate(distances)


def _to_first(groups: np.ndarray) -> np.ndarray:
    """Pair each member of a group with the first member."""
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return np.stack([first[inverse], np.arange(len(groups))], axis=1)


def _components(n: int, pairs: np.ndarray) -> np.ndarray:
    """Number the connected components from 0, in the order of their first members."""
    graph = sparse.coo_matrix((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, labels = connected_components(graph, directed=False)
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]
