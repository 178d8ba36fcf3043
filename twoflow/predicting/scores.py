"""Scores of the classes for many images, with an error for each image that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from .._jobs import one_blas_thread
from ..flows.engine.extraction import extract
from ..images.errors import ImageReadError
from ..images.reading import Source
from ..models.fitted_parts import fitted_parts
from ..models.model_file import TargetCard
from ..store import StoreLike
from .tree_answers import TreeAnswers

#: The head takes at most so many images at a time. Its sums are rounded in another way for another number, so the
#: number must not depend on the workers. It also bounds the memory that the head needs.
BLOCK = 128
_AT_A_TIME = 16_384  # images whose features are in memory


class Scores(NamedTuple):
    """The scores of n images.

    Attributes
    ----------
    by_target : tuple of ndarray of shape (n, n_classes) and dtype float64
        For each target, the probability of each class; of a model without probabilities, 1 for the class that it
        answers and 0 for the others. With a tree of classes, the columns of `TreeAnswers`. A row is NaN if its image
        cannot be read.
    errors : dict of int to ImageReadError
        The errors of the images that cannot be read, by position.
    """

    by_target: tuple[np.ndarray, ...]
    errors: dict[int, ImageReadError]


class Scorer:
    """A fitted model that gives scores for images, however it is made.

    The flows of a model compute features on several workers and report each unreadable image by its position; each
    image is read once. A model that cannot be taken apart (see `fitted_parts`) is given the images themselves. It stops
    at the first image that it cannot read, so the images are then halved until each unreadable one is alone.

    Parameters
    ----------
    model : estimator
        The fitted model of images.
    targets : sequence of TargetCard
    n_jobs : int or None
        How many images are read at the same time; has no effect on a model that cannot be taken apart.
    store : path, FeatureStore or None
        Keeps features on disk; see `Flow`.

    Attributes
    ----------
    has_probabilities : bool
        Whether the scores are probabilities.
    tree : TreeAnswers or None
        What turns the scores of a model with a tree of classes into answers; None for another model.
    """

    def __init__(self, model: Any, targets: Sequence[TargetCard], n_jobs: int | None, store: StoreLike) -> None:
        flow, self._head = fitted_parts(model)
        self._targets = targets
        # A copy, because the model belongs to the caller.
        self._flow = None if flow is None else copy(flow).set_params(
            n_jobs=n_jobs, store=store, verbose=False, on_error="nan"
        )
        self.has_probabilities = hasattr(self._head, "predict_proba")
        self.tree = None if targets[0].tree is None else TreeAnswers(self._head, targets[0])
        self._widths = [len(target.classes) for target in targets] if self.tree is None else [self.tree.n_columns]
        decide: dict[bool, Callable[[Any], list[np.ndarray]]] = {True: self._probabilities, False: self._votes}
        self._decide = decide[self.has_probabilities] if self.tree is None else self._of_tree

    def score(self, images: Sequence[Source], blocks: Sequence[range]) -> Scores:
        """Score images; any error but that of an unreadable image is raised.

        Parameters
        ----------
        images : sequence of n images
        blocks : sequence of range
            The positions that the head takes together, each range after the one before, up to n. A range longer than
            `BLOCK` is divided.
        """
        scores = Scores(tuple(np.full((len(images), width), np.nan) for width in self._widths), {})
        parts = [block[i:i + BLOCK] for block in blocks for i in range(0, len(block), BLOCK)]
        at_a_time = 1 if self._flow is None else _AT_A_TIME // BLOCK
        for start in range(0, len(parts), at_a_time):
            self._score_parts(images, parts[start:start + at_a_time], scores)
        return scores

    def _score_parts(self, images: Sequence[Source], parts: Sequence[range], scores: Scores) -> None:
        if self._flow is None:
            for part in parts:
                self._score_whole(images, part, scores)
            return
        first = parts[0].start
        extraction = extract(self._flow, images, range(first, parts[-1].stop))
        scores.errors.update(extraction.errors)
        with one_blas_thread():
            for part in parts:
                rows = [row for row in part if row not in scores.errors]
                if rows:
                    self._fill(scores, rows, extraction.features[np.array(rows) - first])

    def _score_whole(self, images: Sequence[Source], rows: range, scores: Scores) -> None:
        """Score images by a model that cannot be taken apart."""
        try:
            self._fill(scores, rows, [images[row] for row in rows])
        except ImageReadError as error:
            if len(rows) == 1:
                scores.errors[rows[0]] = error
                return
            middle = len(rows) // 2
            self._score_whole(images, rows[:middle], scores)
            self._score_whole(images, rows[middle:], scores)

    def _fill(self, scores: Scores, rows: Sequence[int], inputs: Any) -> None:
        for found, values in zip(scores.by_target, self._decide(inputs), strict=True):
            found[rows] = values

    def _probabilities(self, inputs: Any) -> list[np.ndarray]:
        found = self._head.predict_proba(inputs)
        return found if isinstance(found, list) else [found]  # a list for several targets, as in scikit-learn

    def _of_tree(self, inputs: Any) -> list[np.ndarray]:
        assert self.tree is not None
        return [self.tree.score(inputs)]

    def _votes(self, inputs: Any) -> list[np.ndarray]:
        answers = np.asarray(self._head.predict(inputs))
        columns = answers.reshape(len(answers), len(self._targets)).T
        return [_one_hot(column, target.classes) for column, target in zip(columns, self._targets)]


def _one_hot(labels: np.ndarray, classes: Sequence[Any]) -> np.ndarray:
    # By their text: scikit-learn puts the answers for all targets into one array, where numbers may become text.
    positions = {str(label): position for position, label in enumerate(classes)}
    return np.eye(len(classes))[[positions[str(label)] for label in labels.tolist()]]
