"""Tensors out of a PyTorch state dict, without PyTorch and without trusting the file.

The layout (``torch.save`` before version 1.6) is five pickles, then the raw storages: a magic number, a protocol
version, a record of the writer's machine, the dict itself, the list of storage keys; then for each key a 64-bit count
and that many little-endian values. The pickles are read by an unpickler that knows only the names a state dict needs.
"""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from typing import Any, BinaryIO, NoReturn

import numpy as np

from .._files import open_regular

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


def read_state_dict(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """Read the tensors of a state dict.

    Parameters
    ----------
    path : path
        A ``.pth`` file in the layout above.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    ValueError
        If the file is of another layout, is damaged, or names anything but tensors.
    """
    with open_regular(path) as file:
        try:
            return _read(file, os.fstat(file.fileno()).st_size)
        except _UnsafeFile as error:
            raise ValueError(f"{path} is not a state dict that can be read safely: {error}") from error
        except Exception as error:  # a damaged pickle raises nearly anything
            raise ValueError(f"{path} is damaged, or no PyTorch state dict: {error}") from error


class _UnsafeFile(ValueError):
    pass


class _Storage:
    """A run of values that tensors are views of; the values follow after the pickles."""

    def __init__(self, dtype: np.dtype, size: int) -> None:
        self.dtype = dtype
        self.size = size
        self.values = np.empty(0, dtype)


class _Tensor:
    """What ``torch._utils._rebuild_tensor_v2`` is called with."""

    def __init__(self, storage: _Storage, offset: int, shape: tuple, strides: tuple, *_: Any) -> None:
        self.storage, self.offset, self.shape, self.strides = storage, offset, shape, strides

    def to_array(self) -> np.ndarray:
        if len(self.shape) != len(self.strides) or min((self.offset, *self.shape, *self.strides), default=0) < 0:
            raise _UnsafeFile("a tensor of impossible shape")
        values = self.storage.values
        last = self.offset + sum((length - 1) * stride for length, stride in zip(self.shape, self.strides))
        if 0 not in self.shape and last >= len(values):
            raise _UnsafeFile("a tensor that reaches out of its storage")
        strides = [stride * values.itemsize for stride in self.strides]
        return np.lib.stride_tricks.as_strided(values[self.offset:], self.shape, strides).copy()


class _Unpickler(pickle.Unpickler):
    """Builds dicts, numbers and the two stand-ins above, and nothing else."""

    _ALLOWED = {("collections", "OrderedDict"): OrderedDict, ("torch._utils", "_rebuild_tensor_v2"): _Tensor}

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, _Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        if (module, name) in self._ALLOWED:
            return self._ALLOWED[module, name]
        raise _UnsafeFile(f"it names {module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _device, size, view = pid
        if kind != "storage" or view is not None:
            raise _UnsafeFile("an unknown reference")
        return self.storages.setdefault(key, _Storage(dtype, size))


def _read(file: BinaryIO, file_size: int) -> dict[str, np.ndarray]:
    if _Unpickler(file).load() != _MAGIC or _Unpickler(file).load() != _PROTOCOL:
        _fail("unknown layout")
    _Unpickler(file).load()  # byte order and integer sizes of the writer, the same wherever PyTorch runs
    unpickler = _Unpickler(file)
    tensors = unpickler.load()
    for key in _Unpickler(file).load():
        storage = unpickler.storages[key]
        count = int.from_bytes(file.read(8), "little")
        n_bytes = count * storage.dtype.itemsize
        if count != storage.size or n_bytes > file_size - file.tell():  # before reading: a lie must not allocate
            _fail("a storage of impossible size")
        storage.values = np.frombuffer(file.read(n_bytes), storage.dtype)
    return {name: tensor.to_array() for name, tensor in tensors.items() if isinstance(tensor, _Tensor)}


def _fail(reason: str) -> NoReturn:
    raise _UnsafeFile(reason)
