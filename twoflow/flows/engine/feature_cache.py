"""A flow's place in a store: what is put there, and what need not be computed because it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from joblib import delayed

from ..._jobs import run_in_order
from ...images import ImageReadError, LoadedImage
from ...images.reading import Source
from ...store import FeatureStore

if TYPE_CHECKING:
    from ..contract import Flow

_CHUNK = 256  # images whose digests a task takes


class CachedFlow(NamedTuple):
    """A flow's place in a store, and its columns in the table of features."""

    store: FeatureStore
    fingerprint: str
    title: str
    flow: Flow
    columns: slice

    def put(self, digests: Sequence[bytes], features: np.ndarray) -> None:
        """Keep the features of some images, of shape (n, n_features), by their digests.

        Rows that packing would change are not kept, as those of a class derived from `RawPixels` may be that computes
        more than gray levels.
        """
        with np.errstate(all="ignore"):
            packed = self.flow._pack(features)
            unpacked = self.flow._unpack(packed)
            is_nan = (unpacked != unpacked) & (features != features)  # which is not equal to itself
            is_exact = ((unpacked == features) | is_nan).all(axis=1)
        if not is_exact.all():
            from .fingerprint import warn_not_kept

            warn_not_kept(type(self.flow), "_pack does not keep the values that _extract returns; write both")
        kept = ((digest, row) for digest, row, is_kept in zip(digests, packed, is_exact) if is_kept)
        self.store.put(self.fingerprint, self.title, dict(kept))

    def get(self, digests: Sequence[bytes | None]) -> tuple[np.ndarray, np.ndarray]:
        """Of which of these images the features are there, and these, a row for each."""
        empty = self.flow._pack(np.zeros((0, self.flow._n_features_out), self.flow._dtype))
        known = [digest for digest in digests if digest is not None]
        found = self.store.get(self.fingerprint, known, empty.shape[1], empty.dtype)
        rows = [row for row, digest in enumerate(digests) if digest in found]
        packed = np.concatenate([empty, *(found[digests[row]][None] for row in rows)])  # type: ignore[index]
        return np.array(rows, dtype=int), self.flow._unpack(packed)


def open_caches(flow: Flow, columns: Sequence[slice]) -> dict[int, CachedFlow]:
    """By its number among the flow's parts, for those whose features may be kept; none without a store."""
    if flow.store is None:
        return {}
    from .fingerprint import fingerprint

    store = flow.store if isinstance(flow.store, FeatureStore) else FeatureStore(flow.store)
    return {
        i: CachedFlow(store, print_, part._title(), part, place)
        for i, (part, place) in enumerate(zip(flow._parts, columns))
        if (print_ := fingerprint(part)) is not None
    }


def recall(
    flow: Flow, caches: Mapping[int, CachedFlow], images: Sequence[Source], positions: Sequence[int],
    features: np.ndarray,
) -> np.ndarray:
    """Fill in what is in the store; which images (rows) still miss which part (columns)."""
    is_missing = np.ones((len(positions), len(flow._parts)), dtype=bool)
    known = {i: cache for i, cache in caches.items() if cache.store.holds(cache.fingerprint)}
    if not known:
        return is_missing
    starts = range(0, len(positions), _CHUNK)
    chunks = ([images[position] for position in positions[i:i + _CHUNK]] for i in starts)
    digests = run_in_order(map(delayed(_digest_chunk), chunks), flow.n_jobs, prefer="threads")
    for start, chunk in zip(starts, digests):
        for i, cache in known.items():
            rows, found = cache.get(chunk)
            features[start + rows, cache.columns] = found
            is_missing[start + rows, i] = False
    return is_missing


def _digest_chunk(images: Sequence[Source]) -> list[bytes | None]:
    """What each image is found by in a store; None for one that cannot be read, which is told when it is computed."""
    digests: list[bytes | None] = []
    for source in images:
        try:
            digests.append(LoadedImage(source).digest)
        except ImageReadError:
            digests.append(None)
    return digests
