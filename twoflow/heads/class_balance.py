"""Make a classifier give rare classes more weight, or learn from a limited number of images of each class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import compute_class_weight

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
        there is one. A label such as "0" is also given as the number 0; see `also_as_numbers`. None changes nothing.
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
        weights = also_as_numbers(class_weight) if isinstance(class_weight, Mapping) else class_weight
        classifier.set_params(**{name: weights for name in found})
    return classifier if max_per_class is None else CappedClassifier(classifier, max_per_class)


def also_as_numbers(class_weight: Mapping[Any, float]) -> dict[Any, float]:
    """Return class weights that scikit-learn's classifiers find also for labels such as "0".

    They look up the text "0" as the number 0, so the weight is there under both. Other labels stay as they are.

    Raises
    ------
    ValueError
        If labels with different weights, such as "1" and "01", are the same number.
    """
    numbers: dict[Any, float] = {}
    for label, weight in class_weight.items():
        if isinstance(label, str) and _as_number(label) is not None:
            number = _as_number(label)
            if numbers.setdefault(number, class_weight.get(number, weight)) != weight:
                raise InputError(
                    f"class_weight: expected the same weight for all labels that read as the number {number}, got "
                    f"{weight:g} for {label!r}, and {numbers[number]:g}; rename the labels"
                )
    return {**class_weight, **numbers}


def _as_number(label: Any) -> int | None:
    """Return a label as scikit-learn looks it up: text that is a whole number as this number; None for other text."""
    try:
        return int(label)
    except ValueError:
        return None


def weigh_classes(class_weight: ClassWeight, classes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the weight of each class, of shape (n_classes,), as scikit-learn does, but look labels up as they are.

    Parameters
    ----------
    class_weight : {"balanced"}, mapping of class to number, or None
        A class that a mapping does not name has the weight 1.
    classes : ndarray of shape (n_classes,)
    y : ndarray of shape (n,)
        The labels that say how frequent a class is.

    Raises
    ------
    ValueError
        If a mapping names a class that is not in `classes`, and lacks one that is.
    """
    if not isinstance(class_weight, Mapping):
        return compute_class_weight(class_weight, classes=classes, y=y)
    labels = classes.tolist()
    _refuse_unknown(class_weight, labels)
    return np.array([class_weight.get(label, 1.0) for label in labels], dtype=np.float64)


def _refuse_unknown(class_weight: Mapping[Any, float], classes: Sequence[Any]) -> list[Any]:
    """Return the classes without a weight; ValueError if there are some, and weights of no class."""
    missing = [label for label in classes if label not in class_weight]
    read = {*classes, *(_as_number(label) for label in classes if isinstance(label, str))}
    unknown = [label for label in class_weight if label not in read]
    if missing and unknown:
        raise InputError(
            f"class_weight: expected classes such as {', '.join(map(repr, missing[:_NAMED]))}, got {unknown[0]!r}, "
            "which no image has; correct the name"
        )
    return missing


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
        missing = _refuse_unknown(weight, classes)
        if missing:
            completed[name] = also_as_numbers({**weight, **dict.fromkeys(missing, 1.0)})
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
