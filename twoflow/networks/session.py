"""Running a network: one onnxruntime session a process for each set of layers."""

from __future__ import annotations

from functools import lru_cache
from threading import Lock

import numpy as np

from .catalog import build_graph, get_card

_opening = Lock()


class Session:
    """A network that is ready to run; safe to share between threads."""

    def __init__(self, network: str, layers: tuple[str, ...], n_threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors only: its warnings are about its own optimiser
        graph = build_graph(network, layers).SerializeToString()
        self.card = get_card(network)
        self._layers = layers
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

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
        outputs = self._session.run(self._layers, {"data": self.card.preprocess(pixels)})
        return {layer: output[0] for layer, output in zip(self._layers, outputs)}


def open_session(network: str, layers: tuple[str, ...], n_threads: int = 1) -> Session:
    """The process's session for these layers of a network, opened at the first call.

    Parameters
    ----------
    network : str
        A name in `NETWORKS`.
    layers : tuple of str
        The layers to compute; the network is cut behind the last of them.
    n_threads : int
        How many threads one run may use. The outputs are the same bytes with any number.

    Returns
    -------
    Session
    """
    with _opening:  # lru_cache alone lets two threads open the same session twice
        return _open_session(network, layers, n_threads)


@lru_cache(maxsize=8)
def _open_session(network: str, layers: tuple[str, ...], n_threads: int) -> Session:
    return Session(network, layers, n_threads)
