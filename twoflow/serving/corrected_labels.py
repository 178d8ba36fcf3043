"""The labels that an image can be corrected to, and the cells of a table that each of them becomes."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .._text import printable
from ..images.levels import name_path
from ..images.table_csv import tidy
from ..models.model_file import TargetCard
from ..predicting import UNKNOWN
from .refusal import Refusal

#: A new label may not begin with one of these: a spreadsheet would compute it, and an escape would rename the class.
_FORMULA = ("=", "+", "-", "@")
_LONGEST_LABEL = 100
#: A part of the name of a path: escaped characters, and all others but slashes.
_PART = re.compile(r"(?:\\.|[^\\/])*", re.DOTALL)


class CorrectedLabels:
    """The labels that an image can be corrected to, for one target.

    A target without a tree has one column, and its labels are its classes. With a tree there is a column for each
    level. The labels are then the names of all classes of all levels (see `name_path`), and "unknown" for an image that
    shows none of them. The cells of finer levels are empty, as `load_table` reads them.

    Parameters
    ----------
    target : TargetCard
    allows_new : bool
        Whether a label may be one that the model does not have.

    Attributes
    ----------
    columns : tuple of str
        The columns of the labels: the target, or the levels from broad to fine.
    """

    def __init__(self, target: TargetCard, allows_new: bool) -> None:
        self._allows_new = allows_new
        tree = target.tree
        self.columns = (target.name,) if tree is None else tuple(tree.levels)
        paths = [(label,) for label in target.classes] if tree is None else [*tree.nodes, (UNKNOWN,)]
        self._cells: Mapping[str, tuple[str, ...]] = {
            self._name(path): path for path in (tuple(tidy(str(label)) for label in path) for path in paths)
        }
        self._has_unknown = tree is not None

    @property
    def texts(self) -> list[str]:
        """The labels, each once."""
        return list(self._cells)

    def read(self, label: str) -> list[str]:
        """Return the cells of a label, one for each column; raise `Refusal` if it cannot be taken."""
        text = tidy(label)
        cells = self._cells.get(text)
        if cells is None:
            if not self._allows_new:
                raise Refusal(
                    422, f"expected a class of the model, got {printable(label, 100)!r}; choose one of /model")
            cells = self._split(text)
            if not self._may_be_new(cells):
                raise Refusal(
                    422, f"expected {self._expected()} of 1 to {_LONGEST_LABEL} letters that begins with none of "
                         f"{' '.join(_FORMULA)}, got {printable(label, 100)!r}; choose another")
        return [*cells, *[""] * (len(self.columns) - len(cells))]

    @property
    def _has_paths(self) -> bool:
        return len(self.columns) > 1

    def _name(self, path: tuple[str, ...]) -> str:
        return name_path(path) if self._has_paths else path[0]

    def _split(self, text: str) -> tuple[str, ...]:
        """Return the labels of the path with this name."""
        if not self._has_paths:
            return (text,)
        parts, end = [], -1
        while end < len(text):
            part = _PART.match(text, end + 1)
            assert part is not None  # it may be empty
            parts.append(tidy(re.sub(r"\\(.)", r"\1", part[0], flags=re.DOTALL)))
            end = max(part.end(), end + 1)
        return tuple(parts)

    def _may_be_new(self, cells: tuple[str, ...]) -> bool:
        """Return whether the labels of a path that the model does not have are such as a new class may have."""
        known = next((n for n in range(len(cells), 0, -1) if self._name(cells[:n]) in self._cells), 0)
        is_below_unknown = self._has_unknown and cells[0] == UNKNOWN
        return len(cells) <= len(self.columns) and not is_below_unknown and all(map(_is_allowed, cells[known:]))

    def _expected(self) -> str:
        return f"up to {len(self.columns)} labels with slashes between them, each" if self._has_paths else "a label"


def _is_allowed(label: str) -> bool:
    return label.isprintable() and 0 < len(label) <= _LONGEST_LABEL and not label.startswith(_FORMULA)
