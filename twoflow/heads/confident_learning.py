"""Which class an image is confidently of, whatever its label says."""

from __future__ import annotations

import numpy as np


def find_confident(probabilities: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The likeliest of those classes whose probability reaches the mean that rows with that label have.

    Confident learning: Northcutt, Jiang & Chuang (Journal of Artificial Intelligence Research 70, 2021,
    https://doi.org/10.1613/jair.1.12125), section 3.1.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
        From a model that was not fitted on the row.
    codes : ndarray of int and shape (n,)
        Each row's label, as a column.

    Returns
    -------
    confident : ndarray of int and shape (n,)
        Columns, -1 for a row that reaches no threshold.
    thresholds : ndarray of shape (n_classes,)
        NaN for a class that is nobody's label, which none reaches.
    """
    n_classes = probabilities.shape[1]
    own = probabilities[np.arange(len(codes)), codes]
    counts = np.bincount(codes, minlength=n_classes)
    thresholds = np.full(n_classes, np.nan)
    np.divide(np.bincount(codes, own, n_classes), counts, out=thresholds, where=counts > 0)
    # A class of one row reaches its own threshold, whatever the rounding of the mean.
    reached = probabilities >= np.where(counts > 0, thresholds, np.inf) - 1e-12
    confident = np.where(reached, probabilities, -1).argmax(axis=1)
    return np.where(reached.any(axis=1), confident, -1), thresholds
