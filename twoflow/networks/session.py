"""Run a network: a process opens one session for each set of layers, and keeps it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from .._text import printable
from ..errors import InputError
from .acceleration import LEAST_COSINE, accelerate, fill
from .card import NetworkCard
from .carried import NetworkLike
from .catalog import require_layer, resolve
from .errors import MAX_LENGTH, NetworkOutputError, one_line_errors
from .finite import describe_output, is_finite
from .inference import Forward, start_graph
from .mxnet import MXNetForward, load_mxnet
from .network import Network
from .onnx import read_graph
from .providers import CPU, available, choose, wanted
from .quantized_network import QuantizedNetwork

_opening = Lock()


class _Engine(NamedTuple):
    """What runs the layers of a network; see `Accelerated` for the attributes."""

    forward: Forward
    batch: int = 1
    agreement: float = 1.0


class Session:
    """A network that is ready to run. Threads may share it.

    Attributes
    ----------
    card : NetworkCard
    agreement : float
        The least cosine between a layer on the accelerator and on the processor, for images of noise. 1 on the
        processor itself.
    """

    def __init__(self, title: str, card: NetworkCard, layers: tuple[str, ...], engine: _Engine) -> None:
        self.card = card
        self.agreement = engine.agreement
        self._title = title
        self._layers = layers
        self._engine = engine

    def run(self, pixels: np.ndarray, image: str = "an image") -> dict[str, np.ndarray]:
        """Compute the outputs of the layers for one image.

        Parameters
        ----------
        pixels : ndarray of shape (height, width, 3) and dtype uint8
            RGB, of the card's input size.
        image : str
            The name of the image in error messages. "an image" by default.

        Returns
        -------
        dict of str to ndarray
            By layer: float32 of shape (width of the layer, rows, columns), or (width of the layer,).

        Raises
        ------
        NetworkOutputError
            If an output contains NaN or infinity.
        ValueError
            If the engine cannot run the network.
        """
        return self.run_many([pixels], [image])[0]

    def run_many(self, pixels: Sequence[np.ndarray], images: Sequence[str]) -> list[dict[str, np.ndarray]]:
        """Compute the outputs of the layers for several images: in batches on an accelerator, else one after another.

        Parameters
        ----------
        pixels : sequence of ndarray
            See `run`.
        images : sequence of str
            The name of each image.

        Returns
        -------
        list of dict of str to ndarray
            See `run`, which also says what is raised. An image's outputs do not depend on the other images.
        """
        found, size = [], self._engine.batch
        for start in range(0, len(pixels), size):
            names = images[start:start + size]
            planes = [self.card.preprocess(each) for each in pixels[start:start + size]]
            with _titled(self._title):
                outputs = self._engine.forward(planes[0] if size == 1 else fill(np.concatenate(planes), size))
            found += [self._split([output[i:i + 1] for output in outputs], name) for i, name in enumerate(names)]
        return found

    def _split(self, outputs: Sequence[np.ndarray], image: str) -> dict[str, np.ndarray]:
        """Return the outputs for one image by layer; NetworkOutputError if one is not finite."""
        for layer, output in zip(self._layers, outputs):
            if not is_finite(output):
                raise NetworkOutputError(describe_output(self._title, layer, image, output))
        return {
            layer: output[0] if self.card.layers[layer].is_map else output.ravel()
            for layer, output in zip(self._layers, outputs)
        }


def check_engine(engine: str, network: Network, provider: str = CPU) -> None:
    """Raise ValueError if the engine cannot run the network, or ModuleNotFoundError if the engine is not installed.

    Parameters
    ----------
    engine : str
        A key of `ENGINES`.
    network : Network
    provider : str
        One of `PROVIDERS`; "cpu" by default.
    """
    choose(provider)
    if engine != "onnxruntime" and provider not in ("auto", CPU):
        raise InputError(f'provider="{provider}" needs engine="onnxruntime", got engine="{engine}"; use provider="cpu"')
    if engine == "mxnet":
        if network.checkpoint is None:
            raise InputError(f'engine="mxnet": expected an MXNet network, got {network.title}; use "onnxruntime"')
        load_mxnet()


def open_session(
    network: NetworkLike,
    layers: tuple[str, ...],
    n_threads: int = 1,
    preprocessing: Mapping[str, Any] | None = None,
    engine: str = "onnxruntime",
    provider: str = CPU,
) -> Session:
    """Open a session for layers of a network, or return the one that this process has opened before.

    Parameters
    ----------
    network : str or path
        A name in `twoflow.networks.NETWORKS`, or a path. If its files have changed, a new session is opened.
    layers : tuple of str
        The layers to compute. What lies behind the last of them is not computed.
    n_threads : int
        How many threads one run may use; 1 by default. MXNet ignores it. The outputs are the same bytes with any
        number.
    preprocessing : mapping, optional
        How images enter the network; see `resolve`. None by default: as the card says.
    engine : str
        What runs the network, a key of `ENGINES`. "onnxruntime" by default.
    provider : {"cpu", "cuda", "directml", "coreml"}
        Where onnxruntime computes; "cpu" by default. `find_provider` chooses one.

    Returns
    -------
    Session

    Raises
    ------
    ModuleNotFoundError, ValueError
        If the network cannot be found, read or run.
    """
    return start_session(resolve(network, preprocessing), layers, n_threads, engine, provider)


def start_session(
    network: Network, layers: tuple[str, ...], n_threads: int = 1, engine: str = "onnxruntime", provider: str = CPU
) -> Session:
    """Open a session for layers of a network that is open already; see `open_session`."""
    check_engine(engine, network, provider)
    for layer in layers:
        require_layer(network, layer)
    return _start(network, layers, n_threads, engine, provider)


def find_provider(network: Network, layer: str, provider: str = "auto", n_threads: int = 1) -> str:
    """Choose where onnxruntime computes a layer of a network on this machine.

    Parameters
    ----------
    network : Network
    layer : str
    provider : str
        One of `PROVIDERS`. "auto", the default, takes the first accelerator that onnxruntime has, that can run the
        network, and whose outputs for images of noise have a cosine of at least 0.999 to the processor's. Their time is
        not compared: features of another provider differ in the last digits, and the choice would change from run to
        run with the load of the machine. An accelerator that is named is always taken.
    n_threads : int
        How many threads of the processor the comparison may use; 1 by default.

    Returns
    -------
    str
        "cpu", or a key of `ACCELERATORS`. If an accelerator computes other values than the processor, or "auto" cannot
        use one that is there, a warning says so, once in a process for each network and layer.

    Raises
    ------
    MissingExtraError
        If onnxruntime does not have the provider that is named.
    ValueError
        If it cannot run the network there.
    """
    provider = wanted(provider)
    if choose(provider) == CPU:
        return CPU
    names = available() if provider == "auto" else (provider,)
    return _find_provider(network, layer, names, provider == "auto", n_threads, os.getpid())


@lru_cache(maxsize=64)
def _find_provider(
    network: Network, layer: str, names: tuple[str, ...], may_fall_back: bool, n_threads: int, process: int
) -> str:
    reasons = []
    for name in names:
        try:
            session = _start(network, (layer,), n_threads, "onnxruntime", name)
        except InputError as error:
            if not may_fall_back:
                raise
            reasons.append(f"{name}: {error}")
            continue
        if session.agreement >= LEAST_COSINE:
            return name
        reasons.append(
            f"{name} computes {layer} of {network.title} with a cosine of {session.agreement:.4f} to the CPU's values, "
            f"under {LEAST_COSINE}"
        )
    found, remedy = (CPU, "it runs on the CPU") if may_fall_back else (names[0], 'provider="cpu" is exact')
    warnings.warn(printable(f"{'; '.join(reasons)}; {remedy}", MAX_LENGTH), stacklevel=2)
    return found


def _start(network: Network, layers: tuple[str, ...], n_threads: int, engine: str, provider: str) -> Session:
    with _opening, one_line_errors():  # without the lock, two threads that miss the cache would open two sessions
        return _open_session(network, layers, n_threads, engine, provider, os.getpid())


@lru_cache(maxsize=8)
def _open_session(
    network: Network, layers: tuple[str, ...], n_threads: int, engine: str, provider: str, process: int
) -> Session:
    """Open a session; `process`, the process id, keeps a fork from the parent's session, whose threads it lacks."""
    with _titled(network.title):
        started = ENGINES[engine](network, layers, n_threads, provider)
    return Session(network.title, network.card, layers, started)


def open_quantized(quantized: QuantizedNetwork, network: Network, layer: str, n_threads: int = 1) -> Session:
    """Open a session for a quantized network, or return the one that this process has opened before.

    A new session is checked first: does this processor compute the network correctly? See `QuantizedNetwork.check`.

    Parameters
    ----------
    quantized : QuantizedNetwork
    network : Network
        The network that `quantized` was made from.
    layer : str
        The layer that it was quantized up to.
    n_threads : int
        How many threads one run may use; 1 by default.

    Returns
    -------
    Session

    Raises
    ------
    ValueError
        If this processor does not compute the network correctly.
    """
    with _opening:
        return _open_quantized(quantized, network, layer, n_threads, os.getpid())


@lru_cache(maxsize=8)
def _open_quantized(
    quantized: QuantizedNetwork, network: Network, layer: str, n_threads: int, process: int
) -> Session:
    session = start_quantized(quantized.graph, network, layer, n_threads)
    width, height = network.card.input_size
    probe = np.frombuffer(quantized.probe, np.uint8).reshape(height, width, 3)
    quantized.check(session.run(probe)[layer], f"{layer} of {network.title}")
    return session


def start_quantized(graph: bytes, network: Network, layer: str, n_threads: int = 1) -> Session:
    """Open a new session for the graph of a quantized network, without checking what this processor computes.

    Raises
    ------
    ValueError
        If the graph is no network for such images, or exceeds a limit; it may come from a model file.
    """
    with _titled(network.title):
        engine = _Engine(start_graph(read_graph(graph, network.card.input_size), (layer,), n_threads))
    return Session(network.title, network.card, (layer,), engine)


@contextmanager
def _titled(title: str) -> Iterator[None]:
    """Put the network in front of the message of an InputError."""
    try:
        yield
    except InputError as error:
        if str(error).startswith(title):
            raise
        raise InputError(printable(f"{title}: {error}", MAX_LENGTH)) from error


def _start_onnxruntime(network: Network, layers: tuple[str, ...], n_threads: int, provider: str) -> _Engine:
    if provider == CPU:
        return _Engine(start_graph(network.build(layers), layers, n_threads))
    return _Engine(*accelerate(network, layers, n_threads, provider))


def _start_mxnet(network: Network, layers: tuple[str, ...], n_threads: int, provider: str) -> _Engine:
    assert network.checkpoint is not None  # check_engine has checked it
    return _Engine(MXNetForward(network.checkpoint, network.card.input_size, layers))


#: The engines that run networks. Each is a function (network, layers, number of threads, provider) -> what runs it.
ENGINES: dict[str, Callable[[Network, tuple[str, ...], int, str], _Engine]] = {
    "onnxruntime": _start_onnxruntime,
    "mxnet": _start_mxnet,
}
