"""Answer with a class, with a broader class, or with "unknown"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..heads.hierarchy import UNKNOWN
from ..heads.hierarchy.decisions import reaches
from ..models.model_file import TargetCard
from .answers import Answer

#: Probabilities that were rounded to float32, averaged and written to files still sum to 1 within this.
_ROUNDING = 1e-3


def fall_back(probabilities: np.ndarray, target: TargetCard, threshold: float | None, top: int) -> list[Answer]:
    """Answer for each image: a class if it is likely enough, else a broader class, else "unknown".

    The likeliest class is the answer if its probability reaches the threshold. If not, the probabilities are summed
    over the classes of each broader class, and the answer is the likeliest broader class of the finest level at which
    one reaches the threshold. If none does at any level, the answer is `UNKNOWN`.

    Parameters
    ----------
    probabilities : ndarray of shape (n_images, n_classes)
        Each row sums to 1. A row with NaN means that the model gives no probabilities for this image: the answer is
        `UNKNOWN`.
    target : TargetCard
        Its classes are in the order of the columns.
    threshold : float in [0, 1], or None
        The least confidence of an answer. With None, or with 0, every image is answered with its likeliest class.
    top : int
        How many of the likeliest classes an answer names, at least 1. If there are fewer classes, it names all.

    Returns
    -------
    list of n_images Answer
        The i-th is for the i-th row.

    Raises
    ------
    ValueError
        If a row is not probabilities of the target's classes, or the threshold or `top` is out of range.

    Notes
    -----
    Probabilities are compared with the threshold in float32, the precision of the held-out answers by which thresholds
    are chosen. Of equally likely classes, the first in the order of the classes is the likeliest.

    Examples
    --------
    >>> target = TargetCard("class", ("boot/black", "boot/red", "clog"), levels={"kind": ("boot", "boot", "clog")})
    >>> answer, = fall_back(np.array([[0.41, 0.39, 0.2]]), target, threshold=0.7, top=2)
    >>> answer.label, answer.level, round(answer.confidence, 2)
    ('boot', 'kind', 0.8)
    >>> answer.reason
    'no class reaches 0.70: the likeliest, boot/black, has 0.41'
    """
    probabilities = _check(np.asarray(probabilities), target, threshold, top)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    likeliest = np.take_along_axis(probabilities, order, axis=1).tolist()
    is_nothing = np.isnan(probabilities).any(axis=1)
    is_answered = ~is_nothing
    if threshold is not None:
        is_answered &= reaches(probabilities.max(axis=1, initial=0.0), threshold)
    levels = _levels(target)
    answers = []
    for row, (columns, shares) in enumerate(zip(order.tolist(), likeliest)):
        named = tuple((target.classes[column], share) for column, share in zip(columns, shares))
        label, confidence = named[0]
        if is_answered[row]:
            answers.append(Answer(target.name, label, target.name, confidence, "", named))
        elif threshold is None or is_nothing[row]:
            answers.append(Answer(target.name, UNKNOWN, "", float("nan"), "the model gives no probabilities", named))
        else:
            unknown = Answer(target.name, UNKNOWN, "", confidence, _explain(label, confidence, threshold), named)
            answers.append(_broader(probabilities[row], levels, threshold, unknown))
    return answers


class _Level(NamedTuple):
    """A broader level: its name, its classes, and which of them each class of the target lies in."""

    name: str
    classes: Sequence[Any]
    members: np.ndarray


def _levels(target: TargetCard) -> list[_Level]:
    """Return the broader levels, the finest first."""
    levels = []
    for name, broader in reversed(list(target.levels.items())):
        classes = list(dict.fromkeys(broader))
        position = {label: i for i, label in enumerate(classes)}
        levels.append(_Level(name, classes, np.array([position[label] for label in broader])))
    return levels


def _broader(row: np.ndarray, levels: Sequence[_Level], threshold: float, unknown: Answer) -> Answer:
    for level in levels:
        sums = np.bincount(level.members, row, len(level.classes))
        likeliest = int(sums.argmax())
        if reaches(sums[likeliest], threshold):
            confidence = min(float(sums[likeliest]), 1.0)
            return unknown._replace(label=level.classes[likeliest], level=level.name, confidence=confidence)
    return unknown


def _explain(label: Any, confidence: float, threshold: float) -> str:
    """Say that no class reaches the threshold, with as many digits as it takes to see that."""
    digits = next((n for n in range(2, 7) if f"{confidence:.{n}f}" != f"{threshold:.{n}f}"), 7)
    return f"no class reaches {threshold:.{digits}f}: the likeliest, {label}, has {confidence:.{digits}f}"


def _check(probabilities: np.ndarray, target: TargetCard, threshold: float | None, top: int) -> np.ndarray:
    if threshold is not None and not 0 <= threshold <= 1:
        raise InputError(f"threshold: expected a number from 0 to 1, or None, got {threshold!r}")
    if top < 1:
        raise InputError(f"top: expected an integer of at least 1, got {top!r}")
    if probabilities.ndim != 2 or probabilities.shape[1] != len(target.classes):
        raise InputError(
            f"{target.name}: expected a column of probabilities for each of {len(target.classes)} classes, got shape "
            f"{probabilities.shape}"
        )
    probabilities = probabilities.astype(float)
    sums = probabilities.sum(axis=1)
    is_wrong = (np.abs(sums - 1) > _ROUNDING) | (probabilities < -_ROUNDING).any(axis=1)
    if is_wrong.any():
        row = int(is_wrong.argmax())
        raise InputError(
            f"{target.name}: expected probabilities from 0 to 1 that sum to 1, got a sum of {sums[row]:.4g} and a "
            f"smallest one of {probabilities[row].min():.4g}; use a head whose predict_proba gives probabilities"
        )
    return probabilities
