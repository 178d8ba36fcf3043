"""Run a network: a process opens one session for each set of layers, and keeps it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np

from .._text import printable
from ..errors import InputError
from .card import NetworkCard
from .carried import NetworkLike
from .catalog import require_layer, resolve
from .errors import MAX_LENGTH, NetworkOutputError, one_line_errors
from .finite import describe_output, is_finite
from .mxnet import MXNetForward, load_mxnet
from .network import Network
from .quantized_network import QuantizedNetwork
from .runtime import load_onnxruntime

#: Takes an image as float32 of shape (1, 3, height, width); returns the outputs of the layers.
Forward = Callable[[np.ndarray], Sequence[np.ndarray]]
_opening = Lock()


class Session:
    """A network that is ready to run. Threads may share it."""

    def __init__(self, title: str, card: NetworkCard, layers: tuple[str, ...], forward: Forward) -> None:
        self.card = card
        self._title = title
        self._layers = layers
        self._forward = forward

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
        outputs = self._forward(self.card.preprocess(pixels))
        for layer, output in zip(self._layers, outputs):
            if not is_finite(output):
                raise NetworkOutputError(describe_output(self._title, layer, image, output))
        return {
            layer: output[0] if self.card.layers[layer].is_map else output.ravel()
            for layer, output in zip(self._layers, outputs)
        }


def check_engine(engine: str, network: Network) -> None:
    """Raise ValueError if the engine cannot run the network, or ModuleNotFoundError if the engine is not installed.

    Parameters
    ----------
    engine : str
        A key of `ENGINES`.
    network : Network
    """
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

    Returns
    -------
    Session

    Raises
    ------
    ModuleNotFoundError, ValueError
        If the network cannot be found, read or run.
    """
    return start_session(resolve(network, preprocessing), layers, n_threads, engine)


def start_session(
    network: Network, layers: tuple[str, ...], n_threads: int = 1, engine: str = "onnxruntime"
) -> Session:
    """Open a session for layers of a network that is open already; see `open_session`."""
    check_engine(engine, network)
    for layer in layers:
        require_layer(network, layer)
    with _opening, one_line_errors():  # without the lock, two threads that miss the cache would open two sessions
        return _open_session(network, layers, n_threads, engine, os.getpid())


@lru_cache(maxsize=8)
def _open_session(network: Network, layers: tuple[str, ...], n_threads: int, engine: str, process: int) -> Session:
    """Open a session; `process`, the process id, keeps a fork from the parent's session, whose threads it lacks."""
    return Session(network.title, network.card, layers, ENGINES[engine](network, layers, n_threads))


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
    """Open a new session for the graph of a quantized network, without checking what this processor computes."""
    return Session(network.title, network.card, (layer,), _run_graph(graph, network.title, (layer,), n_threads))


def _start_onnxruntime(network: Network, layers: tuple[str, ...], n_threads: int) -> Forward:
    return _run_graph(network.build(layers).SerializeToString(), network.title, layers, n_threads)


def _run_graph(graph: bytes, title: str, layers: tuple[str, ...], n_threads: int) -> Forward:
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal only: its errors are raised anyway, its warnings concern its own optimizer
    # On x86 processors without VNNI, the default kernels for 8-bit integers are fast but saturate. This chooses exact
    # ones.
    options.add_session_config_entry("session.x64quantprecision", "1")
    with _onnxruntime_errors(title):
        session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"],
            enable_fallback=0,  # it would print the error on stdout, then try the same provider again
        )
        source = session.get_inputs()[0].name

    def forward(pixels: np.ndarray) -> Sequence[np.ndarray]:
        with _onnxruntime_errors(title):
            return session.run(layers, {source: pixels})

    return forward


@contextmanager
def _onnxruntime_errors(title: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # onnxruntime's errors have no common base class
        raise InputError(printable(f"{title}: onnxruntime cannot run it: {error}", MAX_LENGTH)) from error


def _start_mxnet(network: Network, layers: tuple[str, ...], n_threads: int) -> Forward:
    assert network.checkpoint is not None  # check_engine has checked it
    return MXNetForward(network.checkpoint, network.card.input_size, layers)


#: The engines that run networks. Each is a function (network, layers, number of threads) -> forward pass.
ENGINES: dict[str, Callable[[Network, tuple[str, ...], int], Forward]] = {
    "onnxruntime": _start_onnxruntime,
    "mxnet": _start_mxnet,
}
