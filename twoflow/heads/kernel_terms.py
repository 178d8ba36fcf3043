"""Write the score of a kernel machine as a sum over its training rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import InputError

#: How many columns of the coefficients are compared with the training rows, and how exact they are in float32.
_COMPARED, _TOLERANCE = 64, 1e-3


class RowTerms(NamedTuple):
    """The scores of one row as sums over training rows.

    Attributes
    ----------
    terms : ndarray of shape (n_kept, n_scores) and dtype float64
        What each training row that the model uses adds to each score.
    constant : ndarray of shape (n_scores,) and dtype float64
        The scores of the mean of these rows. The terms and this sum to the scores.
    """

    terms: np.ndarray
    constant: np.ndarray


def row_terms(
    training: np.ndarray, x: np.ndarray, dual_coef: np.ndarray, coef: np.ndarray, intercept: np.ndarray
) -> RowTerms:
    """Split the scores of a linear kernel machine at one row into the terms of its training rows.

    By the representer theorem (Kimeldorf & Wahba, 1971, https://doi.org/10.1016/0022-247X(71)90184-3) the coefficients
    are a sum of training rows, and the score of class c is f_c(m) + Σ_i a_ic (x_i - m)ᵀ(x - m). Each column of a sums
    to 0, so this holds for any m. Here it is the mean of the training rows: a row near the mean says little.

    Parameters
    ----------
    training : ndarray of shape (n_kept, n_features)
        The training rows that the model uses.
    x : ndarray of shape (n_features,)
    dual_coef : ndarray of shape (n_kept, n_scores)
    coef : ndarray of shape (n_scores, n_features)
    intercept : ndarray of shape (n_scores,)

    Returns
    -------
    RowTerms

    Raises
    ------
    ValueError
        If the coefficients are not those of these rows: other rows, or the same in another order.
    """
    mean = training.mean(axis=0, dtype=np.float64)
    _check_rows(training, mean, dual_coef, coef)
    away = x.astype(np.float64) - mean
    # Sums in float64 without a copy of all rows in float64.
    products = np.array([float(row.astype(np.float64) @ away) for row in training]) - mean @ away
    return RowTerms(dual_coef * products[:, None], intercept + coef.astype(np.float64) @ mean)


def _check_rows(training: np.ndarray, mean: np.ndarray, dual_coef: np.ndarray, coef: np.ndarray) -> None:
    """Raise ValueError if the coefficients are not the sum of the rows; a part of the columns shows it."""
    if training.shape != (len(dual_coef), coef.shape[1]):
        raise InputError(
            f"training: expected the {len(dual_coef)} rows of {coef.shape[1]} features that the model was fitted on, "
            f"got {training.shape[0]} rows of {training.shape[1]}; pass what it was fitted on"
        )
    columns = np.unique(np.linspace(0, coef.shape[1] - 1, _COMPARED).astype(int))
    expected = dual_coef.T @ (training[:, columns] - mean[columns])
    if np.abs(expected - coef[:, columns]).max() > _TOLERANCE * np.abs(coef[:, columns]).max():
        raise InputError(
            "training: expected the rows that the model was fitted on, in the same order, got other rows; pass what it "
            "was fitted on"
        )
