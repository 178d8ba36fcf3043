"""Find the training images that speak for a label, and those that speak against it."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError, InputTypeError
from ..flows.contract import FlowContract
from ..images import ImageCollection
from ..images.naming import name_images
from ..images.reading import Source
from ..images.targets import has_label, split_targets
from ..images.thumbnails import jpeg_thumbnail
from ..models.deciders import Decider, deciders
from ..models.fitted_parts import fitted_parts
from ..models.model_file import ModelFile
from ..models.model_file.gallery import Gallery
from ..models.search_space import N_FEATURES, to_vectors
from ..models.tree_names import find_hierarchy
from ..store import StoreLike
from .questions import Questions, as_column, find_score, find_used


@dataclass(frozen=True)
class Terms:
    """What single training images add to the score of a label.

    The images that speak most for the label come first, then those that speak most against it.

    Attributes
    ----------
    names : list of n str
        The names of the images.
    positions : ndarray of int and shape (n,)
        Their positions in the training collection, or in the gallery of the model file.
    labels : list of n
        The label of each image, for the target that is explained.
    terms : ndarray of shape (n,) and dtype float64
        What each image adds to the score: above 0 for, below 0 against. The largest come first, and the most negative
        last.
    similarities : ndarray of shape (n,) and dtype float64
        The cosine of each image and the one that is explained, from -1 to 1.
    rest : float
        The sum of the terms of all other training images. If `is_exact` is False, also what the others are off by.
    constant : float
        The score of the mean training image.
    is_exact : bool
        Whether the terms are computed from the features of the training images. If False they are computed from short
        vectors, and each is off by some percent. In both cases terms, rest and constant sum to the score.
    """

    names: list[str]
    positions: np.ndarray
    labels: list[Any]
    terms: np.ndarray
    similarities: np.ndarray
    rest: float
    constant: float
    is_exact: bool

    @property
    def score(self) -> float:
        """The score of the label: the sum of all terms, the rest and the constant."""
        return float(self.terms.sum()) + self.rest + self.constant


class TrainingTerms:
    """Split scores of a fitted model into the terms of its training images.

    It needs a classifier that is a sum over training rows, as `KernelRidgeClassifier` is: it has the method
    `row_terms`. Of a joint classifier of several targets, the likeliest combination with the label is explained. A
    chain is no such sum. The features of the training images are computed again, or taken from the store, and are kept.

    Parameters
    ----------
    model : estimator
        A fitted classifier of images, made of flows. It is not changed.
    training : ImageCollection
        What the model was fitted on, in the same order.
    store : path or FeatureStore, optional
        Where features are kept. By default the store of the model, if it has one.

    Raises
    ------
    ValueError
        If the model has no such classifier.

    Examples
    --------
    >>> from twoflow import make_model, make_shop
    >>> from twoflow.similarity import TrainingTerms
    >>> shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    >>> model = make_model("fast").fit(shop)
    >>> found = TrainingTerms(model, shop).of(shop[0], label="tee/01", k=2)
    >>> found.labels[0], found.is_exact
    ('tee/01', True)
    >>> bool(abs(found.score - model.decision_function(shop[:1])[0, 0]) < 1e-6)
    True
    """

    def __init__(self, model: Any, training: ImageCollection, *, store: StoreLike = None) -> None:
        if not isinstance(training, ImageCollection):
            raise InputTypeError(
                f"training: expected an ImageCollection, with labels, got {type(training).__name__}; pass the "
                "collection that the model was fitted on"
            )
        flow, head = check_terms(model)
        self._flow: Any = flow if store is None else copy(flow).set_params(store=store)
        self._is_tree = find_hierarchy(head) is not None
        self._questions = Questions(deciders(head), training.target_names, self._is_tree)
        self._training = training
        self._names = name_images(training.images)
        features = self._flow.transform(training.images)
        self._rows = {each.path: each.select(features) for each in deciders(head)}

    def thumbnail(self, position: int) -> bytes | None:
        """Return a small JPEG of the training image at a position; None if it cannot be read."""
        return jpeg_thumbnail(self._training[position])

    def of(self, image: Source, target: str | None = None, label: Any = None, k: int = 5) -> Terms:
        """Return the terms of the score of a label for one image.

        Parameters
        ----------
        image : path, URL, array, PIL image or bytes
        target : str, optional
            The target of the label. By default the first. A tree of classes needs none.
        label : object, optional
            By default the label with the highest score. With a tree of classes, the path of a leaf, such as
            "shoes/boot".
        k : int, default=5
            How many images for, and how many against the label; fewer if fewer are.

        Returns
        -------
        Terms

        Raises
        ------
        ValueError
            If there is no such target or label, or these are not the training images.
        ImageReadError
            If the image cannot be read.
        """
        return self.of_features(self._flow.transform([image]), target, label, k)

    def of_features(self, features: np.ndarray, target: str | None = None, label: Any = None, k: int = 5) -> Terms:
        """Return the same for the features that the model's flows give for an image, of shape (1, n_features)."""
        decider, name = self._questions.find(target, label)
        x = decider.select(features)[0]
        if self._is_tree:
            labels = self._training.finest_labels
            used = find_used(decider, np.isin(labels, decider.classes)[:, None], 0)
        else:
            labels = self._training.target(name)
            is_labeled = np.column_stack([has_label(each) for each in split_targets(self._training.labels)])
            used = find_used(decider, is_labeled, self._training.target_names.index(name))
        rows = self._rows[decider.path][used]
        found = decider.classifier.row_terms(rows, x)
        scores = found.terms.sum(axis=0) + found.constant
        column, sign = as_column(find_score(decider, label, scores), scores)
        terms, kept = sign * found.terms[:, column], np.flatnonzero(decider.classifier.kept_)
        chosen = choose_terms(terms, k)
        mean, places = rows[kept].mean(axis=0, dtype=np.float64), used[kept[chosen]]
        return Terms(
            [self._names[place] for place in places], places, labels[places].tolist(), terms[chosen],
            cosines(rows[kept[chosen]] - mean, x - mean), float(np.delete(terms, chosen).sum()),
            sign * float(found.constant[column]), is_exact=True,
        )


class GalleryTerms:
    """Split scores of the model of a model file into the terms of its training images, nearly.

    The terms are computed from the short vectors in the file. `TrainingTerms` computes them exactly, but needs the
    training images.

    Parameters
    ----------
    model_file : ModelFile
        It has a gallery.

    Raises
    ------
    ValueError
        If the file has no gallery, or its model is no sum over training rows.
    """

    def __init__(self, model_file: ModelFile) -> None:
        flow, self._head = check_terms(model_file.model)
        self._flow: Any = flow
        self._gallery, self._targets = check_gallery(model_file), model_file.card.targets
        self._questions = Questions(
            deciders(self._head), [target.name for target in self._targets], find_hierarchy(self._head) is not None
        )

    def thumbnail(self, position: int) -> bytes | None:
        """Return a small JPEG of the training image at a position; None if it could not be read."""
        return self._gallery.thumbnail(position)

    def of(self, image: Source, target: str | None = None, label: Any = None, k: int = 5) -> Terms:
        """Return the terms of the score of a label for one image; see `TrainingTerms.of`."""
        return self.of_features(self._flow.transform([image]), target, label, k)

    def of_features(self, features: np.ndarray, target: str | None = None, label: Any = None, k: int = 5) -> Terms:
        """Return the same for the features that the model's flows give for an image, of shape (1, n_features)."""
        decider, name = self._questions.find(target, label)
        own, classifier = decider.select(features)[0].astype(np.float64), decider.classifier
        scores = classifier.coef_ @ own + classifier.intercept_
        position = find_score(decider, label, scores)
        column, sign = as_column(position, scores)
        number = [each.name for each in self._targets].index(name)
        codes = self._gallery.labels[:, number]
        x, norm = to_vectors(self._head, features)
        gallery = self._gallery
        used = find_used(decider, gallery.labels >= 0, number)[decider.classifier.kept_]
        rows = _features_of(gallery.vectors[used], gallery.norms[used])
        mean = rows.mean(axis=0)
        away = _features_of(x, norm)[0] - mean
        terms = sign * decider.classifier.dual_coef_[:, column] * ((rows - mean) @ away)
        chosen = choose_terms(terms, k)
        constant = self._share(decider, name, position, used)
        if len(scores) == 1:
            constant -= self._share(decider, name, 1 - position, used)
        classes = self._targets[number].classes
        score, places = sign * float(scores[column]), used[chosen]
        return Terms(
            [gallery.names[place] for place in places], places,
            [classes[codes[place]] for place in places], terms[chosen],
            cosines(rows[chosen] - mean, away), score - constant - float(terms[chosen].sum()), constant,
            is_exact=False,
        )

    def _share(self, decider: Decider, name: str, position: int, used: np.ndarray) -> float:
        """Return the share of images with the classes that a score is about: its value at the mean image."""
        is_right = np.ones(len(used), dtype=bool)
        for target, each in self._questions.beside(decider, name):
            if each.positions[position] >= 0:
                label = each.classes[each.positions[position]]
                code = list(self._targets[target].classes).index(label)
                is_right &= self._gallery.labels[used, target] == code
        return float(is_right.mean())


def _features_of(vectors: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """Return the short features of images, with their norms, in float64."""
    rows = vectors[:, :N_FEATURES].astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    return rows * np.divide(norms, lengths, out=np.zeros_like(lengths), where=lengths > 0)[:, None]


def check_gallery(model_file: ModelFile) -> Gallery:
    """Return the gallery of a model file; ValueError if it has none."""
    if model_file.gallery is None:
        raise InputError(
            "expected a model file with a gallery of its training images, got one without; train it again without "
            "--no-examples, or save it with gallery=True"
        )
    return model_file.gallery


def has_terms(model: Any) -> bool:
    """Return whether the scores of a fitted model are sums over its training images.

    Of the hierarchies, only those with the strategy "leaves" have one such classifier for all labels.
    """
    flow, head = fitted_parts(model)
    hierarchy = find_hierarchy(head)
    if flow is None or hierarchy is not None and hierarchy.strategy != "leaves":
        return False
    return all(hasattr(each.classifier, "row_terms") for each in deciders(head))


def check_terms(model: Any) -> tuple[FlowContract, Any]:
    """Return the flows and head of a fitted model; ValueError if its scores are not sums over its training images."""
    flow, head = fitted_parts(model)
    if flow is None or not has_terms(model):
        hierarchy = find_hierarchy(head)
        if hierarchy is not None and hierarchy.strategy != "leaves":
            raise InputError(
                f'strategy: expected "leaves" to find the training images of a score, got {hierarchy.strategy!r}; fit '
                "the hierarchy with it, or use SimilarImages"
            )
        kinds = ", ".join(sorted({_describe(each.classifier) for each in deciders(head)}))
        raise InputError(
            f"expected a model whose score is a sum over its training images, such as kernel ridge, got {kinds}; "
            "SimilarImages finds the nearest images of any model"
        )
    return flow, head


def _describe(classifier: Any) -> str:
    strategy = getattr(classifier, "strategy", None)
    return type(classifier).__name__ + ("" if strategy is None else f" with strategy={strategy!r}")


def choose_terms(terms: np.ndarray, k: int) -> np.ndarray:
    """Return the positions of the k largest terms above 0, then of the k smallest below 0, sorted by their terms."""
    order = np.argsort(-terms, kind="stable")
    return np.concatenate([order[terms[order] > 0][:k], order[terms[order] < 0][-k:]])


def cosines(rows: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the cosine of each row and a vector; 0 for a row of zeros."""
    norms = np.linalg.norm(rows, axis=1) * np.linalg.norm(x)
    return np.divide(rows @ x, norms, out=np.zeros(len(rows)), where=norms > 0)
