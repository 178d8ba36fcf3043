"""Write predictions as lines of CSV or JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Protocol

from ..models.model_file import ModelCard
from ..report.csv_text import to_csv_line
from .answers import Answer, Prediction

_DIGITS = 6  # of a confidence


@dataclass(frozen=True)
class Columns:
    """What a file of predictions tells.

    Attributes
    ----------
    targets : tuple of str
        The names of the model's targets.
    top : int
        How many of the likeliest classes each answer names.
    with_decisions : bool
        Whether there are rules of moderation.
    with_items : bool
        Whether a prediction is for an item of several photos.
    levels : tuple of str
        The levels of the model's tree of classes, the broadest first; empty without a tree of several. Empty by
        default.
    """

    targets: tuple[str, ...]
    top: int
    with_decisions: bool
    with_items: bool
    levels: tuple[str, ...] = ()

    @classmethod
    def of(cls, card: ModelCard, top: int, with_decisions: bool, with_items: bool) -> Columns:
        """Return what is told of a model's predictions; there are no more likeliest classes than classes."""
        most = max(len(target.classes) for target in card.targets)
        tree, names = card.targets[0].tree, tuple(target.name for target in card.targets)
        levels = () if tree is None or len(tree.levels) == 1 else tuple(tree.levels)
        return cls(names, min(top, most), with_decisions, with_items, levels)

    @property
    def name(self) -> str:
        """What the name of a prediction is."""
        return "group" if self.with_items else "path"


class Format(Protocol):
    """A format of predictions: text that can be written line by line."""

    def head(self, columns: Columns) -> str:
        """Return the text before the first prediction."""

    def line(self, prediction: Prediction, columns: Columns) -> str:
        """Return the line of a prediction, with its end."""


class CsvFormat:
    """A table with a header, one line for each prediction.

    No cell is a formula for a spreadsheet; see `to_csv`. A cell is empty where there is nothing to say.
    """

    def head(self, columns: Columns) -> str:
        return to_csv_line(_header(columns))

    def line(self, prediction: Prediction, columns: Columns) -> str:
        return to_csv_line(_cells(prediction, columns))


class JsonFormat:
    """A JSON object on each line, with null where there is nothing to say.

    A part of a name that is not Unicode is escaped as JSON does, so that reading the line gives the same name.
    """

    def head(self, columns: Columns) -> str:
        return ""

    def line(self, prediction: Prediction, columns: Columns) -> str:
        document = {columns.name: prediction.name, **to_document(prediction)}
        if not columns.with_items:
            del document["n_images"]
        if not columns.with_decisions:
            del document["decision"]
        if not columns.levels:
            for answer in document["answers"]:
                del answer["path"]
        return json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"


#: The formats of predictions by the ending of a file's name.
FORMATS: dict[str, Format] = {"csv": CsvFormat(), "jsonl": JsonFormat()}


def to_document(prediction: Prediction) -> dict[str, Any]:
    """Convert a prediction for JSON, without its name. A confidence that is NaN becomes None."""
    return {
        "answers": [_answer(answer) for answer in prediction.answers],
        "decision": None if prediction.decision is None else prediction.decision._asdict(),
        "n_images": prediction.n_images,
        "error": prediction.error or None,
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "target": answer.target,
        "label": _plain(answer.label),
        "level": answer.level,
        "confidence": _rounded(answer.confidence),
        "reason": answer.reason,
        "path": [_plain(label) for label in answer.path],
        "top": [{"label": _plain(label), "confidence": _rounded(confidence)} for label, confidence in answer.top],
    }


def _header(columns: Columns) -> Iterator[str]:
    yield columns.name
    for target in columns.targets:
        yield from (f"{target}_{name}" for name in ("label", "confidence", "level", "reason"))
        yield from (f"{target}_path_{level}" for level in columns.levels)
        for rank in range(1, columns.top + 1):
            yield from (f"{target}_label_{rank}", f"{target}_confidence_{rank}")
    yield from ["decision", "rule"] if columns.with_decisions else []
    yield from ["n_images"] if columns.with_items else []
    yield "error"


def _cells(prediction: Prediction, columns: Columns) -> Iterator[Any]:
    yield prediction.name
    for _, answer in zip_longest(columns.targets, prediction.answers):
        if answer is None:
            yield from [None] * (4 + len(columns.levels) + 2 * columns.top)
            continue
        yield from (_plain(answer.label), _rounded(answer.confidence), answer.level, answer.reason)
        yield from (None if label is None else _plain(label) for _, label in zip_longest(columns.levels, answer.path))
        for _, (label, confidence) in zip_longest(range(columns.top), answer.top, fillvalue=(None, None)):
            yield from (_plain(label), _rounded(confidence))
    if columns.with_decisions:
        yield from prediction.decision or (None, None)
    if columns.with_items:
        yield prediction.n_images
    yield prediction.error or None


def _plain(label: Any) -> Any:
    """Convert a label to a value that JSON has."""
    label = label.item() if hasattr(label, "item") else label
    return str(label) if isinstance(label, float) and not math.isfinite(label) else label


def _rounded(confidence: float | None) -> float | None:
    return None if confidence is None or math.isnan(confidence) else round(float(confidence), _DIGITS)
