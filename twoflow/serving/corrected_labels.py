"""The labels that an image can be corrected to, and the cells of a table that each of them becomes."""

from __future__ import annotations

from collections.abc import Mapping

from .._text import printable
from ..errors import InputError
from ..images.table_csv import tidy
from ..models.model_file import TargetCard
from ..predicting import UNKNOWN
from .refusal import Refusal

#: A new label may not begin with one of these: a spreadsheet would compute it, and an escape would rename the class.
_FORMULA = ("=", "+", "-", "@")
_LONGEST_LABEL = 100


class CorrectedLabels:
    """The labels that an image can be corrected to, for one target.

    A target without a tree has one column, and its labels are its classes. With a tree there is a column for each
    level. The labels are then the paths of all classes of all levels, joined with "/", and "unknown" for an image that
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

    Raises
    ------
    ValueError
        If two paths of the tree are the same text.
    """

    def __init__(self, target: TargetCard, allows_new: bool) -> None:
        self._allows_new = allows_new
        tree = target.tree
        self.columns = (target.name,) if tree is None else tuple(tree.levels)
        paths = [(label,) for label in target.classes] if tree is None else [*tree.nodes, (UNKNOWN,)]
        self._cells: Mapping[str, tuple[str, ...]] = {"/".join(path): path for path in map(_tidied, paths)}
        self._is_tree = tree is not None
        if self._is_tree and len(self._cells) < len(paths):
            raise InputError('corrections: expected classes whose paths differ when they are joined with "/", got two that '
                             "do not; rename a class, and train again")

    @property
    def texts(self) -> list[str]:
        """The labels, each once."""
        return list(self._cells)

    def read(self, label: str) -> list[str]:
        """Return the cells of a label, one for each column; raise `Refusal` if it cannot be taken."""
        tidied = tidy(label)
        cells = self._cells.get(tidied)
        if cells is None:
            if not self._allows_new:
                raise Refusal(
                    422, f"expected a class of the model, got {printable(label, 100)!r}; choose one of /model")
            known, new = self._divide(tidied)
            cells = (*known, *new)
            if len(cells) > len(self.columns) or known == (UNKNOWN,) or not all(map(_is_allowed, new)):
                raise Refusal(422, f"expected {self._expected()} of 1 to {_LONGEST_LABEL} letters that begins with none of "
                                   f"{' '.join(_FORMULA)}, got {printable(label, 100)!r}; choose another")
        return [*cells, *[""] * (len(self.columns) - len(cells))]

    def _expected(self) -> str:
        return f'up to {len(self.columns)} labels, joined with "/", each' if self._is_tree else "a label"

    def _divide(self, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Divide a label that the model does not have: the cells of its longest part that the tree has, and the rest."""
        if not self._is_tree:
            return (), (text,)
        known = max((each for each in self._cells if text.startswith(f"{each}/")), key=len, default=None)
        if known is None:
            return (), _tidied(tuple(text.split("/")))
        return self._cells[known], _tidied(tuple(text.removeprefix(f"{known}/").split("/")))


def _tidied(path: tuple) -> tuple[str, ...]:
    return tuple(tidy(str(label)) for label in path)


def _is_allowed(label: str) -> bool:
    return label.isprintable() and 0 < len(label) <= _LONGEST_LABEL and not label.startswith(_FORMULA)
