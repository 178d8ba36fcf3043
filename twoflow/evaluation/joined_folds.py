"""Put what was found on each fold together: the scores of a method, and the learning curve of all methods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .folds import Fold, Folds
from .method_scores import LearningCurve, MethodScores
from .scores import compute_means
from .scoring import FoldScores
from .tested import Given, Targets


class FoldJoiner:
    """Put the results of folds together.

    Parameters
    ----------
    folds : Folds
        The complete folds.
    labels : ndarray of shape (n,) or (n, k)
        Of all images.
    targets : Targets
        What these labels are.
    """

    def __init__(self, folds: Folds, labels: np.ndarray, targets: Targets) -> None:
        self._folds, self._labels, self._targets = folds, labels, targets

    def method_scores(self, name: str, found: Sequence[FoldScores]) -> MethodScores:
        """Return the scores of a method, from its results on each fold."""
        n_features = [fold.n_features for fold in found if fold.n_features is not None]
        probabilities = tuple(fold.probabilities for fold in found if fold.probabilities is not None)
        choices = tuple(fold.choice for fold in found if fold.choice is not None)
        trainings = tuple(fold.trainings for fold in found)
        importances = [fold.importances for fold in found if fold.importances is not None]
        scores, means = self._score(found)
        return MethodScores(
            name=name,
            n_features=round(float(np.mean(n_features))) if n_features else None,
            scores=scores,
            means=means,
            predicted=tuple(fold.predicted for fold in found),
            probabilities=probabilities or None,
            importances=(
                {name: float(np.mean([each[name] for each in importances])) for name in importances[0]}
                if importances else None
            ),
            fit_seconds=float(np.mean([fold.fit_seconds for fold in found])),
            predict_seconds=float(np.mean([fold.predict_seconds for fold in found])),
            train_accuracy=np.array([fold.train_accuracy for fold in found]),
            choices=choices or None,
            trainings=trainings if any(trainings) else None,
            **self._before_fallback(found),
        )

    def learning_curve(
        self, shares: Sequence[float], series: Sequence[Sequence[Fold]],
        found: Mapping[str, Sequence[Sequence[FoldScores]]],
    ) -> LearningCurve | None:
        """Return the learning curve of all methods; None without shares.

        Parameters
        ----------
        shares : sequence of float
            The shares of the training images, in ascending order, without 1.
        series : sequence of sequence of Fold
            The complete folds, followed by those of each share.
        found : mapping of str to sequence of sequence of FoldScores
            The results of each method on each of these.
        """
        if not shares:
            return None

        def by_share(values: Iterable[Any]) -> np.ndarray:
            return np.roll(np.array(list(values)), -1, axis=0)  # the complete folds come last

        curves, means = {}, {}
        for method, own in found.items():
            curves[method], means[method] = (
                {name: by_share(each[name] for each in by_name) for name in by_name[0]}
                for by_name in zip(*map(self._score, own))
            )
        n_train = by_share([len(fold.train) for fold in folds] for folds in series)
        return LearningCurve((*shares, 1.0), n_train, curves, means)

    def _score(self, found: Sequence[FoldScores]) -> tuple[dict[str, np.ndarray], dict[str, float]]:
        """Return each score of all folds, and the numbers that are reported."""
        scores = {name: np.array([fold.scores[name] for fold in found]) for name in found[0].scores}
        return scores, self._means(scores, [(fold, fold.predicted) for fold in found])

    def _before_fallback(self, found: Sequence[FoldScores]) -> dict[str, Any]:
        """Return what `MethodScores` says of the answers before fallback; nothing for a method that has none."""
        full = [(fold, fold.full, fold.full_scores or {}) for fold in found if fold.full is not None]
        if not full:
            return {}
        scores = {name: np.array([own[name] for _, _, own in full]) for name in full[0][2]}
        means = self._means(scores, [(fold, answers) for fold, answers, _ in full])
        return {"full": tuple(answers for _, answers, _ in full), "full_scores": scores, "full_means": means}

    def _means(
        self, scores: Mapping[str, np.ndarray], answered: Sequence[tuple[FoldScores, np.ndarray]]
    ) -> dict[str, float]:
        """Return the reported number of each score, from the results of each fold and the answers that are scored."""
        given = [
            Given.of(answers, fold.full, fold.scope, fold.probabilities, self._targets, self._labels)
            for fold, answers in answered
        ]
        return compute_means(scores, self._labels, self._folds, given, self._targets)
