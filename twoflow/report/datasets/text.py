"""A comparison over several data sets as text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..._text import counted, printable
from ...evaluation.datasets import DatasetsComparison, PairOfMethods
from ..lines import aligned
from ..values import MISSING, p_value

_NAME, _METHOD = 40, 24  # characters of a name in the first column, and above another


def format_datasets(comparison: DatasetsComparison) -> str:
    """Give the answer, the scores, the tests of the best method, and what was left out."""
    sections = (
        list(comparison.sentences), _scores(comparison), _tests(comparison), list(_left_out(comparison)),
        [f"Note: {printable(note)}" for note in comparison.notes],
    )
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _scores(comparison: DatasetsComparison) -> list[str]:
    table = [["data set", "images", "classes", *(printable(name, _METHOD) for name in comparison.methods)]]
    for report, scores in zip(comparison.reports, comparison.scores):
        table.append([
            printable(report.name, _NAME), f"{report.n_images:,}", f"{report.n_classes:,}", *map(_score, scores)
        ])
    table.append(["mean", "", "", *map(_score, comparison.mean_scores)])
    table.append(["mean rank", "", "", *(f"{rank:.2f}" for rank in comparison.mean_ranks)])
    head = (
        f"{printable(comparison.score.label)}, the mean over the folds of each data set"
        + ("" if comparison.score.greater_is_better else "; smaller is better")
    )
    return [f"{head}:", "", *aligned(table, n_last=2)]


def _tests(comparison: DatasetsComparison) -> list[str]:
    """List the best method against each other one."""
    best = printable(comparison.best, _METHOD)
    own = [pair for pair in comparison.pairs if pair.first == comparison.best]
    has_probabilities = any(pair.practical is not None for pair in own)
    header = [f"{best} against", "better on", "equal", "worse", "median difference", "p Holm"]
    if has_probabilities:
        header += ["P(better)", "P(equivalent)", "P(worse)"]
    lines = [
        f"A positive difference is in favor of {best}.",
        f"p Holm: Wilcoxon's signed-rank test, adjusted for {counted(len(comparison.pairs), 'pair')} of methods.",
    ]
    if has_probabilities:
        lines.append(f"P: how probable {best} is better by more than {comparison.margin:g}, within that, or worse.")
    return [*aligned([header, *map(_test, own)]), "", *lines]


def _test(pair: PairOfMethods) -> list[str]:
    result, practical = pair.result, pair.practical
    cells = [
        printable(pair.second, _METHOD), str(result.n_higher), str(result.n_equal), str(result.n_lower),
        f"{result.median_difference:+z.3f}", MISSING if math.isnan(pair.p_holm) else p_value(pair.p_holm),
    ]
    if practical is not None:
        cells += [f"{share:.2f}" for share in (practical.better, practical.equivalent, practical.worse)]
    return cells


def _left_out(comparison: DatasetsComparison) -> Iterator[str]:
    for method, lacking in comparison.left_out.items():
        yield f"Not compared: {printable(method)}, because it is not in the report of {printable(', '.join(lacking))}"


def _score(value: float) -> str:
    return f"{value:.3f}"
