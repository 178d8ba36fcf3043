"""Make a classifier give rare classes more weight, or learn from a limited number of images of each class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import clone

from ..errors import InputError
from ..images.validation import is_missing
from .capped_classifier import CappedClassifier

#: "balanced" weighs each class by the inverse of its frequency; a mapping has the weight of each class.
ClassWeight = str | Mapping[Any, float] | None

_PARAMETER = "class_weight"
_NAMED = 3  # classes that an error names


def check_balance(class_weight: ClassWeight, max_per_class: int | None) -> None:
    """Raise ValueError if a class weight or a limit is wrong.

    Parameters
    ----------
    class_weight : {"balanced"}, mapping of class to positive number, or None
    max_per_class : int of at least 1, or None
    """
    if isinstance(class_weight, Mapping):
        for label, weight in class_weight.items():
            if not isinstance(weight, Real) or not np.isfinite(weight) or weight <= 0:
                raise InputError(f"class_weight: expected positive numbers, got {weight!r} for {label!r}; correct it")
    elif class_weight is not None and class_weight != "balanced":
        raise InputError(
            f"class_weight: expected 'balanced', a weight for each class, or None, got {class_weight!r}; correct it"
        )
    if max_per_class is not None and (not isinstance(max_per_class, Integral) or max_per_class < 1):
        raise InputError(
            f"max_per_class: expected an integer of at least 1, or None, got {max_per_class!r}; correct it"
        )


def takes_class_weight(classifier: Any) -> bool:
    """Return whether a classifier, or a part of it, has a parameter `class_weight`."""
    return any(_class_weights(classifier))


def balance(classifier: Any, class_weight: ClassWeight, max_per_class: int | None) -> Any:
    """Return a clone of a classifier with class weights and a limit on the rows of a class.

    Parameters
    ----------
    classifier : classifier
    class_weight : {"balanced"}, mapping of class to number, or None
        Given to every part of the classifier that has a parameter `class_weight`; `takes_class_weight` says whether
        there is one. None changes nothing.
    max_per_class : int or None
        The classifier is put into a `CappedClassifier` with this limit. None changes nothing.

    Raises
    ------
    ValueError
        If there is a class weight, and a part of the classifier already has one.
    """
    classifier = clone(classifier)
    if class_weight is not None:
        found = dict(_class_weights(classifier))
        given = [name for name, weight in found.items() if weight is not None]
        if given:
            raise InputError(
                f"class_weight: expected a head without class weights of its own, got {given[0]}={found[given[0]]!r}; "
                "leave out one of the two"
            )
        classifier.set_params(**{name: class_weight for name in found})
    return classifier if max_per_class is None else CappedClassifier(classifier, max_per_class)


def change_class_weights(estimator: Any, change: Callable[[Mapping[Any, float]], Any]) -> Any:
    """Return an estimator whose class weights that are given by a mapping are changed.

    Parameters
    ----------
    estimator : estimator
        It is not changed; a clone is returned if it has such weights.
    change : callable
        Takes the mapping, and returns what replaces it.

    Raises
    ------
    ValueError
        If `change` asks for a class that a mapping does not name.
    """
    try:
        changed = {name: change(each) for name, each in _class_weights(estimator) if isinstance(each, Mapping)}
    except KeyError as error:
        raise InputError(f"class_weight: expected a weight for each class, got none for {error}; add it") from error
    return clone(estimator).set_params(**changed) if changed else estimator


def complete_class_weights(estimator: Any, y: np.ndarray) -> Any:
    """Return an estimator whose class weights name every class: 1 for those that they do not name.

    scikit-learn refuses weights if some name no class in y and other classes have no weight. If every class is named, a
    classifier can also be fitted on rows that lack a class, as in a fold.

    Parameters
    ----------
    estimator : estimator
        It is not changed; a clone is returned if a weight is missing.
    y : ndarray of shape (n,) or (n, k)
        All labels. With several targets, one mapping has the classes of all of them.

    Raises
    ------
    ValueError
        If weights name a class that y does not have, and y has a class that they do not name.
    """
    completed = {}
    classes: list = []
    for name, weight in _class_weights(estimator):
        if not isinstance(weight, Mapping):
            continue
        classes = classes or _list_classes(y)
        missing = [label for label in classes if label not in weight]
        unknown = [label for label in weight if label not in classes]
        if missing and unknown:
            raise InputError(
                f"class_weight: expected classes such as {', '.join(map(repr, missing[:_NAMED]))}, got {unknown[0]!r}, "
                "which no image has; correct the name"
            )
        if missing:
            completed[name] = {**weight, **dict.fromkeys(missing, 1.0)}
    return clone(estimator).set_params(**completed) if completed else estimator


def _list_classes(y: np.ndarray) -> list:
    """List the classes of all targets, without missing labels."""
    targets = [
        [label for label in target if not is_missing(label)] for target in y.reshape(len(y), -1).T.tolist()
    ]
    return [label for target in targets for label in np.unique(target).tolist()]


def _class_weights(estimator: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name and the value of each parameter `class_weight` of an estimator and its parts."""
    if hasattr(estimator, "get_params"):
        for name, value in estimator.get_params().items():
            if name.split("__")[-1] == _PARAMETER:
                yield name, value
