"""Running flows over many images: in parallel, in bounded memory, nothing twice, and every row in its place.

Each worker takes one image from the file to its features before it takes the next. Decoding of one image and the
network's work on another thus overlap by themselves, memory does not grow with the number of images, and a row cannot
depend on its neighbors. A batch through the network would be no faster: on CPUs, onnxruntime computes images one by
one on as many threads at the same rate.
"""

from __future__ import annotations

import os
import tempfile
import threading
import warnings
import weakref
from collections.abc import Generator, Hashable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from joblib import delayed, effective_n_jobs
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from ..._jobs import run_in_order, share, take, threads_per_task
from ...images import ImageReadError, LoadedImage
from ...images.reading import Source, describe
from .feature_cache import CachedFlow, open_caches, recall

if TYPE_CHECKING:
    from ..contract import Flow

_CHUNK = 16  # images a task: enough to hide joblib's cost, few enough to keep progress and balance smooth
_IN_MEMORY = 2**31  # bytes of features; more of them lie in a file


class Extraction(NamedTuple):
    """What `extract` found.

    Attributes
    ----------
    features : ndarray of shape (n, n_features), in the flow's dtype
        Over 2 GiB, it is a view of a temporary file.
    errors : list of (int, ImageReadError)
        The position and error of each unreadable image.
    n_computed : int
        Of how many images something had to be computed; the others were all in the store.
    """

    features: np.ndarray
    errors: list[tuple[int, ImageReadError]]
    n_computed: int


def extract(flow: Flow, images: Sequence[Source], positions: Sequence[int] | None = None) -> Extraction:
    """The features of each image, or of those at some positions, with the flow's `n_jobs`, `on_error` and `store`.

    Row i belongs to ``images[positions[i]]``; errors give the positions in `images`.
    """
    positions = range(len(images)) if positions is None else positions
    flow = flow._bind()  # rows and the key that they are stored under must be of the same network
    parts = flow._parts
    ends = np.cumsum([part._n_features_out for part in parts]).tolist()
    columns = [slice(start, end) for start, end in zip([0, *ends], ends)]
    features = _allocate((len(positions), ends[-1]), np.dtype(flow._dtype))
    caches = open_caches(flow, columns)
    is_missing = recall(flow, caches, images, positions, features)
    n_computed = int(is_missing.any(axis=1).sum())

    errors: list[tuple[int, ImageReadError]] = []
    progress_bar = tqdm(total=len(positions), unit=" images", disable=None if flow.verbose else True)
    # The workers are the threads that n_jobs allows; those of BLAS would come on top, mostly wait for each other, and
    # round in another way.
    with progress_bar as progress, threadpool_limits(1):
        progress.update(len(positions) - n_computed)
        for pattern, rows in _by_pattern(is_missing):
            wanted = np.flatnonzero(pattern).tolist()
            work = _Work([parts[i] for i in wanted], flow.on_error, bool(caches))
            with closing(_compute(work, flow.n_jobs, images, positions, rows)) as chunks:
                for chunk_rows, chunk in chunks:
                    _file(chunk, chunk_rows, features, {i: columns[i] for i in wanted}, caches)
                    errors += chunk.errors
                    if errors and flow.on_error == "raise":
                        raise errors[0][1]
                    progress.update(len(chunk_rows))
    return Extraction(features, sorted(errors, key=lambda error: error[0]), n_computed)


def compute(flows: Sequence[Flow], image: LoadedImage, n_threads: int) -> list[np.ndarray]:
    """The features of one image for each flow; those that share a pass, as layers of a network do, make it once."""
    passes: dict[Hashable, list[int]] = {}
    for i, flow in enumerate(flows):
        key = flow._shared_pass()
        passes.setdefault(i if key is None else (type(flow), key), []).append(i)
    vectors: dict[int, np.ndarray] = {}
    for members in passes.values():
        together = [flows[i] for i in members]
        vectors.update(zip(members, type(together[0])._extract_together(together, image, n_threads)))
    return [vectors[i] for i in range(len(flows))]


def _file(
    chunk: _Chunk, rows: np.ndarray, features: np.ndarray, columns: Mapping[int, slice],
    caches: Mapping[int, CachedFlow],
) -> None:
    """Put the features of a chunk in their place in the table and, where they may be kept, in the store."""
    is_kept = [digest is not None for digest in chunk.digests]
    digests = [digest for digest in chunk.digests if digest is not None]
    end = 0
    for i, place in columns.items():
        start, end = end, end + place.stop - place.start
        features[rows, place] = chunk.features[:, start:end]
        if i in caches and digests:
            caches[i].put(digests, features[rows[is_kept], place])


def _by_pattern(is_missing: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The images that miss something, together with those that miss the same: (which parts, which rows)."""
    patterns, pattern_of = np.unique(is_missing, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        if pattern.any():
            yield pattern, np.flatnonzero(pattern_of.ravel() == number)


class _Work(NamedTuple):
    """What is computed of each image."""

    flows: list[Flow]
    on_error: str
    with_digests: bool


class _Chunk(NamedTuple):
    """The features of some images, and their digests if asked for; None for one that cannot be read."""

    features: np.ndarray
    digests: list[bytes | None]
    errors: list[tuple[int, ImageReadError]]


def _compute(
    work: _Work, n_jobs: int | None, images: Sequence[Source], positions: Sequence[int], rows: np.ndarray
) -> Generator[tuple[np.ndarray, _Chunk], None, None]:
    n_workers = effective_n_jobs(n_jobs)
    step = min(_CHUNK, -(-len(rows) // n_workers))
    chunks = [rows[i:i + step] for i in range(0, len(rows), step)]
    # A single image on an idle machine may have every core; with an image for each core, each has one.
    n_threads = threads_per_task(n_jobs, len(chunks))
    shared, crew = share(work), _Crew()
    sources = ({positions[row]: images[positions[row]] for row in chunk} for chunk in chunks)
    tasks = (delayed(_compute_chunk)(shared, chunk, n_threads, crew) for chunk in sources)
    results = run_in_order(tasks, n_jobs, prefer="threads")
    try:
        yield from zip(chunks, results)
    except BaseException:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joblib's advice to give out no work that is not needed in the end
            results.close()
        crew.stop()
        raise


def _compute_chunk(work: _Work, images: Mapping[int, Source], n_threads: int, crew: _Crew) -> _Chunk:
    work = take(work)
    work = work._replace(flows=[flow._bind() for flow in work.flows])  # of no effect, unless sent to another process
    width = sum(flow._n_features_out for flow in work.flows)
    dtype = np.result_type(*(flow._dtype for flow in work.flows))
    chunk = _Chunk(np.empty((len(images), width), dtype), [None] * len(images), [])
    with crew, nullcontext() if crew.is_here else threadpool_limits(1):
        for row, (position, source) in enumerate(images.items()):
            if crew.stopped or chunk.errors and work.on_error == "raise":
                break
            name = None if isinstance(source, (str, Path)) else f"image {position} ({describe(source)})"
            try:
                image = LoadedImage(source, name)
                digest = image.digest if work.with_digests else None
                features = np.concatenate(compute(work.flows, image, n_threads))
                image.read()  # also where no flow looks at it: what can be read must not depend on the flow
                chunk.features[row] = features
                chunk.digests[row] = digest
            except ImageReadError as error:
                chunk.errors.append((position, error))
                if work.on_error == "nan":
                    chunk.features[row] = np.nan
    return chunk


class _Crew:
    """The workers of one extraction in this process.

    When it ends early they must be waited for: a process that ends while one is inside onnxruntime aborts.
    """

    def __init__(self, is_here: bool = True) -> None:
        self.is_here = is_here
        self.stopped = False
        self._busy = 0
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self._busy += 1

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    def stop(self) -> None:
        """Ask every worker to stop after its image, and wait until all have."""
        self.stopped = True
        with self._changed:
            self._changed.wait_for(lambda: not self._busy)

    def __reduce__(self) -> tuple:
        return _Crew, (False,)  # workers in other processes are joblib's to stop


def _allocate(shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
    if shape[0] * shape[1] * dtype.itemsize <= _IN_MEMORY:
        return np.empty(shape, dtype)
    with tempfile.NamedTemporaryFile(prefix="twoflow-features-", delete=False) as file:
        features = np.memmap(file, dtype, "w+", shape=shape)
    weakref.finalize(features.base, os.unlink, file.name)  # the map itself, which views share
    return features
