"""Collections from a folder of class folders, or from a table of paths and labels, here or behind URLs."""

from __future__ import annotations

import csv
import io
import os
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, TextIO

from . import remote
from .collection import ImageCollection
from .reading import describe
from .validation import is_missing

#: File names that are taken for pictures; whether they are shows when they are read.
SUFFIXES = frozenset(
    ".avif .bmp .gif .jfif .jp2 .jpe .jpeg .jpg .pbm .pgm .png .ppm .tif .tiff .webp".split()
)


def load_folder(root: str | os.PathLike, levels: int | None = None) -> ImageCollection:
    """Collect the pictures of a folder of class folders.

    Parameters
    ----------
    root : path or fsspec URL
        ``root/<class>/*.jpg`` or ``root/<superclass>/<class>/*.jpg``. Hidden files and files that are not named like
        pictures are passed over; links to folders are followed. Of a URL, the pictures are URLs, but those of
        ``file://`` are paths.
    levels : {1, 2}, optional
        How many levels of folders name the class; deeper folders only store. When not given: 2 if every picture lies
        at least two folders deep, else 1.

    Returns
    -------
    ImageCollection
        In the order of the sorted paths. With two levels a label is ``"superclass/class"``, since different
        superclasses may have classes of one name, and the column ``superclass`` holds the first part.

    Raises
    ------
    ValueError
        If the folder has no pictures, has pictures outside the class folders, is on a web server, which lists nothing,
        or a link leads back into itself.
    NotADirectoryError
        If there is no such folder.
    OSError, ModuleNotFoundError
        If a URL cannot be listed, or what that takes is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from twoflow import load_folder, make_shop
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = make_shop(n_classes=2, n_per_class=3, folder=folder)
    ...     load_folder(folder)
    ImageCollection(6 pictures, 2 classes)
    """
    root = _folder(root)
    files = sorted(_list_pictures(root))
    name = describe(root)
    if not files:
        raise ValueError(f"{name} has no pictures; expected {name}/<class>/*.jpg")
    folders = [file.parts[:-1] for file in files]
    depth = min(map(len, folders))
    levels = levels or min(max(depth, 1), 2)
    if depth < levels:
        stray = describe(_join(root, files[[len(folder) for folder in folders].index(depth)]))
        expected = "<class>" if levels == 1 else "<superclass>/<class>"
        raise ValueError(f"{stray} is in no class folder; expected {name}/{expected}/*.jpg: move it or remove it")
    return ImageCollection(
        pictures=[_join(root, file) for file in files],
        labels=["/".join(folder[:levels]) for folder in folders],
        columns={"superclass": [folder[0] for folder in folders]} if levels == 2 else {},
    )


def list_plain_folder(root: str | os.PathLike) -> list[str] | None:
    """The pictures of a folder without class folders, sorted; None if it has none, or any in a folder inside it.

    Raises
    ------
    NotADirectoryError, OSError, ModuleNotFoundError
        As `load_folder` does.
    """
    root = _folder(root)
    files = sorted(_list_pictures(root))
    if not files or any(len(file.parts) > 1 for file in files):
        return None
    return [_join(root, file) for file in files]


def load_table(
    table: Any,
    root: str | os.PathLike,
    *,
    path_column: str = "path",
    label_column: str = "class",
    group_column: str | None = None,
    columns: Sequence[str] = (),
) -> ImageCollection:
    """Collect the pictures that a table names.

    Parameters
    ----------
    table : path or fsspec URL of a CSV file (UTF-8, with a header), or DataFrame
    root : path or fsspec URL
        The folder that the table's paths are relative to. A path in the table may itself be a URL.
    path_column, label_column, group_column : str
        The columns of the path, the class and, optionally, the group of each picture.
    columns : sequence of str
        Further columns to keep in `ImageCollection.columns`.

    Returns
    -------
    ImageCollection
        In the table's order.

    Raises
    ------
    ValueError
        If a column is not there, a cell of one is empty or NaN, a local picture is missing, or a path, or the URL of a
        local file, leads out of `root`. The message names the row, counted from 1 without the header. What lies behind
        other URLs shows when it is read.
    OSError, ModuleNotFoundError
        If the table's URL cannot be read, or what that takes is not installed.
    """
    root = _folder(root)
    wanted = [path_column, label_column, *([group_column] if group_column else []), *columns]
    values = _read_columns(table, wanted)
    paths = [_resolve(root, value, f"row {row}") for row, value in enumerate(values[path_column], start=1)]
    if not paths:
        raise ValueError(f"{_table_name(table)} has no rows")
    return ImageCollection(
        pictures=paths,
        labels=values[label_column],
        groups=values[group_column] if group_column else None,
        columns={name: values[name] for name in columns},
    )


def _folder(root: str | os.PathLike) -> Path | str:
    """A folder on this machine, or the URL of one elsewhere."""
    if remote.is_url(root):
        path = remote.local_path(root)
        if path is None:
            return root
        root = path
    root = Path(root)
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is not a folder")
    return root


def _join(root: Path | str, path: PurePath) -> str:
    return str(root / path) if isinstance(root, Path) else remote.join(root, path.as_posix())


def _list_pictures(root: Path | str) -> list[PurePath]:
    """Relative to the folder."""
    if isinstance(root, Path):
        return [path.relative_to(root) for path in _find_pictures(root, ancestors=())]
    files = map(PurePosixPath, remote.find(root))
    return [file for file in files if file.suffix.lower() in SUFFIXES and not any(map(_is_hidden, file.parts))]


def _find_pictures(folder: Path, ancestors: tuple[tuple[int, int], ...]) -> Iterator[Path]:
    """Depth first; `ancestors` (device, inode) tell a link that leads back up, which would never end."""
    status = folder.stat()
    if (status.st_dev, status.st_ino) in ancestors:
        raise ValueError(f"{folder} is a link that leads back into a folder above it; remove the link")
    for entry in folder.iterdir():
        if _is_hidden(entry.name):
            continue
        if entry.is_dir():
            yield from _find_pictures(entry, (*ancestors, (status.st_dev, status.st_ino)))
        elif entry.suffix.lower() in SUFFIXES:
            yield entry


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _read_columns(table: Any, names: Sequence[str]) -> Mapping[str, list]:
    """The named columns, each without an empty cell."""
    if hasattr(table, "columns") and hasattr(table, "loc"):
        present = list(table.columns)
        read = {name: table[name].tolist() for name in names if name in present}
    else:
        with _open_table(table) as file:
            present, read = _read_csv(file, names, _table_name(table))
    for name in names:
        if name not in read:
            raise ValueError(f"{_table_name(table)} has no column {name!r}; it has {', '.join(map(repr, present))}")
        for row, value in enumerate(read[name], start=1):
            if is_missing(value):
                raise ValueError(f"{_table_name(table)}, row {row}: column {name!r} is empty; fill it or drop the row")
    return read


def _open_table(table: str | os.PathLike) -> TextIO:
    file = io.BytesIO(remote.read(table)) if remote.is_url(table) else open(table, "rb")
    return io.TextIOWrapper(file, encoding="utf-8-sig", newline="")


def _read_csv(file: TextIO, names: Sequence[str], path: str) -> tuple[list[str], dict[str, list]]:
    try:
        reader = csv.DictReader(file, strict=True)
        present = list(reader.fieldnames or ())
        rows = list(reader)
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a CSV file in UTF-8: {error}") from error
    return present, {name: [row[name] for row in rows] for name in names if name in present}


def _resolve(root: Path | str, value: Any, where: str) -> str:
    # By the letters of the path, not by where links point: a table is hostile, the folder is its owner's.
    path = os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    if remote.is_url(path):
        if "::" in path:  # it may end in a local file
            raise ValueError(f"{where}: {describe(path)} is a chain of URLs; a table may hold only single ones")
        local = remote.local_path(path)
        if local is None:
            return path
        path = local
    out = f"{where}: {value} leads out of {describe(root)}; paths are relative to that folder"
    if not isinstance(root, Path):
        path = posixpath.normpath(path)
        if path == "." or path.split("/")[0] in ("", ".."):
            raise ValueError(out)
        return remote.join(root, path)
    base = os.path.abspath(root)
    path = os.path.abspath(os.path.join(base, path))
    if os.path.commonpath([base, path]) != base or path == base:
        raise ValueError(out)
    if not os.path.isfile(path):
        raise ValueError(f"{where}: {value} is not in {root}; correct the path or drop the row")
    return str(root / os.path.relpath(path, base))


def _table_name(table: Any) -> str:
    return "the table" if hasattr(table, "columns") else describe(table)
