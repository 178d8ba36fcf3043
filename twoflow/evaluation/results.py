"""What a comparison found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..images import ImageCollection
from .folds import Folds
from .leakage import Leaks
from .statistics import Difference


class Choice(NamedTuple):
    """What a method that chooses among candidates, on the training side of a fold, has chosen.

    `accuracy` is that of every candidate there, on images that it was not fitted on.
    """

    chosen: str
    accuracy: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class MethodScores:
    """One method's scores, by fold.

    Attributes
    ----------
    name : str
    n_features : int or None
        How many features it decides on, the mean over folds; None if it does not say.
    accuracy, macro_f1 : ndarray of shape (n_folds,)
    predicted : tuple of ndarray of shape (n_test,)
        The class given to each test image of each fold.
    probabilities : tuple of ndarray of shape (n_test, n_classes) and dtype float32, or None
        The same for each class of the collection, in sorted order; None for a classifier that gives none.
    importances : mapping of str to float, or None
        The share of the decision that each flow has, the mean over folds; see `share_of_flows`.
    fit_seconds, predict_seconds : float
        The mean of a fold, without the features that are computed once for all folds.
    train_accuracy : ndarray of shape (n_folds,) or None
        The accuracy on the images trained on, for classifiers that have a `train_accuracy_`.
    choices : tuple of Choice, or None
        One for each fold, for the recipes that choose.
    """

    name: str
    n_features: int | None
    accuracy: np.ndarray
    macro_f1: np.ndarray
    predicted: tuple[np.ndarray, ...]
    probabilities: tuple[np.ndarray, ...] | None
    importances: Mapping[str, float] | None
    fit_seconds: float
    predict_seconds: float
    train_accuracy: np.ndarray | None = None
    choices: tuple[Choice, ...] | None = None


class LearningCurve(NamedTuple):
    """Accuracy with fewer images to train on, the test images being the same.

    Attributes
    ----------
    shares : tuple of float
        Of the training images of each fold, ascending; the last is 1.
    n_train : ndarray of shape (n_shares, n_folds) and dtype int
    accuracy : mapping of str to ndarray of shape (n_shares, n_folds)
        By method.
    """

    shares: tuple[float, ...]
    n_train: np.ndarray
    accuracy: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` found.

    Attributes
    ----------
    collection : ImageCollection
        The images that were compared on; its `unreadable` are those that were left out.
    folds : Folds
    methods : tuple of MethodScores
        In the order asked for; the first is the reference.
    differences : tuple of Difference
        Of every other method to the reference, by each test.
    learning_curve : LearningCurve or None
        If one was asked for.
    extraction_seconds, seconds : float
        For the features that are computed once, and in all.
    n_computed : int
        How many images they were computed of; those of the others were in the store.
    peak_memory : int or None
        Bytes, of all processes that worked, their peaks added up; None where the system does not say.
    left_out : mapping of str to str
        The methods that were asked for but not compared, each with the reason.
    leaks : Leaks or None
        Test images that have a duplicate among those trained on; None if nobody looked.
    n_converted : int
        How many images were converted to sRGB by their color profile.
    damaged_profiles : tuple of int
        Positions in the collection of the images whose color profile is damaged and was ignored.
    """

    collection: ImageCollection
    folds: Folds
    methods: tuple[MethodScores, ...]
    differences: tuple[Difference, ...]
    learning_curve: LearningCurve | None
    extraction_seconds: float
    seconds: float
    n_computed: int
    peak_memory: int | None
    left_out: Mapping[str, str] = field(default_factory=dict)
    leaks: Leaks | None = None
    n_converted: int = 0
    damaged_profiles: tuple[int, ...] = ()

    def __getitem__(self, name: str) -> MethodScores:
        """The method of that name; KeyError if there is none."""
        for method in self.methods:
            if method.name == name:
                return method
        raise KeyError(name)

    def _repr_html_(self) -> str:
        """The scores and their plot, where a notebook shows the value of a cell."""
        # Against the direction of imports, and so late: whoever has compared need not know of reports to see one.
        from ..report.notebook import to_fragment

        return to_fragment(self)

    @property
    def tested(self) -> np.ndarray:
        """Positions in the collection of the test images, fold after fold; with repeats an image is there often."""
        return np.concatenate([fold.test for fold in self.folds])
