"""What is asked of a model: the parts of a fitted model, its targets, and the score of one class."""

from __future__ import annotations

from copy import copy
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from ..errors import InputError, InputTypeError
from ..models.fitted_parts import fitted_parts
from ..models.model_file import ModelFile
from ..models.target_names import find_target_names
from ..models.tree_names import find_hierarchy, name_node
from .linear import LinearScore, linearize
from .nodes import find_node


@singledispatch
def open_model(model: Any) -> tuple[Any, tuple[str, ...] | None]:
    """Return the fitted estimator, and the names of its targets if what holds the estimator knows them."""
    if not isinstance(model, BaseEstimator):
        raise InputTypeError(
            f"model: expected a fitted estimator of images or a ModelFile, got a {type(model).__name__}; open a file "
            "with open_model_file(path)"
        )
    return model, None


@open_model.register
def _(model: ModelFile) -> tuple[Any, tuple[str, ...] | None]:
    names = tuple(target.name for target in model.card.targets)
    return model.model, names if all(target.tree is None for target in model.card.targets) else None


class Question(NamedTuple):
    """Which class's score is asked for.

    Attributes
    ----------
    target : int
        The position of the target.
    name : str
        The name of the target.
    label : object
        The class.
    position : int
        The position of the class among those of the target.
    n_classes : int
    """

    target: int
    name: str
    label: Any
    position: int
    n_classes: int


class AskedModel:
    """A fitted model of images, taken apart to be asked for scores.

    Parameters
    ----------
    model : estimator or ModelFile

    Attributes
    ----------
    model : estimator
    flow : Flow or None
        A copy of the fitted flows, which keeps nothing in a store. None for a model that cannot be taken apart.
    head : estimator
        What decides on the features; without flows, on the images.
    target_names : tuple of str
    classes : list of ndarray of shape (n_classes,)
        The classes of each target.
    """

    def __init__(self, model: Any) -> None:
        self.model, names = open_model(model)
        check_is_fitted(self.model)
        flow, self.head = fitted_parts(self.model)
        self.flow = None if flow is None else copy(flow).set_params(store=None, verbose=False, on_error="raise")
        if flow is None and get_tags(self.model).input_tags.two_d_array:
            raise InputError(
                f"model: expected a model of images, got {type(self.model).__name__}, which takes features; put it "
                "behind flows with make_model(flows, head)"
            )
        classes = getattr(self.model, "classes_", None)
        if classes is None:
            raise InputError(f"model: expected a classifier, got {type(self.model).__name__}; explain a classifier")
        self.classes = [np.asarray(each) for each in classes] if _are_several(classes) else [np.asarray(classes)]
        self.target_names = tuple(names or find_target_names(self.head, len(self.classes)))

    def inputs(self, images: list[Any]) -> Any:
        """Return what the head takes for images: their features, or without flows the images themselves."""
        return images if self.flow is None else self.flow.transform(images)

    def ask(self, X: Any, target: str | None, label: Any) -> list[Question]:
        """Return what to explain for one image.

        Parameters
        ----------
        X
            The inputs of the image.
        target : str or None
            One of `target_names`; None for all targets.
        label : object or None
            A class of the target; None for the one that the model predicts.
        """
        if target is not None and target not in self.target_names:
            raise InputError(
                f"target: expected one of {', '.join(map(repr, self.target_names))}, got {target!r}; leave it out to "
                "explain all"
            )
        if label is not None and target is None and len(self.target_names) > 1:
            raise InputError(
                f"label: expected a target with it, because the model has {', '.join(self.target_names)}; pass target="
            )
        predicted = None if label is not None else self._predict(X)
        positions = [i for i, name in enumerate(self.target_names) if target in (None, name)]
        return [
            self.question(position, label if predicted is None else predicted[position]) for position in positions
        ]

    def question(self, target: int, label: Any) -> Question:
        """Return the question for a class, which the model must know."""
        name, classes = self.target_names[target], self.classes[target].tolist()
        if label not in classes:
            near = ", ".join(map(repr, classes[:5])) + (", ..." if len(classes) > 5 else "")
            raise InputError(f"label: expected a class of {name!r} ({near}), got {label!r}; choose one of them")
        return Question(target, name, label, classes.index(label), len(classes))

    def named(self, X: Any, question: Question) -> tuple[str | None, Any]:
        """Return the target and the label of a question as `Terms` name them: of a tree, the node that is scored.

        Parameters
        ----------
        X
            The inputs of one image.
        question : Question
        """
        hierarchy = find_hierarchy(self.head)
        if hierarchy is None:
            return question.name, question.label
        node = find_node(hierarchy, self.head.predict_node_proba(X)[0], question.target, question.label)
        return None, None if node is None else name_node(hierarchy.tree_, hierarchy.tree_.nodes[node])

    def linear(self, x: np.ndarray, question: Question) -> LinearScore | None:
        """Return the score of a class as a linear function of features; None if it is not linear."""
        return None if self.flow is None else linearize(self.head, x, question.target, question.label)

    def score(self, X: Any, question: Question) -> np.ndarray:
        """Return the score of a class for n inputs, of shape (n,) and dtype float64.

        It is the linear score if there is one, else the decision function, else the probability, else 1 where the
        class is predicted and 0 elsewhere.
        """
        if self.flow is not None and self.linear(X[0], question) is not None:
            return np.array([self._linear_at(x, question) for x in X])
        is_alone = len(self.classes) == 1
        if is_alone and hasattr(self.head, "decision_function"):
            scores = np.asarray(self.head.decision_function(X), dtype=np.float64)
            if scores.ndim == 1:
                return scores if question.position else -scores
            if scores.shape[1] == question.n_classes:
                return scores[:, question.position]
        if hasattr(self.head, "predict_proba"):
            return self._probabilities(X, question).astype(np.float64)
        predicted = np.asarray(self.head.predict(X)).reshape(len(X), -1)
        return (predicted[:, question.target] == question.label).astype(np.float64)

    def confidence(self, X: Any, question: Question) -> float:
        """Return the probability of a class for one input; NaN for a model without probabilities."""
        return float(self._probabilities(X, question)[0]) if hasattr(self.head, "predict_proba") else float("nan")

    def _linear_at(self, x: np.ndarray, question: Question) -> float:
        found = self.linear(x, question)
        assert found is not None
        return found.at(x)

    def _probabilities(self, X: Any, question: Question) -> np.ndarray:
        proba = self.head.predict_proba(X)
        proba = proba[question.target] if len(self.classes) > 1 else proba
        return np.asarray(proba)[:, question.position]

    def _predict(self, X: Any) -> list[Any]:
        """Return the predicted class of each target, before any fallback."""
        predict = getattr(self.head, "predict_full", None) or self.head.predict
        return np.asarray(predict(X)).reshape(-1).tolist()


def _are_several(classes: Any) -> bool:
    return isinstance(classes, (list, tuple)) and all(isinstance(each, np.ndarray) for each in classes)
