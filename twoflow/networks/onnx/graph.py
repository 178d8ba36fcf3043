"""Parse an ONNX file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..content import Content
from ..errors import damaged
from ..network import NetworkFiles
from .external import load_external, walk

if TYPE_CHECKING:
    from onnx import ModelProto


def load(file: Content, files: NetworkFiles) -> tuple[ModelProto, list[Content]]:
    """Parse an ONNX file. Whether the graph is valid is checked by onnxruntime, when a session is opened.

    Parameters
    ----------
    file : Content
    files : NetworkFiles
        Where other files with weights are read from.

    Returns
    -------
    ModelProto
        With all weights inside.
    list of Content
        The other files that weights were read from: see `load_external`.

    Raises
    ------
    ValueError
        If the file is damaged, or if `load_external` refuses it.
    """
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    try:
        model = ModelProto.FromString(file.data)
    except DecodeError as error:
        raise damaged(error) from error
    if not model.graph.node:
        raise damaged("it has no nodes")
    _check_texts(model)
    return model, load_external(model, file, files)


def _check_texts(model: ModelProto) -> None:
    """Raise ValueError if a name is not UTF-8: protobuf returns such a name as bytes instead of str."""
    for message in walk(model):
        for field, value in message.ListFields():
            if field.type == field.TYPE_STRING and field.name != "doc_string":
                if any(isinstance(text, bytes) for text in ([value] if isinstance(value, (str, bytes)) else value)):
                    raise damaged(f"{field.full_name} is not UTF-8")
