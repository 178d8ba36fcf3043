"""Explain the answer of a model for one image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from ..errors import InputError
from ..images import LoadedImage, check_images
from ..images.reading import Source
from .asked import AskedModel, Question
from .explanation import Explanation, Reason
from .occlusion import cover, occlude
from .shares import columns_by_flow, share_by_covering

METHODS = ("auto", "exact", "occlusion")
_LONGER_SIDE = 640  # pixels of the image in an explanation, of which parts are covered too


def explain(
    model: Any,
    image: Source,
    *,
    target: str | None = None,
    label: Any = None,
    training: Any = None,
    method: str = "auto",
    k: int = 5,
    budget: int = 150,
    random_state: int | np.random.RandomState | None = 0,
) -> Explanation:
    """Explain what the score of a class of one image comes from."""
    if method not in METHODS:
        raise InputError(f"method: expected one of {', '.join(map(repr, METHODS))}, got {method!r}; choose one of them")
    asked = AskedModel(model)
    loaded = LoadedImage(check_images([image])[0])
    pixels = _reduced(loaded)
    X = asked.inputs([image])
    questions = asked.ask(X, target, label)
    reasons = _by_occlusion(asked, X, pixels, questions, budget, check_random_state(random_state))
    return Explanation(loaded.name, pixels, tuple(reasons))


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
            shares = share_by_covering(
                columns, X[0], covered[0], lambda rows, asked_for=question: asked.score(rows, asked_for), rng
            )
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
