"""Find the training images that speak for a label, and those that speak against it."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError
from ..images import ImageCollection, check_images
from ..images.reading import Source
from ..images.thumbnails import jpeg_thumbnail
from ..models.deciders import Decider, deciders
from ..models.fitted_parts import fitted_parts
from ..store import StoreLike
from .naming import name_images


@dataclass(frozen=True)
class Terms:
    """What single training images add to the score of a label.

    The images that speak most for the label come first, then those that speak most against it.

    Attributes
    ----------
    names : list of n str
        The names of the images.
    positions : ndarray of int and shape (n,)
        Their positions in the training collection, or in the gallery of the model file.
    labels : list of n
        The label of each image, for the target that is explained.
    terms : ndarray of shape (n,) and dtype float64
        What each image adds to the score: above 0 for, below 0 against. The largest come first, and the most negative
        last.
    similarities : ndarray of shape (n,) and dtype float64
        The cosine of each image and the one that is explained, from -1 to 1.
    rest : float
        The sum of the terms of all other training images. If `is_exact` is False, also what the others are off by.
    constant : float
        The score of the mean training image.
    is_exact : bool
        Whether the terms are computed from the features of the training images. If False they are computed from short
        vectors, and each is off by some percent. In both cases terms, rest and constant sum to the score.
    """

    names: list[str]
    positions: np.ndarray
    labels: list[Any]
    terms: np.ndarray
    similarities: np.ndarray
    rest: float
    constant: float
    is_exact: bool

    @property
    def score(self) -> float:
        """The score of the label: the sum of all terms, the rest and the constant."""
        return float(self.terms.sum()) + self.rest + self.constant


class TrainingTerms:
    """Split scores of a fitted model into the terms of its training images.

    It needs a classifier that is a sum over training rows, such as `KernelRidgeClassifier` has: it has the method
    `row_terms`. The features of the training images are computed again, or taken from the store, and are kept.

    Parameters
    ----------
    model : estimator
        A fitted classifier of images, made of flows. It is not changed.
    training : ImageCollection
        What the model was fitted on, in the same order.
    store : path or FeatureStore, optional
        Where features are kept. By default the store of the model, if it has one.

    Raises
    ------
    ValueError
        If the model has no such classifier, or these are not its training images.

    Examples
    --------
    >>> from twoflow import make_model, make_shop
    >>> from twoflow.similarity import TrainingTerms
    >>> shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    >>> model = make_model("fast").fit(shop)
    >>> found = TrainingTerms(model, shop).of(shop[0], label="tee/01", k=2)
    >>> found.labels[0], found.is_exact
    ('tee/01', True)
    >>> bool(abs(found.score - model.decision_function(shop[:1])[0, 0]) < 1e-6)
    True
    """

    def __init__(self, model: Any, training: ImageCollection, *, store: StoreLike = None) -> None:
        self._flow, head = fitted_parts(model)
        self._deciders = deciders(head)
        check_terms(model)
        if store is not None:
            self._flow = copy(self._flow).set_params(store=store)
        self.target_names = tuple(training.target_names)
        images = check_images(training)
        features = self._flow.transform(images)
        self._rows: list[tuple[tuple, np.ndarray]] = []
        for decider in self._deciders:
            if all(decider.path != path for path, _ in self._rows):
                self._rows.append((decider.path, decider.select(features)))
        self._names = name_images(images)
        self._training = training

    def thumbnail(self, position: int) -> bytes | None:
        """Return a small JPEG of the training image at a position; None if it cannot be read."""
        return jpeg_thumbnail(self._training[position])

    def of(self, image: Source, target: str | None = None, label: Any = None, k: int = 5) -> Terms:
        """Return the terms of the score of a label for one image.

        Parameters
        ----------
        image : path, URL, array, PIL image or bytes
        target : str, optional
            The target of the label. By default the first.
        label : object, optional
            By default the label that the model predicts.
        k : int, default=5
            How many images for, and how many against the label; fewer if fewer are.

        Returns
        -------
        Terms

        Raises
        ------
        ValueError
            If there is no such target or label.
        ImageReadError
            If the image cannot be read.
        """
        decider = find_decider(self._deciders, self.target_names, target, label)
        features = self._flow.transform([image])
        rows = next(rows for path, rows in self._rows if path == decider.path)
        x = decider.select(features)[0]
        found = decider.classifier.row_terms(rows, x)
        column, sign = find_column(decider, label, found.terms.sum(axis=0) + found.constant)
        kept = np.flatnonzero(decider.classifier.kept_)
        terms, constant = sign * found.terms[:, column], sign * float(found.constant[column])
        chosen = choose_terms(terms, k)
        mean = rows[kept].mean(axis=0, dtype=np.float64)
        labels = self._training.target(self.target_names[0] if target is None else target)
        return Terms(
            [self._names[row] for row in kept[chosen]], kept[chosen], labels[kept[chosen]].tolist(), terms[chosen],
            _cosines(rows[kept[chosen]] - mean, x - mean), float(np.delete(terms, chosen).sum()), constant, True,
        )


def has_terms(model: Any) -> bool:
    """Return whether the scores of a fitted model are sums over its training images."""
    flow, head = fitted_parts(model)
    return flow is not None and all(hasattr(each.classifier, "row_terms") for each in deciders(head))


def check_terms(model: Any) -> None:
    """Raise ValueError if the scores of a fitted model are not sums over its training images."""
    if not has_terms(model):
        kinds = ", ".join(sorted({type(each.classifier).__name__ for each in deciders(fitted_parts(model).head)}))
        raise InputError(
            f"expected a model whose score is a sum over its training images, such as kernel ridge, got {kinds}; "
            "SimilarImages finds the nearest images of any model"
        )


def find_decider(
    found: Sequence[Decider], target_names: Sequence[str], target: str | None, label: Any
) -> Decider:
    """Return the classifier that decides on a target and knows a label."""
    if target is not None and target not in target_names:
        raise InputError(f"target: expected one of {', '.join(map(repr, target_names))}, got {target!r}")
    if len(found) == len(target_names):
        found = [found[0 if target is None else [*target_names].index(target)]]
    knowing = [each for each in found if label is None or label in [*each.classes]]
    if not knowing:
        known = ", ".join(repr(each) for each in [*found[-1].classes][:5])
        raise InputError(f"label: expected a label of the model, such as {known}, got {label!r}")
    return knowing[-1]


def find_column(decider: Decider, label: Any, scores: np.ndarray) -> tuple[int, float]:
    """Return the column of scores that a label has, and its sign; without a label, of the highest score."""
    classes = [*decider.classes]
    if len(scores) == 1:  # two classes: the score of the second
        first = scores[0] <= 0 if label is None else label == classes[0]
        return 0, -1.0 if first else 1.0
    return int(scores.argmax()) if label is None else classes.index(label), 1.0


def choose_terms(terms: np.ndarray, k: int) -> np.ndarray:
    """Return the positions of the k largest terms above 0, then of the k smallest below 0, sorted by their terms."""
    order = np.argsort(-terms, kind="stable")
    return np.concatenate([order[:k][terms[order[:k]] > 0], order[k:][-k:][terms[order[k:][-k:]] < 0]])


def _cosines(rows: np.ndarray, x: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(x)
    return np.divide(rows @ x, norms, out=np.zeros(len(rows)), where=norms > 0)
