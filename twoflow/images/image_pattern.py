"""Build the paths of images from the cells of a row, with a pattern such as ``images/{id}.jpg``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import Formatter
from typing import Any

from ..errors import InputError
from .any_ending import ANY_ENDING


class ImagePattern:
    """A path with names of columns in braces.

    Parameters
    ----------
    pattern : str
        ``{name}`` is replaced by the cell of that column; write ``{{`` and ``}}`` for braces.

    Attributes
    ----------
    names : list of str
        The columns.
    has_any_ending : bool
        Whether the pattern leaves the ending open; see `find_endings`.

    Raises
    ------
    ValueError
        If a brace is not closed, if the pattern names no column, or if braces hold anything but the name of a column.

    Examples
    --------
    >>> pattern = ImagePattern("images/{id}.jpg")
    >>> pattern.names
    ['id']
    >>> pattern.fill({"id": [39403.0, "b 1"]})
    ['images/39403.jpg', 'images/b 1.jpg']
    """

    def __init__(self, pattern: str) -> None:
        try:
            pieces = list(Formatter().parse(pattern))
        except ValueError as error:
            raise InputError(f"image pattern {pattern!r}: {error}; write {{{{ and }}}} for braces") from None
        # Names only: Python's own formatting would also read attributes of the values.
        for _, name, form, conversion in pieces:
            if name == "" or form or conversion:
                raise InputError(f"image pattern {pattern!r}: expected only names of columns in braces, such as {{id}}")
        self.has_any_ending = pattern.endswith(ANY_ENDING)
        self._pieces = [(text, name) for text, name, _, _ in pieces]
        self.names = list(dict.fromkeys(name for _, name in self._pieces if name is not None))
        if not self.names:
            raise InputError(f"image pattern {pattern!r} has no column in braces; use one such as images/{{id}}.jpg")

    def fill(self, columns: Mapping[str, Sequence[Any]]) -> list[str]:
        """Return the path of each row."""
        cells = {name: list(map(_text, columns[name])) for name in self.names}
        n_rows = min(map(len, cells.values()))
        return [
            "".join(text + ("" if name is None else cells[name][row]) for text, name in self._pieces)
            for row in range(n_rows)
        ]


def _text(value: Any) -> str:
    """Convert a cell to text, an integer without ``.0``.

    An integer column with empty cells arrives as floats.
    """
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
