"""Measure embedding JPEG files against onnxruntime alone on ready tensors, and against PyTorch."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import redirect_stdout
from functools import partial
from importlib.util import find_spec
from statistics import median
from typing import NamedTuple

import numpy as np

from twoflow import CNNEmbedding
from twoflow.networks.catalog import find_weights

from .figure import Aim, Figure, Line, NotMeasured
from .floors import BATCHES, LAYER, NETWORK, decode, onnxruntime_alone, open_alone, ready_tensors
from .measure import Contestant, Times, interleave, ratio
from .photos import photos
from .setting import Setting

_PEER = ("torch", "efficientnet_lite_pytorch")


class _Size(NamedTuple):
    """Numbers of images for twoflow, onnxruntime and PyTorch, and of rounds; all times are for one image."""

    n: int
    n_ready: int
    n_torch: int
    rounds: int


_FULL, _QUICK = _Size(256, 96, 32, 3), _Size(16, 8, 4, 1)


def measure(setting: Setting) -> list[Line]:
    """Measure the rate against its limits.

    If onnxruntime keeps every core busy, nothing is left for decoding: the limit is then both together.
    """
    size = _QUICK if setting.is_quick else _FULL
    paths = photos(setting.folder, size.n, jobs=setting.jobs).paths
    tensors = ready_tensors(paths[:size.n_ready])
    alone = onnxruntime_alone(tensors, setting.jobs)
    is_installed = all(map(find_spec, _PEER))
    torch = _torch_eager(tensors[:size.n_torch], setting.jobs) if is_installed else {}
    flow = CNNEmbedding(NETWORK, LAYER, n_jobs=setting.jobs).fit(paths)
    times = interleave(
        {
            "twoflow": Contestant(partial(flow.transform, paths), size.n),
            "decoding": Contestant(partial(decode, paths, setting.jobs), size.n),
            **alone,
            **torch,
        },
        size.rounds,
    )
    return [*_against_onnxruntime(times, alone, setting.jobs), _against_torch(times, torch)]


def _against_onnxruntime(times: Times, alone: Iterable[str], jobs: int) -> list[Line]:
    best = times.fastest(alone)
    wall, aim = times.wall, Aim(">=", 0.9)
    # Shares of all cores while onnxruntime runs alone: what it leaves idle, and what decoding needs.
    left = 1 - median(ratio(times.cpu[best], wall[best])) / jobs
    needed = median(ratio(times.cpu["decoding"], wall[best])) / jobs
    fits = needed <= left
    beside = f"of the cores it leaves {max(0, left):.0%}, decoding needs {needed:.0%}"
    return [
        Figure(
            "rate, against onnxruntime alone on ready tensors",
            ratio(wall[best], wall["twoflow"]),
            "x",
            f"1: {times.rate(best):.0f} images/s ({best.split(', ')[1]}); {beside}"
            + ("" if fits else ", so the aim is in the next line"),
            aim if fits else None,
            wall,
        ),
        Figure(
            "rate, against onnxruntime and decoding together",
            ratio(times.sum(best, "decoding"), wall["twoflow"]),
            "x",
            f"1: every core always does one of the two, {1 / median(times.sum(best, 'decoding')):.0f} images/s; "
            f"twoflow {times.rate('twoflow'):.0f}",
            None if fits else aim,
            wall,
        ),
    ]


def _against_torch(times: Times, torch: Mapping[str, Contestant]) -> Line:
    name = "rate, against torch eager on ready tensors"
    if not torch:
        return NotMeasured(name, f"needs pip install {' '.join(_PEER)}")
    best = times.fastest(torch)
    return Figure(
        name,
        ratio(times.wall[best], times.wall["twoflow"]),
        "x",
        f"as above; torch with the same weights reaches {times.rate(best):.0f} images/s at its best "
        f"({best.split(', ')[1]})",
        Aim(">=", 5),
        times.wall,
    )


def _torch_eager(tensors: np.ndarray, jobs: int) -> dict[str, Contestant]:
    """Make contestants of PyTorch with the same weights, after checking that it computes the same."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    torch.set_num_threads(jobs)
    with redirect_stdout(sys.stderr):  # it prints that it has loaded the weights
        network = EfficientNet.from_pretrained(NETWORK, weights_path=str(find_weights(NETWORK))).eval()

    def embed(batch: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return network.extract_features(batch).mean((2, 3))

    def run(batches: Sequence[torch.Tensor]) -> None:
        for batch in batches:
            embed(batch)

    theirs, ours = embed(torch.from_numpy(tensors[:1])).numpy(), open_alone(1)(tensors[:1])
    np.testing.assert_allclose(theirs, ours, rtol=1e-3, atol=1e-3)
    return {
        f"torch, batches of {size}": Contestant(partial(run, torch.from_numpy(tensors).split(size)), len(tensors))
        for size in BATCHES
    }
