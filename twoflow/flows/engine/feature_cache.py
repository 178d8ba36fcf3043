"""The features of a flow in a store: which ones to keep, and which ones are there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from joblib import delayed
from sklearn.base import clone

from ..._jobs import run_in_order
from ...images import ImageReadError, LoadedImage
from ...images.reading import Source
from ...store import FeatureStore, open_store
from ..contract import FlowContract
from .fingerprint import fingerprint, warn_not_kept

_CHUNK = 256  # how many images one task reads to find their digests


class CachedFlow(NamedTuple):
    """The features of one flow in a store, and the flow's columns in the table of features."""

    store: FeatureStore
    fingerprint: str
    title: str
    flow: FlowContract
    columns: slice

    def put(self, digests: Sequence[bytes], features: np.ndarray) -> None:
        """Keep the features of some images, of shape (n, n_features), by their digests.

        Rows that `pack` and `unpack` would change are not kept. A class that is derived from `RawPixels` may have such
        rows, since `RawPixels` packs each value into one byte.
        """
        with np.errstate(all="ignore"):
            packed = self.flow.pack(features)
            unpacked = self.flow.unpack(packed)
            is_nan = (unpacked != unpacked) & (features != features)  # NaN is not equal to itself
            is_exact = ((unpacked == features) | is_nan).all(axis=1)
        if not is_exact.all():
            warn_not_kept(type(self.flow), "pack and unpack change the values that extract returns; override both")
        kept = ((digest, row) for digest, row, is_kept in zip(digests, packed, is_exact) if is_kept)
        self.store.put(self.fingerprint, self.title, dict(kept))

    def get(self, digests: Sequence[bytes | None]) -> tuple[np.ndarray, np.ndarray]:
        """Return the row numbers of the images that are in the store, and their features, one row each."""
        empty = self.flow.pack(np.zeros((0, self.flow.n_features_out), self.flow.features_dtype))
        known = [digest for digest in digests if digest is not None]
        found = self.store.get(self.fingerprint, known, empty.shape[1], empty.dtype)
        rows = [row for row, digest in enumerate(digests) if digest in found]
        packed = np.concatenate([empty, *(found[digests[row]][None] for row in rows)])  # type: ignore[index]
        return np.array(rows, dtype=int), self.flow.unpack(packed)


def open_caches(flow: FlowContract, columns: Sequence[slice]) -> dict[int, CachedFlow]:
    """Open the store for the members of a flow whose features may be kept, by their number; empty without a store."""
    store = open_store(flow.store)
    if store is None:
        return {}
    return {
        i: CachedFlow(store, key, _title(member), member, place)
        for i, (member, place) in enumerate(zip(flow.members(), columns))
        if (key := fingerprint(member)) is not None
    }


def _title(flow: FlowContract) -> str:
    """Format the flow on one line, with the parameters that its features depend on."""
    bare = clone(flow).set_params(n_jobs=None, on_error="raise", verbose=False, store=None)
    return " ".join(repr(bare).split())


def recall(
    flow: FlowContract, caches: Mapping[int, CachedFlow], images: Sequence[Source], positions: Sequence[int],
    features: np.ndarray,
) -> tuple[np.ndarray, list[bytes | None]]:
    """Fill in the features that are in the store.

    Returns
    -------
    is_missing : ndarray of shape (n_positions, n_members) and dtype bool
        True where the store lacks the features of an image for a member of the union.
    digests : list of bytes or None
        The digests of the images that were read to look for them.
    """
    read: list[bytes | None] = [None] * len(positions)
    is_missing = np.ones((len(positions), len(flow.members())), dtype=bool)
    known = {i: cache for i, cache in caches.items() if cache.store.holds(cache.fingerprint)}
    if not known:
        return is_missing, read
    starts = range(0, len(positions), _CHUNK)
    chunks = ([images[position] for position in positions[i:i + _CHUNK]] for i in starts)
    digests = run_in_order(map(delayed(_digest_chunk), chunks), flow.n_jobs, prefer="threads")
    for start, chunk in zip(starts, digests):
        read[start:start + len(chunk)] = chunk
        for i, cache in known.items():
            rows, found = cache.get(chunk)
            features[start + rows, cache.columns] = found
            is_missing[start + rows, i] = False
    return is_missing, read


def _digest_chunk(images: Sequence[Source]) -> list[bytes | None]:
    """Compute the key of each image in a store; None if it cannot be read. The error is raised by the extraction."""
    digests: list[bytes | None] = []
    for source in images:
        try:
            digests.append(LoadedImage(source).digest)
        except ImageReadError:
            digests.append(None)
    return digests
