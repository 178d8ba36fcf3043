"""Turn the features of a fitted model into short vectors, whose dot products say how similar images are."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse

from .._jobs import one_blas_thread
from .deciders import decided_features

#: The length of a vector. It is a multiple of `_SPREAD`.
N_COMPONENTS = 384
#: To how many components each feature is added.
_SPREAD = 8
_BLOCK = 128  # images at a time


def project(features: np.ndarray) -> np.ndarray:
    """Shorten rows of features so that their dot products are nearly kept.

    It is a sparse Johnson-Lindenstrauss transform (Kane & Nelson, 2014, https://doi.org/10.1145/2559902): each feature
    is added to one component of each of eight blocks, with a random sign. It depends on the number of features alone,
    so nothing has to be kept with the vectors.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)

    Returns
    -------
    ndarray of shape (n, N_COMPONENTS) and dtype float32
    """
    # Sums of a sparse product have one order, whatever the number of rows and threads.
    return np.ascontiguousarray((_projection(features.shape[1]) @ features.T).T, dtype=np.float32)


@lru_cache(maxsize=4)
def _projection(n_features: int) -> sparse.csr_matrix:
    # The streams of RandomState never change, so vectors of an old file stay comparable.
    rng = np.random.RandomState(0)
    width = N_COMPONENTS // _SPREAD
    components = rng.randint(width, size=(n_features, _SPREAD)) + width * np.arange(_SPREAD)
    signs = (rng.randint(2, size=(n_features, _SPREAD)) * 2 - 1) / np.sqrt(_SPREAD)
    features = np.repeat(np.arange(n_features), _SPREAD)
    shape = (N_COMPONENTS, n_features)
    return sparse.csr_matrix((signs.ravel(), (components.ravel(), features)), shape=shape, dtype=np.float32)


def raw_vectors(head: Any, features: np.ndarray) -> np.ndarray:
    """Return the vectors of images before they are centered, of shape (n, N_COMPONENTS) and dtype float32.

    Parameters
    ----------
    head : estimator
        The fitted rest of a model behind its flows.
    features : ndarray of shape (n, n_features)
        The features of the flows.
    """
    vectors = np.empty((len(features), N_COMPONENTS), np.float32)
    with one_blas_thread():
        for start in range(0, len(features), _BLOCK):
            part = features[start:start + _BLOCK]
            vectors[start:start + _BLOCK] = project(decided_features(head, part))
    return vectors


def centered(vectors: np.ndarray, center: np.ndarray) -> np.ndarray:
    """Subtract the center of a gallery, and scale rows to unit norm; a row that is the center stays zero."""
    vectors = vectors - center
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
