"""Compare the versions of an ONNX file with those that the installed onnxruntime reads."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from ...errors import InputError
from ..runtime import load_onnxruntime

if TYPE_CHECKING:
    from onnx import ModelProto

#: Versions that every onnxruntime that twoflow installs with reads.
_IR_VERSION, _OPSET = 8, 13


def check_versions(model: ModelProto) -> None:
    """Raise ValueError if a file is newer than the installed onnxruntime; the message names the versions of both."""
    opset = max((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), default=_OPSET)
    for name, argument, found, oldest, reads in (
        ("operator set", "opset_version", opset, _OPSET, lambda version: _reads(_IR_VERSION, version)),
        ("IR version", "ir_version", model.ir_version, _IR_VERSION, lambda version: _reads(version, _OPSET)),
    ):
        if found <= oldest or reads(found):
            continue
        newest = next(version for version in range(oldest, found) if not reads(version + 1))
        raise InputError(
            f"expected at most {name} {newest}, the newest that onnxruntime {load_onnxruntime().__version__} reads, "
            f"got {found}; update onnxruntime, or export the network with {argument}={newest}"
        )


@lru_cache
def _reads(ir_version: int, opset: int) -> bool:
    """Return whether the installed onnxruntime reads files of these versions; it is given a graph of one node to see.

    It tells the newest versions that it reads in its errors only, in other words at each release.
    """
    from onnx import TensorProto, helper

    onnxruntime = load_onnxruntime()
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "probe", values[:1], values[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    content = model.SerializeToString()
    try:
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception:  # onnxruntime's errors have no common base class
        return False
    return True
