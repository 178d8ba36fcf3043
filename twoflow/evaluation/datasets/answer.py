"""Say in sentences which method is the best over several data sets, and whether that is real."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..._text import counted, listed, printable
from ..statistics import FriedmanResult
from .pairs import CONFIDENCE, PairOfMethods, count_judged, datasets_needed, smallest_holm_p


def write_sentences(
    label: str,
    mean_scores: dict[str, float],
    mean_ranks: dict[str, float],
    n_datasets: int,
    friedman: FriedmanResult | None,
    pairs: Sequence[PairOfMethods],
) -> tuple[str, ...]:
    """Write the answer.

    Parameters
    ----------
    label : str
        Name of the score.
    mean_scores, mean_ranks : dict of str to float
        Mean over data sets, by method, the best mean rank first.
    n_datasets : int
        Number of data sets.
    friedman : FriedmanResult or None
        None for two methods.
    pairs : sequence of PairOfMethods
        Every pair.
    """
    best = next(iter(mean_ranks))
    own = [pair for pair in pairs if best in (pair.first, pair.second)]
    return (
        f"{printable(best)} has the best mean rank, {mean_ranks[best]:.2f} of {len(mean_ranks)}, over {n_datasets} "
        f"data sets: mean {printable(label)} {mean_scores[best]:.3f}.",
        *_tied(best, mean_ranks),
        *_compared(best, own),
        *_untestable(n_datasets, count_judged([pair.result for pair in pairs])),
        *([str(friedman)] if friedman is not None else []),
    )


def _tied(best: str, mean_ranks: dict[str, float]) -> Iterator[str]:
    tied = [
        printable(name) for name, rank in mean_ranks.items() if name != best and math.isclose(rank, mean_ranks[best])
    ]
    if tied:
        yield f"The same mean rank: {listed(tied)}. {printable(best)} comes first by its mean score."


def _compared(best: str, own: Sequence[PairOfMethods]) -> Iterator[str]:
    worse = [_by(pair) for pair in own if pair.is_significant and pair.better == best]
    if worse:
        yield f"It is significantly better than {listed(worse)}."
    not_worse = [f"{printable(pair.second)} ({_p(pair.p_holm)})" for pair in own if pair.p_holm >= 1 - CONFIDENCE]
    if not_worse:
        yield f"It is not significantly better than {listed(not_worse)}."
    contrary = [_by(pair) for pair in own if pair.is_significant and pair.better != best]
    if contrary:
        yield (
            f"But Wilcoxon's test favors {listed(contrary)}: where they lose, they lose by little. Look at the scores."
        )
    equal = [printable(pair.second) for pair in own if math.isnan(pair.result.p_value)]
    if equal:
        yield f"The same scores on every data set: {listed(equal)}."


def _untestable(n_datasets: int, n_tests: int) -> Iterator[str]:
    smallest, needed = smallest_holm_p(n_datasets, n_tests), datasets_needed(n_tests)
    if n_tests and smallest >= 1 - CONFIDENCE:
        tests = counted(n_tests, "pair of methods", "pairs of methods")
        yield (
            f"This may be chance: with {n_datasets} data sets and {tests} no difference can be significant, because "
            f"the smallest possible p is {smallest:.2f}. Compare the methods on at least {needed} data sets."
        )


def _by(pair: PairOfMethods) -> str:
    other = pair.second
    return f"{printable(other)} (median difference {abs(pair.result.median_difference):.3f}, {_p(pair.p_holm)})"


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
