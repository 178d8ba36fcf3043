"""Find the class that each row confidently belongs to, whatever its label is."""

from __future__ import annotations

import numpy as np


def find_confident(probabilities: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the class that each row confidently belongs to.

    The threshold of a class is the mean of its probability over the rows that are labeled with it. Of the classes whose
    probability reaches their threshold, the most probable one is the row's confident class. This is confident learning:
    Northcutt, Jiang & Chuang (Journal of Artificial Intelligence Research 70, 2021,
    https://doi.org/10.1613/jair.1.12125), section 3.1.

    Parameters
    ----------
    probabilities : ndarray of shape (n, n_classes)
        Out-of-fold probabilities: the model that gives them was not fitted on the row.
    codes : ndarray of int and shape (n,)
        The label of each row, as a column number of `probabilities`.

    Returns
    -------
    confident : ndarray of int and shape (n,)
        Column numbers of `probabilities`, and -1 for a row that reaches no threshold.
    thresholds : ndarray of shape (n_classes,)
        NaN for a class without labeled rows. No row reaches it.
    """
    n_classes = probabilities.shape[1]
    own = probabilities[np.arange(len(codes)), codes]
    counts = np.bincount(codes, minlength=n_classes)
    thresholds = np.full(n_classes, np.nan)
    np.divide(np.bincount(codes, own, n_classes), counts, out=thresholds, where=counts > 0)
    # The only row of a class must reach its threshold, although the mean may be rounded up.
    reached = probabilities >= np.where(counts > 0, thresholds, np.inf) - 1e-12
    confident = np.where(reached, probabilities, -1).argmax(axis=1)
    return np.where(reached.any(axis=1), confident, -1), thresholds
