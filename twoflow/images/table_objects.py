"""Read tables in memory by their attributes, so that pandas, polars and Arrow need not be installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InputError, InputTypeError
from .table_csv import Table, find_columns, tidy

_EXPECTED = (
    "expected the path or URL of a CSV file, a DataFrame (pandas, polars), an Arrow table, a dict of columns or a list "
    "of dicts"
)
_NAMES = ("column_names", "columns")  # attributes with the names of columns; in Arrow, `columns` holds the values
_TO_LIST = ("tolist", "to_list", "to_pylist")  # methods that turn a column into plain Python values


def read_object(table: Any, names: Sequence[str]) -> Table:
    """Read some columns of a table in memory.

    Parameters
    ----------
    table : DataFrame, Arrow table, mapping of name to column, or sequence of mappings
        The table; see `_EXPECTED`.
    names : sequence of str
        The requested columns.

    Returns
    -------
    Table
        Values are plain Python objects.

    Raises
    ------
    TypeError
        If `table` is none of these.
    ValueError
        If a column is missing or appears twice, columns differ in length, or a mapping lacks a key.
    """
    if isinstance(table, Mapping):
        header, column = list(table), table.__getitem__
    elif isinstance(table, Sequence) and all(isinstance(row, Mapping) for row in table):
        return _read_records(table, names)
    else:
        header, column = _header(table), table.__getitem__
    positions = find_columns(header, names, "the table")
    columns = {name: _to_list(column(header[position]), name) for name, position in positions.items()}
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InputError(f"the columns of the table differ in length: {lengths}; give each one value a row")
    return Table(columns, range(1, max(lengths.values(), default=0) + 1))


def find_names(table: Any) -> list | None:
    """Return the names of the columns of a DataFrame or an Arrow table; None for anything else."""
    for attribute in _NAMES:
        # The class is asked, because a DataFrame has attributes named like its columns.
        if hasattr(type(table), attribute) and hasattr(table, "__getitem__"):
            return list(getattr(table, attribute))
    return None


def _header(table: Any) -> list:
    names = find_names(table)
    if names is None:
        raise InputTypeError(f"the table is a {type(table).__name__}; {_EXPECTED}")
    return names


def _read_records(table: Sequence[Mapping], names: Sequence[str]) -> Table:
    keys = list(dict.fromkeys(key for row in table for key in row))
    if not table:
        return Table({name: [] for name in names}, range(0))
    wanted = {name: keys[position] for name, position in find_columns(keys, names, "the table").items()}
    for number, row in enumerate(table, start=1):
        for name, key in wanted.items():
            if key not in row:
                raise InputError(f"the table, row {number}: no value for {name!r}; add it or drop the row")
    return Table({name: [row[key] for row in table] for name, key in wanted.items()}, range(1, len(table) + 1))


def _to_list(column: Any, name: str) -> list:
    for method in _TO_LIST:
        if hasattr(column, method):
            return getattr(column, method)()
    if isinstance(column, (str, bytes)) or not hasattr(column, "__iter__"):
        raise InputTypeError(
            f"column {name!r} of the table is a {type(column).__name__}; expected a sequence of values"
        )
    return list(column)


def tidy_value(value: Any) -> Any:
    """Tidy text; return any other value unchanged."""
    return tidy(value) if isinstance(value, str) else value
