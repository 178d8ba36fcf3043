"""Limits: work that no program can avoid, such as decoding a file and the network's arithmetic. None is twoflow's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from twoflow.images import LoadedImage
from twoflow.networks import get_card
from twoflow.networks.catalog import resolve
from twoflow.networks.runtime import load_onnxruntime

from .measure import Contestant

_T = TypeVar("_T")

NETWORK, LAYER = "efficientnet-lite0", "global_pool"
#: Images in a call. onnxruntime and PyTorch are judged by the size at which they are fastest.
BATCHES = (1, 8, 32)


def spread(work: Callable[[_T], object], items: Iterable[_T], jobs: int) -> None:
    """Work on the items with `jobs` threads; each thread takes the next item that is left."""
    left = iter(list(items))  # threads may share the iterator of a list

    def loop() -> None:
        for item in left:
            work(item)

    with ThreadPoolExecutor(jobs) as pool:
        for done in [pool.submit(loop) for _ in range(jobs)]:
            done.result()


def decode(paths: Sequence[str], jobs: int) -> None:
    """Read and decode whole images."""
    spread(_decode, paths, jobs)


def _decode(path: str) -> None:
    with Image.open(path) as image:
        image.load()


def read(paths: Sequence[str], jobs: int) -> None:
    """Read files and compute the digest of each, which every lookup by content needs."""
    spread(lambda path: hashlib.sha256(Path(path).read_bytes()).digest(), paths, jobs)


def ready_tensors(paths: Sequence[str]) -> np.ndarray:
    """Prepare images as the network takes them: float32 of shape (n, 3, height, width)."""
    card = get_card(NETWORK)
    return np.concatenate([card.preprocess(LoadedImage(path).resized(card.input_size)) for path in paths])


def onnxruntime_alone(tensors: np.ndarray, jobs: int) -> dict[str, Contestant]:
    """Make contestants of onnxruntime on ready tensors: one image a thread, or all threads on one batch."""
    images = [tensors[i:i + 1] for i in range(len(tensors))]
    contestants = {"an image a thread": Contestant(partial(spread, open_alone(1), images, jobs), len(tensors))}
    on_all_threads = open_alone(jobs)
    for size in BATCHES:
        batches = [tensors[i:i + size] for i in range(0, len(tensors), size)]
        contestants[f"batches of {size}"] = Contestant(partial(spread, on_all_threads, batches, 1), len(tensors))
    return {f"onnxruntime, {name}": contestant for name, contestant in contestants.items()}


def open_alone(n_threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """Open the network's graph in onnxruntime; return a function from a batch to its embeddings."""
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = n_threads, 1
    options.log_severity_level = 3
    graph = resolve(NETWORK).build((LAYER,)).SerializeToString()
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return lambda batch: session.run([LAYER], {"data": batch})[0]
