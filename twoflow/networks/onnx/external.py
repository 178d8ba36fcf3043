"""Read the weights that an ONNX file keeps in other files; any file outside its own folder is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from ...errors import InputError
from ..content import MAX_BYTES, Content
from ..errors import damaged
from ..network import NetworkFiles
from .values import Value

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from onnx import ModelProto, TensorProto


def load_external(model: ModelProto, file: Content, files: NetworkFiles) -> list[Content]:
    """Read the tensors that lie in other files into the model.

    Parameters
    ----------
    model : ModelProto
        It is changed in place.
    file : Content
        The file that the model was read from.
    files : NetworkFiles
        Where the other files are read from.

    Returns
    -------
    list of Content
        The other files, sorted by path. Each was read once. Files in memory keep their order.

    Raises
    ------
    ValueError
        If a tensor, anywhere in the model, names a file outside the model's folder, or bytes outside that file. Also if
        all files together, or all tensors together, have more than 2 GiB.
    """
    found: dict[Path, Content] = {}
    left = MAX_BYTES - len(file.data)
    for tensor in _external_tensors(model):
        fields = {entry.key: entry.value for entry in tensor.external_data}
        path = files.locate(fields.get("location", ""), _locate)
        if path not in found:
            left_to_read = MAX_BYTES - sum(len(each.data) for each in (file, *found.values()))
            name = PurePosixPath(fields["location"]).as_posix()
            found[path] = files.read(path, left_to_read)._replace(name=name)
        size = len(found[path].data)
        start = _number(fields, "offset", 0)
        length = _number(fields, "length", max(size - start, 0))
        if start + length > size:
            raise InputError(
                f"expected {tensor.name} as bytes {start} to {start + length} of {path.name}, got a file of {size} "
                "bytes; download or export the network again"
            )
        _check_length(tensor, length)
        left -= length
        if left < 0:  # small files can hold large tensors, because tensors may share bytes of a file
            raise InputError(f"expected at most {MAX_BYTES} bytes of tensors, got more")
        tensor.raw_data = found[path].data[start:start + length]
        tensor.ClearField("external_data")
        tensor.ClearField("data_location")
    return [found[path] for path in sorted(found, key=files.order)]


def read_locations(file: Content) -> set[str]:
    """Return the names of the files in which an ONNX file keeps weights; ValueError if it is damaged."""
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    try:
        model = ModelProto.FromString(file.data)
    except DecodeError as error:
        raise InputError(f"{file.path}: {damaged(error)}") from error
    return {entry.value for tensor in _external_tensors(model) for entry in tensor.external_data
            if entry.key == "location"}


def require_own_weights(graph: bytes) -> None:
    """Raise ValueError if a graph is damaged, or a tensor in it lies in another file."""
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    try:
        model = ModelProto.FromString(graph)
    except DecodeError as error:
        raise InputError(f"expected an ONNX graph, got other bytes: {error}") from error
    for tensor in _external_tensors(model):
        raise InputError(f"expected an ONNX graph with its weights inside, got {tensor.name!r} in another file")


def _external_tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Find every tensor that lies outside the file: in subgraphs, functions, sparse tensors, training information."""
    from onnx import TensorProto

    for message in walk(model):
        if isinstance(message, TensorProto) and message.data_location != TensorProto.DEFAULT:
            yield message


def walk(message: Message) -> Iterator[Message]:
    """Yield a protobuf message and all messages inside it, at any depth."""
    waiting = [message]
    while waiting:
        yield (message := waiting.pop())
        for field, value in message.ListFields():
            if field.message_type is not None:
                waiting.extend([value] if hasattr(value, "ListFields") else value)


def _locate(location: str, model: Path) -> Path:
    """Find the file that a tensor names, with symbolic links resolved.

    ValueError if it is not in the model's folder, or is not there.

    The model itself may be a symbolic link, as in a cache of the Hugging Face hub. Then the folder that the link leads
    to is allowed too.
    """
    parts, on_windows = PurePosixPath(location), PureWindowsPath(location)
    if not location or parts.is_absolute() or on_windows.anchor or ".." in on_windows.parts:
        raise InputError(f"expected weights in a file in its own folder, got {location!r}; put the file there")
    try:
        path = (model.parent / parts).resolve()
        folders = model.parent.resolve(), model.resolve().parent
    except (OSError, RuntimeError, ValueError) as error:  # a circle of links, a NUL
        raise InputError(f"its weights in {location!r} cannot be found: {error}") from error
    if not any(path.is_relative_to(folder) for folder in folders):
        raise InputError(
            f"expected weights in a file in its own folder, got {location!r}, a link to {path}; put the file there"
        )
    if not path.exists():
        raise InputError(f"its weights are missing: there is no file {path}; put the one of this name there")
    return path


def _check_length(tensor: TensorProto, length: int) -> None:
    """Raise ValueError if a tensor has more or fewer bytes than its shape says."""
    value = Value(tensor.data_type, tensor.dims)
    is_packed = value.n_bytes <= math.prod(tensor.dims)  # as types of less than a byte may be
    if not is_packed and length != value.n_bytes:
        raise InputError(
            f"expected {value.n_bytes} bytes for {tensor.name}, got {length}; download or export the network again"
        )


def _number(fields: dict[str, str], key: str, default: int) -> int:
    text = fields.get(key, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise InputError(f"the {key} of weights in another file: expected a number of bytes, got {text!r}")
    return int(text)
