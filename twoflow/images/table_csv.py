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
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
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


class Row(NamedTuple):
    """A row of a CSV file.

    Attributes
    ----------
    number : int
        0 for the header, 1 for the first row below it.
    cells : list of str
        What is in the fields.
    raw : str
        The row as it is in the file, with its quotes and its line end.
    """

    number: int
    cells: list[str]
    raw: str


class TableText(NamedTuple):
    """A CSV file as it is written, so that it can be written again with other cells.

    Attributes
    ----------
    name : str
        What messages call the file.
    mark : bytes
        The byte order mark; empty without one.
    encoding : str
        The encoding of what follows the mark.
    delimiter : str
    before : str
        What is above the header, such as ``sep=;`` or empty lines; empty if there is nothing.
    header : Row
    rows : list of Row
        The rows below the header, empty ones too.
    """

    name: str
    mark: bytes
    encoding: str
    delimiter: str
    before: str
    header: Row
    rows: list[Row]


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
    read = read_text(path, names)
    positions = find_columns(read.header.cells, names, read.name)
    rows = [row for row in read.rows if not is_empty(row)]
    return Table(
        {column: [row.cells[position] for row in rows] for column, position in positions.items()},
        [row.number for row in rows],
    )


def read_text(path: str | os.PathLike, names: Sequence[str]) -> TableText:
    """Read a CSV file with all that writing it again needs.

    Parameters
    ----------
    path : path or fsspec URL
        See `read_csv`.
    names : sequence of str
        Columns that the delimiter should give. If no delimiter gives them all, it is the one that gives most columns.

    Returns
    -------
    TableText

    Raises
    ------
    ValueError, OSError, ModuleNotFoundError
        As `read_csv` does; but no column needs to be there.
    """
    name = describe(path)
    content = remote.read(path) if remote.is_url(path) else _read(path)
    mark, encoding, text = _decode(content, name)
    delimiter, before, text = _take_sep_line(text)
    delimiter = delimiter or _find_delimiter(text, names, name)
    header, *rows = list(_records(text, delimiter, name)) or [Row(0, [], "")]
    for row in rows:
        if not is_empty(row) and len(row.cells) != len(header.cells):
            sign = _DELIMITERS.get(delimiter, delimiter)
            is_long = len(row.cells) > len(header.cells)
            remedy = f"put fields that hold a {sign} in quotes" if is_long else "complete or remove the row"
            raise InputError(
                f"{name}, row {row.number}: expected {len(header.cells)} fields as in the header, got "
                f"{len(row.cells)}; {remedy}"
            )
    above = len(text) - len(header.raw) - sum(len(row.raw) for row in rows)
    return TableText(name, mark, encoding, delimiter, before + text[:above], header, rows)


def is_empty(row: Row) -> bool:
    """Return whether a row has nothing but blanks."""
    return not any(cell.strip() for cell in row.cells)


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


def _decode(content: bytes, name: str) -> tuple[bytes, str, str]:
    """Return the byte order mark, the encoding, and the text."""
    mark, encoding = next(((mark, each) for mark, each in _MARKS if content.startswith(mark)), (b"", "utf-8"))
    if encoding == "utf-8":
        # Bytes that are not UTF-8 become surrogates; `_records` finds them and names the row.
        return mark, encoding, content[len(mark):].decode(encoding, "surrogateescape")
    try:
        return mark, encoding, content[len(mark):].decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{name} begins as {encoding[:6].upper()} but is not: {error}; save it as UTF-8") from None


def _take_sep_line(text: str) -> tuple[str | None, str, str]:
    """Return the delimiter that a first line names, this line, and the text below it."""
    found = _SEP_LINE.match(text)
    return (found[1], found[0], text[found.end():]) if found else (None, "", text)


def _find_delimiter(text: str, names: Sequence[str], table: str) -> str:
    """Find the delimiter that gives the header the requested columns, or else the most columns."""
    headers = {}
    for delimiter in _DELIMITERS:
        try:
            header = next(_records(text, delimiter, table), None)
            headers[delimiter] = [] if header is None else [tidy(cell) for cell in header.cells]
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


def _records(text: str, delimiter: str, name: str) -> Iterator[Row]:
    """Yield each row; the header is row 0, and empty rows above it are skipped."""
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
        yield Row(row, cells, raw)
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
