"""Collections from a table of paths and labels: a file, a URL, or a table in memory."""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from .._files import expand
from .._text import listed
from ..errors import InputError
from .any_ending import find_endings
from .collection import ImageCollection
from .image_pattern import ImagePattern
from .lookalikes import note_on_words_for_missing
from .missing_images import explain_missing, find_missing
from .passed_over import name_first
from .reading import UnreadableImagesWarning, describe
from .remote import is_url
from .table_csv import Table, read_csv
from .table_objects import read_object, tidy_value
from .table_paths import Place, place_of
from .validation import is_missing

_MISSING = ("leave-out", "error")


def load_table(
    table: Any,
    root: str | os.PathLike | None = None,
    *,
    path_column: str = "path",
    image_pattern: str | None = None,
    label_column: str | Sequence[str] | None = None,
    levels: Sequence[str] | None = None,
    group_column: str | None = None,
    columns: Sequence[str] = (),
    missing: str = "leave-out",
) -> ImageCollection:
    """Collect the images that a table names.

    Parameters
    ----------
    table : path or fsspec URL of a CSV file, or table in memory
        A file has a header, is encoded in UTF-8, or in UTF-16 with a byte order mark, and is separated by commas,
        semicolons or tabs. In memory: a DataFrame (pandas or polars), an Arrow table, a dict of columns or a list of
        dicts.
    root : path or fsspec URL, optional
        The folder that the table's paths are relative to. Paths must not lead out of it. By default: the folder of the
        table, or the working folder for a table in memory; paths may then be absolute and lead anywhere, except in a
        table at a URL. A path may itself be a URL.
    path_column : str
        The column of paths, by default "path". Not used with `image_pattern`.
    image_pattern : str, optional
        Where the images are, with columns in braces, such as ``"images/{id}.jpg"``. Write ``{{`` for a brace. At its
        end, ``.*`` stands for the ending of the image that exists. By default paths are read from `path_column`.
    label_column : str or sequence of str
        The column of classes, by default "class". Several columns are several targets, named after the columns. Of
        several, some cells of a row may be empty: that image has no label there. One cell must be filled.
    levels : sequence of str, optional
        The columns of the levels of a hierarchy, from broad to fine, in place of `label_column`. Cells of all but the
        broadest may be empty: the path of that image ends there. By default there are no levels. See `ImageCollection`.
    group_column : str, optional
        The column of groups. By default there are no groups.
    columns : sequence of str
        Further columns to keep in `ImageCollection.columns`, by default none.
    missing : {"leave-out", "error"}
        What to do about rows whose image is missing. By default ("leave-out") they are left out, with one
        `UnreadableImagesWarning`, and listed in `ImageCollection.unreadable`. With "error" they are an error. If all
        images are missing, it is always an error.

    Returns
    -------
    ImageCollection
        In the order of the table. Text is normalized: no blanks around it, and composed letters (NFC).
        `ImageCollection.notes` says how many images are missing, or named in several rows, and
        `ImageCollection.label_notes` how many have no label of a target.

    Raises
    ------
    ValueError
        If a column is missing, a cell that must be filled is empty or NaN, a row has too many or too few fields or
        misplaced quotes, or a path, or the URL of a local file, leads out of `root`. The message names the row, counted
        from 1 without the header. Errors of other URLs are raised when the image is read.
    TypeError
        If `table` is not a table.
    OSError, ModuleNotFoundError
        If the table cannot be read, or the package that its URL needs is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from twoflow import load_table, make_shop
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = make_shop(n_classes=2, n_per_class=3, folder=folder)
    ...     load_table(f"{folder}/labels.csv", group_column="group")
    ImageCollection(6 images, 2 classes, 6 groups)
    """
    if missing not in _MISSING:
        raise InputError(f"missing: expected one of {', '.join(map(repr, _MISSING))}, got {missing!r}")
    targets = _targets(label_column, levels)
    name, place, paths, values, (read, rows) = list_table(
        table, root, path_column=path_column, image_pattern=image_pattern,
        columns=[*targets, *([group_column] if group_column else []), *columns],
        may_be_empty=targets[0 if levels is None else 1:] if len(targets) > 1 else (),
    )
    if path_column in targets and image_pattern is None:
        raise InputError(f"{name}: expected a column of labels, got {path_column!r}, the column of image paths; name "
                         "another column")
    _check_labels(name, read, rows, targets)
    lost = find_missing(paths, values, rows)
    notes = note_on_words_for_missing(
        label for target in targets for label in read[target] if not is_missing(label)
    )
    if lost:
        told = explain_missing(lost, len(paths), place, name)
        if missing == "error" or len(lost) == len(paths):
            raise InputError(f"{told}; correct the table" + ("" if len(lost) == len(paths) else " or leave them out"))
        notes.append(told)
        warnings.warn(f"{told}; they are left out", UnreadableImagesWarning, stacklevel=2)
    left = {each.position for each in lost}
    kept = [position for position in range(len(paths)) if position not in left]

    def column(name: str) -> list:
        tidied = list(map(tidy_value, read[name]))
        return [tidied[position] for position in kept]

    paths, labels = [paths[position] for position in kept], list(zip(*map(column, targets)))
    return ImageCollection(
        images=paths,
        labels=labels if len(targets) > 1 else [label for label, in labels],
        groups=column(group_column) if group_column else None,
        columns={name: column(name) for name in columns},
        unreadable=[each.error for each in lost],
        notes=[*notes, *_note_on_repeated(paths, labels)],
        target_names=targets,
        are_levels=levels is not None and len(targets) > 1,
    )


def _check_labels(name: str, columns: Mapping[str, Sequence[Any]], rows: Sequence[int], targets: Sequence[str]) -> None:
    """Raise ValueError if a row has no label at all; it names the row."""
    for row, labels in zip(rows, zip(*(columns[target] for target in targets))):
        if all(map(is_missing, labels)):
            raise InputError(
                f"{name}, row {row}: columns {listed(map(repr, targets))} are all empty; fill one or drop the row"
            )


def _targets(label_column: str | Sequence[str] | None, levels: Sequence[str] | None) -> list[str]:
    """Return the names of the columns of labels."""
    if levels is not None and label_column is not None:
        raise InputError(
            "expected levels or label_column, got both; leave out label_column: the finest level is the class"
        )
    names = levels if levels is not None else "class" if label_column is None else label_column
    targets = [names] if isinstance(names, str) else list(names)
    if not targets or levels is not None and isinstance(levels, str):
        name, expected = ("label_column", "the name of a column, or several names") if levels is None else (
            "levels", "names of columns, from broad to fine")
        raise InputError(f"{name}: expected {expected}, got {names if targets else 'none'}")
    return targets


class TableImages(NamedTuple):
    """The n images that a table names; they may be missing.

    Attributes
    ----------
    name : str
        What messages call the table.
    place : Place
        The folder that the paths are relative to.
    paths : list of n str
        The path or URL of each image.
    values : sequence of n cells
        What the paths were built from.
    table : Table
        The columns that were asked for, and the numbers of the rows.
    """

    name: str
    place: Place
    paths: list[str]
    values: Sequence[Any]
    table: Table


def list_table(
    table: Any,
    root: str | os.PathLike | None = None,
    *,
    path_column: str = "path",
    image_pattern: str | None = None,
    columns: Sequence[str] = (),
    may_be_empty: Collection[str] = (),
) -> TableImages:
    """List the images that a table names, and read some of its columns; other columns are not looked at.

    Parameters
    ----------
    table, root, path_column, image_pattern
        See `load_table`.
    columns : sequence of str
        The columns to read, by default none.
    may_be_empty : collection of str
        Those of them whose cells may be empty, by default none.

    Returns
    -------
    TableImages

    Raises
    ------
    ValueError, TypeError, OSError, ModuleNotFoundError
        As `load_table` does.
    """
    if isinstance(table, (str, os.PathLike)) and not is_url(table):
        table = expand(table)
    pattern = None if image_pattern is None else ImagePattern(image_pattern)
    place = place_of(table, root)
    name = _name(table)
    of_path = [path_column] if pattern is None else pattern.names
    read = _read(table, list(dict.fromkeys([*of_path, *columns])), name, set(may_be_empty) - set(of_path))
    values = read.columns[path_column] if pattern is None else pattern.fill(read.columns)
    paths = [place.resolve(value, f"row {row}") for value, row in zip(values, read.rows)]
    if pattern is not None and pattern.has_any_ending:
        paths = find_endings(paths, read.rows, name)
    return TableImages(name, place, paths, values, read)


def _read(table: Any, names: Sequence[str], name: str, may_be_empty: Collection[str]) -> Table:
    """Read the named columns; there must be at least one row, and no empty cell except where it may be."""
    is_file = isinstance(table, (str, os.PathLike))
    read = read_csv(table, names) if is_file else read_object(table, names)
    for column in names:
        if column in may_be_empty:
            continue
        for row, value in zip(read.rows, read.columns[column]):
            if is_missing(value):
                raise InputError(f"{name}, row {row}: column {column!r} is empty; fill it or drop the row")
    if not read.rows:
        raise InputError(f"{name} has no rows")
    return read


def _note_on_repeated(paths: Sequence[str], labels: Sequence[tuple[Any, ...]]) -> list[str]:
    """Return a sentence on images that several rows name; none if there are none."""
    found: dict[str, list[Any]] = defaultdict(list)
    for path, label in zip(paths, labels):
        found[path].append(label)
    repeated = [path for path, own in found.items() if len(own) > 1]
    if not repeated:
        return []
    in_conflict = [path for path in repeated if len(set(found[path])) > 1]
    named = name_first(map(describe, in_conflict or repeated))
    return [f"images named in several rows: {len(repeated):,}, with different labels: {len(in_conflict):,} ({named})"]


def _name(table: Any) -> str:
    return describe(table) if isinstance(table, (str, os.PathLike)) else "the table"
