"""Compare methods over several data sets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ...errors import InputError, InputTypeError
from ..statistics import FriedmanResult, friedman_test, rank_methods
from ..tables import import_pandas
from .answer import write_sentences
from .choosing import choose_methods, choose_score
from .pairs import CONFIDENCE, PairOfMethods, compare_every_pair, group_methods
from .reading import Report, ReportedScore, name_reports, read_report

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class DatasetsComparison:
    """The result of `compare_datasets`; printed, it is a table and sentences that answer.

    Attributes
    ----------
    reports : tuple of Report
        What the report of each data set says.
    score : ReportedScore
        The score that is compared.
    methods : tuple of str
        Names of the methods, the best mean rank first; at a tie, the better mean score.
    scores : ndarray of shape (n_datasets, n_methods)
        Mean score over folds of each method on each data set.
    friedman : FriedmanResult or None
        Whether any of the methods differ. None for two methods.
    pairs : tuple of PairOfMethods
        Every pair of methods.
    margin : float
        Largest difference that counts as practically equivalent.
    left_out : mapping of str to tuple of str
        The methods that some reports lack, with the names of those data sets.
    notes : tuple of str
        What to know before trusting the result.
    """

    reports: tuple[Report, ...]
    score: ReportedScore
    methods: tuple[str, ...]
    scores: np.ndarray
    friedman: FriedmanResult | None
    pairs: tuple[PairOfMethods, ...]
    margin: float
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Format the table and the answer."""
        # This import is late, because at the top it would be a circle: the report imports the evaluation.
        from ...report.datasets import format_datasets

        return format_datasets(self)

    def _repr_html_(self) -> str:
        """Show the answer, the plot and the table of scores in a notebook."""
        from ...report.datasets import datasets_fragment

        return datasets_fragment(self)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the data sets."""
        return tuple(report.name for report in self.reports)

    @property
    def best(self) -> str:
        """The method with the best mean rank; at a tie, with the better mean score."""
        return self.methods[0]

    @cached_property
    def ranks(self) -> np.ndarray:
        """Rank of each method on each data set, 1 for the best, of shape (n_datasets, n_methods)."""
        return rank_methods(self.scores, self.score.greater_is_better)

    @property
    def mean_ranks(self) -> np.ndarray:
        """Mean rank of each method over data sets, of shape (n_methods,)."""
        return self.ranks.mean(axis=0)

    @property
    def mean_scores(self) -> np.ndarray:
        """Mean score of each method over data sets, of shape (n_methods,)."""
        return self.scores.mean(axis=0)

    @cached_property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The largest groups, of two or more methods, in which no two differ significantly."""
        return group_methods(self.methods, self.pairs)

    @cached_property
    def sentences(self) -> tuple[str, ...]:
        """The answer: which method is the best, and whether it is significantly better than each other one."""
        means, ranks = (dict(zip(self.methods, each.tolist())) for each in (self.mean_scores, self.mean_ranks))
        return write_sentences(self.score.label, means, ranks, len(self.reports), self.friedman, self.pairs)

    def to_frame(self) -> pandas.DataFrame:
        """Return the scores as a pandas DataFrame, with a row for each data set and a column for each method.

        Raises
        ------
        ModuleNotFoundError
            If pandas is not installed.
        """
        return import_pandas("to_frame()").DataFrame(self.scores, index=list(self.names), columns=list(self.methods))


def compare_datasets(
    reports: Sequence[str | os.PathLike] | Mapping[str, str | os.PathLike],
    *,
    score: str | None = None,
    methods: Sequence[str] | None = None,
    margin: float = 0.01,
    random_state: int = 0,
) -> DatasetsComparison:
    """Compare methods over several data sets, from the reports that ``twoflow cv`` wrote.

    A comparison on one data set shows which method is better there. Several data sets can show which is better in
    general.

    Parameters
    ----------
    reports : sequence of path, or mapping of str to path
        At least two files ``report.json``, or the folders that contain them. The keys of a mapping name the data sets.
        Otherwise the name is that of the folder.
    score : str, optional
        Name of the score to compare, such as "macro_f1". Default: the score that the first report tests.
    methods : sequence of str, optional
        Names of the methods to compare. Default: those that all reports have; the others are in `left_out`.
    margin : float
        Largest difference that counts as practically equivalent, above 0. Default: 0.01, one point of accuracy. It
        changes only the probabilities.
    random_state : int
        Seed of the probabilities. Default: 0. The same seed gives the same result.

    Returns
    -------
    DatasetsComparison

    Raises
    ------
    OSError
        If a file cannot be read.
    TypeError
        If `reports` is a single path.
    ValueError
        If a file is not a report.json, two data sets have the same name or the same results, there are fewer than two
        reports, a report lacks the score or a method, or fewer than two methods are left.

    Notes
    -----
    The tests follow Demšar (Journal of Machine Learning Research 7, 2006, https://jmlr.org/papers/v7/demsar06a.html).
    Friedman's test, with Iman and Davenport's F, says whether any of three or more methods differ. Wilcoxon's
    signed-rank test compares every pair, with Holm's correction for all pairs. The pairs are tested whatever Friedman's
    test says, because Holm's correction alone keeps the error rate. Nemenyi's test of mean ranks, which Demšar uses for
    pairs, is not used: with it, whether two methods differ depends on which other methods are in the table (Benavoli,
    Corani & Mangili, Journal of Machine Learning Research 17(5), 2016).

    A data set counts once, whatever its size and its folds. With few data sets no difference can be significant: two
    methods need 6 data sets, three need 7, four need 8 and five need 9. With fewer there is no `p_holm`.

    In our simulation of four equal methods on ten data sets, some pair differs significantly in 3 % of cases, and
    Friedman's test finds a difference in 5 %.
    """
    if isinstance(reports, (str, os.PathLike)):
        raise InputTypeError(f"reports: expected a list of paths or a dict of them by name, got the one path {reports}")
    paths = reports.items() if isinstance(reports, Mapping) else [(None, path) for path in reports]
    named = name_reports(paths)
    if len(named) < 2:
        raise InputError(
            f"expected reports of at least two data sets, got {len(named)}; run twoflow cv on each data set"
        )
    read = tuple(read_report(name, path) for name, path in named.items())
    notes = _doubts(read)
    chosen_score = choose_score(read, score)
    chosen, left_out = choose_methods(read, methods)
    scores = np.array([[report.means[method][chosen_score.name] for method in chosen] for report in read])
    gains = scores if chosen_score.greater_is_better else -scores
    order = np.lexsort((-gains.mean(axis=0), rank_methods(gains).mean(axis=0)))
    chosen, scores, gains = tuple(chosen[i] for i in order), scores[:, order], gains[:, order]
    pairs, reason = compare_every_pair(chosen, gains, margin, random_state)
    return DatasetsComparison(
        reports=read,
        score=chosen_score,
        methods=chosen,
        scores=scores,
        friedman=friedman_test(gains, confidence=CONFIDENCE) if len(chosen) > 2 else None,
        pairs=pairs,
        margin=margin,
        left_out=left_out,
        notes=(*notes, *([] if reason is None else [reason])),
    )


def _doubts(reports: Sequence[Report]) -> list[str]:
    """Refuse a report that is there twice, and note data sets that are not independent."""
    results: dict[str, Report] = {}
    images: dict[str, list[str]] = {}
    for report in reports:
        other = results.setdefault(report.results_digest, report)
        if other is not report:
            raise InputError(
                f"expected a different report for each data set, got the same results in {other.path} and "
                f"{report.path}; leave one of them out"
            )
        images.setdefault(report.images_digest, []).append(report.name)
    return [
        f"{', '.join(names[:-1])} and {names[-1]} have images with the same names. If they are the same images, count "
        "them once: the tests expect independent data sets."
        for names in images.values() if len(names) > 1
    ]
