"""Scores of predictions, by name. To add a score: write its function, and add one line to `SCORES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import accuracy_score, f1_score

from ..errors import InputError
from ..images.targets import all_right, split_targets
from .folds import Folds


def exact_match(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return the share of images whose targets are all right.

    Parameters
    ----------
    y, predicted : ndarray of shape (n, k)

    Examples
    --------
    >>> exact_match(np.array([[0, 0], [0, 1]]), np.array([[0, 0], [1, 1]]))
    0.5
    """
    return float(np.mean(all_right(y, predicted)))


class Score(NamedTuple):
    """A score and what it is computed from.

    Attributes
    ----------
    label : str
        The name that tables and plots show.
    function : callable
        Takes the true and the predicted labels, and returns a number from 0 to 1. The arrays have shape (n,) for a
        score of one target, and (n, k) for a score of several together.
    of_one_target : bool
        Whether the score is computed for each target by itself; otherwise for all targets together, if there are
        several.
    greater_is_better : bool
        By default a greater score is better.
    of_all_predictions : bool
        Whether the reported number is computed from all predictions of a repeat together. By default it is the mean
        over folds. That mean is biased for a score that is no mean over images: in a small fold a class with few test
        images has a very uneven F1, and one without test images does not count. See `compute_means`.
    counts_images : bool
        Whether it is the share of images that are right. Counts of images then say how sure it is, if folds do not. By
        default it is not.
    """

    label: str
    function: Callable[[Any, Any], float]
    of_one_target: bool
    greater_is_better: bool = True
    of_all_predictions: bool = False
    counts_images: bool = False


#: The scores by name. The first that applies to the targets of a collection is the one that is tested.
SCORES: dict[str, Score] = {
    "exact_match": Score("exact match", exact_match, of_one_target=False, counts_images=True),
    "accuracy": Score("accuracy", accuracy_score, of_one_target=True, counts_images=True),
    "macro_f1": Score(
        "macro F1", partial(f1_score, average="macro", zero_division=0), of_one_target=True, of_all_predictions=True
    ),
}


class AppliedScore(NamedTuple):
    """A score of the targets of a collection.

    Attributes
    ----------
    score : Score
    target : str or None
        The target that it is the score of, if there are several; None for all targets, or the only one.
    position : int or None
        The column of that target.
    """

    score: Score
    target: str | None = None
    position: int | None = None

    @property
    def label(self) -> str:
        """The name that tables and plots show."""
        return self.score.label if self.target is None else f"{self.score.label} of {self.target}"

    def __call__(self, y: np.ndarray, predicted: np.ndarray) -> float:
        """Compute the score from labels of shape (n,) or (n, k)."""
        if self.position is None:
            return float(self.score.function(y, predicted))
        return float(self.score.function(*(split_targets(labels)[self.position] for labels in (y, predicted))))


def scores_for(target_names: Sequence[str]) -> dict[str, AppliedScore]:
    """Return the scores that apply to some targets, by name; the first is the one that is tested.

    Parameters
    ----------
    target_names : sequence of str

    Returns
    -------
    dict of str to AppliedScore
        For one target the names are those of `SCORES`. For several, the scores of all targets together come first, and
        each score of one target is there for each target, as ``"score:target"``.

    Examples
    --------
    >>> list(scores_for(["class"]))
    ['accuracy', 'macro_f1']
    >>> list(scores_for(["brand", "model"]))
    ['exact_match', 'accuracy:brand', 'macro_f1:brand', 'accuracy:model', 'macro_f1:model']
    """
    of_one = {name: score for name, score in SCORES.items() if score.of_one_target}
    if len(target_names) == 1:
        return {name: AppliedScore(score) for name, score in of_one.items()}
    return {
        **{name: AppliedScore(score) for name, score in SCORES.items() if not score.of_one_target},
        **{
            find_score(name, target, target_names): AppliedScore(score, target, position)
            for position, target in enumerate(target_names) for name, score in of_one.items()
        },
    }


def find_score(name: str, target: str, target_names: Sequence[str]) -> str:
    """Return the name of a score of one target, as `scores_for` gives it.

    Parameters
    ----------
    name : str
        A key of `SCORES` whose score is that of one target.
    target : str
        One of `target_names`.
    target_names : sequence of str
        All targets of the collection.

    Examples
    --------
    >>> find_score("accuracy", "class", ["class"]), find_score("accuracy", "model", ["brand", "model"])
    ('accuracy', 'accuracy:model')
    """
    return name if len(target_names) == 1 else f"{name}:{target}"


def compute_scores(y: np.ndarray, predicted: np.ndarray, target_names: Sequence[str]) -> dict[str, float]:
    """Compute all scores that apply.

    Parameters
    ----------
    y, predicted : ndarray of shape (n,) for one target, (n, k) for several
    target_names : sequence of k str

    Raises
    ------
    ValueError
        If there are several targets and the predictions have another shape.
    """
    if y.ndim > 1 and predicted.shape != y.shape:
        raise InputError(
            f"expected predictions of shape {y.shape}, one column for each target, got {predicted.shape}; "
            "use a classifier that learns several targets"
        )
    return {name: score(y, predicted) for name, score in scores_for(target_names).items()}


def compute_means(
    scores: Mapping[str, np.ndarray], y: np.ndarray, folds: Folds, predicted: Sequence[np.ndarray],
    target_names: Sequence[str],
) -> dict[str, float]:
    """Compute the number that is reported for each score.

    It is the mean over folds. A score that says `Score.of_all_predictions` is computed from all predictions of a repeat
    together, and the number is the mean over repeats. Random splits have one split a repeat, so all predictions of all
    splits are taken together.

    Parameters
    ----------
    scores : mapping of str to ndarray of shape (n_folds,)
        The scores of each fold, by name.
    y : ndarray of shape (n,) or (n, k)
        The labels of all images.
    folds : Folds
    predicted : sequence of ndarray of shape (n_test,) or (n_test, k)
        The predictions of each fold.
    target_names : sequence of k str
    """
    together: dict[int, list[int]] = {}
    for position, fold in enumerate(folds):
        together.setdefault(fold.repeat if folds.n_splits > 1 else 0, []).append(position)

    def of_all(score: AppliedScore) -> float:
        return float(np.mean([
            score(
                np.concatenate([y[folds.splits[i].test] for i in positions]),
                np.concatenate([predicted[i] for i in positions]),
            )
            for positions in together.values()
        ]))

    return {
        name: of_all(score) if score.score.of_all_predictions else float(scores[name].mean())
        for name, score in scores_for(target_names).items()
    }
