"""Write the state of a fitted model with skops, in a form that is the same for the same model."""

from __future__ import annotations

import io
import json
import os
import sys
import warnings
import zipfile
from typing import Any

import numpy as np

from ..._text import printable
from ...errors import InputError
from .archive import write_zip
from .arrays import read_array, write_array
from .schema import PROTOCOL, SCHEMA, canonical, parse, walk
from .state import find_unknown
from .trusted import Trusted


def dump(model: Any) -> tuple[bytes, list[str]]:
    """Write an object as a skops file; return it, and the full names of its classes that twoflow does not know.

    skops itself can read the file too, for those who want to look into it.

    Raises
    ------
    ValueError
        If a part of the object cannot be written, or names a path of this machine.
    """
    import skops.io  # late: it imports all of scikit-learn, and PyTorch if that is installed

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # skops looks through the names of all modules
            written = skops.io.dumps(model)
    except Exception as error:  # skops calls methods of any class, which may raise anything
        raise InputError(
            f"{type(model).__name__} has a part that cannot be saved ({printable(error, 200)}); replace that part"
        ) from error
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    schema = files.pop(SCHEMA)
    if json.loads(schema)["protocol"] != PROTOCOL:
        raise InputError(f"expected skops with protocol {PROTOCOL}, got skops {skops.__version__}; install skops 0.16")
    tree, files = canonical(parse(schema), files)
    for node in walk(tree):
        _name_ufunc(node)
        _check_text(node)
    files = {name: _without_compression(content) if name.endswith(".npz") else content
             for name, content in files.items()}
    content = write_zip({SCHEMA: json.dumps(tree, separators=(",", ":")).encode(), **files})
    return content, find_unknown(tree, Trusted())


def _name_ufunc(node: dict[str, Any]) -> None:
    """Name a function of NumPy by its public name; skops names whichever module it finds it in first."""
    if node["__loader__"] == "FunctionNode":
        public = getattr(np, node["__class__"], None)
        if public is not None and public is getattr(sys.modules.get(node["__module__"]), node["__class__"], None):
            node["__module__"] = "numpy"


def _check_text(node: dict[str, Any]) -> None:
    if node["__loader__"] == "JsonNode":
        text = json.loads(node["content"])
        if isinstance(text, str) and os.path.isabs(text) and os.path.lexists(text):
            raise InputError(
                f"expected a model without paths of this machine, got the parameter {text!r}; read the file in fit, "
                "and keep its content in an attribute instead"
            )


def _without_compression(content: bytes) -> bytes:
    """Write a sparse matrix without compression, which differs from machine to machine."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        arrays = {name: read_array(archive.read(name)) for name in sorted(archive.namelist())}
    return write_zip({name: write_array(array) for name, array in arrays.items()})
