"""Find the nearest of many vectors, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._jobs import one_blas_thread
from ..images import ImageReadError

_AT_A_TIME = 2**25  # similarities in memory
#: By how much a product of two unit vectors in float32 may be wrong.
_ROUNDING = 1e-5
_DIGITS = 6  # of a similarity; vectors that agree in all of them are equally near


@dataclass(frozen=True)
class Neighbors:
    """The most similar images of a gallery, for each of n images.

    Attributes
    ----------
    positions : ndarray of int and shape (n, k)
        Positions in the gallery, the most similar first. -1 where fewer than k images could be found.
    similarities : ndarray of shape (n, k) and dtype float64
        From -1 to 1; an image is most similar to itself, with 1. NaN where the position is -1.
    names : list of n list of str
        The names of the images found; shorter than k where fewer could be found.
    labels : ndarray of shape (n, k) or (n, k, n_targets) and dtype object
        The labels of the images found; None where the position is -1.
    errors : mapping of int to ImageReadError
        The errors of images that cannot be read, by their positions among the n. Nothing is found for them. Empty by
        default.
    """

    positions: np.ndarray
    similarities: np.ndarray
    names: list[list[str]]
    labels: np.ndarray
    errors: Mapping[int, ImageReadError] = field(default_factory=dict)


def find_nearest(
    queries: np.ndarray, gallery: np.ndarray, k: int, *,
    among: np.ndarray | None = None, groups: np.ndarray | None = None, own: Sequence[int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find the gallery's vectors with the largest dot product for each query.

    Every vector is compared, so the result is exact. At a tie within a millionth, the earlier vector is first. So the
    rounding of float32, which depends on the number of threads and queries, has no effect.

    Parameters
    ----------
    queries : ndarray of shape (n, m) and dtype float32
        Rows of unit norm, as those of `gallery`.
    gallery : ndarray of shape (n_gallery, m) and dtype float32
    k : int
    among : ndarray of bool and shape (n_gallery,), optional
        Search only among these. By default all.
    groups : ndarray of int and shape (n_gallery,), optional
        Find only the nearest vector of each group. By default every vector is a group.
    own : sequence of n int, optional
        The position of a gallery's vector that is not found for each query; -1 for none. By default none.

    Returns
    -------
    positions : ndarray of int and shape (n, k)
        -1 where there are fewer.
    similarities : ndarray of shape (n, k) and dtype float64
        NaN where there are fewer.
    """
    positions = np.full((len(queries), k), -1)
    similarities = np.full((len(queries), k), np.nan)
    rows = np.arange(len(gallery)) if among is None else np.flatnonzero(among)
    searched = gallery if len(rows) == len(gallery) else gallery[rows]
    step = max(1, _AT_A_TIME // max(1, len(searched)))
    for start in range(0, len(queries), step):
        block = queries[start:start + step]
        with one_blas_thread():
            products = block @ searched.T
        for i, found in enumerate(products, start):
            if own is not None:
                found[rows == own[i]] = -np.inf
            near = rows[_candidates(found, rows, k, groups)]
            exact = np.round(np.einsum("ij,j->i", gallery[near], queries[i], dtype=np.float64), _DIGITS)
            order = np.lexsort((near, -exact))
            near, exact = near[order], exact[order]
            if groups is not None:
                first = np.sort(np.unique(groups[near], return_index=True)[1])
                near, exact = near[first], exact[first]
            n_found = min(k, len(near))
            positions[i, :n_found], similarities[i, :n_found] = near[:k], exact[:k]
    return positions, similarities


def _candidates(products: np.ndarray, rows: np.ndarray, k: int, groups: np.ndarray | None) -> np.ndarray:
    """Return the places of all products that may be among the k largest, or among those of k groups."""
    possible = np.flatnonzero(np.isfinite(products))
    if groups is not None:
        order = possible[np.argsort(-products[possible], kind="stable")]
        first = np.sort(np.unique(groups[rows[order]], return_index=True)[1])
        if len(first) <= k:
            return possible
        least = products[order[first[k - 1]]]
    elif len(possible) <= k:
        return possible
    else:
        least = np.partition(products, len(products) - k)[len(products) - k]
    return np.flatnonzero(products >= least - _ROUNDING)


def pick(values: Any, positions: np.ndarray) -> np.ndarray:
    """Return the values at positions, as objects; None where a position is -1."""
    values = np.asarray(values)
    found = values.astype(object)[positions]
    found[positions < 0] = None
    return found
