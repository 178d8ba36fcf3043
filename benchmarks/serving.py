"""Measure the service and the command `predict` against the model's flows alone, and the model file."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from twoflow import make_model, save
from twoflow._text import counted
from twoflow.models.fitted_parts import fitted_parts

from .child import ROOT
from .clients import Upload, send_all, uploads
from .figure import Aim, Figure, Line, NotMeasured
from .measure import Contestant, Times, interleave, ratio
from .photos import photos
from .setting import Setting

_CLIENTS = (1, 8, 64)
_PERCENTILES = (50, 99)
_EXTRA = ("fastapi", "uvicorn", "python_multipart")
_ALONE, _ONE_BY_ONE = "flows alone", "flows alone, one image a call"
_READY_S, _STOP_S = 120, 60

_Pass = Callable[[Sequence[str]], Any]
_Latencies = list[list[float]]


class _Size(NamedTuple):
    """Numbers of images to fit on, of classes, requests and images to predict; rounds of service, command, load."""

    n_fit: int
    n_classes: int
    n_requests: int
    n_predicted: int
    service_rounds: int
    command_rounds: int
    load_rounds: int


_FULL, _QUICK = _Size(640, 32, 128, 2_000, 2, 1, 3), _Size(12, 3, 8, 8, 1, 1, 1)


def measure(setting: Setting) -> list[Line]:
    """Measure the recipe `fast`; its flows alone read the same files, and compute features that nobody classifies."""
    size = _QUICK if setting.is_quick else _FULL
    images = photos(setting.folder, size.n_predicted, size.n_classes, jobs=setting.jobs)
    with TemporaryDirectory(dir=setting.folder, prefix="model-") as folder:
        file = Path(folder) / "fast.twoflow"
        fitted_on = images[:size.n_fit]
        model = make_model("fast", random_state=0, n_jobs=setting.jobs).fit(fitted_on)
        save(model, file, collection=fitted_on)
        flow = fitted_parts(model).flow
        assert flow is not None
        return [
            *_measure_service(file, images.paths[:size.n_requests], flow.transform, size, setting),
            _measure_predict(file, images.paths, flow.transform, size, setting),
            *_measure_file(file, size),
        ]


def _measure_service(file: Path, paths: list[str], alone: _Pass, size: _Size, setting: Setting) -> list[Line]:
    if not all(map(find_spec, _EXTRA)):
        return [
            NotMeasured(name, "needs pip install twoflow[serve]")
            for n_clients in _CLIENTS for name in (_rate_name(n_clients), *_latency_names(n_clients))
        ]
    requests, latencies = uploads(paths), {n: _Latencies() for n in _CLIENTS}
    with _serving(file, setting.jobs) as address:
        times = interleave(
            {
                _ALONE: Contestant(partial(alone, paths), len(paths)),
                _ONE_BY_ONE: Contestant(lambda: [alone([path]) for path in paths], len(paths)),
                **{
                    _rate_name(n): Contestant(partial(_send, address, requests, n, latencies[n]), len(paths))
                    for n in _CLIENTS
                },
            },
            size.service_rounds,
        )
    return [line for n in _CLIENTS for line in _service_lines(times, n, latencies[n], setting.jobs)]


def _service_lines(times: Times, n_clients: int, latencies: _Latencies, jobs: int) -> Iterator[Line]:
    """Yield the rate and the latencies. Each client waits for its answer before it sends again."""
    best = times.wall[_ALONE]
    basis, limit = (_ONE_BY_ONE, "one image after the other") if n_clients < jobs else (_ALONE, "many images")
    yield Figure(
        _rate_name(n_clients), ratio(times.wall[basis], times.wall[_rate_name(n_clients)]), "x",
        f"1: {times.rate(basis):.0f} images/s, {limit}; the clients have the same cores",
        Aim(">=", 0.8) if n_clients == max(_CLIENTS) else None, times.wall,
    )
    one = times.wall[_ONE_BY_ONE]
    waiting = [max(1, n_clients * many / single) for many, single in zip(best, one)]
    for name, percentile in zip(_latency_names(n_clients), _PERCENTILES):
        seconds = [float(np.percentile(found, percentile)) for found in latencies[1:]]  # the first is the warm-up
        yield Figure(
            name, ratio(seconds, one), "x",
            f"{median(waiting):.1f}: {n_clients} images at the rate of the flows alone; one takes "
            f"{1000 * median(one):.0f} ms, the service {1000 * median(seconds):.0f} ms",
            seconds={_ONE_BY_ONE: one, name: seconds},
        )


def _rate_name(n_clients: int) -> str:
    return f"service, rate of {counted(n_clients, 'client')}, against the flows alone"


def _latency_names(n_clients: int) -> list[str]:
    return [
        f"service, p{percentile} of {counted(n_clients, 'client')}, against the flows alone on one image"
        for percentile in _PERCENTILES
    ]


def _send(address: str, requests: Sequence[Upload], n_clients: int, latencies: _Latencies) -> None:
    latencies.append(send_all(address, requests, n_clients))


@contextmanager
def _serving(file: Path, jobs: int) -> Iterator[str]:
    """Serve a model file in a process of its own; give the address for predictions when it is ready."""
    command = [sys.executable, "-m", "twoflow", "serve", str(file), "--port", "0", "--jobs", str(jobs)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().rpartition(" ")[2].strip()
            end = time.monotonic() + _READY_S
            while not (address and _is_ready(address)):
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"the service did not start: {' '.join(command)}")
                time.sleep(0.1)
            yield f"{address}predict"
        finally:
            process.terminate()
            process.wait(_STOP_S)


def _is_ready(address: str) -> bool:
    url = urlsplit(address)
    with closing(HTTPConnection(url.hostname or "", url.port)) as connection:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200


def _measure_predict(file: Path, paths: list[str], alone: _Pass, size: _Size, setting: Setting) -> Line:
    """Measure the command as it is started, with loading of code and model; how long that takes is in the limit."""
    with TemporaryDirectory(dir=setting.folder, prefix="predicted-") as folder:
        tables = {}
        for name, some in (("predict", paths), ("predict one", paths[:1])):
            tables[name] = Path(folder) / f"{name}.csv"
            tables[name].write_text("".join(f"{path}\n" for path in ["path", *some]), "utf-8")
        times = interleave(
            {
                _ALONE: Contestant(partial(alone, paths)),
                **{name: Contestant(partial(_predict, file, table, setting)) for name, table in tables.items()},
            },
            size.command_rounds,
            has_warm_up=False,
        )
    alone_s, whole, start = times.wall.values()
    return Figure(
        f"predict, rate of the command for {counted(len(paths), 'image')}, against the flows alone",
        ratio(alone_s, whole), "x",
        f"{median(ratio(alone_s, [a + b for a, b in zip(alone_s, start)])):.2f}: starting it with one image takes "
        f"{median(start):.1f} s; the flows alone do {len(paths) / median(alone_s):.0f} images/s",
        Aim(">=", 0.9), times.wall,
    )


def _predict(file: Path, table: Path, setting: Setting) -> None:
    """Predict to standard output, which nobody keeps."""
    command = [sys.executable, "-m", "twoflow", "predict", str(file), str(table), "--jobs", str(setting.jobs)]
    done = subprocess.run([*command, "--quiet", "--no-store"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")


def _measure_file(file: Path, size: _Size) -> list[Line]:
    code = {
        "scikit-learn": "import sklearn.linear_model",
        "load": f"import twoflow; twoflow.load({str(file)!r})",
    }
    wall = interleave({name: Contestant(partial(_start, text)) for name, text in code.items()}, size.load_rounds).wall
    n_bytes = file.stat().st_size
    return [
        Figure(
            f"model file of fast, {size.n_fit:,} images of {size.n_classes} classes", [n_bytes / 1e6], "MB",
            "its network is not inside, because pip installs it", Aim("<=", 5),
        ),
        Figure("starting Python and loading that file", wall["load"], "s",
               f"{median(wall['scikit-learn']):.2f} s: starting Python and importing scikit-learn", Aim("<=", 2), wall),
        Figure("the same, against starting Python and importing scikit-learn",
               ratio(wall["load"], wall["scikit-learn"]), "x", "1: it is imported too", seconds=wall),
    ]


def _start(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
