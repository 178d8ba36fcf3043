"""Count what predictions say, for one line at the end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from .._text import counted, listed
from .answers import Prediction


@dataclass
class Counts:
    """What some predictions say.

    Attributes
    ----------
    n_predictions : int
    n_images : int
        Images, with those that cannot be read.
    n_unreadable : int
    answered, fallback, unknown : dict of str to int
        By target: answers with a class, with a broader class, and without one.
    decisions : dict of str to int
        Predictions by the name of their decision.
    """

    n_predictions: int = 0
    n_images: int = 0
    n_unreadable: int = 0
    answered: dict[str, int] = field(default_factory=dict)
    fallback: dict[str, int] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)
    decisions: dict[str, int] = field(default_factory=dict)

    def add(self, predictions: Iterable[Prediction]) -> None:
        """Count predictions."""
        for prediction in predictions:
            self.n_predictions += 1
            self.n_images += prediction.n_images + prediction.n_unreadable
            self.n_unreadable += prediction.n_unreadable
            for answer in prediction.answers:
                counts = self.unknown if not answer.level else (
                    self.answered if answer.level == answer.target else self.fallback
                )
                counts[answer.target] = counts.get(answer.target, 0) + 1
            if prediction.decision is not None:
                name = prediction.decision.name
                self.decisions[name] = self.decisions.get(name, 0) + 1

    def to_dict(self) -> dict[str, Any]:
        """Convert for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the counts that `to_dict` converted."""
        return cls(**values)

    def describe(self, targets: Iterable[str], with_items: bool) -> str:
        """Write one line."""
        parts = [counted(self.n_images, "image") + (f" of {counted(self.n_predictions, 'item')}" if with_items else "")]
        parts.append(f"{self.n_unreadable:,} unreadable")
        targets = list(targets)
        for target in targets:
            said = [
                f"{counts[target]:,} {what}" for what, counts in (
                    ("answered", self.answered), ("with a broader class", self.fallback), ("unknown", self.unknown)
                ) if counts.get(target)
            ]
            if said:
                parts.append((f"{target}: " if len(targets) > 1 else "") + listed(said))
        if self.decisions:
            parts.append(listed(f"{count:,} {name}" for name, count in sorted(self.decisions.items())))
        return "; ".join(parts)
