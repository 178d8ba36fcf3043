"""Read CSV files strictly: a row that could be read in two ways is an error."""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .. import _files
from ..errors import InputError
from . import remote
from .reading import describe

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}

# A first line such as ``sep=;``, which tells Excel the delimiter.
_SEP_LINE = re.compile(r'"?sep=([^"\w\s]|\t)"?(?:\r\n|\r|\n|\Z)', re.IGNORECASE)

# UTF-32 comes first, because its byte order mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)


class Table(NamedTuple):
    """The requested columns of a table.

    Attributes
    ----------
    columns : dict of str to list of n values
        The values of each requested column.
    rows : sequence of n int
        The number of each row, for messages: 1 is the first row below the header. Empty rows are skipped, but counted.
    """

    columns: dict[str, list]
    rows: Sequence[int]


def read_csv(path: str | os.PathLike, names: Sequence[str]) -> Table:
    """Read some columns of a CSV file.

    Parameters
    ----------
    path : path or fsspec URL
        A file in UTF-8 with or without a byte order mark, or in UTF-16 with one. It needs a header. The delimiter is
        the comma, semicolon or tab that gives the header the requested columns, or the one that a first line such as
        ``sep=;`` names.
    names : sequence of str
        The requested columns.

    Returns
    -------
    Table
        Cells are text, exactly as in the file.

    Raises
    ------
    ValueError
        If a column is missing or appears twice; or if a row has more or fewer fields than the header, a quote that is
        not closed or is inside a field, a field of more than `csv.field_size_limit` characters, a NUL, or bytes that
        are not text. The message names the row.
    OSError
        If the file cannot be read.
    ModuleNotFoundError
        If a package that the URL needs is not installed.
    """
    name = describe(path)
    content = remote.read(path) if remote.is_url(path) else _read(path)
    text = _decode(content, name)
    delimiter, text = _take_sep_line(text)
    delimiter = delimiter or _find_delimiter(text, names, name)
    records = _records(text, delimiter, name)
    _, header = next(records, (0, []))
    positions = find_columns(header, names, name)
    rows, columns = [], {column: [] for column in positions}  # type: tuple[list[int], dict[str, list]]
    for row, cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            sign = _DELIMITERS.get(delimiter, delimiter)
            is_long = len(cells) > len(header)
            remedy = f"put fields that hold a {sign} in quotes" if is_long else "complete or remove the row"
            raise InputError(
                f"{name}, row {row}: expected {len(header)} fields as in the header, got {len(cells)}; {remedy}"
            )
        rows.append(row)
        for column, position in positions.items():
            columns[column].append(cells[position])
    return Table(columns, rows)


def find_columns(header: Sequence[object], names: Sequence[str], table: str) -> dict[str, int]:
    """Find the positions of the requested columns, ignoring blanks around names and Unicode forms.

    Raises
    ------
    ValueError
        If a column is missing or appears twice.
    """
    present = [tidy(str(cell)) for cell in header]
    if not present:
        raise InputError(f"{table}: expected a header with the names of columns, got nothing; name another table")
    positions = {}
    for name in names:
        found = [position for position, cell in enumerate(present) if cell == tidy(name)]
        if not found:
            raise InputError(f"{table} has no column {name!r}; it has {', '.join(map(repr, present))}")
        if len(found) > 1:
            raise InputError(f"{table} has {len(found)} columns {name!r}; rename all but one")
        positions[name] = found[0]
    return positions


def tidy(text: str) -> str:
    """Strip blanks around a text and compose its letters (NFC)."""
    return unicodedata.normalize("NFC", text).strip()


def _read(path: str | os.PathLike) -> bytes:
    with _files.open_regular(path) as file:
        return file.read()


def _decode(content: bytes, name: str) -> str:
    mark, encoding = next(((mark, each) for mark, each in _MARKS if content.startswith(mark)), (b"", "utf-8"))
    if encoding == "utf-8":
        # Bytes that are not UTF-8 become surrogates; `_records` finds them and names the row.
        return content[len(mark):].decode(encoding, "surrogateescape")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{name} begins as {encoding.upper()} but is not: {error}; save it as UTF-8") from None


def _take_sep_line(text: str) -> tuple[str | None, str]:
    found = _SEP_LINE.match(text)
    return (found[1], text[found.end():]) if found else (None, text)


def _find_delimiter(text: str, names: Sequence[str], table: str) -> str:
    """Find the delimiter that gives the header the requested columns, or else the most columns."""
    headers = {}
    for delimiter in _DELIMITERS:
        try:
            headers[delimiter] = [tidy(cell) for cell in next(_records(text, delimiter, table), (0, []))[1]]
        except ValueError:  # the header may be well formed with another delimiter
            continue
    if not headers:
        next(_records(text, ",", table))
    wanted = {tidy(name) for name in names}
    fitting = [delimiter for delimiter, header in headers.items() if wanted <= set(header)]
    if len(fitting) > 1 and len({len(headers[delimiter]) for delimiter in fitting}) > 1:
        raise InputError(
            f"{table} may be divided by {' or by '.join(f'{_DELIMITERS[each]}s' for each in fitting)}; begin it with a "
            "line that says which, such as sep=,"
        )
    return fitting[0] if fitting else max(headers, key=lambda delimiter: len(headers[delimiter]))


def _records(text: str, delimiter: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and cells of each row; the header is row 0, and empty rows above it are skipped."""
    lines = io.StringIO(text, newline="")
    taken: list[str] = []

    def keep(lines: io.StringIO) -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    well_formed = _well_formed(delimiter)
    reader = csv.reader(keep(lines), delimiter=delimiter, strict=True)
    row = 0
    while True:
        taken.clear()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise InputError(f"{_place(name, row)}: {_reason(error, taken)}") from None
        if cells is None:
            return
        raw = "".join(taken)
        if row == 0 and not raw.strip():
            continue
        if "\0" in raw:
            raise InputError(f"{_place(name, row)}: a NUL byte; save the table as text in UTF-8")
        if '"' in raw and not well_formed.fullmatch(raw):
            raise InputError(f"{_place(name, row)}: {_STRAY_QUOTE}")
        if not raw.isascii():
            _refuse_other_bytes(raw, name, row)
        yield row, cells
        row += 1


_STRAY_QUOTE = "a quote inside a field; put the whole field in quotes, and write quotes in it twice"


def _reason(error: csv.Error, taken: Sequence[str]) -> str:
    text = str(error)
    if "field larger than" in text:
        return f"a field of more than {csv.field_size_limit():,} letters; is a quote missing?"
    if "unexpected end" in text:
        return "a quote that is never closed; close it, or write it twice inside a field in quotes"
    return _STRAY_QUOTE if "expected after" in text else text


def _refuse_other_bytes(raw: str, name: str, row: int) -> None:
    try:
        raw.encode("utf-8")
    except UnicodeEncodeError as error:
        byte = f"0x{ord(raw[error.start]) - 0xDC00:02x}"
        raise InputError(
            f"{name} is not a CSV file in UTF-8: {'the header' if row == 0 else f'row {row}'} holds the byte {byte}; "
            "save it as UTF-8"
        ) from None


def _well_formed(delimiter: str) -> re.Pattern[str]:
    """Match a row whose fields are quoted as a whole or have no quotes (RFC 4180).

    Possessive quantifiers keep the time linear.
    """
    sign = re.escape(delimiter)
    field = rf'(?:"(?:[^"]++|"")*+"|[^"{sign}\r\n]*+)'
    return re.compile(rf"{field}(?:{sign}{field})*+(?:\r\n|\r|\n)?")


def _place(name: str, row: int) -> str:
    return f"{name}, {'the header' if row == 0 else f'row {row}'}"
