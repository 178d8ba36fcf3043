"""Export a fitted model as one ONNX graph."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable
from functools import singledispatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._files import expand, reason_of, write_file
from ..._text import printable
from ...errors import InputError, OutsideError
from ...networks.errors import MAX_LENGTH
from ...networks.runtime import load_onnxruntime
from ..fitted_parts import fitted_parts
from ..model_file import ModelFile
from ..model_file.card_json import to_table
from ..model_file.card_tree import to_tree_table
from ..model_file.describing import describe
from .flows import add_flow
from .graph import Graph, Output
from .image_input import ImageInput
from .registry import to_onnx

if TYPE_CHECKING:
    from onnx import ModelProto

INPUT, OUTPUT = "image", "probabilities"
#: The further outputs of a model with a tree of classes.
NODE, CONFIDENCE, IN_SCOPE = "node", "confidence", "in_scope"
#: In bytes. A file of protobuf, which ONNX is, may have 2 GB; the nodes and the names need little of it.
_MOST_CONSTANTS = 2**31 - 2**26


def export_onnx(model: Any, path: str | os.PathLike | None = None, *, overwrite: bool = False) -> ModelProto:
    """Export a fitted model as one ONNX graph, from the pixels of an image to the probabilities of the classes.

    The graph runs in onnxruntime alone, with operators of ONNX's own sets only.

    - The input ``image`` is one upright sRGB image of any size: uint8 of shape (height, width, 3).
    - The output ``probabilities`` is float32 of shape (n_classes,). A model of several targets has an output
      ``probabilities_NAME`` for each.
    - A model with a tree of classes has an output ``probabilities_LEVEL`` for each level, and the answer after its
      fallback. ``node``, int64 of shape (1,), is the position of the answered node among those of ``tree``; -1 for
      unknown. ``confidence``, float32 of shape (1,), is its probability; for unknown, that of the likeliest leaf. With
      a scope, ``in_scope``, bool of shape (1,), says whether the image looks like the training images.
    - Its metadata has ``labels``, the classes of each target or level as JSON; ``tree``, the levels and the paths of
      the nodes as JSON, if there is one; ``card``, the model's card as JSON; and ``model_digest``, the SHA-256 of the
      model file, empty for a model that is in no file.

    A threshold on the card is not applied. The rule of a head with a tree is.

    Parameters
    ----------
    model : ModelFile or estimator
        What `open_model_file` returns, or a fitted model of images.
    path : str or Path, optional
        The file to write. The card is written beside it: ``NAME.card.json`` for ``NAME.onnx``. By default, nothing is
        written.
    overwrite : bool
        Whether earlier files at these paths may be replaced. False by default.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    ValueError
        If a part of the model cannot be exported, the model has no probabilities, or the graph would be larger than
        2 GB. The message names the part.
    OSError
        If there is a file already and `overwrite` is False, or the file cannot be written.

    Examples
    --------
    >>> from twoflow import make_model, make_shop
    >>> from twoflow.models.onnx_export import export_onnx
    >>> shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    >>> graph = export_onnx(make_model("fast", random_state=0).fit(shop))
    >>> [value.name for value in graph.graph.input], [value.name for value in graph.graph.output]
    (['image'], ['probabilities'])
    """
    source = _as_model_file(model)
    files = [] if path is None else output_files(path)
    if not overwrite:
        for file in files:
            if os.path.lexists(file):
                raise OutsideError(errno.EEXIST, "expected no such file; name another, or let it be overwritten", file)
    exported = _export(source)
    content = exported.SerializeToString()
    _check_session(content, source.card.title)
    for file, written in zip(files, [content, (json.dumps(_document(source), ensure_ascii=False, indent=2) + "\n")
                                     .encode("utf-8", "backslashreplace")]):
        _write(file, written)
    return exported


def output_files(path: str | os.PathLike) -> list[Path]:
    """Return the files that an export to `path` writes: the graph, and its card."""
    path = expand(path)
    return [path, path.with_name(f"{path.name.removesuffix('.onnx')}.card.json")]


def _export(source: ModelFile) -> ModelProto:
    flow, head = fitted_parts(source.model)
    if flow is None:
        raise InputError(
            f"a {type(source.model).__name__} cannot be exported to ONNX, because it is not made of flows and a head; "
            'train a model of a recipe, such as "fast"'
        )
    if not hasattr(head, "predict_proba"):
        raise InputError(
            'expected a model with probabilities, got one without; use a head that has them, such as "kernel-ridge"'
        )
    graph = Graph()
    values = to_onnx(head, graph, add_flow(graph, flow, ImageInput(graph, INPUT)))
    outputs = _outputs(graph, values, source)
    if graph.n_bytes > _MOST_CONSTANTS:
        raise InputError(
            f"expected a model of less than 2 GB, which is the most that an ONNX file holds, got {graph.n_bytes:,} "
            "bytes; use fewer flows, or another head"
        )
    model = graph.finish({INPUT: ("height", "width", 3)}, outputs)
    model.doc_string = source.card.title
    tree = source.card.targets[0].tree
    for key, entry in {
        "labels": _labels(source), "card": _document(source), **({} if tree is None else {"tree": to_tree_table(tree)}),
    }.items():
        model.metadata_props.add(key=key, value=json.dumps(entry, ensure_ascii=False))
    model.metadata_props.add(key="model_digest", value=source.digest)
    return model


def _outputs(graph: Graph, values: Any, source: ModelFile) -> dict[str, Output]:
    """Return the outputs: the probabilities of each target or level; with a tree, also the answer."""
    answer = {}
    if source.card.targets[0].tree is not None:
        answer = {NODE: Output(values.node, 1, np.int64),
                  CONFIDENCE: Output(graph.cast(values.confidence, np.float32), 1)}
        if values.in_scope is not None:
            answer[IN_SCOPE] = Output(values.in_scope, 1, bool)
        values = values.levels
    values = values if isinstance(values, list) else [values]
    labels = _labels(source)
    probabilities = {
        name: Output(graph.cast(graph.add("Squeeze", value, np.array([0])), np.float32), len(labels[target]))
        for value, (target, name) in zip(values, _output_names(labels).items(), strict=True)
    }
    return probabilities | answer


def _labels(source: ModelFile) -> dict[str, list]:
    """Return the classes of each target; of a model with a tree, the labels of each level."""
    targets = source.card.targets
    if (tree := targets[0].tree) is None:
        return {target.name: list(target.classes) for target in targets}
    return dict(zip(tree.levels, tree.labels_by_level))


def _output_names(names: Iterable[str]) -> dict[str, str]:
    """Return the name of the output with the probabilities of each target or level."""
    names = list(names)
    return dict(zip(names, [OUTPUT] if len(names) == 1 else [f"{OUTPUT}_{name}" for name in names]))


def _document(source: ModelFile) -> dict[str, Any]:
    """Return the card as values for JSON, with the digest of the model file, and the outputs with probabilities."""
    outputs = _output_names(_labels(source))
    return {**to_table(source.card), "model_digest": source.digest or None, "outputs": outputs}


@singledispatch
def _as_model_file(model: Any) -> ModelFile:
    """Give a fitted model a card."""
    return ModelFile(model, describe(model, None, None, None, None, ()))


@_as_model_file.register
def _(model: ModelFile) -> ModelFile:
    return model


def _check_session(content: bytes, title: str) -> None:
    """Raise ValueError if onnxruntime cannot open the graph."""
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # fatal only: its errors are raised anyway
    try:
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base class
        raise InputError(printable(
            f"{title}: onnxruntime cannot run the exported graph: {error}; export the networks of the model for the "
            "same operator set", MAX_LENGTH,
        )) from error


def _write(file: Path, content: bytes) -> None:
    try:
        write_file(file, content)
    except OSError as error:
        raise OutsideError(
            f"cannot write {file}: {reason_of(error)}; make room, or name another file"
        ) from error
