"""Arrays out of an MXNet ``.params`` file, without MXNet and without trusting the file.

The layout (little endian; ``NDArray::Load`` in MXNet's src/ndarray/ndarray.cc): a 64-bit magic number, 64 reserved
bits, a 64-bit count and that many records, a 64-bit count and that many names. A record begins with a 32-bit number
that says its age: V1 to V3, or in the oldest files the number of dimensions itself. Headers are read first and every
length in them is checked against what is left of the file, so that a lie cannot allocate; values are read afterwards,
and only those asked for.
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
    """Where an array lies in the file."""

    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype


def read_index(file: Content) -> dict[str, Entry]:
    """Read which arrays a file holds, without their values.

    Parameters
    ----------
    file : Content

    Returns
    -------
    dict of str to Entry
        By name, without the prefix ``arg:`` or ``aux:``. Arrays that were never given values are left out.

    Raises
    ------
    ValueError
        If the file is damaged or of another format, or holds sparse arrays.
    """
    try:
        return _Reader(file.data).read_index()
    except ValueError as error:
        raise InputError(f"{file.path} is damaged, or no MXNet parameter file that can be read: {error}") from error


def read_params(file: Content, names: Collection[str] | None = None) -> dict[str, np.ndarray]:
    """Read arrays by name, all of them if no names are given; raises as `read_index` does."""
    index, reader = read_index(file), _Reader(file.data)
    return {name: reader.read_values(index[name]) for name in (index if names is None else names)}


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self._size = len(data)

    def read_index(self) -> dict[str, Entry]:
        if self._number("Q") != _FILE_MAGIC:
            raise InputError("it does not begin as one")
        self._number("Q")
        entries = [self._entry() for _ in range(self._count("arrays"))]
        names = [self._name() for _ in range(self._count("names"))]
        if len(names) != len(entries) or len(set(names)) != len(names):
            raise InputError(f"{len(entries)} arrays with {len(set(names))} different names")
        if self._left():
            raise InputError(f"{self._left()} bytes after its end")
        return {name: entry for name, entry in zip(names, entries) if entry is not None}

    def read_values(self, entry: Entry) -> np.ndarray:
        self._file.seek(entry.offset)
        values = self._file.read(math.prod(entry.shape) * entry.dtype.itemsize)
        return np.frombuffer(values, entry.dtype).reshape(entry.shape)

    def _entry(self) -> Entry | None:
        version = self._number("I")
        if version in (_V2, _V3) and self._number("i") not in (0, -1):
            raise InputError("a sparse array; save it dense")
        if version in (_V1, _V2, _V3):
            ndim, length = self._number("i"), "q"
        else:
            ndim, length = version, "I"
        if ndim > _MAX_NDIM:
            raise InputError(f"an array of {ndim} dimensions, or of an unknown layout")
        shape = tuple(self._number(length) for _ in range(ndim))
        if ndim < 0 or (ndim == 0 and version != _V3):
            return None  # an array without values; only V3 can tell it from a scalar
        if min(shape, default=1) < 1:
            raise InputError(f"an array of impossible shape {shape}")
        self._number("Q")  # the device it was on
        code = self._number("i")
        if not 0 <= code < len(_DTYPES):
            raise InputError(f"an array of unknown type {code}")
        entry = Entry(self._file.tell(), shape, _DTYPES[code])
        n_bytes = math.prod(shape) * entry.dtype.itemsize
        self._need(n_bytes)
        self._file.seek(n_bytes, os.SEEK_CUR)
        return entry

    def _name(self) -> str:
        length = self._number("Q")
        if length > _MAX_NAME:
            raise InputError(f"a name of {length} bytes")
        self._need(length)
        try:
            name = self._file.read(length).decode()
        except UnicodeDecodeError as error:
            raise InputError("a name that is not UTF-8") from error
        return name.removeprefix("arg:").removeprefix("aux:")

    def _count(self, what: str) -> int:
        count = self._number("Q")
        if count > _MAX_ARRAYS:
            raise InputError(f"{count} {what}")
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
