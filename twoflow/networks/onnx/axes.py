"""What each axis of a tensor means: channels, rows, columns, tokens; and how reshaping carries that along.

An axis is a tuple of atoms. The axis of length 196 that a vision transformer has for its patches is the rows and then
the columns of a grid: ``(Atom("H", 14), Atom("W", 14))``. An axis of length 1 has no atoms. A reshape only splits and
joins atoms, and a transposition only moves axes. So windows of positions, heads of channels and merged patches are
understood exactly, and they are a map again as soon as their positions are back in the order of the image.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

_POSITIONS = ("H", "W", "P")


class Atom(NamedTuple):
    """A part of an axis.

    Attributes
    ----------
    letter : str
        "C" for channels, "H" for rows, "W" for columns, "P" for tokens, "?" for what is unknown.
    size : int
        More than 1.
    step : int
        Of rows and columns: how far two neighbors lie apart, in positions of the finest grid. 1 by default.
    before : int
        Of tokens: how many of them, at the beginning, are no positions of the image. 0 by default.
    grid : (int, int)
        Of tokens: rows and columns of the positions, which come row by row. (0, 0) by default.
    """

    letter: str
    size: int
    step: int = 1
    before: int = 0
    grid: tuple[int, int] = (0, 0)


Axis = tuple[Atom, ...]
Axes = tuple[Axis, ...]


class Map(NamedTuple):
    """How a tensor holds a map over the image.

    Attributes
    ----------
    channel : int or None
        The axis of the channels. None: there is one channel, and no axis for it.
    positions : tuple of int
        The axis of rows and columns together, or the axis of the rows and that of the columns.
    grid : (int, int)
        Rows and columns.
    before, after : int
        How many tokens that are no positions come before and after them.
    width : int
        The number of channels.
    """

    channel: int | None
    positions: tuple[int, ...]
    grid: tuple[int, int]
    before: int
    after: int
    width: int


def unknown(shape: Sequence[int]) -> Axes:
    """Return axes of unknown meaning."""
    return tuple(single("?", size) for size in shape)


def single(letter: str, size: int) -> Axis:
    """Return an axis of one meaning."""
    return (Atom(letter, size),) if size > 1 else ()


def has(axes: Iterable[Axis], letters: Sequence[str]) -> bool:
    """Return whether any of these letters occurs in the axes."""
    return any(atom.letter in letters for axis in axes for atom in axis)


def has_positions(axes: Iterable[Axis]) -> bool:
    """Return whether the axes hold positions of the image."""
    return has(axes, _POSITIONS)


def reshape(axes: Axes, shape: Sequence[int]) -> Axes:
    """Carry the meaning of axes over to another shape of the same values, in the same order."""
    waiting = [atom for axis in reversed(axes) for atom in reversed(axis)]
    result = []
    for size in shape:
        atoms: list[Atom] = []
        while size > 1:
            if not waiting:
                return unknown(shape)
            atom = waiting.pop()
            if size % atom.size == 0:
                atoms.append(atom)
                size //= atom.size
            elif atom.size % size == 0 and atom.letter != "P":
                inner = atom.size // size
                atoms.append(atom._replace(size=size, step=atom.step * inner))
                waiting.append(atom._replace(size=inner))
                size = 1
            else:
                return unknown(shape)
        result.append(join(atoms))
    return tuple(result) if not waiting else unknown(shape)


def join(atoms: Iterable[Atom]) -> Axis:
    """Join neighboring atoms that are parts of one: rows of rows, channels of channels."""
    joined: list[Atom] = []
    for atom in atoms:
        last = joined[-1] if joined else None
        if last is not None and last.letter == atom.letter and (
            atom.letter in "C?" or atom.letter in "HW" and last.step == atom.size * atom.step
        ):
            joined[-1] = last._replace(size=last.size * atom.size, step=atom.step)
        else:
            joined.append(atom)
    return tuple(joined)


def read_map(axes: Axes) -> Map | None:
    """Find the map over the image that axes hold; None if they hold none, or not in the order of the image."""
    if has(axes, "?"):
        return None
    channels = [i for i, axis in enumerate(axes) if has([axis], "C")]
    positions = [i for i, axis in enumerate(axes) if axis and i not in channels]
    if len(channels) > 1 or not positions or len(positions) > 2:
        return None
    channel = channels[0] if channels else None
    width = size(axes[channel]) if channel is not None else 1
    if len(positions) == 1 and axes[positions[0]][0].letter == "P":
        [tokens] = axes[positions[0]]
        rows, columns = tokens.grid
        after = tokens.size - tokens.before - rows * columns
        return Map(channel, tuple(positions), tokens.grid, tokens.before, after, width)
    atoms = [atom for i in positions for atom in axes[i]]
    if len(positions) == 2 and [atom.letter for atom in atoms] == ["W", "H"]:
        positions, atoms = positions[::-1], atoms[::-1]
    letters = "".join(atom.letter for atom in atoms)
    if letters not in ("H", "W", "HW"):
        return None
    if channel is not None and not _are_outer(atoms, axes[channel]):
        return None
    sizes = {atom.letter: atom.size for atom in atoms}
    return Map(channel, tuple(positions), (sizes.get("H", 1), sizes.get("W", 1)), 0, 0, width)


def size(axis: Axis) -> int:
    """Return the length of an axis."""
    n = 1
    for atom in axis:
        n *= atom.size
    return n


def _are_outer(positions: Iterable[Atom], channels: Axis) -> bool:
    """Return whether the rows and columns among the channels lie inside the positions, as in merged patches."""
    steps = {atom.letter: atom.step for atom in positions}
    return all(
        atom.letter in steps and atom.size * atom.step <= steps[atom.letter] for atom in channels if atom.letter in "HW"
    )
