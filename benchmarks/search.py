"""Measure the search for similar images among 100,000, against a matrix product alone and against scikit-learn."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from sklearn.neighbors import NearestNeighbors

from twoflow import CNNEmbedding
from twoflow.models.search_space import N_COMPONENTS
from twoflow.similarity.neighbors import find_nearest

from .figure import Aim, Figure, Line
from .floors import LAYER, NETWORK
from .measure import Contestant, interleave, ratio
from .photos import photos
from .setting import Setting

_K = 5


class _Size(NamedTuple):
    """Numbers of photographs, of vectors made from them, of queries at a time, and of rounds."""

    n_photos: int
    n: int
    n_queries: int
    rounds: int


_FULL, _QUICK = _Size(200, 100_000, 64, 5), _Size(8, 500, 4, 1)


def measure(setting: Setting) -> list[Line]:
    """Measure one query, and many at a time."""
    size = _QUICK if setting.is_quick else _FULL
    gallery, queries = _vectors(setting, size)
    peer = NearestNeighbors(n_neighbors=_K, algorithm="brute", metric="cosine", n_jobs=setting.jobs).fit(gallery)
    found, _ = find_nearest(queries, gallery, _K)
    np.testing.assert_array_equal(found[:, 0], peer.kneighbors(queries, 1, return_distance=False)[:, 0])
    one = queries[:1]
    times = interleave(
        {
            "one": Contestant(partial(find_nearest, one, gallery, _K), 1),
            "one, product": Contestant(lambda: one @ gallery.T, 1),
            "one, scikit-learn": Contestant(partial(peer.kneighbors, one), 1),
            "many": Contestant(partial(find_nearest, queries, gallery, _K), len(queries)),
            "many, scikit-learn": Contestant(partial(peer.kneighbors, queries), len(queries)),
        },
        size.rounds,
    )
    wall, where = times.wall, f"{size.n:,} vectors of {N_COMPONENTS}"
    return [
        Figure(
            f"search, one query among {size.n:,}", wall["one"], "s",
            f"memory: each query reads {gallery.nbytes / 1e6:.0f} MB", Aim("<=", 0.05), {"one": wall["one"]},
        ),
        Figure(
            "one query, against its products alone", ratio(wall["one"], wall["one, product"]), "x",
            f"1: the products are all that must be computed; {where}", None, wall,
        ),
        Figure(
            "rate of one query, against scikit-learn's exact neighbors", ratio(wall["one, scikit-learn"], wall["one"]),
            "x", "as above", Aim(">=", 1), {},
        ),
        Figure(
            f"rate of {len(queries)} queries at a time, against scikit-learn's",
            ratio(wall["many, scikit-learn"], wall["many"]), "x",
            f"as above; {times.rate('many'):.0f} queries/s, on one core, so that threads change no answer", None, {},
        ),
    ]


def _vectors(setting: Setting, size: _Size) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors: embeddings of photographs, repeated with a little noise each time."""
    paths = photos(setting.folder, size.n_photos, jobs=setting.jobs).paths
    embedded = CNNEmbedding(NETWORK, LAYER, n_jobs=setting.jobs).fit_transform(paths)[:, :N_COMPONENTS]
    rng = np.random.default_rng(0)
    rows = np.resize(embedded, (size.n + size.n_queries, N_COMPONENTS))
    rows = rows + 0.3 * rows.std() * rng.standard_normal(rows.shape, dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows[:size.n], rows[size.n:]
