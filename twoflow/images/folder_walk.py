"""List a local or remote folder: each entry is an image, a folder, or passed over for a reason."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, TypeAlias

from .._files import expand
from ..errors import InputError, NotAFolderError
from . import remote
from .passed_over import reason_of_ending, reason_of_name
from .reading import readable_suffixes

#: A path relative to a folder, split into its parts.
Parts: TypeAlias = tuple[str, ...]

#: The path of a local folder, or the URL of a remote one.
Root: TypeAlias = Path | str


class Listing(NamedTuple):
    """The contents of a folder; all paths are relative to it.

    Attributes
    ----------
    images : list of Parts
        Sorted.
    folders : set of Parts
        The folders that were searched. Of a remote folder, only those that hold files are known.
    passed_over : dict of str to list of Parts
        Other files and folders, by reason. A folder is listed without its contents.
    """

    images: list[Parts]
    folders: set[Parts]
    passed_over: dict[str, list[Parts]]


def open_folder(root: str | os.PathLike) -> Root:
    """Return a local folder as a path, and a remote folder as its URL.

    Raises
    ------
    NotADirectoryError
        If the folder is local and does not exist.
    """
    if remote.is_url(root):
        path = remote.local_path(root)
        if path is None:
            return root
        root = path
    root = expand(root)
    if not root.is_dir():
        if root.is_file():
            raise NotAFolderError(
                f"expected a folder of images, got the file {root}; name a folder, or name a table with --labels or "
                "load_table"
            )
        raise NotAFolderError(f"expected a folder of images, got {root}, which does not exist; correct the path")
    return root


def join(root: Root, path: Parts) -> str:
    """Return the path or URL of a file in a folder."""
    return str(root.joinpath(*path)) if isinstance(root, Path) else remote.join(root, "/".join(path))


class Entry(NamedTuple):
    """A file or folder inside a folder.

    Attributes
    ----------
    path : Parts
        Relative to the folder.
    is_folder : bool
        Whether it is a folder that is searched.
    reason : str or None
        Why it is passed over; None for an image and for a folder that is searched.
    """

    path: Parts
    is_folder: bool
    reason: str | None

    @property
    def is_image(self) -> bool:
        """Whether the entry is read as an image."""
        return self.reason is None and not self.is_folder


def list_folder(root: Root) -> Listing:
    """List a folder and all folders inside, except those that are passed over."""
    listing = Listing([], set(), {})
    for entry in walk_folder(root):
        if entry.is_image:
            listing.images.append(entry.path)
        elif entry.is_folder:
            listing.folders.add(entry.path)
        else:
            listing.passed_over.setdefault(str(entry.reason), []).append(entry.path)
    return listing


def walk_folder(root: Root) -> Iterator[Entry]:
    """Yield what is in a folder and in all folders inside, sorted by `Entry.path`.

    Of a local folder, only the names in one folder at each level are in memory; of a remote folder, all paths.
    """
    readable = readable_suffixes()
    return _walk(str(root), (), (), readable) if isinstance(root, Path) else _walk_remote(remote.find(root), readable)


def _walk(
    folder: str, place: Parts, ancestors: tuple[tuple[int, int], ...], readable: frozenset[str]
) -> Iterator[Entry]:
    """Yield the entries of a local folder, depth first.

    `ancestors` holds device and inode of the folders above. A link to one of them would be followed without end.
    """
    status = os.stat(folder)
    if (status.st_dev, status.st_ino) in ancestors:
        raise InputError(f"{folder} is a link that leads back to a folder above it; remove the link")
    ancestors = (*ancestors, (status.st_dev, status.st_ino))
    with os.scandir(folder) as entries:
        # Read first: otherwise each level of the recursion keeps a folder open.
        found = sorted((entry.name, _is_folder(entry)) for entry in entries)
    for name, is_folder in found:
        path, reason = (*place, name), reason_of_name(name)
        if reason is None and is_folder:
            yield Entry(path, True, None)
            yield from _walk(os.path.join(folder, name), path, ancestors, readable)
        else:
            yield Entry(path, False, reason or reason_of_ending(name, readable))


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or a target without permission; the error comes when it is read
        return False


def _walk_remote(files: list[str], readable: frozenset[str]) -> Iterator[Entry]:
    """Yield the files of a remote folder, given by relative paths, and the folders above them, as `_walk` does."""
    known: set[Parts] = set()
    for path in sorted(tuple(file.split("/")) for file in files):
        for n, name in enumerate(path, start=1):
            reason = reason_of_name(name)
            if n == len(path):
                yield Entry(path, False, reason or reason_of_ending(name, readable))
            elif path[:n] not in known:
                known.add(path[:n])
                yield Entry(path[:n], reason is None, reason)
            if reason is not None:
                break
