"""Finished folds in a store, so that an interrupted comparison goes on where it stopped."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

from ..flows.engine.values import UnnamedDependencyError
from ..images import ImageCollection
from ..models import Parts
from ..store import FeatureStore, StoreWarning
from .fold_bytes import UnwritableError, from_bytes, to_bytes
from .fold_keys import FoldKeys, describe_method, sees_sources
from .folds import Fold
from .scoring import FoldScores


class KeptFolds:
    """The results of folds in a store.

    Parameters
    ----------
    store : FeatureStore or None
        None keeps nothing.
    methods : mapping of str to Parts
        The methods of a comparison, taken apart.
    collection : ImageCollection
    digests : sequence of bytes or None
        The digest of each image's content. If one is None, nothing is kept.

    Attributes
    ----------
    n_kept : int
        How many folds were found or put.

    Warns
    -----
    StoreWarning
        For each method whose results depend on something that has no name, see `describe_method`, or are not plain
        data. Its folds are computed, but not kept.
    """

    def __init__(
        self, store: FeatureStore | None, methods: Mapping[str, Parts], collection: ImageCollection,
        digests: Sequence[bytes | None],
    ) -> None:
        self.n_kept = 0
        self._store = store
        self._described: dict[str, tuple[str, bool]] = {}
        known = [digest for digest in digests if digest is not None]
        if store is None or len(known) < len(digests):
            return
        self._keys = FoldKeys(collection, known)
        for name, parts in methods.items():
            try:
                self._described[name] = describe_method(parts), sees_sources(parts)
            except UnnamedDependencyError as error:
                _warn(name, str(error))

    def get(self, method: str, fold: Fold) -> FoldScores | None:
        """Return the results of a method on a fold; None if they are not in the store, or damaged there."""
        if self._store is None or method not in self._described:
            return None
        content = self._store.get_result(self._key(method, fold))
        found = None if content is None else from_bytes(content, FoldScores)
        self.n_kept += found is not None
        return found

    def put(self, method: str, fold: Fold, scores: FoldScores) -> None:
        """Keep the results of a method on a fold. The peak memory is not kept, since it is that of a process."""
        if self._store is None or method not in self._described:
            return
        try:
            content = to_bytes(scores._replace(peak_memory=None))
        except UnwritableError as error:
            del self._described[method]
            _warn(method, str(error))
            return
        self._store.put_result(self._key(method, fold), content)
        self.n_kept += self._store.is_usable

    def _key(self, method: str, fold: Fold) -> str:
        return self._keys.make(self._described[method][0], fold, self._described[method][1])


def _warn(method: str, reason: str) -> None:
    message = f"the folds of {method} are computed, but not kept in the store: {reason}"
    warnings.warn(message, StoreWarning, stacklevel=2)
