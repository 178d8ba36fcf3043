"""What a comparison keeps of each method: its scores, predictions and choices, and its learning curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .summary import Candidate, summarize_choices
from .training_history import TrainingHistory


class Choice(NamedTuple):
    """The candidate that a method chose on the training images of a fold.

    `accuracy` has the accuracy of each candidate on held-out training images. That of the chosen one is optimistic,
    because it was chosen as the highest.
    """

    chosen: str
    accuracy: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class MethodScores:
    """The scores of one method, by fold.

    Attributes
    ----------
    name : str
    n_features : int or None
        The number of features that it decides on, as the mean over folds; None if this is not known.
    scores : mapping of str to ndarray of shape (n_folds,)
        The scores by name: "accuracy" and "macro_f1" for one target; see `scores_for` for several. They show the spread
        over folds; `means` has the numbers to report.
    means : mapping of str to float
        The reported number of each score: the mean over folds, but for macro F1 that of all predictions of a repeat;
        see `compute_means`.
    predicted : tuple of ndarray of shape (n_test,), or (n_test, k) for several targets
        The predicted labels of the test images, for each fold.
    probabilities : tuple of ndarray of shape (n_test, n_classes) and dtype float32, or None
        The probabilities of the classes of the collection, in sorted order, for each fold; None for a classifier
        without probabilities. With several targets, each fold has a list with one array for each target.
    importances : mapping of str to float, or None
        The share of each flow in the decision, as the mean over folds; see `share_of_flows`. None if the classifier
        has no importances.
    fit_seconds, predict_seconds : float
        The mean time of a fold, without the features that are computed once for all folds.
    train_accuracy : ndarray of shape (n_folds,)
        The tested score on the training images: the accuracy, or the exact match for several targets. If it is far
        above the tested score, the classifier overfits. For one target, a classifier that has a `train_accuracy_` says
        it itself.
    choices : tuple of Choice, or None
        The choice in each fold; None for a method that does not choose.
    full : tuple of ndarray of shape (n_test, k), or None
        The predicted labels before fallback, for each fold; None for a classifier that has no `predict_full`.
    full_scores, full_means : mapping, or None
        The scores of `full`, as `scores` and `means` are those of `predicted`.
    trainings : tuple of tuple of TrainingHistory, or None
        How the networks were trained, for each fold; None for a method that trains none. A fold has several if a method
        trains one for each target, or in several flows.
    """

    name: str
    n_features: int | None
    scores: Mapping[str, np.ndarray] = field(repr=False)
    means: Mapping[str, float]
    predicted: tuple[np.ndarray, ...] = field(repr=False)
    probabilities: tuple[Any, ...] | None = field(repr=False)
    importances: Mapping[str, float] | None
    fit_seconds: float
    predict_seconds: float
    train_accuracy: np.ndarray = field(repr=False)
    choices: tuple[Choice, ...] | None = field(default=None, repr=False)
    full: tuple[np.ndarray, ...] | None = field(default=None, repr=False)
    full_scores: Mapping[str, np.ndarray] | None = field(default=None, repr=False)
    full_means: Mapping[str, float] | None = field(default=None, repr=False)
    trainings: tuple[tuple[TrainingHistory, ...], ...] | None = field(default=None, repr=False)

    @property
    def falls_back(self) -> bool:
        """Whether any answer differs from that before fallback."""
        return self.full is not None and any((a != b).any() for a, b in zip(self.full, self.predicted))

    @property
    def candidates(self) -> list[Candidate]:
        """The candidates that the method chose from, with mean accuracies; empty for a method that does not choose."""
        choices = self.choices or ()
        if not choices:
            return []
        return summarize_choices([each.chosen for each in choices], [each.accuracy for each in choices])


class LearningCurve(NamedTuple):
    """Scores of fits on fewer training images, on the same test images.

    Attributes
    ----------
    shares : tuple of float
        Shares of the training images of each fold, ascending; the last is 1.
    n_train : ndarray of shape (n_shares, n_folds) and dtype int
        The number of training images.
    scores : mapping of str to mapping of str to ndarray of shape (n_shares, n_folds)
        By method, then by name of the score.
    means : mapping of str to mapping of str to ndarray of shape (n_shares,)
        The numbers to report, likewise; see `MethodScores`.
    """

    shares: tuple[float, ...]
    n_train: np.ndarray
    scores: Mapping[str, Mapping[str, np.ndarray]]
    means: Mapping[str, Mapping[str, np.ndarray]]

    @property
    def mean_n_train(self) -> np.ndarray:
        """The mean number of training images for each share."""
        return self.n_train.mean(axis=1)
