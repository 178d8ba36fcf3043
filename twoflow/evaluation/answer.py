"""Answer in sentences which method to use, whether its lead is real, and what to try next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .._text import listed
from ..networks import NETWORKS
from .methods import EXTRA_METHODS, METHODS, RECIPE_METHODS
from .scores import AppliedScore
from .statistics import Difference, PowerResult
from .statistics.paired import ENOUGH
from .statistics.validation import ROUNDING

#: The recipes to try one after the other: the first that was not compared, if none after it was.
_STEPS = ("fast", "best")
_NAMED = 3  # methods that one sentence names


class ToBest(NamedTuple):
    """The test of a method against the best one; the difference is the method minus the best.

    Attributes
    ----------
    difference : float
        Of the tested score.
    interval : (float, float)
        Adjusted for every pair of methods; NaN if nothing could be tested.
    p_holm : float
        Likewise.
    significance : float
        A p-value below this is significant, for example 0.05.
    """

    difference: float
    interval: tuple[float, float]
    p_holm: float
    significance: float

    @property
    def is_significant(self) -> bool:
        """Whether the two methods differ significantly."""
        return self.p_holm < self.significance

    @property
    def is_open(self) -> bool:
        """Whether a test could judge, but the two methods do not differ significantly."""
        return self.p_holm >= self.significance


@dataclass(frozen=True)
class Answer:
    """What a comparison says in a few sentences.

    Attributes
    ----------
    best : str
        The method with the best tested score.
    not_worse, worse, untested : tuple of str
        The other methods, the best first: those that are not significantly worse than the best, those that are, and
        those whose difference no test could judge. p-values are adjusted for every pair of methods (Holm), because the
        best method is known only from the scores.
    next_methods : tuple of str
        Names for ``--methods``: what to compare next. Empty if the most accurate recipe was compared.
    sentences : tuple of str
    """

    best: str
    not_worse: tuple[str, ...]
    worse: tuple[str, ...]
    untested: tuple[str, ...]
    next_methods: tuple[str, ...]
    sentences: tuple[str, ...]

    def __str__(self) -> str:
        """Return the sentences, one on each line."""
        return "\n".join(self.sentences)


def compare_with_best(best: str, pairs: Iterable[Difference]) -> dict[str, ToBest]:
    """Return the test of every other method against the best one, from the tests of every pair."""
    found = {}
    for pair in pairs:
        if best not in (pair.first, pair.second):
            continue
        difference, (low, high), significance = pair.result.mean_difference, pair.interval, 1 - pair.result.confidence
        if pair.second == best:
            found[pair.first] = ToBest(difference, (low, high), pair.p_holm, significance)
        else:  # subtracted from 0, because the negative of 0.0 is -0.0
            found[pair.second] = ToBest(0 - difference, (0 - high, 0 - low), pair.p_holm, significance)
    return found


def describe_power(power: PowerResult, n_splits: int) -> str:
    """Say how large a difference the splits could show, and what it takes to show the one seen."""
    splits, show = ("This split", "shows") if n_splits == 1 else ("These splits", "show")
    if power.smallest is None:
        return f"{splits} cannot show any difference; test more images."
    seen = abs(power.mean_difference)
    able = f"{splits} {show} a difference of {power.smallest:.3f} or more with a probability of {power.power:.0%}"
    if not seen or power.smallest <= seen:
        return f"{able}."
    needed = "more images, not more repeats" if power.repeats is None else f"{power.repeats:,} repeats"
    return f"{able}; {seen:.3f} takes {needed}."


def describe_nearest(
    ranked: Sequence[str], to_best: Mapping[str, ToBest], power: Mapping[tuple[str, str], PowerResult], n_splits: int
) -> tuple[str, ...]:
    """Say what it takes to show the difference of the best method to the next one that is not significantly worse.

    Parameters
    ----------
    ranked : sequence of str
        The methods, the best first.
    to_best : mapping of str to ToBest
        The test of every other method against the best.
    power : mapping of (str, str) to PowerResult
        How much the test of each pair could find.
    n_splits : int
        How many splits were tested.

    Returns
    -------
    tuple of str
        One sentence; none if there is no such method. One with the same score counts only if there is no other.
    """
    best, *others = ranked
    near = sorted((name for name in others if to_best[name].is_open), key=lambda name: to_best[name].difference == 0)
    return tuple(describe_power(result, n_splits) for pair, result in power.items() if set(pair) == {best, *near[:1]})


def find_answer(
    means: Mapping[str, float], to_best: Mapping[str, ToBest], score: AppliedScore, n_splits: int,
    power: Sequence[str] = (),
) -> Answer:
    """Find the answer of a comparison.

    Parameters
    ----------
    means : mapping of str to float
        The tested score by method, the best method first.
    to_best : mapping of str to ToBest
        The test of every other method against the best.
    score : AppliedScore
        The tested score.
    n_splits : int
        How many splits were tested.
    power : sequence of str, optional
        Sentences about how large a difference the splits could show. They are added if a method is not significantly
        worse than the best. By default there are none.
    """
    best, *others = means
    worse = tuple(name for name in others if to_best[name].is_significant)
    not_worse = tuple(name for name in others if to_best[name].is_open)
    untested = tuple(name for name in others if name not in worse + not_worse)
    next_methods = _next_methods(best, means)
    sentences = _verdict(means, to_best, score, not_worse, worse, untested)
    if others and 1 < n_splits < ENOUGH:
        sentences.append(f"With only {n_splits} splits, a test can hardly find a difference; ask for more folds.")
    if not_worse:
        sentences += power
    if next_methods:
        sentences.append(f"To try next: --methods {','.join(next_methods)}")
    return Answer(best, not_worse, worse, untested, next_methods, tuple(sentences))


def _verdict(
    means: Mapping[str, float], to_best: Mapping[str, ToBest], score: AppliedScore, not_worse: Sequence[str],
    worse: Sequence[str], untested: Sequence[str],
) -> list[str]:
    """Say which method is the best, and how certain that is."""
    best, *others = means
    is_greater = score.score.greater_is_better
    tied = [name for name in others if abs(means[name] - means[best]) <= ROUNDING]
    figure = f"{means[best]:.3f}"

    def lead(name: str) -> str:
        # The lead is positive, whether a greater or a smaller score is better.
        difference, (low, high) = to_best[name].difference, to_best[name].interval
        low, high = (-high, -low) if is_greater else (low, high)
        return f"{name}, by {abs(difference):.3f} [{low:z.3f}, {high:z.3f}]"

    if not others:
        return [f"{best} has the {score.label} {figure}.", "No other method was compared with it."]
    if len(worse) == len(others):
        sentences = [f"{best} is the best method: {score.label} {figure}."]
    else:
        close = _listed([f"{name}, {means[name]:.3f}" for name in not_worse if name not in tied], ", and")
        sentences = [
            f"{_listed([best, *tied], ' and')} {'have' if tied else 'has'} the {'highest' if is_greater else 'lowest'} "
            f"{score.label}, {figure}"
            + (f", but {'are' if tied else 'is'} not significantly better than {close}." if close else ".")
        ]
    if worse:
        sentences.append(f"{best if tied else 'It'} is significantly better than {_listed(map(lead, worse), ', and')}.")
    unjudged = [f"{name} ({abs(to_best[name].difference):.3f})" for name in untested if name not in tied]
    if unjudged:
        sentences.append(f"No test could judge the difference to {_listed(unjudged, ' and')}.")
    return sentences


def _next_methods(best: str, compared: Iterable[str]) -> tuple[str, ...]:
    """Return the next recipe to try, beside the best method if it has a name that ``--methods`` knows."""
    recipes = {_base(name) for name in compared}
    last = max((position for position, name in enumerate(_STEPS) if name in recipes), default=-1)
    known = {*METHODS, *EXTRA_METHODS, *RECIPE_METHODS, *NETWORKS}
    kept = [best] if _base(best) in known else []
    return tuple(kept + [_STEPS[last + 1]]) if last + 1 < len(_STEPS) else ()


def _base(name: str) -> str:
    return name.split(":")[0]


def _listed(phrases: Iterable[str], last: str) -> str:
    """List the first few phrases in a sentence, and count the others; see `listed`."""
    phrases = list(phrases)
    return listed([*phrases[:_NAMED], *([f"{len(phrases) - _NAMED} more"] if len(phrases) > _NAMED else [])], last)
