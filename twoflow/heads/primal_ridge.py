"""Ridge regression on more rows than features, and its predictions for rows that it is fitted without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from scipy import linalg
from sklearn.utils import gen_batches

from .dual_ridge import Solution, find_least_ridge, find_shared, first_of_least_error, judge, scale_ridge

#: At most so many values of features, and so many columns of their products, are computed at a time.
_VALUES, _COLUMNS = 2**23, 2048

#: How often the coefficients are improved in float64.
_REFINEMENTS = 2


class Rows(Protocol):
    """Rows of features. A caller asks for some of them at a time."""

    def __len__(self) -> int:
        """Return the number of rows, n."""

    @property
    def n_features(self) -> int:
        """The number of columns."""

    @property
    def dtype(self) -> np.dtype:
        """The type of the features."""

    def stack(self, rows: np.ndarray) -> np.ndarray:
        """Return the features of some rows, given as positions, of shape (n_rows, n_features)."""


def solve_in_features(
    features: Rows, targets: np.ndarray, share: np.ndarray, groups: np.ndarray, alphas: np.ndarray,
    sizes: Sequence[int] | None = None,
) -> Solution:
    """Solve for several ridges, and return the solution that `twoflow.heads.dual_ridge.solve` would choose.

    Memory grows with the number of rows, and not with its square. Beside the features it takes about four squares of
    the number of features in float64, and the leave-out predictions for all ridges.

    Parameters
    ----------
    features : Rows
        Of n rows.
    targets, share, groups, alphas, sizes
        See `twoflow.heads.dual_ridge.solve`.

    Returns
    -------
    Solution

    Notes
    -----
    Let C be the centered features times the roots u of the shares, and V, q the eigenvectors and eigenvalues of CᵀC.
    For each ridge r the residuals are P = I - C V (q + r)⁻¹ Vᵀ Cᵀ - u uᵀ times the targets, which is the P of the dual.
    Those of the model that is fitted without the rows G are (P_GG)⁻¹ times the residuals of G. So all ridges share one
    eigendecomposition, and C V is computed for some rows at a time.
    """
    root = np.sqrt(share)
    mean, least_ridge = _find_mean(features, share)
    residual = root[:, None] * (targets - share @ targets)
    batches = _in_batches(groups, max(1, _VALUES // features.n_features))

    def centered(rows: np.ndarray) -> np.ndarray:
        return (features.stack(rows) - mean) * root[rows, None]

    gram = np.zeros((features.n_features, features.n_features))
    along = np.zeros((features.n_features, targets.shape[1]))
    for rows in batches:
        part = centered(rows)
        along += part.T @ residual[rows]
        _add_products(gram, part.astype(features.dtype))
    alphas = np.unique(alphas)[::-1]
    ridges = [scale_ridge(alpha, float(np.trace(gram)), least_ridge, len(features)) for alpha in alphas]
    lengths, axes = linalg.eigh(gram, lower=False, overwrite_a=True, check_finite=False)
    shrunk = [1 / (lengths.clip(min=0) + ridge) for ridge in ridges]
    along = axes.T @ along

    scores = np.empty((len(ridges), *targets.shape), features.dtype)
    for rows in batches:
        turned, shared = centered(rows) @ axes, _find_shared_by_size(groups[rows])
        for own, found in zip(shrunk, scores):
            left_out = _leave_out(turned, own, residual[rows] - turned @ (own[:, None] * along), root[rows], shared)
            found[rows] = targets[rows] - left_out / root[rows, None]
    best = first_of_least_error([judge(found, targets, share, sizes) for found in scores])

    coef, rest = axes @ (shrunk[best][:, None] * along), np.empty_like(residual)
    for repeat in range(_REFINEMENTS + 1):
        gradient = -ridges[best] * coef
        for rows in batches:
            part = centered(rows)
            rest[rows] = residual[rows] - part @ coef
            gradient += part.T @ rest[rows]
        if repeat < _REFINEMENTS:
            coef += axes @ (shrunk[best][:, None] * (axes.T @ gradient))
    dual = root[:, None] * rest / ridges[best]
    return Solution(float(alphas[best]), ridges[best], share, targets, dual, scores[best].astype(np.float64))


def _leave_out(
    turned: np.ndarray, shrunk: np.ndarray, residual: np.ndarray, root: np.ndarray, shared: Sequence[np.ndarray]
) -> np.ndarray:
    """Return the residuals of rows by models that are fitted without them and their groups.

    Parameters
    ----------
    turned : ndarray of shape (n_rows, n_features)
        C V of the rows; see `solve_in_features`.
    shrunk : ndarray of shape (n_features,)
        (q + r)⁻¹.
    residual : ndarray of shape (n_rows, n_classes)
        By the model that is fitted on all rows.
    root : ndarray of shape (n_rows,)
    shared : sequence of ndarray of shape (n_groups, size)
        See `_find_shared_by_size`.
    """
    kept = 1 - turned**2 @ shrunk - root**2
    left_out = residual / kept.clip(min=np.finfo(kept.dtype).eps)[:, None]
    for rows in shared:
        part, own = turned[rows], root[rows]
        known = (part * shrunk) @ part.swapaxes(1, 2) + own[:, :, None] * own[:, None, :]
        left_out[rows] = np.linalg.solve(np.eye(rows.shape[1]) - known, residual[rows])
    return left_out


def _find_mean(features: Rows, share: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the weighted mean of the features, in float64, and the least ridge; see `find_least_ridge`."""
    weighted, plain, squared = np.zeros(features.n_features), np.zeros(features.n_features), 0.0
    for rows in gen_batches(len(features), max(1, _VALUES // features.n_features)):
        part = features.stack(np.arange(rows.start, rows.stop)).astype(np.float64)
        weighted += share[rows] @ part
        plain += part.sum(axis=0)
        squared += float(np.vdot(part, part))
    plain /= len(features)
    squared_mean = float(plain @ plain)
    return weighted, find_least_ridge(max(squared - len(features) * squared_mean, 0), squared_mean, features.dtype)


def _in_batches(groups: np.ndarray, n_rows: int) -> list[np.ndarray]:
    """Return batches of whole groups, of about so many rows."""
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=groups[order[0]] - 1))
    cuts = np.unique(starts[np.searchsorted(starts, np.arange(n_rows, len(order), n_rows)).clip(max=len(starts) - 1)])
    return [np.sort(batch) for batch in np.split(order, cuts[cuts > 0])]


def _find_shared_by_size(groups: np.ndarray) -> list[np.ndarray]:
    """Return the rows of groups that have several; those of one size together, of shape (n_groups, size)."""
    shared = find_shared(groups)
    return [np.array([rows for rows in shared if len(rows) == size]) for size in set(map(len, shared))]


def _add_products(gram: np.ndarray, part: np.ndarray) -> None:
    """Add the products of all columns to the upper triangle of a table of them."""
    for columns in gen_batches(part.shape[1], _COLUMNS):
        gram[columns, columns.start:] += part[:, columns].T @ part[:, columns.start:]
