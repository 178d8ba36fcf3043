"""A comparison over several data sets as the plain data of datasets.json, schema 1."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from ...evaluation.datasets import DatasetsComparison, PairOfMethods
from ...evaluation.statistics import FriedmanResult
from ..plain import finite

_PACKAGES = ("twoflow", "numpy", "scipy")


def datasets_document(comparison: DatasetsComparison, command: str | None = None) -> dict[str, Any]:
    """Convert to dicts, lists, text and numbers; a number that is not finite becomes None.

    Parameters
    ----------
    comparison : DatasetsComparison
    command : str, optional
        The command line of the comparison. By default there is none.

    Returns
    -------
    dict
        "methods" are in the order of their mean ranks, the best first. The "scores" and "ranks" of a data set, and the
        positions in "groups", follow that order.
    """
    place = {method: i for i, method in enumerate(comparison.methods)}
    return {
        "schema": 1,
        "score": comparison.score._asdict(),
        "sentences": list(comparison.sentences),
        "best": comparison.best,
        "methods": [
            {"name": name, "mean_rank": float(rank), "mean_score": float(score)}
            for name, rank, score in zip(comparison.methods, comparison.mean_ranks, comparison.mean_scores)
        ],
        "datasets": [
            {
                "name": report.name,
                "path": report.path,
                "n_images": report.n_images,
                "n_classes": report.n_classes,
                "scores": scores.tolist(),
                "ranks": ranks.tolist(),
            }
            for report, scores, ranks in zip(comparison.reports, comparison.scores, comparison.ranks)
        ],
        "friedman": None if comparison.friedman is None else _friedman(comparison.friedman),
        "pairs": [_pair(pair) for pair in comparison.pairs],
        "groups": [[place[method] for method in group] for group in comparison.groups],
        "margin": comparison.margin,
        "left_out": [{"name": name, "lacking": list(where)} for name, where in comparison.left_out.items()],
        "notes": list(comparison.notes),
        "command": command,
        "versions": {name: version(name) for name in _PACKAGES},
    }


def _friedman(result: FriedmanResult) -> dict[str, Any]:
    return {
        "test": result.test,
        "statistic": finite(result.statistic),
        "p_value": finite(result.p_value),
        "degrees_of_freedom": list(result.degrees_of_freedom),
        "confidence": result.confidence,
        "correction": result.correction,
        "sentence": str(result),
    }


def _pair(pair: PairOfMethods) -> dict[str, Any]:
    result, practical = pair.result, pair.practical
    return {
        "first": pair.first,
        "second": pair.second,
        "test": result.test,
        "statistic": result.statistic,
        "p_value": finite(result.p_value),
        "p_holm": finite(pair.p_holm),
        "is_significant": pair.is_significant,
        "smallest_p": result.smallest_p,
        "median_difference": result.median_difference,
        "mean_difference": result.mean_difference,
        "n_better": result.n_higher,
        "n_equal": result.n_equal,
        "n_worse": result.n_lower,
        "confidence": result.confidence,
        "correction": result.correction,
        "practical": None if practical is None else {
            "better": practical.better, "equivalent": practical.equivalent, "worse": practical.worse,
        },
    }
