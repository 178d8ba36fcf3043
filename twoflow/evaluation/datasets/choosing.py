"""Choose the score and the methods that all reports have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..._text import printable
from ...errors import InputError
from .reading import Report, ReportedScore

_MOST_METHODS = 30  # whose names fit beside a plot, and whose pairs can be tested in seconds


def choose_score(reports: Sequence[Report], name: str | None) -> ReportedScore:
    """Return the named score, by default the one that the first report tests.

    Raises
    ------
    ValueError
        If a report does not have it, or reports disagree on whether a greater score is better.
    """
    name = reports[0].tested_score if name is None else name
    for report in reports:
        if name not in report.scores:
            shared = [each for each in reports[0].scores if all(each in other.scores for other in reports)]
            remedy = f"use one of {_listed(shared)}" if shared else "no score is in all reports: run twoflow cv again"
            raise InputError(
                f"{report.path}: expected the score {printable(name)}, got {_listed(report.scores)}; {remedy}"
            )
    first = reports[0].scores[name]
    for report in reports:
        if report.scores[name].greater_is_better != first.greater_is_better:
            raise InputError(
                f"{report.path}: expected the score {printable(name)} to be better in the same direction as in "
                f"{reports[0].path}, got the opposite; run twoflow cv again"
            )
    return first


def choose_methods(
    reports: Sequence[Report], names: Sequence[str] | None
) -> tuple[tuple[str, ...], Mapping[str, tuple[str, ...]]]:
    """Return the methods to compare, and those left out with the data sets that lack them.

    Parameters
    ----------
    reports : sequence of Report
    names : sequence of str, optional
        The methods. Default: those that all reports have.

    Raises
    ------
    ValueError
        If a report lacks a named method, or fewer than two or more than 30 methods are left.
    """
    if names is None:
        every = dict.fromkeys(method for report in reports for method in report.means)
        lacking = {
            method: tuple(report.name for report in reports if method not in report.means) for method in every
        }
        chosen = tuple(method for method, where in lacking.items() if not where)
        left_out = {method: where for method, where in lacking.items() if where}
    else:
        for method in names:
            for report in reports:
                if method not in report.means:
                    raise InputError(
                        f"{report.path}: expected the method {printable(method)}, got {_listed(report.means)}; compare "
                        "it there too, or leave it out"
                    )
        chosen, left_out = tuple(dict.fromkeys(names)), {}
    if len(chosen) < 2:
        raise InputError(
            f"expected at least two methods that all reports have, got {_listed(chosen)}; run twoflow cv with the same "
            "--methods on every data set"
        )
    if len(chosen) > _MOST_METHODS:
        raise InputError(f"expected at most {_MOST_METHODS} methods, got {len(chosen)}; name those to compare")
    return chosen, left_out


def _listed(names: Sequence[str] | Mapping[str, object]) -> str:
    return printable(", ".join(names), 200) or "none"
