"""What a benchmark finds: a number for each round, what it ought to be, and what it cannot be better than."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple


class Aim(NamedTuple):
    """The least or the most that a figure is to be."""

    sign: str
    bound: float

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.sign == ">=" else value <= self.bound


@dataclass(frozen=True)
class Figure:
    """One line of the table.

    Attributes
    ----------
    name : str
        Ours against whose.
    rounds : sequence of float
        The figure in each round; `value` is their median.
    unit : str
        A key of `table.FORMATS`.
    limit : str
        What it cannot be better than, and why, with what was measured of it.
    aim : Aim, optional
        None where there is nothing to be reached, as the limit says.
    seconds : mapping of str to sequence of float
        Where the figure is from: seconds by round, for one unit of work, of all that took part.
    """

    name: str
    rounds: Sequence[float]
    unit: str
    limit: str
    aim: Aim | None = None
    seconds: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def value(self) -> float:
        return median(self.rounds)

    @property
    def is_met(self) -> bool | None:
        """Whether the aim is; None without one."""
        return None if self.aim is None else self.aim.is_met(self.value)


class NotMeasured(NamedTuple):
    """A line for what could not be measured here."""

    name: str
    reason: str


Line = Figure | NotMeasured
