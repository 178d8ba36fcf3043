"""The images to predict, lazily: files, folders, tables, URLs, and lists on stdin, in any mix and in order."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from ..errors import InputError
from ..images import remote
from ..images.folder_walk import Root, join, open_folder, walk_folder
from ..images.passed_over import PassedOver
from ..images.reading import describe, readable_suffixes
from ..images.table_objects import tidy_value
from ..images.tables import TableImages, list_table
from .predictor import Item

#: The argument that asks for the list of paths and URLs on stdin.
STDIN = "-"
_TABLES = (".csv", ".tsv")
_READ = 2**16  # bytes of stdin at a time, and the longest name there


class Inputs(Protocol):
    """Items to predict, which are found while they are iterated over."""

    @property
    def n_images(self) -> int | None:
        """How many images there are; None if this is not known before the end."""

    @property
    def passed_over(self) -> tuple[PassedOver, ...]:
        """Files and folders that are not read as images."""

    def __iter__(self) -> Iterator[Item]: ...


@dataclass(frozen=True)
class TableOptions:
    """How tables are read.

    Attributes
    ----------
    path_column : str or None
        See `load_table`. None, the default, is "path".
    image_pattern : str or None
        See `load_table`. None, the default, reads `path_column`.
    group_column : str or None
        The column of items; all photos of an item get one answer. None, the default, answers for each image.
    """

    path_column: str | None = None
    image_pattern: str | None = None
    group_column: str | None = None

    def named(self) -> Iterator[str]:
        """Yield the options that are given, as arguments of a command line."""
        options = {
            "--image-column": self.path_column, "--image-pattern": self.image_pattern,
            "--group-column": self.group_column,
        }
        return (name for name, value in options.items() if value is not None)


def open_inputs(
    names: Sequence[str],
    *,
    table: TableOptions = TableOptions(),
    stdin: BinaryIO | None = None,
    by_null: bool = False,
    absolute: bool = False,
) -> Inputs:
    """Find out what to predict; images are named as the inputs name them.

    Parameters
    ----------
    names : sequence of str
        Each is a folder, with its images in all folders inside, in sorted order; a table, which ends in .csv or .tsv,
        with a column of paths relative to the table; "-", for a list on stdin; or else a single image. Folders and
        tables may be at a URL; a folder's URL ends with a slash.
    table : TableOptions
    stdin : binary file, optional
        What "-" reads. It is needed only for "-".
    by_null : bool
        Whether NUL separates the names on stdin, so that a name may contain line ends. The default is False: there is
        one name on each line, and empty lines are skipped.
    absolute : bool
        Whether local images are read by absolute paths, for workers that run in other folders. The default is False.
        It has no effect on names.

    Returns
    -------
    Inputs

    Raises
    ------
    ValueError
        If there are no images in a folder; if a name is neither a file nor a folder and does not end as an image; if
        options of tables are given without a table, or `by_null` without a list, or a group column beside other inputs
        than tables; or as `load_table` does.
    OSError, ModuleNotFoundError
        If a folder or table cannot be read.
    """
    if names.count(STDIN) > 1:
        raise InputError(f"expected {STDIN} once, for the list on stdin, got it {names.count(STDIN)} times")
    if by_null and STDIN not in names:
        raise InputError(f"--null needs {STDIN}, a list on stdin")
    is_table = [_is_table(name) for name in names]
    for option in table.named():
        if not any(is_table):
            raise InputError(f"{option} needs a table of images, a file that ends in {' or '.join(_TABLES)}")
    if table.group_column is not None:
        if not all(is_table):
            other = names[is_table.index(False)]
            raise InputError(f"--group-column: expected only tables, got {describe(other)} too; predict it by itself")
        return _Items([_list_table(name, table) for name in names], table.group_column, absolute)
    return _Chain([
        _Names(_list_table(name, table).paths, absolute) if _is_table(name) else
        _List(stdin, by_null, absolute) if name == STDIN and stdin is not None else
        _open_one(name, absolute)
        for name in names
    ])


def _is_table(name: str) -> bool:
    return not os.path.isdir(name) and name.lower().endswith(_TABLES)


def _list_table(name: str, options: TableOptions) -> TableImages:
    return list_table(
        name, path_column=options.path_column or "path", image_pattern=options.image_pattern,
        columns=[] if options.group_column is None else [options.group_column],
    )


def _open_one(name: str, absolute: bool) -> Inputs:
    """Open a folder or an image."""
    if remote.is_url(name):
        return _Folder(open_folder(name), absolute) if name.endswith("/") else _Names([name], absolute)
    if os.path.isdir(name):
        return _Folder(open_folder(name), absolute)
    if not os.path.lexists(name) and Path(name).suffix.lower() not in readable_suffixes():
        raise InputError(
            f"expected an image, a folder or a table, got {name or repr(name)}, which does not exist; correct the path"
        )
    return _Names([name], absolute)


def _source(name: str, absolute: bool) -> str:
    return os.path.abspath(os.path.expanduser(name)) if absolute and not remote.is_url(name) else name


@dataclass
class _Names:
    """Images by their paths or URLs."""

    names: Sequence[str]
    absolute: bool
    passed_over: tuple[PassedOver, ...] = ()

    @property
    def n_images(self) -> int | None:
        return len(self.names)

    def __iter__(self) -> Iterator[Item]:
        return (Item(name, (_source(name, self.absolute),)) for name in self.names)


@dataclass
class _Folder:
    """The images of a folder, and of all folders inside. The folder is walked once to count, and again to predict."""

    root: Root
    absolute: bool
    n_images: int | None = field(init=False)
    passed_over: tuple[PassedOver, ...] = field(init=False)

    def __post_init__(self) -> None:
        n_images, found = 0, {}  # type: tuple[int, dict[str, list[str]]]
        for entry in walk_folder(self.root):
            n_images += entry.is_image
            if entry.reason is not None:
                found.setdefault(entry.reason, []).append(describe(join(self.root, entry.path)))
        self.n_images = n_images
        self.passed_over = tuple(PassedOver(reason, tuple(paths)) for reason, paths in sorted(found.items()))
        if not n_images:
            told = f"; passed over: {'; '.join(map(str, self.passed_over))}" if found else ""
            raise InputError(f"{describe(self.root)} has no images{told}; name another folder")

    def __iter__(self) -> Iterator[Item]:
        for entry in walk_folder(self.root):
            if entry.is_image:
                name = join(self.root, entry.path)
                yield Item(name, (_source(name, self.absolute),))


@dataclass
class _List:
    """The images that a list on stdin names. It can be read only once."""

    stdin: BinaryIO
    by_null: bool
    absolute: bool
    n_images: int | None = None
    passed_over: tuple[PassedOver, ...] = ()
    _is_read: bool = False

    def __iter__(self) -> Iterator[Item]:
        if self._is_read:
            raise InputError("the list on stdin has been read to compare it; repeat the command, which now begins anew")
        self._is_read = True
        for name in _split(self.stdin, b"\0" if self.by_null else b"\n"):
            name = name if self.by_null else name.removesuffix(b"\r")
            if name.strip():
                text = os.fsdecode(name)
                yield Item(text, (_source(text, self.absolute),))


def _split(file: BinaryIO, separator: bytes) -> Iterator[bytes]:
    """Yield what is between separators, each as soon as it has been read."""
    read = getattr(file, "read1", file.read)  # read1 returns what is there, and does not wait for more
    rest = b""
    while content := read(_READ):
        *names, rest = (rest + content).split(separator)
        yield from names
        if len(rest) > _READ:
            raise InputError(
                f"stdin: expected a path or URL on each line, got more than {_READ:,} bytes without a line end; "
                "use --null if NUL separates the names"
            )
    yield rest


class _Items:
    """Items of several photos, in the order of their first appearance, however their rows are scattered."""

    passed_over: tuple[PassedOver, ...] = ()

    def __init__(self, tables: Iterable[TableImages], group_column: str, absolute: bool) -> None:
        self._absolute = absolute
        self._paths: list[str] = []
        codes: dict[str, int] = {}
        of_rows = []
        for table in tables:
            self._paths += table.paths
            groups = map(tidy_value, table.table.columns[group_column])
            of_rows += [codes.setdefault(str(group), len(codes)) for group in groups]
        self._groups = list(codes)
        self._order = np.argsort(of_rows, kind="stable")  # rows of the first item, of the second, ...
        self._ends = np.cumsum(np.bincount(of_rows))
        self.n_images: int | None = len(self._paths)

    def __iter__(self) -> Iterator[Item]:
        start = 0
        for group, end in zip(self._groups, self._ends.tolist()):
            names = [self._paths[row] for row in self._order[start:end].tolist()]
            yield Item(group, [_source(name, self._absolute) for name in names], names)
            start = end


class _Chain:
    """Inputs one after another."""

    def __init__(self, inputs: Sequence[Inputs]) -> None:
        self._inputs = inputs
        counts = [each.n_images for each in inputs]
        self.n_images = None if None in counts else sum(count for count in counts if count is not None)
        self.passed_over = tuple(passed_over for each in inputs for passed_over in each.passed_over)

    def __iter__(self) -> Iterator[Item]:
        for each in self._inputs:
            yield from each
