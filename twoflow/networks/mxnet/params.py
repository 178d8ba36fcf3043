"""Read the arrays of an MXNet ``.params`` file, without MXNet and without trusting the file.

The layout is defined by ``NDArray::Load`` in MXNet's src/ndarray/ndarray.cc, little endian: a 64-bit magic number, 64
reserved bits, a 64-bit count and that many records, a 64-bit count and that many names. A record begins with a 32-bit
number, which is its version, V1 to V3. In the oldest files this number is the count of dimensions instead.

The headers are read first. Every length in them is checked against the bytes that are left in the file, so a false
length cannot allocate memory. The values are read afterwards, and only those that are wanted.
"""

from __future__ import annotations

import io
import math
import os
import struct
from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from ...errors import InputError
from ..content import Content

_FILE_MAGIC = 0x112
_V1, _V2, _V3 = 0xF993FAC8, 0xF993FAC9, 0xF993FACA
_DTYPES = tuple(map(np.dtype, ("<f4", "<f8", "<f2", "u1", "<i4", "i1", "<i8", "?", "<i2", "<u2", "<u4", "<u8")))
_MAX_ARRAYS, _MAX_NDIM, _MAX_NAME = 100_000, 32, 4096


class Entry(NamedTuple):
    """Where an array lies in the file, and its shape and type."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype


def read_index(file: Content) -> dict[str, Entry]:
    """List the arrays of a file, without their values.

    Parameters
    ----------
    file : Content

    Returns
    -------
    dict of str to Entry
        By name, without the prefix ``arg:`` or ``aux:``. Arrays without values are left out.

    Raises
    ------
    ValueError
        If the file is damaged, has another format, or contains sparse arrays.
    """
    try:
        return _Reader(file.data).read_index()
    except ValueError as error:
        raise InputError(f"{file.path} is damaged or no MXNet parameter file that can be read: {error}") from error


def read_params(file: Content, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Read arrays by name.

    Parameters
    ----------
    file : Content
    names : collection of str, optional
        None by default: all arrays are read.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    ValueError
        For the same reasons as `read_index`.
    """
    index, reader = read_index(file), _Reader(file.data)
    return {name: reader.read_values(index[name]) for name in (index if names is None else names)}


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self._size = len(data)

    def read_index(self) -> dict[str, Entry]:
        if self._number("Q") != _FILE_MAGIC:
            raise InputError("it does not begin like one")
        self._number("Q")
        entries = [self._entry() for _ in range(self._count("arrays"))]
        names = [self._name() for _ in range(self._count("names"))]
        if len(names) != len(entries) or len(set(names)) != len(names):
            raise InputError(f"expected a different name for each of {len(entries)} arrays, got {len(set(names))}")
        if self._left():
            raise InputError(f"expected the end of the file, got {self._left()} more bytes")
        return {name: entry for name, entry in zip(names, entries) if entry is not None}

    def read_values(self, entry: Entry) -> np.ndarray:
        self._file.seek(entry.offset)
        values = self._file.read(math.prod(entry.shape) * entry.dtype.itemsize)
        return np.frombuffer(values, entry.dtype).reshape(entry.shape)

    def _entry(self) -> Entry | None:
        version = self._number("I")
        if version in (_V2, _V3) and self._number("i") not in (0, -1):
            raise InputError("expected dense arrays, got a sparse one; save it as a dense one")
        if version in (_V1, _V2, _V3):
            ndim, length = self._number("i"), "q"
        else:
            ndim, length = version, "I"
        if ndim > _MAX_NDIM:
            raise InputError(f"expected arrays of at most {_MAX_NDIM} dimensions in a known layout, got {ndim}")
        shape = tuple(self._number(length) for _ in range(ndim))
        if ndim < 0 or (ndim == 0 and version != _V3):
            return None  # an array without values: before V3, zero dimensions mean this and not a scalar
        if min(shape, default=1) < 1:
            raise InputError(f"expected arrays of positive lengths, got the shape {shape}")
        self._number("Q")  # the device that the array was on
        code = self._number("i")
        if not 0 <= code < len(_DTYPES):
            raise InputError(f"expected arrays of a type from 0 to {len(_DTYPES) - 1}, got type {code}")
        entry = Entry(self._file.tell(), shape, _DTYPES[code])
        n_bytes = math.prod(shape) * entry.dtype.itemsize
        self._need(n_bytes)
        self._file.seek(n_bytes, os.SEEK_CUR)
        return entry

    def _name(self) -> str:
        length = self._number("Q")
        if length > _MAX_NAME:
            raise InputError(f"expected names of at most {_MAX_NAME} bytes, got {length}")
        self._need(length)
        try:
            name = self._file.read(length).decode()
        except UnicodeDecodeError as error:
            raise InputError("expected names in UTF-8, got other bytes") from error
        return name.removeprefix("arg:").removeprefix("aux:")

    def _count(self, what: str) -> int:
        count = self._number("Q")
        if count > _MAX_ARRAYS:
            raise InputError(f"expected at most {_MAX_ARRAYS} {what}, got {count}")
        return count

    def _number(self, code: str) -> int:
        n_bytes = struct.calcsize(f"<{code}")
        self._need(n_bytes)
        return struct.unpack(f"<{code}", self._file.read(n_bytes))[0]

    def _left(self) -> int:
        return self._size - self._file.tell()

    def _need(self, n_bytes: int) -> None:
        if n_bytes > self._left():
            raise InputError(f"it ends {n_bytes - self._left()} bytes too early")
