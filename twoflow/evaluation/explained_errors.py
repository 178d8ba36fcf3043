"""Explain the most confident errors of a method."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.base import clone

from .._progress import phase
from ..errors import UserError
from ..explaining import Explanation, explain
from ..images import ImageCollection
from ..models.target_names import find_target_names
from ..similarity.terms import TrainingTerms, has_terms
from ..store import StoreLike
from .folds import Folds
from .metrics import Pooled


@dataclass(frozen=True)
class ExplainedError:
    """An image that a method got wrong, and why.

    Attributes
    ----------
    image : int
        The position of the image in the collection.
    fold : int
        The position of the fold that tested it.
    true, predicted : object
        The label of the image, and the class that the method answered.
    confidence : float or None
        The probability of the answer; None for a method without probabilities.
    explanation : Explanation or None
        The reasons for the answer, by a model that was fitted on the training images of the fold. Positions of
        training images are those among them. None if this method cannot be explained.
    problem : str
        Why it cannot; "" if it can.
    """

    image: int
    fold: int
    true: Any
    predicted: Any
    confidence: float | None
    explanation: Explanation | None = None
    problem: str = ""


def explain_errors(
    model: Any, pooled: Pooled, collection: ImageCollection, folds: Folds, n: int, *, store: StoreLike = None,
    n_jobs: int | None = None, verbose: bool = False,
) -> tuple[ExplainedError, ...]:
    """Explain the most confident errors of a method for the finest target.

    A comparison keeps no fitted models. So the method is fitted again on the training images of each fold that tested
    one of these errors, with the same seed: the model that explains an image has never seen it.

    Parameters
    ----------
    model : estimator
        The method, seeded and not fitted.
    pooled : Pooled
        Its predictions for the finest target of the collection, on the test images of all folds.
    collection : ImageCollection
    folds : Folds
    n : int
        How many errors; fewer if there are fewer.
    store : path or FeatureStore, optional
        Where the features of the training images are found. By default they are computed again for each fold.
    n_jobs, verbose
        See `compare`.

    Returns
    -------
    tuple of ExplainedError
        The most confident first; without probabilities, in the order of the folds. An answer that is none of the
        classes, such as "unknown", is not among them.
    """
    splits = list(folds)
    found = sorted(_errors(pooled, folds), key=lambda error: -(error.confidence or 0.0))[:n]
    with phase("explanations", len(found), "errors", verbose=verbose) as shown:
        for number in sorted({error.fold for error in found}):
            train = collection[splits[number].train]
            fitted = _with_running(clone(model), store, n_jobs).fit(train, train.labels)
            terms = TrainingTerms(fitted, train) if has_terms(fitted) else None
            for i, error in enumerate(found):
                if error.fold == number:
                    found[i] = _explain(error, fitted, collection, terms)
                    shown.update()
    return tuple(found)


def _errors(pooled: Pooled, folds: Folds) -> Iterator[ExplainedError]:
    """Yield all errors, not yet explained."""
    classes = pooled.classes.tolist()
    fold_of_row = np.repeat(np.arange(len(folds)), [len(fold.test) for fold in folds])
    for row in np.flatnonzero((pooled.true != pooled.predicted) & (pooled.predicted >= 0)).tolist():
        true, predicted = int(pooled.true[row]), int(pooled.predicted[row])
        confidence = None if pooled.probabilities is None else float(pooled.probabilities[row, predicted])
        yield ExplainedError(
            int(pooled.images[row]), int(fold_of_row[row]), classes[true], classes[predicted], confidence
        )


def _with_running(model: Any, store: StoreLike, n_jobs: int | None) -> Any:
    """Let a model take its features from a store, and use several workers, if it has these parameters."""
    names = model.get_params(deep=False)
    return model.set_params(**{
        name: value for name, value in {"store": store, "n_jobs": n_jobs}.items() if name in names
    })


def _explain(
    error: ExplainedError, fitted: Any, collection: ImageCollection, terms: TrainingTerms | None
) -> ExplainedError:
    # A model that is fitted on labels alone calls the targets by their numbers.
    names = find_target_names(fitted, len(collection.target_names))
    target = names[collection.target_names.index(collection.finest)]
    try:
        found = explain(fitted, collection[error.image], target=target, label=error.predicted, training=terms)
    except UserError as problem:
        return replace(error, problem=str(problem))
    reason = replace(found.reasons[0], target=collection.finest)
    return replace(error, explanation=replace(found, reasons=(reason,)))
