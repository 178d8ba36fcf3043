"""Scores of answered paths. Each takes a `LevelAnswers`; a share of nothing is NaN."""

from __future__ import annotations

import math

import numpy as np

from .answers import LevelAnswers


def exact_match(answers: LevelAnswers) -> float:
    """Return the share of images whose whole path is right; of those out of scope, that are answered with unknown."""
    return _share(answers.is_right)


def hierarchical_precision(answers: LevelAnswers) -> float:
    """Return the share of answered labels, those of broader levels too, that are right; NaN if nothing is answered.

    The answered class and its ancestors are compared with the true class and its ancestors, and the labels of all
    images count together (Kiritchenko, Matwin & Famili, BioLINK SIG 2005; Kiritchenko et al., Canadian AI 2006,
    https://doi.org/10.1007/11766247_34). The labels that two paths have in common are those before the first wrong one.
    """
    return _ratio(answers.n_right.sum(), answers.n_given.sum())


def hierarchical_recall(answers: LevelAnswers) -> float:
    """Return the share of true labels, those of broader levels too, that are answered; see `hierarchical_precision`."""
    return _ratio(answers.n_right.sum(), answers.n_true.sum())


def hierarchical_f1(answers: LevelAnswers) -> float:
    """Return the harmonic mean of hierarchical precision and recall; NaN if one of them is."""
    # 2 P R / (P + R) with P = c / g and R = c / t is 2 c / (g + t).
    if not answers.n_given.sum() or not answers.n_true.sum():
        return math.nan
    return _ratio(2 * answers.n_right.sum(), answers.n_given.sum() + answers.n_true.sum())


def near_errors(answers: LevelAnswers) -> float:
    """Return the share of wrong answers whose broadest label is right; NaN if no answer is wrong."""
    return _share(answers.n_right[answers.is_error] > 0)


def conditional_accuracy(answers: LevelAnswers, level: int) -> float:
    """Return how often the label at a level is right, of images whose broader labels are all right.

    Images that have no true label at the level, and those out of scope, are left out. NaN if no image is left.
    """
    return _share(answers.n_right[(answers.n_right >= level) & (answers.n_true > level)] > level)


def risk(answers: LevelAnswers) -> float:
    """Return the share of answers that have a wrong label, of those that are not unknown; NaN if all are unknown."""
    return _share(answers.is_error[answers.n_given > 0])


def unknown(answers: LevelAnswers) -> float:
    """Return the share of images that are answered with unknown."""
    return _share(answers.n_given == 0)


def stopped(answers: LevelAnswers, level: int) -> float:
    """Return the share of images whose answer ends at a level, although finer classes are below."""
    return _share(answers.is_stopped & (answers.n_given == level + 1))


def outside_rejected(answers: LevelAnswers) -> float:
    """Return the share of the images out of scope that are answered with unknown; NaN if none is out of scope."""
    return _share(answers.n_given[answers.is_outside] == 0)


def _share(is_it: np.ndarray) -> float:
    return float(is_it.mean()) if len(is_it) else math.nan


def _ratio(part: int, whole: int) -> float:
    return float(part / whole) if whole else math.nan
