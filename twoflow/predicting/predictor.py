"""Predict with a model file: answers for images, and for items of several photos."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from sklearn.utils.validation import check_consistent_length

from ..errors import InputError
from ..images import check_images
from ..images.errors import ImageReadError
from ..images.passed_over import name_first
from ..images.reading import Source
from ..models.model_file import ModelFile
from ..store import StoreLike
from .answers import Answer, Prediction
from .averaging import average
from .fallback import fall_back
from .scores import Scorer, Scores

if TYPE_CHECKING:
    from .rules import Rules


class Item(NamedTuple):
    """One or several photos of the same thing, which get one answer.

    Attributes
    ----------
    name : str
        What the answer is called.
    images : sequence of images
        At least one.
    image_names : sequence of str
        What errors call the images. Empty, the default: as `describe` does.
    """

    name: str
    images: Sequence[Source]
    image_names: Sequence[str] = ()


class Predictor:
    """Answer for images with the model of a model file.

    An image that cannot be read gets a prediction with its error, and changes no other prediction. Any other error,
    such as a network that is missing, is raised.

    Parameters
    ----------
    model_file : ModelFile
    threshold : float, None or "card"
        Below this confidence, an answer falls back to a broader class or "unknown"; in (0, 1]. "card", the default,
        is the threshold on the model's card. With None every answer stands.
    top : int
        How many of the likeliest classes each answer names. The default is 3.
    rules : Rules, optional
        Rules of moderation, which add a decision to each prediction. By default there are none.
    n_jobs : int, optional
        How many images are read at the same time. None, the default, is 1 unless a ``joblib.parallel_config`` says
        otherwise; -1 is all cores. It has no effect on the answers.
    store : path or FeatureStore, optional
        A folder that keeps the features on disk, so that an image that was seen before costs little. By default,
        nothing is kept. The store that the model was fitted with is not used.

    Raises
    ------
    ValueError
        If `threshold` or `top` is out of range, or if there is a threshold for a model without probabilities.

    Examples
    --------
    >>> from twoflow import make_model, make_shop
    >>> from twoflow.models.model_file import ModelCard, ModelFile, TargetCard
    >>> from twoflow.predicting import Predictor
    >>> shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    >>> model = make_model("fast").fit(shop)
    >>> card = ModelCard("shoes", "2025-01-31", (TargetCard("class", tuple(model.classes_.tolist())),))
    >>> prediction, = Predictor(ModelFile(model, card)).predict(shop[:1], ["first.jpg"])
    >>> prediction.name, prediction.answers[0].label
    ('first.jpg', 'tee/01')
    """

    def __init__(
        self,
        model_file: ModelFile,
        *,
        threshold: float | Literal["card"] | None = "card",
        top: int = 3,
        rules: Rules | None = None,
        n_jobs: int | None = None,
        store: StoreLike = None,
    ) -> None:
        self.card = model_file.card
        self.threshold = self.card.threshold if threshold == "card" else threshold
        self.top = top
        self.rules = rules
        self._scorer = Scorer(model_file.model, self.card.targets, n_jobs, store)
        self._check()

    @property
    def has_probabilities(self) -> bool:
        """Whether the model gives probabilities; if not, all confidences are NaN."""
        return self._scorer.has_probabilities

    def predict(self, images: Any, names: Sequence[str] | None = None) -> list[Prediction]:
        """Answer for each image.

        Parameters
        ----------
        images : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
        names : sequence of n str, optional
            What predictions and errors call the images. By default their paths, or "image 1", "image 2", ... for
            images that are not files.

        Returns
        -------
        list of n Prediction
            The i-th is for the i-th image.
        """
        images = check_images(images)
        names = _names(images, names)
        return self.answer([Item(name, (image,), (name,)) for image, name in zip(images, names)])

    def predict_items(
        self, images: Any, groups: Sequence[Any], names: Sequence[str] | None = None
    ) -> list[Prediction]:
        """Answer once for all photos of each item; their scores are averaged.

        Parameters
        ----------
        images : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
        groups : sequence of n values
            The item that each image shows.
        names : sequence of n str, optional
            What errors call the images; see `predict`.

        Returns
        -------
        list of Prediction
            One for each item, in the order of first appearance, called by the item. If some of its images cannot be
            read, the others answer, and `Prediction.error` says so.
        """
        images = check_images(images)
        names = _names(images, names)
        check_consistent_length(images, groups)
        rows: dict[Any, list[int]] = {}
        for row, group in enumerate(groups):
            rows.setdefault(group, []).append(row)
        return self.answer([
            Item(str(group), [images[row] for row in own], [names[row] for row in own]) for group, own in rows.items()
        ])

    def answer(self, items: Sequence[Item]) -> list[Prediction]:
        """Answer for each item; see `Item`."""
        scores = self._scorer.score([image for item in items for image in item.images])
        predictions, end = [], 0
        for item in items:
            start, end = end, end + len(item.images)
            predictions.append(self._predict_item(item, range(start, end), scores))
        return predictions

    def _predict_item(self, item: Item, rows: range, scores: Scores) -> Prediction:
        error = _explain([
            (item.image_names[i] if item.image_names else scores.errors[row].name, scores.errors[row])
            for i, row in enumerate(rows) if row in scores.errors
        ], len(rows))
        readable = [row for row in rows if row not in scores.errors]
        if not readable:
            return Prediction(item.name, (), None, error, 0)
        answers = tuple(
            self._answer(average(values[readable]), target)
            for values, target in zip(scores.by_target, self.card.targets)
        )
        decision = None if self.rules is None else self.rules.decide(answers)
        return Prediction(item.name, answers, decision, error, len(readable))

    def _answer(self, probabilities: np.ndarray, target: Any) -> Answer:
        if self.has_probabilities:
            return fall_back(probabilities, target, self.threshold, self.top)
        label = target.classes[int(probabilities.argmax())]
        return Answer(target.name, label, target.name, float("nan"), "", ((label, float("nan")),))

    def _check(self) -> None:
        if self.threshold is not None and not (isinstance(self.threshold, Real) and 0 < self.threshold <= 1):
            raise InputError(f"threshold: expected a confidence above 0 and up to 1, got {self.threshold!r}")
        if self.threshold is not None and not self.has_probabilities:
            raise InputError(
                f"threshold: expected a model with probabilities, got {self.card.title}, which has none; leave out the "
                "threshold"
            )
        if not isinstance(self.top, int) or self.top < 1:
            raise InputError(f"top: expected an integer of at least 1, got {self.top!r}")


def _names(images: Sequence[Source], names: Sequence[str] | None) -> list[str]:
    if names is not None:
        check_consistent_length(images, names)
        return list(map(str, names))
    return [
        os.fspath(image) if isinstance(image, (str, os.PathLike)) else f"image {number}"
        for number, image in enumerate(images, start=1)
    ]


def _explain(errors: Sequence[tuple[str, ImageReadError]], n_images: int) -> str:
    """Say in one line which images of an item cannot be read; "" if all can."""
    if not errors:
        return ""
    if n_images == 1:
        return errors[0][1].reason
    named = name_first([f"{name}: {error.reason}" for name, error in errors])
    return f"{len(errors):,} of {n_images:,} images cannot be read: {named}"
