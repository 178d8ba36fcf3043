"""The methods of a report.json from the best to the worst, and the difference of each to the best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import InputError


class PairWithBest(NamedTuple):
    """The pair of a method and the best one, and the difference of the method to the best.

    Attributes
    ----------
    position : int
        The position of the pair in "pairwise".
    is_swapped : bool
        Whether the pair is the best method minus this method, so that signs and ends of the interval are to be swapped.
    mean : float
    interval : (float, float) or (None, None)
        Adjusted for the number of pairs.
    is_significant : bool
        Whether the two methods differ significantly.
    """

    position: int
    is_swapped: bool
    mean: float
    interval: tuple[float | None, float | None]
    is_significant: bool

    @property
    def contains_zero(self) -> bool:
        """Whether the interval contains 0; False if there is none."""
        low, high = self.interval
        return low is not None and high is not None and low <= 0 <= high


def ranked(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the methods of a report.json, the best first."""
    return [document["methods"][position] for position in document["order"]]


def details_of(document: Mapping[str, Any], method: Mapping[str, Any], target: str | None) -> Mapping[str, Any]:
    """Return what a report.json says of a method's predictions for one target; None means the finest.

    Raises
    ------
    ValueError
        If there is no such target.
    """
    known = [each["name"] for each in document["dataset"]["targets"]]
    if target is not None and target not in known:
        raise InputError(f"target: expected one of {', '.join(map(repr, known))}, got {target!r}")
    is_finest = target is None or target == document["dataset"]["finest"]
    return method if is_finest else method["other_targets"][target]


def differences_to_best(document: Mapping[str, Any]) -> dict[str, PairWithBest]:
    """Find the difference to the best method for every other method, the best first."""
    best, *others = [method["name"] for method in ranked(document)]
    pairs = {(each["first"], each["second"]): k for k, each in enumerate(document["pairwise"])}
    found = {}
    for name in others:
        is_swapped = (best, name) in pairs
        position = pairs[(best, name) if is_swapped else (name, best)]
        pair = document["pairwise"][position]
        low, high = pair["interval"]
        mean, p = pair["mean_difference"], pair["p_holm"]
        if is_swapped:
            low, high, mean = _opposite(high), _opposite(low), -mean
        found[name] = PairWithBest(
            position, is_swapped, mean, (low, high), p is not None and p < 1 - pair["confidence"]
        )
    return found


def _opposite(value: float | None) -> float | None:
    return None if value is None else -value
