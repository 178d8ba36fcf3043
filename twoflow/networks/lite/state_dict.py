"""Read the tensors of a PyTorch state dict, without PyTorch and without trusting the file.

This is the layout of ``torch.save`` before version 1.6. It has five pickles: a magic number, a protocol version, a
description of the machine that wrote it, the dict itself, and the list of storage keys. The raw storages follow: for
each key a 64-bit count, and that many little-endian values. The pickles are read by `plain_pickle.load`, which runs
nothing.
"""

from __future__ import annotations

import io
import math
from typing import Any, NamedTuple, NoReturn

import numpy as np

from ...errors import InputError
from ..content import Content
from ..errors import one_line_errors
from .plain_pickle import Call, Global, Reference, UnsafePickle, load

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_REBUILD = Global("torch._utils", "_rebuild_tensor_v2")
_DTYPES = {Global("torch", "FloatStorage"): np.dtype("<f4"), Global("torch", "LongStorage"): np.dtype("<i8")}
_MAX_NDIM = 32


def read_state_dict(file: Content) -> dict[str, np.ndarray]:
    """Read the tensors of a state dict.

    Parameters
    ----------
    file : Content
        A ``.pth`` file in the layout above.

    Returns
    -------
    dict of str to ndarray
        Read-only views of the storages.

    Raises
    ------
    ValueError
        If the file has another layout, is damaged, or contains a name that no dict of tensors needs.
    """
    with one_line_errors():
        try:
            return _read(file.data)
        except UnsafePickle as error:
            raise InputError(f"{file.path} is not a state dict that can be read safely: {error}") from error
        except ValueError as error:
            raise InputError(f"{file.path} is damaged or no PyTorch state dict: {error}") from error


class _Tensor(NamedTuple):
    """A tensor as the file describes it: a view of a storage; offset and strides count elements."""

    key: str
    dtype: np.dtype
    size: int  # of the storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _read(data: bytes) -> dict[str, np.ndarray]:
    stream = io.BytesIO(data)
    if load(stream, ()) != _MAGIC or load(stream, ()) != _PROTOCOL:
        _fail("its layout is unknown")
    load(stream, ())  # byte order and integer sizes of the machine that wrote it: the same wherever PyTorch runs
    content = load(stream, (_REBUILD, *_DTYPES))
    if not isinstance(content, dict):
        _fail("it holds no dict")
    tensors = {str(name): _describe(call) for name, call in content.items() if isinstance(call, Call)}
    sizes = {tensor.key: (tensor.dtype, tensor.size) for tensor in tensors.values()}
    storages = _read_storages(stream, len(data), load(stream, ()), sizes)
    return {name: _view(storages, tensor) for name, tensor in tensors.items()}


def _describe(call: Call) -> _Tensor:
    reference, offset, shape, strides, *_ = (*call.arguments, None, None, None, None)
    pid = reference.key if isinstance(reference, Reference) else None
    if type(pid) is not tuple or len(pid) != 6 or pid[0] != "storage" or pid[5] is not None:
        _fail("a tensor refers to an unknown kind of object")
    _, dtype, key, _, size, _ = pid
    if not isinstance(dtype, Global) or dtype not in _DTYPES or not isinstance(key, str):
        _fail("a storage has an unknown type")
    if type(shape) is not tuple or type(strides) is not tuple or not len(shape) == len(strides) <= _MAX_NDIM:
        _fail("a tensor has an impossible shape")
    if not all(type(number) is int and 0 <= number < 2**62 for number in (size, offset, *shape, *strides)):
        _fail("a tensor has an impossible shape")
    return _Tensor(key, _DTYPES[dtype], size, offset, shape, strides)


def _read_storages(
    stream: io.BytesIO, n_bytes: int, keys: Any, sizes: dict[str, tuple[np.dtype, int]]
) -> dict[str, np.ndarray]:
    if not isinstance(keys, list) or not all(isinstance(key, str) and key in sizes for key in keys):
        _fail("a storage belongs to no tensor")
    storages = {}
    for key in keys:
        dtype, size = sizes[key]
        count = int.from_bytes(stream.read(8), "little")
        if count != size or count * dtype.itemsize > n_bytes - stream.tell():
            _fail("a storage has an impossible size")
        # `read` copies the values, because they are not aligned in the file.
        storages[key] = np.frombuffer(stream.read(count * dtype.itemsize), dtype)
    return storages


def _view(storages: dict[str, np.ndarray], tensor: _Tensor) -> np.ndarray:
    values = storages.get(tensor.key)
    if values is None or values.dtype != tensor.dtype or len(values) != tensor.size:
        _fail("the storage of a tensor is missing")
    if 0 in tensor.shape:
        return np.empty(tensor.shape, tensor.dtype)
    last = tensor.offset + sum((length - 1) * stride for length, stride in zip(tensor.shape, tensor.strides))
    # The second condition refuses strides of 0, with which a few values could pass for gigabytes.
    if last >= len(values) or math.prod(tensor.shape) > len(values):
        _fail("a tensor reaches out of its storage")
    strides = [stride * values.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(values[tensor.offset:], tensor.shape, strides, writeable=False)


def _fail(reason: str) -> NoReturn:
    raise UnsafePickle(reason)
