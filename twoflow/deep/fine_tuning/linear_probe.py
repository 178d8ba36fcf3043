"""Fit a linear head on the embeddings of a network in closed form, before the network is trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import linalg
from scipy.special import log_softmax

from ..._jobs import one_blas_thread
from ...errors import InputError
from ...heads.calibration import fit_temperature
from ...heads.dual_ridge import find_shared

#: Ridges, relative to the mean variance of the standardized embeddings.
_ALPHAS = np.logspace(-3, 4, 15)


class Probe(NamedTuple):
    """A linear classifier of standardized embeddings, with k targets side by side.

    Attributes
    ----------
    mean, scale : ndarray of shape (width,)
        What is subtracted from embeddings, and what the rest is divided by.
    coef : ndarray of shape (width, total number of classes)
    intercept : ndarray of shape (total number of classes,)
    """

    mean: np.ndarray
    scale: np.ndarray
    coef: np.ndarray
    intercept: np.ndarray


def fit_probe(
    embeddings: np.ndarray,
    codes: np.ndarray,
    n_classes: Sequence[int],
    weights: np.ndarray,
    groups: np.ndarray | None = None,
) -> Probe:
    """Fit a ridge regression of class indicators for each target, and scale its scores to probabilities.

    Parameters
    ----------
    embeddings : ndarray of shape (n, width)
        Embeddings of the training images.
    codes : ndarray of shape (n, k) and dtype int
        The position of each image's class, by target.
    n_classes : sequence of k int
    weights : ndarray of shape (n, k)
        The weight of each label; 0 if it is missing.
    groups : ndarray of shape (n,), optional
        Images of one group are left out together. Default: each image is a group.

    Returns
    -------
    Probe

    Raises
    ------
    ValueError
        If the images have one class of a target only, or all are of one group.

    Notes
    -----
    The ridge and the temperature of the scores are those of the smallest log loss of predictions that leave each group
    out. So fine-tuning starts from a cross-entropy that is about that of new images (linear probing, then fine-tuning:
    Kumar et al., ICLR 2022, https://doi.org/10.48550/arXiv.2202.10054).
    """
    rows = embeddings.astype(np.float64)
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale <= max(1e-6 * float(scale.max()), float(np.finfo(np.float32).tiny))] = 1  # a constant feature
    rows = (rows - mean) / scale
    numbers: np.ndarray = np.arange(len(rows)) if groups is None else np.unique(groups, return_inverse=True)[1]
    coefs, intercepts = [], []
    with one_blas_thread():
        for target, (own, size) in enumerate(zip(codes.T, n_classes)):
            known = weights[:, target] > 0
            _check_classes(own[known], numbers[known], target, len(n_classes))
            coef, intercept = _fit_target(rows[known], own[known], size, weights[known, target], numbers[known])
            coefs.append(coef)
            intercepts.append(intercept)
    return Probe(mean, scale, np.hstack(coefs), np.hstack(intercepts))


def _check_classes(codes: np.ndarray, groups: np.ndarray, target: int, n_targets: int) -> None:
    which = f" of target {target + 1}" if n_targets > 1 else ""
    for unit, values in (("classes", codes), ("groups", groups)):
        if (n := len(np.unique(values))) < 2:
            raise InputError(
                f"expected at least 2 {unit}{which} among the training images, got {n}; add images, or hold out fewer"
            )


def _fit_target(
    rows: np.ndarray, codes: np.ndarray, n_classes: int, weights: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and intercepts of the scores of one target.

    With the roots of the shares as u, the weighted centered rows A and B = u times the centered targets, the hat matrix
    is H = A (AᵀA + r I)⁻¹ Aᵀ + u uᵀ. The residuals of a model that is fitted without the rows G are (I - H_GG)⁻¹ times
    their residuals. One eigendecomposition of AᵀA serves all ridges.
    """
    share = weights / weights.sum()
    root = np.sqrt(share)
    targets = np.eye(n_classes)[codes]
    center, middle = share @ rows, share @ targets
    weighted = root[:, None] * (rows - center)
    residual = root[:, None] * (targets - middle)
    values, vectors = linalg.eigh(weighted.T @ weighted)
    turned = weighted @ vectors
    shared = find_shared(groups)
    product = turned.T @ residual
    best: tuple[float, float, np.ndarray] | None = None
    for ridge in _ALPHAS * max(float(values.mean()), np.finfo(float).tiny):
        inverse = 1 / (np.maximum(values, 0) + ridge)
        solution = inverse[:, None] * product
        rest = residual - turned @ solution
        left_out = rest / (1 - np.einsum("ij,ij,j->i", turned, turned, inverse) - share)[:, None]
        for group in shared:
            hat = (turned[group] * inverse) @ turned[group].T + np.outer(root[group], root[group])
            left_out[group] = linalg.solve(np.eye(len(group)) - hat, rest[group])
        scores = targets - left_out / root[:, None]
        temperature = fit_temperature(scores, codes, share)
        loss = -float(share @ log_softmax(scores / temperature, axis=1)[np.arange(len(codes)), codes])
        if best is None or loss < best[0]:
            best = loss, temperature, solution
    assert best is not None
    _, temperature, solution = best
    coef = vectors @ solution / temperature
    return coef, middle / temperature - center @ coef
