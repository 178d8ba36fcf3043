"""Find the classifiers that decide on features inside a fitted head, and what the features pass through before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection._search import BaseSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import Pipeline

from ..heads.hierarchy import HierarchicalClassifier
from ..heads.multi_target import MultiTargetClassifier
from .choosing_classifier import ChoosingClassifier
from .selecting_classifier import SelectingClassifier, to_dense
from .tree_names import name_node


class Decider(NamedTuple):
    """A classifier inside a fitted head.

    Attributes
    ----------
    path : tuple of callable
        What the features of the flows pass through, one after the other, before the classifier takes them.
    classifier : estimator
        The fitted classifier.
    classes : sequence or ndarray
        The label of each of its classes, as the whole model answers it.
    """

    path: tuple[Callable[[Any], Any], ...]
    classifier: Any
    classes: Sequence[Any] | np.ndarray

    def select(self, features: Any) -> np.ndarray:
        """Return what the classifier takes, of shape (n, n_selected), from the features of the flows."""
        for step in self.path:
            features = step(features)
        return to_dense(features)


@singledispatch
def deciders(head: Any) -> list[Decider]:
    """Return the classifiers that decide inside a fitted head.

    Register a function for a class of your own that has selectors, or several classifiers, inside.

    Parameters
    ----------
    head : estimator
        The fitted rest of a model, behind its flows; see `fitted_parts`.

    Returns
    -------
    list of Decider
        One for each target. For an estimator that is not known to have others inside, itself.
    """
    return [Decider((), head, getattr(head, "classes_", ()))]


@deciders.register
def _(head: SelectingClassifier) -> list[Decider]:
    return _behind((head.select,), head.head_)


@deciders.register
def _(head: ChoosingClassifier) -> list[Decider]:
    return deciders(head.best_)


@deciders.register
def _(head: Pipeline) -> list[Decider]:
    return _behind(tuple(step.transform for _, step in head.steps[:-1] if step != "passthrough"), head.steps[-1][1])


@deciders.register
def _(head: FrozenEstimator) -> list[Decider]:
    return deciders(head.estimator)


@deciders.register
def _(head: BaseSearchCV) -> list[Decider]:
    return deciders(head.best_estimator_)


@deciders.register
def _(head: MultiOutputClassifier) -> list[Decider]:
    return [decider for each in head.estimators_ for decider in deciders(each)]


@deciders.register
def _(head: MultiTargetClassifier) -> list[Decider]:
    """Return the classifier of each target; of those that do not decide on one target alone, what they take."""
    inside = [deciders(each)[0] for each in head.estimators_]
    if head.strategy == "separate":
        return [each._replace(classes=classes) for each, classes in zip(inside, head.classes_)]
    path = inside[0].path if len(inside) == 1 else ()
    return [Decider(path, head, classes) for classes in head.classes_]


@deciders.register
def _(head: HierarchicalClassifier) -> list[Decider]:
    """Return the classifiers of all tasks; their labels are the names of nodes of the tree."""
    tree = head.tree_
    return [
        each._replace(classes=[name_node(tree, tree.nodes[node]) for node in each.classes])
        for local in head.estimators_ if local.classifier is not None for each in deciders(local.classifier)
    ]


def _behind(path: tuple[Callable[[Any], Any], ...], head: Any) -> list[Decider]:
    return [each._replace(path=(*path, *each.path)) for each in deciders(head)]


def decided_features(head: Any, features: Any) -> np.ndarray:
    """Return what the classifiers inside a fitted head take, side by side, of shape (n, n_selected).

    What several classifiers take is there once.
    """
    distinct: list[Decider] = []
    for decider in deciders(head):
        if all(decider.path != other.path for other in distinct):
            distinct.append(decider)
    tables = [decider.select(features) for decider in distinct]
    return tables[0] if len(tables) == 1 else np.hstack(tables)
