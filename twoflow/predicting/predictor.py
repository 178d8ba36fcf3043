"""Predict with a model file: answers for images, and for items of several photos."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, islice, pairwise
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from joblib import effective_n_jobs
from sklearn.utils.validation import check_consistent_length

from ..errors import InputError
from ..images import check_images
from ..images.errors import ImageReadError
from ..images.passed_over import name_first
from ..images.reading import Source, describe
from ..models.model_file import ModelFile, TargetCard
from ..store import StoreLike
from .answers import Answer, Prediction
from .averaging import average
from .fallback import fall_back
from .scores import BLOCK, Scorer, Scores

if TYPE_CHECKING:
    from .moderation import Rules

_BLOCKS_PER_WORKER, _MOST_BLOCKS = 2, 128  # blocks of images whose features are computed together


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
        Below this confidence, an answer falls back to a broader class or "unknown"; in [0, 1]. "card", the default,
        is the threshold on the model's card. With None every answer stands; a model with a tree of classes then falls
        back by its own rule.
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
        If `threshold` or `top` is out of range; or if the threshold or the rules ask for a confidence, and the model
        has no probabilities.

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
        self.n_jobs = n_jobs
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
        return self.answer(Item(name, (image,)) for image, name in zip(images, names))

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
        return self.answer(
            Item(str(group), [images[row] for row in own], [names[row] for row in own]) for group, own in rows.items()
        )

    def stream(self, items: Iterable[Item]) -> Iterator[list[Prediction]]:
        """Answer for any number of items in bounded memory.

        Parameters
        ----------
        items : iterable of Item
            They are taken as they are needed, some hundreds for each worker at a time.

        Yields
        ------
        list of Prediction
            Those of the next items, in order. Where the lists begin and end has no effect on the predictions, and
            neither has beginning again after the end of a list.
        """
        left, n_blocks = iter(items), 1  # begin small, so that the first answers are there soon
        while taken := list(islice(_in_blocks(left), n_blocks)):
            yield self._answer_blocks(taken)
            n_blocks = min(2 * n_blocks, _BLOCKS_PER_WORKER * effective_n_jobs(self.n_jobs), _MOST_BLOCKS)

    def answer(self, items: Iterable[Item]) -> list[Prediction]:
        """Answer for each item; see `Item`."""
        return self._answer_blocks(list(_in_blocks(iter(items))))

    def _answer_blocks(self, blocks: Sequence[Sequence[Item]]) -> list[Prediction]:
        items = [item for block in blocks for item in block]
        images = [image for item in items for image in item.images]
        scores = self._scorer.score(images, _in_turn(sum(len(item.images) for item in block) for block in blocks))
        of_items = _in_turn(len(item.images) for item in items)
        readable = [[row for row in rows if row not in scores.errors] for rows in of_items]
        answers = self._answer(scores, [rows for rows in readable if rows])
        predictions = []
        for item, rows, good in zip(items, of_items, readable):
            errors = {row - rows.start: scores.errors[row] for row in rows if row in scores.errors}
            own = next(answers) if good else ()
            decision = self.rules.decide(own) if self.rules is not None and good else None
            predictions.append(Prediction(item.name, own, decision, _explain(item, errors), len(good), len(errors)))
        return predictions

    def _answer(self, scores: Scores, rows_of_items: Sequence[Sequence[int]]) -> Iterator[tuple[Answer, ...]]:
        """Yield the answers for the images of each item, one for each target."""
        if not rows_of_items:
            return iter(())
        of_targets = []
        for values, target in zip(scores.by_target, self.card.targets):
            means = np.array([average(values[rows]) for rows in rows_of_items])
            if self._scorer.tree is not None:
                of_targets.append(self._scorer.tree.answer(means, self.threshold, self.top))
            elif self.has_probabilities:
                of_targets.append(fall_back(means, target, self.threshold, self.top))
            else:
                of_targets.append([_without_confidence(target, row) for row in means])
        return zip(*of_targets)

    def _check(self) -> None:
        if self.threshold is not None and not (isinstance(self.threshold, Real) and 0 <= self.threshold <= 1):
            raise InputError(f"threshold: expected a number from 0 to 1, got {self.threshold!r}")
        asked = {
            "threshold": self.threshold is not None,
            "rules": self.rules is not None and self.rules.needs_probabilities,
        }
        for name, needs_probabilities in asked.items():
            if needs_probabilities and not self.has_probabilities:
                raise InputError(
                    f"{name}: expected a model with probabilities, got {self.card.title}, which has none; leave the "
                    "confidence out"
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


def _in_blocks(items: Iterator[Item]) -> Iterator[list[Item]]:
    """Divide items into blocks of `BLOCK` images, or more if the last item of a block has several."""
    block: list[Item] = []
    n_images = 0
    for item in items:
        block.append(item)
        n_images += len(item.images)
        if n_images >= BLOCK:
            yield block
            block, n_images = [], 0
    if block:
        yield block


def _in_turn(sizes: Iterable[int]) -> list[range]:
    """Return a range of each size, one after the other from 0."""
    ends = [0, *accumulate(sizes)]
    return [range(start, end) for start, end in pairwise(ends)]


def _without_confidence(target: TargetCard, votes: np.ndarray) -> Answer:
    """Answer with the class that a model without probabilities gives most photos; the first at a tie."""
    label = target.classes[int(votes.argmax())]
    return Answer(target.name, label, target.name, float("nan"), "", ((label, float("nan")),))


def _explain(item: Item, errors: Mapping[int, ImageReadError]) -> str:
    """Say in one line which images of an item cannot be read; "" if all can."""
    if not errors:
        return ""
    if len(item.images) == 1:
        return errors[0].reason
    names = item.image_names or [describe(image) for image in item.images]
    named = name_first([f"{names[i]}: {error.reason}" for i, error in errors.items()])
    return f"{len(errors):,} of {len(item.images):,} images cannot be read: {named}"
