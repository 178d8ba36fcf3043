"""Names of networks on the Hugging Face hub: ``hf://organization/name@revision/file``."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, TypeGuard
from urllib.parse import quote, unquote

from .._text import printable
from ..errors import InputError

PREFIX = "hf://"
_WORD = r"[A-Za-z0-9](?:[\w.-]{0,94}[\w])?"
_NAME = re.compile(
    rf"(?P<repository>{_WORD}/{_WORD})(?:@(?P<revision>refs/pr/\d+|[^/@\s]{{1,200}}))?(?:/(?P<file>\S.*))?", re.ASCII
)


class HubName(NamedTuple):
    """A repository of the hub, and maybe a revision and a file of it.

    Attributes
    ----------
    repository : str
        ``organization/name``.
    revision : str or None
        A branch, a tag or a commit. None: the default branch.
    file : str or None
        The path of an ``.onnx`` file in the repository. None: it is chosen.
    """

    repository: str
    revision: str | None = None
    file: str | None = None

    @property
    def short(self) -> str:
        """The name without its organization."""
        return self.repository.partition("/")[2]

    def __str__(self) -> str:
        revision = "" if self.revision is None else f"@{quote(self.revision, safe='')}"
        return f"{PREFIX}{self.repository}{revision}" + ("" if self.file is None else f"/{self.file}")


def is_hub_name(network: Any) -> TypeGuard[str]:
    """Return whether a network is given by a name of the hub."""
    return isinstance(network, str) and network.startswith(PREFIX)


def parse_hub_name(text: str) -> HubName:
    """Take a name of the hub apart; ValueError if it is none."""
    match = _NAME.fullmatch(text.removeprefix(PREFIX))
    revision = match and match["revision"] and unquote(match["revision"])
    if match is None or not all(is_safe(each) for each in (revision, match["file"]) if each is not None):
        raise InputError(
            f"expected {PREFIX}ORGANIZATION/NAME, maybe with @REVISION and the path of an .onnx file, such as "
            f"{PREFIX}org/name@main/onnx/model.onnx, got {printable(text, 200)}"
        )
    return HubName(match["repository"], revision, match["file"])


def is_commit(revision: str) -> bool:
    """Return whether a revision is a commit, which never changes."""
    return re.fullmatch("[0-9a-f]{40}", revision) is not None


def is_same_repository(first: str, second: str) -> bool:
    """Return whether two names of the hub lead to one repository."""
    return parse_hub_name(first).repository == parse_hub_name(second).repository


def is_safe(file: str) -> bool:
    """Return whether the path of a file in a repository stays inside the repository, on any system."""
    parts = re.split(r"[/\\]", file)
    return (
        "\\" not in file and ":" not in file and file.isprintable() and len(file) < 500
        and not any(part in ("", ".", "..") for part in parts)
    )
