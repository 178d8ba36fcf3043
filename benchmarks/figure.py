"""Describe what a benchmark finds: a number for each round, its aim, and its limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple


class Aim(NamedTuple):
    """The smallest (sign ">=") or largest ("<=") value that a figure should have."""

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
        What was measured, against what.
    rounds : sequence of float
        The value in each round; `value` is the median.
    unit : str
        A key of `table.FORMATS`.
    limit : str
        The best possible value, the reason why none is better, and how it was measured.
    aim : Aim, optional
        The value to reach. Default: None, if there is nothing to reach.
    seconds : mapping of str to sequence of float
        The times behind the figure: for each contestant, seconds for one unit of work by round. Default: none.
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
        """Whether the aim is met; None without an aim."""
        return None if self.aim is None else self.aim.is_met(self.value)


class NotMeasured(NamedTuple):
    """A line for a figure that cannot be measured here, with the reason."""

    name: str
    reason: str


Line = Figure | NotMeasured
