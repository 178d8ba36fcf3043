"""The sample of a competition's submission: a table of ids whose other cells are to be filled."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._text import listed, printable
from ..errors import InputError
from ..images.table_csv import Row, TableText, find_columns, is_empty, read_text, tidy
from ..models.model_file import ModelCard

_DECIMALS = re.compile(r"[+-]?\d+\.(\d+)")


@dataclass(frozen=True)
class Sample:
    """A table of ids, as it is written, and the columns that a model fills.

    Attributes
    ----------
    text : TableText
    rows : list of n Row
        The rows that are not empty.
    id_column : str
    ids : list of n str
        The id of each row.
    columns : mapping of str to int
        The position of the column for each label that the model gives: targets, or the levels of a tree of classes.
    notes : tuple of str
        What the user should know of the columns.
    others : tuple of str
        Columns that the model has no label for.
    """

    text: TableText
    rows: list[Row]
    id_column: str
    ids: list[str]
    columns: Mapping[str, int]
    notes: tuple[str, ...]
    others: tuple[str, ...]

    def fill(self, labels: Mapping[str, Mapping[str, Any]]) -> bytes:
        """Write the table with other cells; everything else keeps its bytes.

        Parameters
        ----------
        labels : mapping of str to mapping of str to label
            By the id, the label for each of `columns`. The cells of other ids keep their values.

        Returns
        -------
        bytes
            The content of a file. A number has as many decimals as all numbers of its column in the sample have.
        """
        decimals = {name: self._decimals(position) for name, position in self.columns.items()}
        cells = {
            row.number: {
                self.columns[name]: _write(label, decimals[name]) for name, label in labels.get(each, {}).items()
            } for each, row in zip(self.ids, self.rows)
        }
        lines = [_replace(row, cells.get(row.number, {}), self.text.delimiter) for row in self.text.rows]
        written = "".join([self.text.before, self.text.header.raw, *lines])
        return self.text.mark + written.encode(self.text.encoding)

    def looks_numeric(self, name: str) -> bool:
        """Return whether all values of a column that the model fills are numbers."""
        return all(is_number(row.cells[self.columns[name]]) for row in self.rows)

    def _decimals(self, position: int) -> int:
        """Return how many decimals all numbers of a column have; 0 if there are other values."""
        found = {_DECIMALS.fullmatch(tidy(row.cells[position])) for row in self.rows}
        numbers = {0 if each is None else len(each[1]) for each in found}
        return numbers.pop() if len(numbers) == 1 else 0


def read_sample(path: str | os.PathLike, card: ModelCard, id_column: str | None = None) -> Sample:
    """Read a sample of a submission, and find the columns that a model fills.

    Parameters
    ----------
    path : path or fsspec URL
        A CSV file with a header, as `load_table` takes it.
    card : ModelCard
        Its targets, or the levels of its tree of classes, are columns of the sample. A model of one target fills the
        only column beside the ids, whatever its name is.
    id_column : str, optional
        The column of ids. Default: the first.

    Returns
    -------
    Sample

    Raises
    ------
    ValueError
        If the table is no CSV file, has no rows, lacks the column of ids or all columns of the model, an id is missing
        or occurs twice, or the first column is a target and `id_column` is not given.
    OSError, ModuleNotFoundError
        If the table cannot be read.
    """
    names = label_names(card)
    text = read_text(path, [*names, *([] if id_column is None else [id_column])])
    header = [tidy(cell) for cell in text.header.cells]
    rows = [row for row in text.rows if not is_empty(row)]
    if not rows:
        raise InputError(f"{text.name}: expected a header and a row for each id, got no rows; name another sample")
    if id_column is None and header[0] in map(tidy, names):
        raise InputError(
            f"{text.name}: expected the ids in the first column, got the target {header[0]!r}; name the column of ids "
            "by id_column (--id-column)"
        )
    id_column = header[0] if id_column is None else tidy(id_column)
    columns = find_columns(header, [id_column, *(name for name in names if tidy(name) in header)], text.name)
    of_ids = columns.pop(id_column)
    ids = [tidy(row.cells[of_ids]) for row in rows]
    _check_ids(ids, rows, text.name, id_column)
    others = [name for position, name in enumerate(header) if position not in (of_ids, *columns.values())]
    notes = []
    if not columns and len(names) == len(others) == 1:
        columns = find_columns(header, others, text.name)
        columns = {names[0]: columns[others.pop()]}
        notes.append(f"the target {names[0]} fills {header[columns[names[0]]]}, the only column beside {id_column}")
    if not columns:
        raise InputError(
            f"{text.name}: expected a column for a target of the model, which has {listed(names)}; got "
            f"{listed(map(repr, header))}; name the right sample, or train with --label-column as the sample's columns "
            "are called"
        )
    unused = [name for name in names if name not in columns]
    if unused:
        notes.append(f"the sample has no column for {listed(unused)}")
    return Sample(text, rows, id_column, ids, columns, tuple(map(printable, notes)), tuple(others))


def label_names(card: ModelCard) -> list[str]:
    """Return the names of what a model says about an image: its targets, or the levels of its tree of classes."""
    tree = card.targets[0].tree
    return [target.name for target in card.targets] if tree is None else list(tree.levels)


def _check_ids(ids: Sequence[str], rows: Sequence[Row], name: str, column: str) -> None:
    first: dict[str, int] = {}
    for each, row in zip(ids, rows):
        if not each:
            raise InputError(f"{name}, row {row.number}: column {column!r} is empty; fill it, or name the --id-column")
        if each in first:
            raise InputError(
                f"{name}, rows {first[each]} and {row.number}: expected each id once, got {printable(each)} in both; "
                "remove one, or name the --id-column"
            )
        first[each] = row.number


def _replace(row: Row, cells: Mapping[int, str], delimiter: str) -> str:
    """Return a row with other cells. A cell stays in quotes if it was, and gets them if it needs them."""
    if not cells:
        return row.raw
    fields = list(_fields(row.raw, delimiter))
    for position, cell in cells.items():
        old = fields[position]
        needs_quotes = old.startswith('"') or any(sign in cell for sign in (delimiter, '"', "\r", "\n"))
        fields[position] = '"' + cell.replace('"', '""') + '"' if needs_quotes else cell
    end = row.raw[len(row.raw.rstrip("\r\n")):]
    return delimiter.join(fields) + end


def _fields(raw: str, delimiter: str) -> Iterator[str]:
    """Yield the fields of a well-formed row, with their quotes."""
    sign = re.escape(delimiter)
    field = re.compile(rf'("(?:[^"]++|"")*+"|[^"{sign}\r\n]*+)(?:{sign}|[\r\n]*\Z)')
    position = 0
    while found := field.match(raw, position):
        yield found[1]
        if found.end() == position or not found[0].endswith(delimiter):
            return
        position = found.end()


def _write(label: Any, decimals: int) -> str:
    """Write a label as the sample writes numbers, if it is one that this does not change."""
    text = str(label)
    if decimals and is_number(text) and float(f"{float(text):.{decimals}f}") == float(text):
        return f"{float(text):.{decimals}f}"
    return text


def is_number(label: Any) -> bool:
    """Return whether a label, or the text in a cell, is a number."""
    try:
        float(label)
    except (TypeError, ValueError):
        return False
    return True
