"""The tests of pairs of targets as text, as plain data and as tables of a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..._text import printable
from ...evaluation.statistics import IndependenceResult
from ..lines import aligned
from ..plain import finite

_MOST_WHOLE = 12  # categories of either target, for a table that is shown whole
_MOST_DEVIATIONS = 12  # cells of a larger table that are shown
_MOST_CELLS = 10_000  # of a table that the JSON file contains
_FULL_SHADE, _MOST_PERCENT = 4.0, 60  # a cell that deviates by so many standard errors has the darkest shade

#: The figures of a result that are plain numbers, by their names in the JSON file.
_FIGURES = (
    "test", "statistic", "p_value", "chi2_p_value", "monte_carlo_p_value", "is_permuted", "degrees_of_freedom",
    "cramers_v", "n_images", "n_missing", "n_categories", "small_expected", "n_groups", "n_permutations",
)


def dependence_lines(names: tuple[str, str], result: IndependenceResult) -> Iterator[str]:
    """Write the test of one pair of targets for a terminal, with all digits, and its table."""
    first, second = map(printable, names)
    yield f"{first} and {second}: {result.conclusion}"
    yield (
        f"  chi-square {result.statistic!r}, {result.degrees_of_freedom} degrees of freedom, "
        f"p {result.chi2_p_value!r} (chi-square distribution)"
    )
    for sentence in _further(result):
        yield f"  {sentence}"
    if is_whole(result):
        yield f"  Images with each label of {first} (rows) and {second} (columns), and how many are expected:"
        head = ["", *map(printable, result.categories[1])]
        rows = [
            [printable(label), *(f"{count:,} ({expected:,.1f})" for count, expected in zip(counts, expectations))]
            for label, counts, expectations in zip(result.categories[0], result.observed, result.expected)
        ]
        yield from (f"    {line}" for line in aligned([head, *rows]))
    else:
        yield f"  The {_MOST_DEVIATIONS} pairs that deviate most from what is expected:"
        table = [["", "images", "expected", "standard errors"], *(
            [f"{printable(each.first)} and {printable(each.second)}", f"{each.observed:,}", f"{each.expected:,.1f}",
             f"{each.residual:+.1f}"]
            for each in result.deviations(_MOST_DEVIATIONS)
        )]
        yield from (f"    {line}" for line in aligned(table))


def dependence_document(result: IndependenceResult) -> dict[str, Any]:
    """Convert a test to plain data: its table, if that has at most 10,000 cells, and the cells that deviate most."""
    figures = {name: getattr(result, name) for name in _FIGURES}
    document: dict[str, Any] = {
        **{name: finite(value) if isinstance(value, float) else value for name, value in figures.items()},
        "sentence": str(result),
        "conclusion": result.conclusion,
        "deviations": [
            {**each._asdict(), "first": str(each.first), "second": str(each.second)}
            for each in result.deviations(_MOST_DEVIATIONS)
        ],
    }
    if result.observed.size <= _MOST_CELLS:
        document |= {
            "categories": [[str(label) for label in labels] for labels in result.categories],
            "observed": result.observed.tolist(),
            "expected": result.expected.tolist(),
            "residuals": result.residuals.tolist(),
        }
    return document


def dependence_view(names: tuple[str, str], result: IndependenceResult) -> dict[str, Any]:
    """Collect what the page shows of one pair: sentences, and the cells of a table with their shades."""
    view: dict[str, Any] = {
        "names": names,
        "conclusion": result.conclusion,
        "figures": f"chi-square {result.statistic:.3f}, {result.degrees_of_freedom} degrees of freedom, "
                   f"p {result.chi2_p_value:.4f} (chi-square distribution)",
        "further": list(_further(result)),
        "columns": [],
        "rows": [],
        "deviations": [],
    }
    if is_whole(result):
        view["columns"] = result.categories[1]
        view["rows"] = [
            (label, [_cell(*cell) for cell in zip(counts, expected, residuals)]) for label, counts, expected, residuals
            in zip(result.categories[0], *map(list, (result.observed, result.expected, result.residuals)))
        ]
    else:
        view["deviations"] = [
            (each.first, each.second, _cell(each.observed, each.expected, each.residual))
            for each in result.deviations(_MOST_DEVIATIONS)
        ]
    return view


def is_whole(result: IndependenceResult) -> bool:
    """Return whether the table is small enough to be shown whole."""
    return max(result.n_categories) <= _MOST_WHOLE


def _further(result: IndependenceResult) -> Iterator[str]:
    """Write the p of the permutations, the strength of the dependence, small cells, and what was left out."""
    what = "images" if result.n_groups is None else f"{result.n_groups:,} whole groups"
    judged = "; it decides" if result.is_permuted else ""
    yield f"p {result.monte_carlo_p_value:.4f} ({result.n_permutations:,} permutations of {what}){judged}"
    yield (
        f"Cramér's V {result.cramers_v:.3f}, from 0 for none to 1; {result.small_expected:.0%} of the expected counts "
        "are below 5"
    )
    if result.n_missing:
        yield f"{result.n_images:,} images have both labels; {result.n_missing:,} lack one and do not count"


def _cell(count: int, expected: float, residual: float) -> dict[str, Any]:
    """Collect the texts of a cell, and its shade in percent: the stronger, the more it deviates."""
    return {
        "count": f"{count:,}",
        "expected": f"{expected:,.1f}",
        "residual": f"{residual:+.1f}",
        "is_more": bool(residual > 0),
        "percent": round(_MOST_PERCENT * min(abs(float(residual)) / _FULL_SHADE, 1)),
    }
