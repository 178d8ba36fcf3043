"""Predictions with their reasons, for any number of images."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ..images.errors import ImageReadError
from ..images.reading import Source
from .answers import Answer, Prediction
from .predictor import Item, Predictor

if TYPE_CHECKING:
    from ..explaining import Explanation
    from ..report.explanations import ExplanationFiles


class ExplainingPredictor:
    """Predict as another predictor does, and write the reasons for each answer to files.

    Parameters
    ----------
    predictor : Predictor
        It gets items of one image each.
    explain : callable
        Returns the `Explanation` of an image.
    files : ExplanationFiles
    """

    def __init__(
        self, predictor: Predictor, explain: Callable[[Source], Explanation], files: ExplanationFiles
    ) -> None:
        self._predictor, self._explain, self._files = predictor, explain, files

    def stream(self, items: Iterable[Item]) -> Iterator[list[Prediction]]:
        """Yield the predictions of `Predictor.stream`, one at a time, after their reasons are written."""
        taken: deque[Item] = deque()  # what the predictor has taken and not yet answered; some hundreds
        for predictions in self._predictor.stream(_noted(items, taken)):
            for prediction in predictions:
                self._write(taken.popleft(), prediction)
                yield [prediction]

    def _write(self, item: Item, prediction: Prediction) -> None:
        if not prediction.answers:
            self._files.add_unreadable(prediction.name, prediction.error)
            return
        try:
            found = self._explain(item.images[0])
        except ImageReadError as error:  # it was read a moment ago
            self._files.add_unreadable(prediction.name, error.reason)
            return
        answers = {answer.target: answer for answer in prediction.answers}
        # With a tree of classes, all levels have reasons, and one answer.
        notes = [
            note_on_answer(answers.get(reason.target, prediction.answers[-1]), reason.target)
            for reason in found.reasons
        ]
        self._files.add(replace(found, image_name=prediction.name), notes)


def note_on_answer(answer: Answer, target: str) -> str:
    """Say that the reasons are those of another class than the answer; "" if the answer has a class of the target.

    One rule holds for every model: the likeliest class is explained, even if the answer is a broader class or unknown.

    Parameters
    ----------
    answer : Answer
    target : str
        The target of the reasons; with a tree of classes, the level.
    """
    if answer.level in (answer.target, target):
        return ""
    return f"The answer is {answer.label}: {answer.reason}. The reasons are those of the likeliest class."


def _noted(items: Iterable[Item], taken: deque[Item]) -> Iterator[Item]:
    for item in items:
        taken.append(item)
        yield item
