"""Explain the answer of a model for one image."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from numbers import Integral
from typing import Any, Literal

import numpy as np
from PIL import Image
from sklearn.utils import check_random_state

from ..errors import InputError, InputTypeError
from ..images import ImageCollection, LoadedImage, check_images
from ..images.reading import Source
from ..similarity import GalleryTerms, TrainingTerms, has_terms
from .asked import AskedModel, Question
from .explanation import Explanation, Reason
from .flow_columns import columns_by_flow
from .occlusion import cover, occlude
from .shares import share_by_covering
from .spreading import Spread, spread
from .tree_shap import shap_values

METHODS = ("auto", "exact", "occlusion", "shap")
_LEAST_BUDGET = 4  # windows of one cell
_LONGER_SIDE = 640  # pixels of the image in an explanation; its parts are what occlusion covers


def explain(
    model: Any,
    image: Source,
    *,
    target: str | None = None,
    label: Any = None,
    training: ImageCollection | TrainingTerms | GalleryTerms | None = None,
    method: str = "auto",
    k: int = 5,
    budget: int = 150,
    random_state: int | np.random.RandomState | None = 0,
) -> Explanation:
    """Explain what the score of a class of one image comes from.

    Parameters
    ----------
    model : estimator or ModelFile
        A fitted classifier of images, or what `open_model_file` returns.
    image : path, URL, bytes, ndarray or PIL.Image.Image
        One image.
    target : str, optional
        The name of the target to explain. By default all targets are explained, one reason for each.
    label : object, optional
        The class whose score is explained. With several targets it needs `target`. By default the class that the model
        predicts, before any fallback.
    training : ImageCollection, TrainingTerms or GalleryTerms, optional
        The images that the model was fitted on. Those that spoke most for and against the label become `neighbors`. The
        score must be a sum over training images, as that of kernel ridge is. To explain several images, prepare
        ``twoflow.similarity.TrainingTerms(model, training)`` once. By default they come from the gallery of a model
        file, if it has one and the score is such a sum; else there are no `neighbors`.
    method : {"auto", "exact", "occlusion", "shap"}, default="auto"
        "exact" spreads the score over the image; it needs a head whose score is linear in the features, such as kernel
        ridge, logistic regression and LDA. "occlusion" covers parts of the image one after the other, and works for
        every classifier. "shap" splits the probability of a forest or tree into the SHAP values of its features, which
        are spread over the image where all features of a flow are zero or more; it needs the extra ``twoflow[shap]``,
        and selectors that only leave features out. "auto" is "exact" if the score is linear and at least one flow knows
        the places of its features, else "occlusion".
    k : int, default=5
        How many images `neighbors` names, for the label and against it.
    budget : int, default=150
        How many covered images "occlusion" scores at most. More give a finer map, and take longer.
    random_state : int, RandomState or None, default=0
        Draws the orders in which "occlusion" lets more than three flows see the image. None draws others each time.

    Returns
    -------
    Explanation

    Raises
    ------
    ImageReadError
        If the image cannot be read.
    NotFittedError
        If the model is not fitted.
    ValueError
        If the model takes features or knows no such target or class, ``method="exact"`` and the score is not linear, or
        ``method="shap"`` and the head has no trees.
    MissingExtraError
        If ``method="shap"`` and the package shap is not installed.

    Notes
    -----
    The score of a linear classifier and of kernel ridge is the value of its `decision_function` for the class; of two
    classes, the first has the opposite sign of the second. For a pool of opinions, as in the heads "logistic", "lda"
    and "stack", it is the weighted sum of the logarithms of the class's probabilities; their normalization is held
    fixed and counted in the constant. For `CalibratedClassifierCV` it is the mean score of the classifiers inside. For
    `HierarchicalClassifier` it is the score by the classifier that decides on the class or, with the strategy
    "leaves", on the likeliest leaf below it. For any other classifier it is the decision function of the class, if
    there is one for each class, else the probability.

    "exact" holds fixed what is not linear: the norm of a row, the square root of a bin, and in covariance features the
    decomposition and the norm. It then is the class activation map of Zhou, Khosla, Lapedriza, Oliva & Torralba (CVPR
    2016, https://doi.org/10.1109/CVPR.2016.319) for pooled features. For covariance features with C = sum of x xᵀ over
    positions, the score <W, C^1/2> is the sum of xᵀ C^-1/4 W C^-1/4 x. A position of a network's map stands for its
    tile of the image, though the network sees more than this tile.

    Examples
    --------
    >>> from twoflow import explain, make_model, make_shop
    >>> shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    >>> reason, = explain(make_model("fast").fit(shop), shop.images[0]).reasons
    >>> reason.label, reason.method, reason.map.shape
    ('tee/01', 'exact', (64, 64))
    >>> bool(abs(reason.constant + reason.map.sum() + sum(reason.unlocated.values()) - reason.score) < 1e-4)
    True
    """
    _check(image, method, {"k": (k, 1), "budget": (budget, _LEAST_BUDGET)})
    asked = AskedModel(model)
    loaded = LoadedImage(check_images([image])[0])
    pixels = _reduced(loaded)
    X = asked.inputs([image])
    questions = asked.ask(X, target, label)
    reasons = None
    if method == "shap":
        reasons = _by_shap(asked, X, loaded, questions)
    elif method != "occlusion":
        reasons = _exactly(asked, X, loaded, questions, method)
    if reasons is None:
        reasons = _by_occlusion(asked, X, pixels, questions, budget, check_random_state(random_state))
    thumbnails = {}
    terms = _find_terms(model, asked.model, training)
    if terms is not None:
        neighbors = [terms.of_features(X, *asked.named(X, question), k) for question in questions]
        reasons = [replace(reason, neighbors=found) for reason, found in zip(reasons, neighbors)]
        near = {position for found in neighbors for position in found.positions.tolist()}
        thumbnails = {position: terms.thumbnail(position) for position in sorted(near)}
    return Explanation(loaded.name, pixels, tuple(reasons), thumbnails)


def _find_terms(
    model: Any, fitted: Any, training: Any
) -> TrainingTerms | GalleryTerms | None:
    """Return what finds the training images for and against a label; None without training images."""
    if training is not None:
        return training if hasattr(training, "of_features") else TrainingTerms(fitted, training)
    has_gallery = getattr(model, "gallery", None) is not None and has_terms(fitted)
    return GalleryTerms(model) if has_gallery else None


def _check(image: Any, method: str, numbers: Mapping[str, tuple[Any, int]]) -> None:
    if method not in METHODS:
        raise InputError(f"method: expected one of {', '.join(map(repr, METHODS))}, got {method!r}; choose one of them")
    for name, (value, least) in numbers.items():
        if not isinstance(value, Integral) or value < least:
            raise InputError(f"{name}: expected an integer of at least {least}, got {value!r}; give more")
    kinds = (str, bytes, os.PathLike, np.ndarray, Image.Image)
    if not isinstance(image, kinds) or isinstance(image, np.ndarray) and image.ndim not in (2, 3):
        shape = f" of shape {image.shape}" if isinstance(image, np.ndarray) else ""
        raise InputTypeError(f"image: expected one image, got a {type(image).__name__}{shape}; explain one at a time")


def _exactly(
    asked: AskedModel, X: Any, image: LoadedImage, questions: list[Question], method: str
) -> list[Reason] | None:
    """Return exact reasons; None if the score is not linear, or with "auto" if nothing can be located."""
    scores = [asked.linear(X[0], question) for question in questions]
    known = [score for score in scores if score is not None]
    if len(known) < len(scores):
        if method == "exact":
            raise InputError(
                f"method: expected a head whose score is linear in the features, got {type(asked.head).__name__}; use "
                '"occlusion"'
            )
        return None
    weights = np.array([score.weights for score in known])
    constants = [score.constant for score in known]
    spreads = spread(asked.flow, image, X[0], weights, weights * X[0].astype(np.float64), constants)
    if method == "auto" and any(each.map is None for each in spreads):
        return None
    return _reasons(asked, X, questions, constants, spreads, "exact")


def _by_shap(asked: AskedModel, X: Any, image: LoadedImage, questions: list[Question]) -> list[Reason]:
    """Return reasons by the SHAP values of the features.

    A flow whose features are all zero or more, as shares, pixels and means after a ReLU are, is a sum of what its
    places add. The value of a feature is spread over them in proportion. Other features, which are differences, and
    those that are zero, have no place.
    """
    flow, head = asked.flow, asked.head
    parts = [] if flow is None else [shap_values(head, X[0], each.target, each.label) for each in questions]
    known = [each for each in parts if each is not None]
    if flow is None or len(known) < len(questions):
        raise InputError(
            f'method: expected a head made of trees for "shap", got {type(asked.head).__name__}; use "auto"'
        )
    values = np.array([each.values for each in known])
    x = X[0].astype(np.float64)
    has_places = np.zeros(len(x), dtype=bool)
    for place in columns_by_flow(flow).values():
        has_places[place] = (x[place] > 0) & (x[place] >= 0).all()
    weights = np.divide(values, x, out=np.zeros_like(values), where=has_places)
    constants = [each.constant for each in known]
    return _reasons(asked, X, questions, constants, spread(flow, image, x, weights, values, constants), "shap")


def _reasons(
    asked: AskedModel, X: Any, questions: list[Question], constants: list[float], spreads: list[Spread],
    method: Literal["exact", "shap"],
) -> list[Reason]:
    return [
        Reason(
            question.name, question.label, constant + sum(each.shares.values()), constant, each.map, each.unlocated,
            each.shares, method, asked.confidence(X, question),
        )
        for question, constant, each in zip(questions, constants, spreads)
    ]


def _by_occlusion(
    asked: AskedModel, X: Any, pixels: np.ndarray, questions: list[Question], budget: int, rng: np.random.RandomState
) -> list[Reason]:
    def score(images: list[np.ndarray]) -> np.ndarray:
        inputs = asked.inputs(images)
        return np.array([asked.score(inputs, question) for question in questions])

    maps = occlude(pixels, budget, score)
    covered = asked.inputs([cover(pixels)])
    reasons = []
    for question, map_ in zip(questions, maps):
        columns = {} if asked.flow is None else columns_by_flow(asked.flow)
        whole, nothing = (float(asked.score(each, question)[0]) for each in (X, covered))
        shares: Mapping[str, float] = {type(asked.model).__name__: whole - nothing}
        if columns:
            shares = share_by_covering(columns, X[0], covered[0], partial(asked.score, question=question), rng)
        reasons.append(Reason(
            question.name, question.label, whole, nothing, map_, {}, shares, "occlusion", asked.confidence(X, question),
        ))
    return reasons


def _reduced(image: LoadedImage) -> np.ndarray:
    """Return the upright pixels, of shape (height, width, 3), with at most 640 on the longer side."""
    whole = image.rgb
    if max(whole.size) > _LONGER_SIDE:
        whole = whole.copy()
        whole.thumbnail((_LONGER_SIDE, _LONGER_SIDE), reducing_gap=2)
    return np.asarray(whole)
