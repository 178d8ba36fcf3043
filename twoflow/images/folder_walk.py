"""List a local or remote folder: each entry is an image, a folder, or passed over for a reason."""

from __future__ import annotations

import os
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


def list_folder(root: Root) -> Listing:
    """List a folder and all folders inside, except those that are passed over."""
    listing, readable = Listing([], set(), {}), readable_suffixes()
    if isinstance(root, Path):
        _walk(str(root), (), (), readable, listing)
    else:
        _add_remote(remote.find(root), readable, listing)
    listing.images.sort()
    return listing


def _walk(
    folder: str, place: Parts, ancestors: tuple[tuple[int, int], ...], readable: frozenset[str], listing: Listing
) -> None:
    """Add the entries of a local folder, depth first.

    `ancestors` holds device and inode of the folders above. A link to one of them would be followed without end.
    """
    status = os.stat(folder)
    if (status.st_dev, status.st_ino) in ancestors:
        raise InputError(f"{folder} is a link that leads back to a folder above it; remove the link")
    ancestors = (*ancestors, (status.st_dev, status.st_ino))
    with os.scandir(folder) as entries:
        found = list(entries)  # read first: otherwise each level of the recursion keeps a folder open
    for entry in found:
        path = (*place, entry.name)
        reason = reason_of_name(entry.name)
        if reason is None and _is_folder(entry):
            listing.folders.add(path)
            _walk(entry.path, path, ancestors, readable, listing)
        else:
            _add(path, reason or reason_of_ending(entry.name, readable), listing)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or a target without permission; the error comes when it is read
        return False


def _add_remote(files: list[str], readable: frozenset[str], listing: Listing) -> None:
    """Add the files of a remote folder, given by their relative paths, as `_walk` does."""
    known: set[Parts] = set()
    for file in files:
        path = tuple(file.split("/"))
        for n, name in enumerate(path, start=1):
            reason = reason_of_name(name)
            if reason is not None:
                if path[:n] not in known:
                    known.add(path[:n])
                    _add(path[:n], reason, listing)
                break
            if n < len(path):
                listing.folders.add(path[:n])
        else:
            _add(path, reason_of_ending(path[-1], readable), listing)


def _add(path: Parts, reason: str | None, listing: Listing) -> None:
    if reason is None:
        listing.images.append(path)
    else:
        listing.passed_over.setdefault(reason, []).append(path)
