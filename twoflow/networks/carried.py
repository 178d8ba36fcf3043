"""A network as a value: the content of its files, so that it can travel with a model."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import InputError
from .content import MAX_BYTES, Content, join_digests


class CarriedNetwork:
    """The files of a network in memory.

    It is a value for the parameter `network` of `twoflow.CNNEmbedding`, besides names and paths. A model that was
    loaded from a model file has its network in this form. Two are equal if all their files are. `twoflow.load` makes
    them, and `twoflow.networks.files.carry` makes one of the files at a path.

    Parameters
    ----------
    name : str
        The name of the ``.onnx`` file or of the ``PREFIX-symbol.json``.
    files : iterable of (str, bytes)
        Names and contents: this file first, then the parameters or the files with weights, in the order of their
        digests, then the card file, if there is one.

    Attributes
    ----------
    key : str
        SHA-256 over the names and contents of all files, the card included; empty without files.
    digest : str
        The digest of the network, as that of the files at a path; without the card.
    """

    def __init__(self, name: str, files: Iterable[tuple[str, bytes]]) -> None:
        self.name = name
        self.files = tuple(files)
        digest = hashlib.sha256()
        for each, content in self.files:
            digest.update(f"{len(each)} {each} {len(content)} ".encode() + hashlib.sha256(content).digest())
        self.key = digest.hexdigest() if self.files else ""
        self.digest = join_digests(
            self.read(Path(each)) for each, _ in self.files if Path(each) != self.card
        )

    def without_files(self) -> CarriedNetwork:
        """Return a reference to this network, with its name and digests only."""
        reference = object.__new__(CarriedNetwork)
        reference.__dict__.update(vars(self), files=())
        return reference

    @property
    def card(self) -> Path:
        """The name of the card file, which need not be among the files."""
        stem = self.name.removesuffix(".onnx").removesuffix("-symbol.json")
        return Path(f"{stem}.card.json")

    @property
    def parameters(self) -> Path | None:
        """The name of MXNet's parameters; None for an ONNX file."""
        return next((Path(each) for each, _ in self.files if each.endswith(".params")), None)

    def has(self, path: Path) -> bool:
        """Return whether there is a file of this name."""
        return path.as_posix() in dict(self.files)

    def read(self, path: Path, limit: int = MAX_BYTES) -> Content:
        """Return the content of a file; ValueError if there is none of this name, or it has more than `limit` bytes."""
        content = dict(self.files).get(path.as_posix())
        if content is None:
            raise InputError(f"{self.name}: expected its file {path} with it, got none")
        if len(content) > limit:
            raise InputError(f"{path}: expected at most {limit} bytes, got {len(content)}")
        return Content(path, (), content, hashlib.sha256(content).hexdigest())

    def position(self, path: Path) -> int:
        """Return the position of a file."""
        return [each for each, _ in self.files].index(path.as_posix())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CarriedNetwork) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __copy__(self) -> CarriedNetwork:
        return self

    def __deepcopy__(self, memo: Any) -> CarriedNetwork:
        return self  # `sklearn.clone` copies parameters; this one never changes

    def __repr__(self) -> str:
        return f"CarriedNetwork({self.name!r}, {self.key[:12]})"

    def __str__(self) -> str:
        return self.name


#: How a network is given: by a name, by a path, or by the files in memory.
NetworkLike = str | os.PathLike | CarriedNetwork
