"""Turn images into short vectors, whose dot products say how similar a fitted model finds the images."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from .._jobs import one_blas_thread
from ..errors import InputError
from ..flows.engine.extraction import extract
from ..images import ImageReadError
from ..images.reading import Source
from .deciders import decided_features
from .fitted_parts import fitted_parts

#: The first part of a vector is about the features, the second about the classes. Both are multiples of `_SPREAD`.
N_FEATURES, N_OPINIONS = 384, 128
N_COMPONENTS = N_FEATURES + N_OPINIONS
#: To how many components each feature is added.
_SPREAD = 8
_FLOOR = 1e-12  # of probabilities, so that their logarithms are finite
#: How much opinions count beside features, chosen on sneakers. With more, photos of the same item are found less often.
_WEIGHT = 0.5
_BLOCK = 128  # images that the head takes at a time
_AT_A_TIME = 2048  # images whose features are in memory


class Found(NamedTuple):
    """The vectors of n images.

    Attributes
    ----------
    vectors : ndarray of shape (n, N_COMPONENTS) and dtype float32
        Rows of unit norm. The dot product of two is two thirds of the cosine of the features that the head decides on,
        and one third of that of the head's opinions. A row of NaN for an image that cannot be read.
    norms : ndarray of shape (n,) and dtype float32
        The norms of the features.
    answers : list of ndarray of shape (n,)
        What the model answers for each target, as objects; None for an image that cannot be read. Empty if not asked.
    errors : list of (int, ImageReadError)
        The position and error of each image that cannot be read.
    """

    vectors: np.ndarray
    norms: np.ndarray
    answers: list[np.ndarray]
    errors: list[tuple[int, ImageReadError]]


def find_vectors(model: Any, images: Sequence[Source], with_answers: bool = False, **running: Any) -> Found:
    """Compute the vectors of images in bounded memory.

    Features alone find photos of the same item. Opinions, which are logarithms of probabilities, also find other items
    of the same class, even of classes that the model has never seen; `experiments/search` has the figures.

    Parameters
    ----------
    model : estimator
        A fitted classifier of images, made of flows. It is not changed.
    images : sequence of n images
    with_answers : bool
        Also answer for the images. By default (False) only vectors are computed.
    **running
        How the flows run, in place of the model's own settings; see `Flow`.

    Raises
    ------
    ValueError
        If the model is not made of flows.
    """
    flow, head = fitted_parts(model)
    if flow is None:
        raise InputError(f"expected a fitted model made of flows, got a {type(model).__name__}; fit one of make_model")
    flow = copy(flow).set_params(**running)
    n = len(images)
    found = Found(np.full((n, N_COMPONENTS), np.nan, np.float32), np.full(n, np.nan, np.float32), [], [])
    for start in range(0, n, _AT_A_TIME):
        rows = range(start, min(start + _AT_A_TIME, n))
        extraction = extract(flow, images, rows)
        found.errors.extend(extraction.errors)
        good = np.setdiff1d(rows, [row for row, _ in extraction.errors])
        with one_blas_thread():
            for block in (good[i:i + _BLOCK] for i in range(0, len(good), _BLOCK)):
                features = extraction.features[block - start]
                found.vectors[block], found.norms[block] = to_vectors(head, features)
                if with_answers:
                    _put(found.answers, np.asarray(head.predict(features)), block, n)
    return found


def to_vectors(head: Any, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors of images, and the norms of their features; see `Found`.

    Parameters
    ----------
    head : estimator
        The fitted rest of a model, behind its flows.
    features : ndarray of shape (n, n_features)
        The features of the flows.
    """
    about_features, norms = _to_unit(_project(decided_features(head, features), N_FEATURES))
    opinions = _opinions(head, features)
    if opinions.shape[1] > N_OPINIONS:
        opinions = _project(opinions, N_OPINIONS)
    about_classes = np.pad(_to_unit(opinions)[0], ((0, 0), (0, N_OPINIONS - opinions.shape[1])))
    vectors = np.hstack([about_features, np.sqrt(_WEIGHT) * about_classes]).astype(np.float32)
    return _to_unit(vectors)[0], norms


def _opinions(head: Any, features: np.ndarray) -> np.ndarray:
    """Return what a head thinks of all classes of all targets, of shape (n, n_opinions).

    They are centered log-ratios (Aitchison, 1982, https://doi.org/10.1111/j.2517-6161.1982.tb01195.x) of the
    probabilities; of kernel ridge, these are its scores. A head without probabilities has none.
    """
    if not hasattr(head, "predict_proba"):
        return np.zeros((len(features), 1))
    found = head.predict_proba(features)
    logs = [np.log(np.maximum(each, _FLOOR)) for each in (found if isinstance(found, list) else [found])]
    return np.hstack([each - each.mean(axis=1, keepdims=True) for each in logs])


def _project(rows: np.ndarray, n_components: int) -> np.ndarray:
    """Shorten rows so that their dot products are nearly kept.

    It is a sparse Johnson-Lindenstrauss transform (Kane & Nelson, 2014, https://doi.org/10.1145/2559902): each column
    is added to one component of each of eight blocks, with a random sign. It depends on the sizes alone, so nothing has
    to be kept with the vectors.
    """
    # Sums of a sparse product have one order, whatever the number of rows and threads.
    return np.ascontiguousarray((_projection(rows.shape[1], n_components) @ rows.T).T)


@lru_cache(maxsize=4)
def _projection(n_columns: int, n_components: int) -> sparse.csr_matrix:
    # The streams of RandomState never change, so vectors of an old file stay comparable.
    rng = np.random.RandomState(0)
    width = n_components // _SPREAD
    components = rng.randint(width, size=(n_columns, _SPREAD)) + width * np.arange(_SPREAD)
    signs = (rng.randint(2, size=(n_columns, _SPREAD)) * 2 - 1) / np.sqrt(_SPREAD)
    columns = np.repeat(np.arange(n_columns), _SPREAD)
    shape = (n_components, n_columns)
    return sparse.csr_matrix((signs.ravel(), (components.ravel(), columns)), shape=shape, dtype=np.float32)


def _to_unit(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scale rows to unit norm; return them and their norms before, of shape (n,). A row of zeros stays."""
    norms = np.linalg.norm(rows, axis=1)
    return np.divide(rows, norms[:, None], out=np.zeros_like(rows), where=norms[:, None] > 0), norms


def _put(answers: list[np.ndarray], given: np.ndarray, rows: np.ndarray, n: int) -> None:
    """Write the answers of some rows into the columns of all targets."""
    columns = given.reshape(len(given), -1).T
    if not answers:
        answers.extend(np.full(n, None) for _ in columns)
    for column, own in zip(columns, answers):
        own[rows] = column.tolist()
