"""Reduce wide features of few rows to the few columns that scores of scope look at.

All fits share one matrix of products of rows, so a fit without some rows or classes reads no features.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.utils import gen_batches
from sklearn.utils.extmath import randomized_svd

from ..dual_ridge import Kernel, solve_one

#: How many columns are read at a time, so that there is never a second copy of the features.
_CHUNK = 2048


class Views(NamedTuple):
    """What scores look at, for n rows of features that were scaled to unit norm.

    Attributes
    ----------
    indicators : ndarray of shape (n, n_classes)
        Predictions of the class indicators by ridge regression. They sum to 1.
    smooth : ndarray of shape (n, n_classes)
        The same with a ridge that is ten times as large.
    components : ndarray of shape (n, n_components)
        Principal components; no column if no score needs them.
    distance : ndarray of shape (n,)
        The distance from the mean of the training rows.
    probabilities : ndarray of shape (n, n_leaves) or None
        Those of the classifier.
    """

    indicators: np.ndarray
    smooth: np.ndarray
    components: np.ndarray
    distance: np.ndarray
    probabilities: np.ndarray | None


def row_norms(X: np.ndarray) -> np.ndarray:
    """Return the norm of each row, of shape (n,) and dtype float64; 1 for a row of zeros."""
    squared = np.zeros(len(X))
    for columns in gen_batches(X.shape[1], _CHUNK):
        squared += (X[:, columns].astype(np.float64) ** 2).sum(axis=1)
    return np.sqrt(np.where(squared > 0, squared, 1.0))


def unit_products(X: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """Return the products of all rows after scaling to unit norm, of shape (n, n) and dtype float64."""
    gram = np.zeros((len(X), len(X)))
    for columns in gen_batches(X.shape[1], _CHUNK):
        part = (X[:, columns] / norms[:, None]).astype(X.dtype)
        gram += part @ part.T
    return gram


#: How many times as large as the ridge the second one is.
_SMOOTHER = 10.0


class DualFit:
    """Ridge regression of class indicators, and principal components, fitted on some rows.

    Parameters
    ----------
    gram : ndarray of shape (n, n)
        See `unit_products`.
    rows : ndarray of int
        The rows to fit on.
    codes : ndarray of int and shape (n_rows,)
        Their classes, from 0 to n_classes - 1, each at least once.
    alpha : float
        The ridge; see `twoflow.heads.dual_ridge.solve_one`.
    n_components : int
        The most principal components to keep. 0 leaves them out.
    random_state : int
        Starts the search for the components.
    """

    def __init__(
        self, gram: np.ndarray, rows: np.ndarray, codes: np.ndarray, alpha: float, n_components: int, random_state: int
    ) -> None:
        self.gram, self.rows, self.codes = gram, rows, codes
        own = gram[np.ix_(rows, rows)]
        self._mean = own.mean(axis=0)
        self._mean_of_mean = float(self._mean.mean())
        centered = own - self._mean - self._mean[:, None] + self._mean_of_mean
        rounding = max(float(np.finfo(np.float32).eps * np.trace(centered)), float(np.finfo(np.float32).tiny))
        targets = np.eye(codes.max() + 1)[codes]
        share = np.full(len(rows), 1 / len(rows))
        kernel = Kernel(centered, rounding)
        dual = np.hstack([solve_one(kernel, targets, share, each) for each in (alpha, _SMOOTHER * alpha)])
        self.n_classes = targets.shape[1]
        self.intercept = np.tile(targets.mean(axis=0), 2) - share @ (centered @ dual)
        self.dual = np.column_stack([dual, _find_components(centered, n_components, rounding, random_state)])

    def views(self, rows: np.ndarray, probabilities: np.ndarray | None = None) -> Views:
        """Return what scores look at, for any rows of the matrix of products."""
        products = self.gram[np.ix_(rows, self.rows)]
        mean = products.mean(axis=1)
        centered = products - mean[:, None] - self._mean + self._mean_of_mean
        found = centered @ self.dual
        squared = self.gram[rows, rows] - 2 * mean + self._mean_of_mean
        return _to_views(found, self.n_classes, self.intercept, squared, probabilities)

    def to_primal(self, X: np.ndarray, norms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Convert the fit to a projection of unit rows.

        Parameters
        ----------
        X : ndarray of shape (n, n_features)
            The features whose rows the products are of.
        norms : ndarray of shape (n,)

        Returns
        -------
        projection : ndarray of shape (n_features, 2 * n_classes + n_components + 1) and the dtype of X
            The last column is the mean of the rows.
        offset : ndarray of shape (2 * n_classes + n_components + 1,)
            What is added to the products of unit rows with the projection. The sum in the last column is, for a unit
            row, half of 1 minus its squared distance from the mean.
        """
        width = self.dual.shape[1]
        projection, offset = np.empty((X.shape[1], width + 1), dtype=X.dtype), np.zeros(width + 1)
        for columns in gen_batches(X.shape[1], _CHUNK):
            part = X[self.rows, columns] / norms[self.rows, None]
            mean = part.mean(axis=0)
            projection[columns, :-1] = (part - mean).T @ self.dual
            projection[columns, -1] = mean
            offset[:-1] -= mean @ projection[columns, :-1]
            offset[-1] -= float(mean @ mean) / 2
        offset[:2 * self.n_classes] += self.intercept
        return projection, offset


def project(
    X: np.ndarray, projection: np.ndarray, offset: np.ndarray, n_classes: int, probabilities: np.ndarray | None
) -> Views:
    """Return what scores look at, for rows of features; see `DualFit.to_primal`."""
    norms = row_norms(X)
    found = (X @ projection) / norms[:, None] + offset
    is_zero = ~X.any(axis=1)
    squared = np.where(is_zero, 0.0, 1.0) - 2 * found[:, -1]
    return _to_views(found[:, :-1], n_classes, np.zeros(2 * n_classes), squared, probabilities)


def _to_views(
    found: np.ndarray, n_classes: int, intercept: np.ndarray, squared: np.ndarray, probabilities: np.ndarray | None
) -> Views:
    indicators = found[:, :2 * n_classes] + intercept
    distance = np.sqrt(np.maximum(squared, 0.0))
    return Views(
        indicators[:, :n_classes], indicators[:, n_classes:], found[:, 2 * n_classes:], distance, probabilities
    )


def _find_components(centered: np.ndarray, n_components: int, rounding: float, random_state: int) -> np.ndarray:
    """Return the coefficients of rows whose products with centered rows are the principal components."""
    n_components = min(n_components, len(centered) - 1)
    if n_components < 1:
        return np.empty((len(centered), 0))
    vectors, values, _ = randomized_svd(centered, n_components, n_iter=4, random_state=random_state)
    is_kept = values > rounding
    return vectors[:, is_kept] / np.sqrt(values[is_kept])
