"""Run flows over many images: in parallel, in bounded memory, with nothing computed twice and every row in its place.

Each worker takes one image from the file to its features before it takes the next. The decoding of one image thus
overlaps with the network's work on another, memory does not grow with the number of images, and a row cannot depend on
its neighbors. Batches would be no faster: on CPUs, onnxruntime computes single images on as many threads at the same
rate. On an accelerator batches are faster, so a flow that runs there says how many images it takes: the worker prepares
them one by one, and then computes them together.
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
from typing import Any, NamedTuple

import numpy as np
from joblib import delayed, effective_n_jobs

from ..._jobs import one_native_thread, run_in_order, share, take, threads_per_task
from ..._progress import phase
from ...errors import InputError
from ...images import ImageReadError, LoadedImage
from ...images.reading import Source, describe
from ..contract import FlowContract
from .feature_cache import CachedFlow, open_caches, recall

_CHUNK = 16  # most images a task: enough to hide joblib's cost, few enough to keep progress smooth
_IN_MEMORY = 2**31  # bytes of features; a larger table is kept in a file


class Extraction(NamedTuple):
    """What `extract` found.

    Attributes
    ----------
    features : ndarray of shape (n, n_features), in the flow's dtype
        Over 2 GiB, it is a view of a temporary file.
    errors : list of (int, ImageReadError)
        The position and error of each unreadable image.
    n_computed : int
        For how many images something had to be computed; the features of the others were all in the store.
    digests : list of bytes or None
        The digest of each image's content; see `LoadedImage`. None for an image that cannot be read, and for all images
        without a store.
    """

    features: np.ndarray
    errors: list[tuple[int, ImageReadError]]
    n_computed: int
    digests: list[bytes | None]


def extract(
    flow: FlowContract, images: Sequence[Source], positions: Sequence[int] | None = None, name: str = "features"
) -> Extraction:
    """Compute the features of all images, or of those at some positions.

    The flow's `n_jobs`, `on_error`, `verbose` and `store` say how.

    Row i belongs to ``images[positions[i]]``; errors give the positions in `images`. `name` is what the progress calls
    the work.
    """
    positions = range(len(images)) if positions is None else positions
    flow = flow.bind()  # the rows and the key that they are stored under must belong to the same network
    members = flow.members()
    ends = np.cumsum([member.n_features_out for member in members]).tolist()
    columns = [slice(start, end) for start, end in zip([0, *ends], ends)]
    features = _allocate((len(positions), ends[-1]), np.dtype(flow.features_dtype))
    caches = open_caches(flow, columns)
    is_missing, digests = recall(flow, caches, images, positions, features)
    n_computed = int(is_missing.any(axis=1).sum())

    errors: list[tuple[int, ImageReadError]] = []
    # The workers are all the threads that n_jobs allows. BLAS would add threads of its own, which mostly wait for each
    # other and round differently.
    n_known = len(positions) - n_computed
    with phase(name, len(positions), "images", n_done=n_known, verbose=flow.verbose) as shown, one_native_thread():
        for pattern, rows in _by_pattern(is_missing):
            wanted = np.flatnonzero(pattern).tolist()
            work = _Work([members[i] for i in wanted], flow.on_error, bool(caches))
            with closing(_compute(work, flow.n_jobs, images, positions, rows)) as chunks:
                for chunk_rows, chunk in chunks:
                    _file(chunk, chunk_rows, features, {i: columns[i] for i in wanted}, caches)
                    for row, digest in zip(chunk_rows.tolist(), chunk.digests):
                        digests[row] = digest
                    errors += chunk.errors
                    if errors and flow.on_error == "raise":
                        raise errors[0][1]
                    shown.update(len(chunk_rows))
    return Extraction(features, sorted(errors, key=lambda error: error[0]), n_computed, digests)


def compute(flows: Sequence[FlowContract], image: LoadedImage, n_threads: int) -> list[np.ndarray]:
    """Compute the features of one image for each flow.

    Flows that share a pass, as the layers of a network do, make it once.

    Raises
    ------
    ValueError
        If a flow returns something else than `n_features_out` values.
    """
    return finish(flows, [begin(flows, image, n_threads)], n_threads)[0]


class Begun(NamedTuple):
    """What the flows have taken from one image.

    Attributes
    ----------
    vectors : dict of int to ndarray
        By the position of the flow: the features of each flow that computes one image at a time.
    prepared : list of object
        What the flows of each pass that is computed in batches have prepared.
    """

    vectors: dict[int, np.ndarray]
    prepared: list[Any]


def begin(flows: Sequence[FlowContract], image: LoadedImage, n_threads: int) -> Begun:
    """Compute the features of an image for the flows that take one image at a time; prepare it for the others."""
    begun = Begun({}, [])
    for numbers in group_passes(flows):
        together = [flows[i] for i in numbers]
        cls = type(together[0])
        if together[0].batch_size > 1:
            begun.prepared.append(cls.prepare(together, image))
        else:
            begun.vectors.update(zip(numbers, cls.extract_together(together, image, n_threads)))
    return begun


def finish(flows: Sequence[FlowContract], batch: Sequence[Begun], n_threads: int) -> list[list[np.ndarray]]:
    """Compute what is left for a batch of images; return the features of each image for each flow; see `compute`."""
    passes = [numbers for numbers in group_passes(flows) if flows[numbers[0]].batch_size > 1]
    for number, numbers in enumerate(passes):
        together = [flows[i] for i in numbers]
        found = type(together[0]).extract_batch(together, [begun.prepared[number] for begun in batch], n_threads)
        for begun, vectors in zip(batch, found):
            begun.vectors.update(zip(numbers, vectors))
    for begun in batch:
        for i, flow in enumerate(flows):
            if np.shape(begun.vectors[i]) != (flow.n_features_out,):
                raise InputError(
                    f"expected extract of {type(flow).__name__} to return an array of shape ({flow.n_features_out},), "
                    f"got {np.shape(begun.vectors[i])}; make extract and n_features_out agree"
                )
    return [[begun.vectors[i] for i in range(len(flows))] for begun in batch]


def group_passes(flows: Sequence[FlowContract]) -> list[list[int]]:
    """Group flows that share a pass; return their positions."""
    passes: dict[Hashable, list[int]] = {}
    for i, flow in enumerate(flows):
        key = flow.shared_pass()
        passes.setdefault(i if key is None else (type(flow), key), []).append(i)
    return list(passes.values())


def _file(
    chunk: _Chunk, rows: np.ndarray, features: np.ndarray, columns: Mapping[int, slice],
    caches: Mapping[int, CachedFlow],
) -> None:
    """Copy the features of a chunk to their place in the table and, if they may be kept, into the store."""
    is_kept = [digest is not None for digest in chunk.digests]
    digests = [digest for digest in chunk.digests if digest is not None]
    end = 0
    for i, place in columns.items():
        start, end = end, end + place.stop - place.start
        features[rows, place] = chunk.features[:, start:end]
        if i in caches and digests:
            caches[i].put(digests, features[rows[is_kept], place])


def _by_pattern(is_missing: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Group the images by the members that they miss: (which members, which rows)."""
    patterns, pattern_of = np.unique(is_missing, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        if pattern.any():
            yield pattern, np.flatnonzero(pattern_of.ravel() == number)


class _Work(NamedTuple):
    """What to compute for each image."""

    flows: list[FlowContract]
    on_error: str
    with_digests: bool


class _Chunk(NamedTuple):
    """The features of some images, and their digests if asked for. The digest of an unreadable image is None."""

    features: np.ndarray
    digests: list[bytes | None]
    errors: list[tuple[int, ImageReadError]]


def _compute(
    work: _Work, n_jobs: int | None, images: Sequence[Source], positions: Sequence[int], rows: np.ndarray
) -> Generator[tuple[np.ndarray, _Chunk], None, None]:
    n_workers = effective_n_jobs(n_jobs)
    batch_size = max(flow.batch_size for flow in work.flows)
    chunks = list(_cut(rows, n_workers, batch_size))
    # A single image on an idle machine may use every core. If there is an image for each core, each image uses one.
    n_threads = threads_per_task(n_jobs, len(chunks))
    shared, crew = share(work), _Crew()
    sources = ({positions[row]: images[positions[row]] for row in chunk} for chunk in chunks)
    tasks = (delayed(_compute_chunk)(shared, chunk, n_threads, crew) for chunk in sources)
    results = run_in_order(tasks, n_jobs, prefer="threads")
    try:
        yield from zip(chunks, results)
    except BaseException:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joblib warns that work was started whose result nobody takes
            results.close()
        crew.stop()
        raise


def _cut(rows: np.ndarray, n_workers: int, batch_size: int) -> Iterator[np.ndarray]:
    """Cut rows into tasks of whole batches. The last tasks are smaller, so all workers end at nearly the same time."""
    start = 0
    while start < len(rows):
        share = -(-(len(rows) - start) // (2 * n_workers))
        step = max(1, min(_CHUNK, share) // batch_size) * batch_size
        yield rows[start:start + step]
        start += step


def _compute_chunk(work: _Work, images: Mapping[int, Source], n_threads: int, crew: _Crew) -> _Chunk:
    work = take(work)
    work = work._replace(flows=[flow.bind() for flow in work.flows])  # has an effect in another process only
    width = sum(flow.n_features_out for flow in work.flows)
    dtype = np.result_type(*(flow.features_dtype for flow in work.flows))
    chunk = _Chunk(np.empty((len(images), width), dtype), [None] * len(images), [])
    batch_size = max(flow.batch_size for flow in work.flows)
    sources = list(enumerate(images.items()))
    with crew, nullcontext() if crew.is_here else one_native_thread():
        for start in range(0, len(sources), batch_size):
            batch: dict[int, tuple[bytes | None, Begun]] = {}
            for row, (position, source) in sources[start:start + batch_size]:
                if crew.stopped or chunk.errors and work.on_error == "raise":
                    return chunk  # what has only begun has no digest, so the store does not keep it
                name = None if isinstance(source, (str, Path)) else f"image {position} ({describe(source)})"
                try:
                    image = LoadedImage(source, name)
                    digest = image.digest if work.with_digests else None
                    begun = begin(work.flows, image, n_threads)
                    image.read()  # even if no flow looks at it: whether it can be read must not depend on the flow
                    batch[row] = digest, begun
                except ImageReadError as error:
                    chunk.errors.append((position, error))
                    if work.on_error == "nan":
                        chunk.features[row] = np.nan
            if batch:
                found = finish(work.flows, [begun for _, begun in batch.values()], n_threads)
                for (row, (digest, _)), vectors in zip(batch.items(), found):
                    chunk.features[row] = np.concatenate(vectors)
                    chunk.digests[row] = digest
    return chunk


class _Crew:
    """The workers of one extraction in this process.

    If the extraction ends early, wait for them: a process that ends while a worker is inside onnxruntime aborts.
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
        return _Crew, (False,)  # joblib stops the workers in other processes


def _allocate(shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
    if shape[0] * shape[1] * dtype.itemsize <= _IN_MEMORY:
        return np.empty(shape, dtype)
    with tempfile.NamedTemporaryFile(prefix="twoflow-features-", delete=False) as file:
        features = np.memmap(file, dtype, "w+", shape=shape)
    weakref.finalize(features.base, os.unlink, file.name)  # the map itself, which all views share
    return features
