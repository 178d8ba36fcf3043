"""Measure two Dask workers against one."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import joblib

from twoflow import CNNEmbedding

from .figure import Aim, Figure, Line, NotMeasured
from .measure import Contestant, interleave, ratio
from .photos import photos
from .setting import Setting

_NAME = "rate, two Dask workers against one"


class _Size(NamedTuple):
    n: int
    rounds: int


_FULL, _QUICK = _Size(256, 3), _Size(32, 2)


def measure(setting: Setting) -> list[Line]:
    """Measure the rate of worker processes with one thread each; the scheduler and this process share their cores."""
    if find_spec("distributed") is None:
        return [NotMeasured(_NAME, "needs pip install distributed")]
    from distributed import Client, LocalCluster

    size = _QUICK if setting.is_quick else _FULL
    paths = photos(setting.folder, size.n, jobs=setting.jobs).paths
    flow = CNNEmbedding().fit(paths)
    with ExitStack() as stack:
        clients = [
            stack.enter_context(Client(stack.enter_context(
                LocalCluster(n_workers, threads_per_worker=1, processes=True, dashboard_address=":0")
            )))
            for n_workers in (1, 2)
        ]
        contestants = {
            "one worker": Contestant(partial(_embed_on_one, flow, paths, clients[0]), size.n),
            "two workers": Contestant(partial(_embed_on_all, flow, paths, clients[1]), size.n),
        }
        times = interleave(contestants, size.rounds)
    one, two = times.wall.values()
    return [
        Figure(
            _NAME, ratio(one, two), "x", "2 with two free cores; less because the scheduler shares them",
            Aim(">=", 1.7), times.wall,
        )
    ]


def _embed_on_one(flow: CNNEmbedding, paths: list[str], client: Any) -> None:
    """Embed as one task: with a single worker joblib would work in this process."""
    client.submit(flow.transform, paths, pure=False).result()


def _embed_on_all(flow: CNNEmbedding, paths: list[str], client: Any) -> None:
    with joblib.parallel_config("dask", client=client, n_jobs=-1):
        flow.transform(paths)
