"""Choose the file of a network among all ONNX files of a folder or repository."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

from ..._text import listed
from ...errors import InputError

#: What is computed with, by the last word of a file's name, and the best first.
_PRECISIONS = (
    ("float32", "fp32|float32"),
    ("float32, optimized", "optimized|o[123]"),
    ("float16", "fp16|float16|half|o4"),
    ("bfloat16", "bf16|bfloat16"),
    ("8-bit integers", "quantized|int8|uint8|q8|qint8|quint8|qu?int8_.+"),
    ("4-bit numbers", "q4f16|q4|bnb4|int4|uint4"),
)
_PRECISION = re.compile(
    "(?P<stem>.+?)[-_.](?:" + "|".join(f"(?P<p{i}>{words})" for i, (_, words) in enumerate(_PRECISIONS)) + ")"
)
_OF_IMAGES = {"image", "img", "vision", "visual"}
_NEVER = {"audio", "decoder", "embed", "language", "lm", "prompt", "speech", "text", "textual", "tokenizer"}
_KINDS = ("an image tower", "a whole model", "the only model")
#: Where hubs keep ONNX files. Files in other folders count only if there are none.
_USUAL_FOLDERS = (".", "onnx")
_FEW = 8
#: How the name of a file ends that has weights without a graph.
WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".h5", ".msgpack", ".ckpt")
REMEDY = "export it to ONNX first, as the guide shows in export-weights.md"


class Choice(NamedTuple):
    """The file of a network, and why it was chosen."""

    file: str
    reason: str


class _Candidate(NamedTuple):
    """What the path of an ONNX file says. Lower numbers are better."""

    is_elsewhere: bool
    kind: int
    stem: str
    precision: int
    file: str


def choose_file(files: Iterable[str], where: str) -> Choice:
    """Choose the ONNX file that embeds images best.

    An image tower is chosen before a whole model, and that before any other. Of one network in several precisions,
    float32 is chosen before float16, and that before integers. Text towers and decoders are never chosen.

    Parameters
    ----------
    files : iterable of str
        Paths of all files, with forward slashes, relative to the folder or repository.
    where : str
        Its name, for error messages.

    Returns
    -------
    Choice

    Raises
    ------
    ValueError
        If there is no network of images, or more than one.
    """
    files = list(files)
    graphs = sorted(file for file in files if file.lower().endswith(".onnx"))
    if not graphs:
        weights = [file for file in files if file.endswith(WEIGHTS)]
        if weights:
            raise InputError(f"{where}: expected an .onnx file, got weights only ({_some(weights)}); {REMEDY}")
        raise InputError(f"{where}: expected an .onnx file or one *-symbol.json in it, got neither")
    candidates = sorted(each for each in map(_judge, graphs) if each is not None)
    if not candidates:
        raise InputError(f"{where}: expected a network of images, got text towers and decoders only "
                         f"({_some(graphs)}); add the image tower, or name its file")
    best = candidates[0]
    rivals = [each for each in candidates if each[:2] == best[:2]]
    if len({each.stem for each in rivals}) > 1:
        first = {each.stem: each.file for each in reversed(rivals)}
        raise InputError(
            f"{where}: expected the files of one network, got {len(first)} ({_some(sorted(first.values()))}); "
            "name the file"
        )
    others = [file for file in graphs if file != best.file]
    rest = f"; passed over: {_some(others)}" if others else ""
    return Choice(best.file, f"{best.file}: {_KINDS[best.kind]} in {_PRECISIONS[best.precision][0]}{rest}")


def _judge(file: str) -> _Candidate | None:
    """Read the path of an ONNX file; None if it is a part that never takes an image alone."""
    path = PurePosixPath(file)
    stem, precision = path.stem.lower(), 0
    match = _PRECISION.fullmatch(stem)
    if match is not None:
        stem = match["stem"]
        precision = next(i for i in range(len(_PRECISIONS)) if match[f"p{i}"] is not None)
    words = set(re.split(r"[-_. ]+", stem))
    if words & _NEVER:
        return None
    kind = 0 if words & _OF_IMAGES else 1 if stem == "model" else 2
    return _Candidate(path.parent.as_posix() not in _USUAL_FOLDERS, kind, stem, precision, file)


def _some(files: list[str]) -> str:
    more = [f"{len(files) - _FEW} more"] if len(files) > _FEW else []
    return listed([*files[:_FEW], *more])
