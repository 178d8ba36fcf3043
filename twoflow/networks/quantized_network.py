"""A network in 8-bit integers, and the check that this processor computes it correctly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from .onnx import require_own_weights

#: How much lower the cosine to the float network may be on another machine than on the machine that quantized it.
_COSINE_TOLERANCE = 0.005


@dataclass(frozen=True)
class QuantizedNetwork:
    """A network up to one layer in 8-bit integers, with one image to check the computation.

    Attributes
    ----------
    graph : bytes
        An ONNX graph with float32 input and output.
    probe : bytes
        The pixels of the image to check with, one of the calibration images: shape (height, width, 3), dtype uint8.
    expected : bytes
        The output of the float network for the probe, as float32.
    cosine : float
        The cosine between `expected` and the output of the quantized network on the machine that quantized it.
    """

    graph: bytes
    probe: bytes
    expected: bytes
    cosine: float

    def check_graph(self) -> None:
        """Raise ValueError if the graph is none, or names files outside it; for a network from a model file."""
        require_own_weights(self.graph)

    def check(self, output: np.ndarray, title: str) -> None:
        """Raise ValueError if this machine computes the quantized network worse than the machine that made it.

        Some processors have instructions for 8-bit integers that cut off large sums.

        Parameters
        ----------
        output : ndarray
            The output of the quantized network for the probe, computed on this machine.
        title : str
            The layer and the network, for the error message.
        """
        found = cosine(np.frombuffer(self.expected, np.float32), output.ravel())
        if not found >= self.cosine - _COSINE_TOLERANCE:
            raise InputError(
                f"this processor does not compute {title} correctly in 8-bit integers: expected a cosine of "
                f"{self.cosine:.3f} to the float32 output, as on the machine where the flow was fitted, got "
                f'{found:.3f}; use precision="float32", or fit the flow again on this machine'
            )


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Compute the cosine between two vectors: 1 for two zero vectors, 0 if only one of them is zero."""
    norms = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / norms) if norms else float(not one.any() and not other.any())
