"""Running a network: one session a process for each set of layers."""

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
from .catalog import require_layer, resolve
from .errors import MAX_LENGTH, NetworkOutputError, one_line_errors
from .files import Network
from .finite import describe_output, is_finite
from .mxnet.engine import MXNetForward, load_mxnet
from .quantized import QuantizedNetwork
from .runtime import load_onnxruntime

#: An image as float32 of shape (1, 3, height, width) to the outputs of the layers.
Forward = Callable[[np.ndarray], Sequence[np.ndarray]]
_opening = Lock()


class Session:
    """A network that is ready to run; safe to share between threads."""

    def __init__(self, title: str, card: NetworkCard, layers: tuple[str, ...], forward: Forward) -> None:
        self.card = card
        self._title = title
        self._layers = layers
        self._forward = forward

    def run(self, pixels: np.ndarray, image: str = "an image") -> dict[str, np.ndarray]:
        """The layers' outputs for one image.

        Parameters
        ----------
        pixels : ndarray of shape (height, width, 3) and dtype uint8
            RGB, of the card's input size.
        image : str
            What an error calls the image.

        Returns
        -------
        dict of str to ndarray
            By layer: float32 of shape (width of the layer, rows, columns) or (width of the layer,).

        Raises
        ------
        NetworkOutputError
            If an output has NaN or infinity.
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
    """Raise ValueError or ModuleNotFoundError if the engine, a key of `ENGINES`, cannot run the network here."""
    if engine == "mxnet":
        if network.checkpoint is None:
            raise InputError(f'engine="mxnet" runs MXNet checkpoints only, and {network.title} is none')
        load_mxnet()


def open_session(
    network: str | os.PathLike,
    layers: tuple[str, ...],
    n_threads: int = 1,
    preprocessing: Mapping[str, Any] | None = None,
    engine: str = "onnxruntime",
) -> Session:
    """The process's session for these layers of a network, opened at the first call.

    Parameters
    ----------
    network : str or path
        A name in `twoflow.networks.NETWORKS`, or a path. Where its files have changed, the session is a new one.
    layers : tuple of str
        The layers to compute; the network is cut behind the last of them.
    n_threads : int
        How many threads one run may use; MXNet chooses for itself. The outputs are the same bytes with any number.
    preprocessing : mapping, optional
        How images enter a network in files; see `catalog.resolve`.
    engine : str
        What runs it, a key of `ENGINES`.

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
    """The process's session for these layers of a network that is read already; see `open_session`."""
    check_engine(engine, network)
    for layer in layers:
        require_layer(network, layer)
    with _opening, one_line_errors():  # lru_cache alone lets two threads open the same session twice
        return _open_session(network, layers, n_threads, engine, os.getpid())


@lru_cache(maxsize=8)
def _open_session(network: Network, layers: tuple[str, ...], n_threads: int, engine: str, process: int) -> Session:
    """`process` is the number of this one: a fork must not use its parent's session, whose threads it has not."""
    return Session(network.title, network.card, layers, ENGINES[engine](network, layers, n_threads))


def open_quantized(quantized: QuantizedNetwork, network: Network, layer: str, n_threads: int = 1) -> Session:
    """The process's session for a network in 8-bit integers, opened at the first call.

    Opening it includes a check that this processor computes it correctly: see `QuantizedNetwork.check`.
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
    """A new session for a graph in 8-bit integers that was made of a network, and is not checked yet."""
    return Session(network.title, network.card, (layer,), _run_graph(graph, network.title, (layer,), n_threads))


def _start_onnxruntime(network: Network, layers: tuple[str, ...], n_threads: int) -> Forward:
    return _run_graph(network.build(layers).SerializeToString(), network.title, layers, n_threads)


def _run_graph(graph: bytes, title: str, layers: tuple[str, ...], n_threads: int) -> Forward:
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # its errors are raised, too, and its warnings are about its own optimizer
    # On x86 processors without VNNI, the default kernels for 8-bit integers saturate: they are fast, but inexact.
    options.add_session_config_entry("session.x64quantprecision", "1")
    with _onnxruntime_errors(title):
        session = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"],
            enable_fallback=0,  # to the same provider, after an error printed on stdout
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
    except Exception as error:  # onnxruntime's errors have no base of their own
        raise InputError(printable(f"{title}: onnxruntime cannot run it: {error}", MAX_LENGTH)) from error


def _start_mxnet(network: Network, layers: tuple[str, ...], n_threads: int) -> Forward:
    assert network.checkpoint is not None  # checked by open_session
    return MXNetForward(network.checkpoint, network.card.input_size, layers)


#: What starts each engine that runs networks: (network, layers, number of threads) -> forward pass.
ENGINES: dict[str, Callable[[Network, tuple[str, ...], int], Forward]] = {
    "onnxruntime": _start_onnxruntime,
    "mxnet": _start_mxnet,
}
