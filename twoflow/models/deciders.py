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
        The label of each class of the target, as the whole model answers it.
    positions : ndarray of int
        Which class each score of the classifier is about, as a position in `classes`; -1 for a class of another target.
        Several scores may be about one class: those of the combinations with it.
    """

    path: tuple[Callable[[Any], Any], ...]
    classifier: Any
    classes: Sequence[Any] | np.ndarray
    positions: np.ndarray

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
    classes = getattr(head, "classes_", ())
    by_target = classes if isinstance(classes, list) else [classes]
    owners = np.repeat(np.arange(len(by_target)), [len(own) for own in by_target])
    numbers = np.concatenate([np.arange(len(own)) for own in by_target])
    return [Decider((), head, own, np.where(owners == i, numbers, -1)) for i, own in enumerate(by_target)]


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
    return _STRATEGIES[head.strategy](head)


def _of_separate(head: MultiTargetClassifier) -> list[Decider]:
    return [deciders(each)[0]._replace(classes=own) for each, own in zip(head.estimators_, head.classes_)]


def _of_shared(head: MultiTargetClassifier) -> list[Decider]:
    """Return the only classifier, whose classes are positions; it may not know all of them."""
    return [
        each._replace(classes=own, positions=np.append(np.asarray(each.classes).astype(int), -1)[each.positions])
        for each, own in zip(deciders(head.estimators_[0]), head.classes_)
    ]


def _of_joint(head: MultiTargetClassifier) -> list[Decider]:
    (inside,) = deciders(head.estimators_[0])
    return [
        inside._replace(classes=own, positions=column)
        for own, column in zip(head.classes_, np.asarray(head.combinations_).T)
    ]


def _of_chain(head: MultiTargetClassifier) -> list[Decider]:
    """Return the chain itself: what its classifiers take is no function of the features alone."""
    return [Decider((), head, own, np.arange(len(own))) for own in head.classes_]


#: How each strategy of several targets decides.
_STRATEGIES: dict[str, Callable[[MultiTargetClassifier], list[Decider]]] = {
    "separate": _of_separate,
    "shared": _of_shared,
    "joint": _of_joint,
    "chain": _of_chain,
}


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
