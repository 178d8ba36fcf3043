"""Find which score of which classifier inside a model answers a question, and which images it was fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..models.deciders import Decider


class Questions:
    """Find the classifier that answers a question.

    Parameters
    ----------
    found : sequence of Decider
    target_names : sequence of str
    is_tree : bool
        Whether the labels are those of one tree of classes, whatever the number of targets. Default: False.
    """

    def __init__(self, found: Sequence[Decider], target_names: Sequence[str], is_tree: bool = False) -> None:
        self._found, self._names = found, list(target_names)
        self._is_one = is_tree or len(found) < len(self._names)

    def find(self, target: str | None, label: Any) -> tuple[Decider, str]:
        """Return the classifier that decides on a target and knows a label, and the name of the target."""
        if target is not None and target not in self._names:
            known = ", ".join(map(repr, self._names))
            raise InputError(f"target: expected one of {known}, got {target!r}; choose one of them")
        name = self._names[0] if target is None else target
        found = self._found if self._is_one else [self._found[self._names.index(name)]]
        knowing = [each for each in found if label is None or label in list(each.classes)]
        if not knowing:
            known = ", ".join(repr(each) for each in list(found[-1].classes)[:5])
            raise InputError(f"label: expected a label of the model, such as {known}, got {label!r}; choose one")
        return knowing[-1], name

    def beside(self, decider: Decider, name: str) -> list[tuple[int, Decider]]:
        """Return, with the position of its target, each decider that shares its classifier with one of a target."""
        if self._is_one:
            return [(self._names.index(name), decider)]
        return [(target, each) for target, each in enumerate(self._found) if each.classifier is decider.classifier]


def find_used(decider: Decider, is_labeled: np.ndarray, target: int) -> np.ndarray:
    """Return the positions of the images that a classifier was fitted on.

    They are those with a label of its target, those with all labels, or all images. Their number says which.
    """
    n_fitted = len(decider.classifier.kept_)
    for used in (is_labeled[:, target], is_labeled.all(axis=1)):
        if used.sum() == n_fitted:
            return np.flatnonzero(used)
    return np.arange(len(is_labeled))


def find_score(decider: Decider, label: Any, scores: np.ndarray) -> int:
    """Return the position of the highest score that is about a label; without a label, about any of the target."""
    both = scores if len(scores) > 1 else np.array([-scores[0], scores[0]])  # of two classes there is one score
    code = None if label is None else [*decider.classes].index(label)
    about = np.flatnonzero(decider.positions >= 0 if code is None else decider.positions == code)
    if not len(about):
        raise InputError(
            f"label: expected a label of the images that the classifier was fitted on, got {label!r}, which none of "
            "them has; ask for another"
        )
    return int(about[both[about].argmax()])


def as_column(position: int, scores: np.ndarray) -> tuple[int, float]:
    """Return the column of a score, and its sign: of two classes there is one column, of the second."""
    return (position, 1.0) if len(scores) > 1 else (0, 1.0 if position else -1.0)
