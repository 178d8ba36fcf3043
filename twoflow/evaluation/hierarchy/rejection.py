"""How well the certainty of answers before fallback separates right from wrong ones.

NaN where there is nothing to compare.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from sklearn.metrics import roc_auc_score

from ..probabilities import COVERAGES
from .answers import LevelAnswers


class RiskCurve(NamedTuple):
    """The risk if only the most certain answers are given.

    Attributes
    ----------
    coverage, risk : ndarray of shape (20,)
        Shares of the images that are answered, and the share of these answers that is not the whole true path.
    area : float
        The mean risk over all coverages; see `risk_area`.
    """

    coverage: np.ndarray
    risk: np.ndarray
    area: float


def draw_risk(answers: LevelAnswers) -> RiskCurve | None:
    """Return the risk-coverage curve of answers before fallback; None without probabilities."""
    if answers.certainty is None:
        return None
    risks = risk_by_coverage(answers.certainty, ~answers.is_full_right)
    wanted = np.ceil(COVERAGES * len(risks) - 1e-9).astype(int)
    return RiskCurve(COVERAGES, risks[wanted - 1], float(risks.mean()))


def risk_by_coverage(certainty: np.ndarray, is_error: np.ndarray) -> np.ndarray:
    """Return the share of errors among the 1, 2, ..., n most certain answers.

    Equally certain answers have no order, so each of them counts with the mean error of all of them.

    Parameters
    ----------
    certainty : ndarray of shape (n,)
    is_error : ndarray of bool and shape (n,)

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> risk_by_coverage(np.array([0.9, 0.5, 0.5]), np.array([False, True, False])).tolist()
    [0.0, 0.25, 0.3333333333333333]
    """
    _, group, sizes = np.unique(-certainty, return_inverse=True, return_counts=True)
    n_wrong = np.bincount(group, is_error, len(sizes))
    n_answered = np.arange(1, len(certainty) + 1)
    return np.interp(n_answered, [0, *sizes.cumsum()], [0, *n_wrong.cumsum()]) / n_answered


def risk_area(answers: LevelAnswers) -> float:
    """Return the mean risk over all coverages: the area under the risk-coverage curve; lower is better.

    An answer is an error if it is not the whole true path (Geifman, Uziel & El-Yaniv, ICLR 2019,
    https://arxiv.org/abs/1805.08206).
    """
    if answers.certainty is None or not len(answers.n_true):
        return math.nan
    return float(risk_by_coverage(answers.certainty, ~answers.is_full_right).mean())


def excess_risk_area(answers: LevelAnswers) -> float:
    """Return `risk_area` minus that of the best possible order, in which all errors come last; lower is better.

    Unlike `risk_area`, it does not depend on how many answers are wrong, only on their order. The same paper
    approximates the best area; here it is exact.
    """
    if answers.certainty is None or not len(answers.n_true):
        return math.nan
    n_answered = np.arange(1, len(answers.n_true) + 1)
    best = np.maximum(n_answered - answers.is_full_right.sum(), 0) / n_answered
    return risk_area(answers) - float(best.mean())


def right_auroc(answers: LevelAnswers) -> float:
    """Return the probability that a right answer is more certain than a wrong one, of images that are in scope."""
    if answers.certainty is None:
        return math.nan
    return _auroc(answers.is_full_right[~answers.is_outside], answers.certainty[~answers.is_outside])


def scope_auroc(answers: LevelAnswers) -> float:
    """Return the probability that an image in scope has a higher score than one that is out of scope.

    The score is the method's own score of the scope if it has one, else its certainty.
    """
    score = answers.certainty if answers.scope is None else answers.scope
    return math.nan if score is None else _auroc(~answers.is_outside, score)


def _auroc(is_positive: np.ndarray, score: np.ndarray) -> float:
    if len(np.unique(is_positive)) < 2:
        return math.nan
    return float(roc_auc_score(is_positive, score))
