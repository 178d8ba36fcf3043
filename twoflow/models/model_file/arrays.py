"""Read arrays in NumPy's own format: no pickles, and no allocation larger than the bytes that are there."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from .damage import DamagedError

_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_MAX_HEADER = 10_000  # characters, NumPy's own limit
_MAX_DIMENSIONS = 32
_PLAIN = "biufcSU"  # the kinds of dtypes without references to Python objects


def read_array(data: bytes) -> np.ndarray:
    """Read the content of an ``.npy`` file.

    Returns
    -------
    ndarray
        Writable, in the order of memory (C or Fortran) that it was written in.

    Raises
    ------
    ValueError
        If it is damaged, contains Python objects, or has another number of bytes than its header says.
    """
    file = io.BytesIO(data)
    try:
        shape, in_fortran_order, dtype = _READERS[np.lib.format.read_magic(file)](file, max_header_size=_MAX_HEADER)
    except Exception as error:  # NumPy parses the header as Python, which raises anything
        raise DamagedError(f"expected an array in NumPy's format, got other bytes ({error})") from error
    parts = [dtype[name] for name in dtype.names] if dtype.names else [dtype]
    if any(part.kind not in _PLAIN or part.subdtype for part in parts):
        raise DamagedError(f"expected an array of numbers or text, got dtype {dtype}")
    start, size = file.tell(), math.prod(shape)
    if min(shape, default=1) < 0 or len(shape) > _MAX_DIMENSIONS or size * dtype.itemsize != len(data) - start:
        raise DamagedError(f"expected an array of {len(data) - start} bytes, got shape {shape} of {dtype}")
    if not size or not dtype.itemsize:
        return np.zeros(shape if not size else (), dtype)
    order: Any = "F" if in_fortran_order else "C"
    return np.frombuffer(data, dtype, size, start).reshape(shape, order=order).copy(order)


def write_array(array: np.ndarray) -> bytes:
    """Write an array as the content of an ``.npy`` file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=False)
    return file.getvalue()
