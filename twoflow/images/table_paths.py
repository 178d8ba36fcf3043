"""Resolve the paths of images that a table names, and check that the files exist."""

from __future__ import annotations

import os
import posixpath
import stat
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import InputError
from . import remote
from .folder_walk import Root, open_folder
from .reading import describe


class Place(NamedTuple):
    """The folder that a table's paths are relative to.

    Attributes
    ----------
    folder : Path or URL
        The folder.
    is_confined : bool
        Whether paths must stay in the folder. False for a local table without a given folder: it may name any file of
        its user.
    """

    folder: Root
    is_confined: bool

    def resolve(self, value: Any, where: str) -> str:
        """Return the path or URL that a cell names.

        Blanks around it are stripped, unless a file exists only with them.

        Parameters
        ----------
        value : str, Path or any other cell
            The cell.
        where : str
            The row, with which an error message begins.

        Raises
        ------
        ValueError
            If the cell is a chain of URLs, or leads out of the folder while `is_confined`.
        """
        text = os.fspath(value) if isinstance(value, os.PathLike) else str(value)
        path = self._resolve(text.strip(), where)
        if text != text.strip() and not remote.is_url(path) and not os.path.isfile(path):
            unstripped = self._resolve(text, where)
            return unstripped if os.path.isfile(unstripped) else path
        return path

    def _resolve(self, path: str, where: str) -> str:
        # Only the text of the path is checked, not links: the table may be hostile, but the user owns the folder.
        given = path
        if remote.is_url(path):
            if "::" in path:  # a chain may end in a local file
                raise InputError(f"{where}: {describe(path)} is a chain of URLs; a table may hold only single ones")
            local = remote.local_path(path)
            if local is None:
                return path
            path = local
        if not self.is_confined:
            return str(Path(self.folder, path))
        out = f"{where}: {given} leads out of {describe(self.folder)}; paths are relative to that folder"
        if not isinstance(self.folder, Path):
            path = posixpath.normpath(path)
            if path == "." or path.split("/")[0] in ("", ".."):
                raise InputError(out)
            return remote.join(self.folder, path)
        base = os.path.abspath(self.folder)
        path = os.path.abspath(os.path.join(base, path))
        if os.path.commonpath([base, path]) != base or path == base:
            raise InputError(f"{out}, or pass no folder if the table may name any file of yours")
        return str(self.folder / os.path.relpath(path, base))


def place_of(table: Any, root: str | os.PathLike | None) -> Place:
    """Return the given folder; by default the folder of the table, or the working folder for a table in memory."""
    if root is not None:
        return Place(open_folder(root), is_confined=True)
    if remote.is_url(table):
        local = remote.local_path(table)
        if local is None:
            return Place(_parent(table), is_confined=True)
        table = local
    if isinstance(table, (str, os.PathLike)):
        return Place(Path(table).parent, is_confined=False)
    return Place(Path(), is_confined=False)


def why_missing(path: str) -> str | None:
    """Return why there is no file at a path; None if there is one. URLs also give None: they are checked when read."""
    if remote.is_url(path):
        return None
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return "no such file"
    if stat.S_ISREG(mode):
        return None
    return "a folder, not a file" if stat.S_ISDIR(mode) else "not a regular file"


def _parent(url: str) -> str:
    """Return the URL of the folder that holds the file of a URL."""
    first, *chain = url.split("::")
    scheme, _, path = first.partition("?")[0].partition("://")
    return "::".join([f"{scheme}://{path.rpartition('/')[0]}", *chain])
