"""Running a network: one onnxruntime session a process for each set of layers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np

from .catalog import resolve
from .files import Network

_opening = Lock()


class Session:
    """A network that is ready to run; safe to share between threads."""

    def __init__(self, network: Network, layers: tuple[str, ...], n_threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors only: its warnings are about its own optimiser
        self.card = network.card
        self._layers = layers
        graph = network.build(layers).SerializeToString()
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors have no base of their own
            raise ValueError(f"{self.card.name}: onnxruntime cannot run it: {error}") from error
        self._input = self._session.get_inputs()[0].name

    def run(self, pixels: np.ndarray) -> dict[str, np.ndarray]:
        """The layers' outputs for one picture.

        Parameters
        ----------
        pixels : ndarray of shape (height, width, 3) and dtype uint8
            RGB, of the card's input size.

        Returns
        -------
        dict of str to ndarray
            By layer: float32 of shape (width of the layer, rows, columns) or (width of the layer,).
        """
        outputs = self._session.run(self._layers, {self._input: self.card.preprocess(pixels)})
        return {
            layer: output[0] if self.card.layers[layer].is_map else output.ravel()
            for layer, output in zip(self._layers, outputs)
        }


def open_session(
    network: str | os.PathLike,
    layers: tuple[str, ...],
    n_threads: int = 1,
    preprocessing: Mapping[str, Any] | None = None,
) -> Session:
    """The process's session for these layers of a network, opened at the first call.

    Parameters
    ----------
    network : str or path
        A name in `NETWORKS`, or a path. Where its files have changed, the session is a new one.
    layers : tuple of str
        The layers to compute; the network is cut behind the last of them.
    n_threads : int
        How many threads one run may use. The outputs are the same bytes with any number.
    preprocessing : mapping, optional
        How pictures enter a network in files; see `catalog.resolve`.

    Returns
    -------
    Session

    Raises
    ------
    ModuleNotFoundError, ValueError
        If the network cannot be found, read or run.
    """
    with _opening:  # lru_cache alone lets two threads open the same session twice
        return _open_session(resolve(network, preprocessing), layers, n_threads)


@lru_cache(maxsize=8)
def _open_session(network: Network, layers: tuple[str, ...], n_threads: int) -> Session:
    return Session(network, layers, n_threads)
