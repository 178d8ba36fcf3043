"""A network in 8-bit integers, with what shows that the processor at hand computes it correctly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError

#: By how much the cosine to the float network may be lower on another machine than on the one that quantized it.
_COSINE_TOLERANCE = 0.005


@dataclass(frozen=True)
class QuantizedNetwork:
    """A network up to one layer in 8-bit integers, and what shows that a machine computes it correctly.

    Attributes
    ----------
    graph : bytes
        An ONNX graph with float32 input and output.
    probe : bytes
        The pixels of one calibration image, of shape (height, width, 3) and dtype uint8.
    expected : bytes
        The float network's output for the probe, as float32.
    cosine : float
        The cosine between `expected` and the quantized network's output, on the machine that quantized it.
    """

    graph: bytes
    probe: bytes
    expected: bytes
    cosine: float

    def check(self, output: np.ndarray, title: str) -> None:
        """Raise ValueError if `output`, the quantized network's for the probe, is worse here than where it was made.

        Some processors have instructions for 8-bit integers that cut off large sums.
        """
        found = cosine(np.frombuffer(self.expected, np.float32), output.ravel())
        if not found >= self.cosine - _COSINE_TOLERANCE:
            raise InputError(
                f"this processor does not compute {title} correctly in 8-bit integers: expected a cosine of "
                f"{self.cosine:.3f} to the network's own output, as on the machine where the flow was fitted, got "
                f'{found:.3f}; use precision="float32" here, or fit the flow again on this machine'
            )


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """The cosine between two vectors; 1 for two zero vectors, 0 if only one of them is zero."""
    norms = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / norms) if norms else float(not one.any() and not other.any())
