"""Write an exported graph as a model repository of the Triton Inference Server, with a file for KServe."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from ..._files import expand, reason_of
from ..._text import printable
from ...errors import InputError, OutsideError

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

#: The server's types of tensors, by ONNX's numbers (TensorProto.FLOAT, UINT8, INT64 and BOOL).
_TYPES = {1: "TYPE_FP32", 2: "TYPE_UINT8", 7: "TYPE_INT64", 9: "TYPE_BOOL"}
#: A label of a domain name, RFC 1035, section 2.3.1, as Kubernetes asks for it. It is a folder's name on any system.
_NAME, _LONGEST = re.compile("[a-z]([-a-z0-9]*[a-z0-9])?"), 63

_CONFIG = """\
# One image a request, of any size, so there is no batch dimension: max_batch_size is 0, and dynamic batching, which
# stacks arrays of one shape, is not possible. To compute several images at the same time, raise the count below; each
# instance computes one image with one thread.
name: {name}
backend: "onnxruntime"
max_batch_size: 0
input [
{inputs}
]
output [
{outputs}
]
instance_group [
  {{
    count: 1
    kind: KIND_CPU
  }}
]
parameters {{
  key: "intra_op_thread_count"
  value: {{ string_value: "1" }}
}}
"""

_TENSOR = """\
  {{
    name: {name}
    data_type: {type}
    dims: [ {dims} ]{label_file}
  }}"""

_KSERVE = """\
# Copy the folder that this file lies in to a place that the cluster reads, and name the place in storageUri, such as
# s3://bucket/folder or pvc://claim/folder.
apiVersion: serving.kserve.io/v1beta1
kind: InferenceService
metadata:
  name: {name}
spec:
  predictor:
    model:
      modelFormat:
        name: triton
        version: "2"
      protocolVersion: v2
      storageUri: pvc://CLAIM/FOLDER
"""


def check_triton(folder: str | os.PathLike, name: str) -> None:
    """Check, before the work, that `write_triton` can write a model of this name to this folder; raise its errors."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise InputError(
            f"a model of Triton and KServe needs a name of 1 to {_LONGEST} lowercase letters, digits and hyphens, with "
            f"a letter first and no hyphen last, got {printable(name)!r}; name the graph so, such as shoes-2.onnx"
        )
    folder = expand(folder)
    for path in (_model_folder(folder, name), _service_file(folder, name)):
        if os.path.lexists(path):
            raise OutsideError(errno.EEXIST, "expected no such file or folder; name another folder, or remove it", path)


def write_triton(graph: ModelProto, folder: str | os.PathLike, name: str) -> list[Path]:
    """Write a graph as a model of Triton's ONNX Runtime backend.

    The folder is a model repository, and may hold other models. Written are::

        FOLDER/NAME/1/model.onnx        the graph, as version 1
        FOLDER/NAME/config.pbtxt        inputs, outputs and instances, as the server's ModelConfig
        FOLDER/NAME/labels.txt          a class on each line, in the order of the probabilities; labels-2.txt and so on
                                        for further targets or levels
        FOLDER/NAME.yaml                an InferenceService of KServe, for protocol version 2

    Parameters
    ----------
    graph : onnx.ModelProto
        What `export_onnx` returns.
    folder : str or Path
        The model repository. It is made if it does not exist.
    name : str
        The name of the model, which clients name in their requests.

    Returns
    -------
    list of Path
        The folder of the model, and the file for KServe.

    Raises
    ------
    ValueError
        If Kubernetes does not allow the name, or if a class takes more than one line or is empty.
    OSError
        If there is such a model already, or the folder cannot be written.

    References
    ----------
    Triton Inference Server, "Model Repository" and "Model Configuration". KServe, "Open Inference Protocol (V2)" and
    "InferenceService".
    """
    check_triton(folder, name)
    folder = expand(folder)
    files = {"1/model.onnx": graph.SerializeToString()}
    label_files = {}
    metadata = {entry.key: entry.value for entry in graph.metadata_props}
    outputs = json.loads(metadata["card"])["outputs"]
    for number, (target, labels) in enumerate(json.loads(metadata["labels"]).items(), 1):
        label_files[outputs[target]] = "labels.txt" if number == 1 else f"labels-{number}.txt"
        files[label_files[outputs[target]]] = _lines(target, labels, may_be_empty="tree" in metadata).encode()
    files["config.pbtxt"] = _CONFIG.format(
        name=_quoted(name),
        inputs=",\n".join(map(_tensor, graph.graph.input)),
        outputs=",\n".join(_tensor(value, label_files.get(value.name)) for value in graph.graph.output),
    ).encode()
    made, service = _model_folder(folder, name), _service_file(folder, name)
    try:
        _write(made, files)
        service.write_bytes(_KSERVE.format(name=name).encode())
    except OSError as error:
        raise OutsideError(
            f"cannot write to {folder}: {reason_of(error)}; make room, or name another folder"
        ) from error
    return [made, service]


def _model_folder(folder: Path, name: str) -> Path:
    return folder / name


def _service_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.yaml"


def _tensor(value: ValueInfoProto, label_file: str | None = None) -> str:
    shape = value.type.tensor_type.shape.dim
    return _TENSOR.format(
        name=_quoted(value.name),
        type=_TYPES[value.type.tensor_type.elem_type],
        dims=", ".join(str(size.dim_value if size.HasField("dim_value") else -1) for size in shape),
        label_file="" if label_file is None else f"\n    label_filename: {_quoted(label_file)}",
    )


def _quoted(text: str) -> str:
    """Write a string in the text format of protobuf: bytes that are not printable ASCII as octal numbers."""
    special = {ord('"'): '\\"', ord("\\"): "\\\\"}
    return '"' + "".join(
        special.get(byte, chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}") for byte in text.encode()
    ) + '"'


def _lines(target: str, labels: list, may_be_empty: bool) -> str:
    """Write a label on each line; that of paths which end above a level of a tree is empty."""
    for label in labels:
        if str(label).splitlines() != [str(label)] and not (may_be_empty and label == ""):
            raise InputError(
                f"Triton's file of labels has a class on each line, got {printable(label)!r} for the target "
                f"{printable(target)}; train with classes of one line"
            )
    return "".join(f"{label}\n" for label in labels)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Write files completely beside the folder, then give it its name: a server never sees half a model."""
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        for name, content in files.items():
            file = part / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
