"""Check that the output of a network is finite."""

from __future__ import annotations

import numpy as np

from .._text import printable
from .errors import MAX_LENGTH


def is_finite(output: np.ndarray) -> bool:
    """Check that an array of floats holds neither NaN nor infinity.

    The sum of squares is the fastest check: squares are never negative, so NaN or infinity anywhere makes it NaN or
    infinite. Finite values can overflow it too, and only then are the values looked at one by one.
    """
    values = output.ravel()
    with np.errstate(over="ignore", invalid="ignore"):
        total = np.dot(values, values)
    return bool(np.isfinite(total)) or bool(np.isfinite(values).all())


def describe_output(title: str, layer: str, image: str, output: np.ndarray) -> str:
    """Write the error message for an output that is not finite."""
    n_nan, n_infinite = int(np.isnan(output).sum()), int(np.isinf(output).sum())
    return printable(
        f"{title}: layer {layer!r} of {image}: expected finite values, got {n_nan} NaN and {n_infinite} infinite "
        f"values of {output.size}; check how images enter the network (mean, scale), or export it in float32",
        MAX_LENGTH,
    )
