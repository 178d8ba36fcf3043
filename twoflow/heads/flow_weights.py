"""Weigh the kernels of several flows, so that rows that are left out are predicted best."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import linalg, optimize
from scipy.special import log_softmax

from .calibration import fit_temperature, smooth_targets
from .dual_ridge import Kernel, find_shared, solve, split_columns, weigh_rows
from .feature_kernel import FeatureKernel

#: The weights are found on at most so many rows. They are few numbers, so more rows change them little, and the work
#: grows with the third power.
_MOST_ROWS = 1500

#: The standard deviation of the logarithm of a weight that is expected before the data are seen.
_SPREAD = 1.0

#: How often the loss is computed, at most. After a dozen times the weights hardly change.
_MOST_TRIALS = 15

#: Smaller weights become 0. If ten flows have a mean weight of 1, this is half a percent of their kernel.
_LEAST_WEIGHT = 0.05


class Loss(NamedTuple):
    """The log loss of leave-out predictions, and its slopes.

    Attributes
    ----------
    value : float
        The mean of the rows' losses by their shares, in nats.
    by_weight : ndarray of shape (n_kernels,)
        The derivative with respect to each weight.
    by_log_alpha : float
        The derivative with respect to the logarithm of the ridge.
    """

    value: float
    by_weight: np.ndarray
    by_log_alpha: float


def weigh_kernels(
    kernels: Sequence[Kernel | FeatureKernel], targets: np.ndarray, share: np.ndarray, groups: np.ndarray,
    alphas: np.ndarray, sizes: Sequence[int] | None = None,
) -> np.ndarray:
    """Find the weights of kernels for which the log loss of leave-out predictions is smallest.

    With several targets it is the mean of their losses.

    Parameters
    ----------
    kernels : sequence of Kernel or FeatureKernel
        One for each flow, of the same n rows.
    targets, share, groups, alphas, sizes
        See `twoflow.heads.dual_ridge.solve`.

    Returns
    -------
    ndarray of shape (n_kernels,)
        Weights in hundredths, before rounding of mean 1. Weights below 0.05 become 0.

    Notes
    -----
    The ridge regression of `twoflow.heads.dual_ridge` predicts each row (or group) by a model without it, in closed
    form. The softmax of these scores over a temperature gives probabilities, and their log loss has derivatives with
    respect to all weights and the ridge for the price of one more product of matrices; see `leave_out_loss`. Some steps
    of L-BFGS follow them from equal weights, and from the ridge that is best for these.

    A penalty pulls the logarithm of each weight towards 0, like a normal prior. With few rows the leave-out loss says
    little about weights, and a search that trusts it overfits it (Cawley & Talbot, 2007,
    https://jmlr.org/papers/v8/cawley07a.html). The more rows there are, the less the penalty counts. It is also why
    flows that are equally good keep equal weights.

    If there are more than 1,500 rows, the weights are found on 1,500 of them, evenly spaced in the order of classes
    and groups. Rounding to hundredths makes the weights independent of the number of threads.
    """
    n_kernels = len(kernels)
    rows = _thin_out(split_columns(targets, sizes), groups)
    if n_kernels == 1 or len(np.unique(groups[rows])) < 2:
        return np.ones(n_kernels)
    targets, share, groups = targets[rows], share[rows] / share[rows].sum(), groups[rows]
    parted = [own[:, own.any(axis=0)] for own in split_columns(targets, sizes)]
    targets, sizes = np.hstack(parted), [own.shape[1] for own in parted]
    parts, least = np.empty((n_kernels, len(rows), len(rows))), np.empty(n_kernels)
    together = np.zeros(parts.shape[1:])
    for i, kernel in enumerate(kernels):
        computed = kernel.take(rows).compute()
        together += computed.gram
        least[i] = computed.least_ridge
        weigh_rows(computed.gram, share, out=parts[i])
    equal = Kernel(together, float(least.sum()))
    alpha = solve(equal, targets, share, groups, alphas, sizes, overwrite=True).alpha
    shared = find_shared(groups)

    def penalized(point: np.ndarray) -> tuple[float, np.ndarray]:
        weights, ratio = np.exp(point[:-1]), np.exp(point[-1])
        loss = leave_out_loss(parts, weights, alpha * ratio, targets, share, shared, float(weights @ least), sizes)
        slopes = len(rows) * np.append(weights * loss.by_weight, loss.by_log_alpha)
        return len(rows) * loss.value + point @ point / (2 * _SPREAD**2), slopes + point / _SPREAD**2

    options = {"maxfun": _MOST_TRIALS}
    found = optimize.minimize(penalized, np.zeros(n_kernels + 1), jac=True, method="L-BFGS-B", options=options).x
    weights = np.exp(found[:-1])
    weights = np.round(weights / weights.mean(), 2)
    return np.where(weights < _LEAST_WEIGHT, 0, weights)


def _thin_out(targets: Sequence[np.ndarray], groups: np.ndarray) -> np.ndarray:
    """Return the positions of at most `_MOST_ROWS` rows, evenly spaced in the order of classes and groups.

    Of several targets, the classes of that with the most come first.
    """
    by_size = sorted(targets, key=lambda own: own.shape[1])
    order = np.lexsort((groups, *(own.argmax(axis=1) for own in by_size)))
    return np.sort(order[np.linspace(0, len(order) - 1, min(len(order), _MOST_ROWS)).round().astype(int)])


def leave_out_loss(
    parts: np.ndarray,
    weights: np.ndarray,
    alpha: float,
    targets: np.ndarray,
    share: np.ndarray,
    shared: Sequence[np.ndarray],
    least_ridge: float = 0.0,
    sizes: Sequence[int] | None = None,
) -> Loss:
    """Compute the log loss of leave-out predictions and its derivatives.

    Parameters
    ----------
    parts : ndarray of shape (n_kernels, n, n)
        The kernel of each flow, centered and weighted by the roots of the shares.
    weights : ndarray of shape (n_kernels,)
    alpha : float
        The ridge, relative to the mean diagonal of the weighted sum.
    targets, share, sizes
        See `weigh_kernels`.
    shared : sequence of ndarray
        The rows of each group that has several.
    least_ridge : float, default=0
        The least sum of the ridge over all rows; see `twoflow.heads.dual_ridge.Kernel`.

    Notes
    -----
    Let W be the sum of the weighted kernels, r the ridge, C the inverse of W + r I, u the roots of the shares, R the
    weighted centered targets, A = C R, and P = r C - u uᵀ. The errors of a left-out group G are
    E_G = (P_GG)⁻¹ r A_G (see `twoflow.heads.dual_ridge.solve`). If S is the derivative of the loss with respect to E,
    let H_G = (P_GG)⁻¹ S_G, and let B be the matrix with the blocks H_G (E_G)ᵀ. A change dW of the kernel changes the
    loss by <N, dW> with N = r (C B C - C H Aᵀ), and a change dr of the ridge by dr (<H, A> - tr(B C) + tr N).
    """
    n, root = len(share), np.sqrt(share)
    traces = np.trace(parts, axis1=1, axis2=2)
    trace = float(weights @ traces)
    ridge = max(alpha * trace, least_ridge) / n
    inverse = _invert(parts, weights, ridge)
    dual = inverse @ (root[:, None] * (targets - share @ targets))

    diagonal = (ridge * inverse.diagonal() - share)[:, None]
    errors = ridge * dual / diagonal
    blocks = [ridge * inverse[np.ix_(rows, rows)] - np.outer(root[rows], root[rows]) for rows in shared]
    for rows, block in zip(shared, blocks):
        errors[rows] = linalg.solve(block, ridge * dual[rows], assume_a="sym")

    scores = targets - errors / root[:, None]
    value, by_score = _mean_log_loss(split_columns(scores, sizes), split_columns(targets, sizes), share)
    slopes = -root[:, None] * by_score

    pulled = slopes / diagonal
    for rows, block in zip(shared, blocks):
        pulled[rows] = linalg.solve(block, slopes[rows], assume_a="sym")
    spread = inverse * (pulled * errors).sum(axis=1)
    for rows in shared:
        spread[:, rows] = inverse[:, rows] @ (pulled[rows] @ errors[rows].T)
    by_kernel = ridge * (spread @ inverse - (inverse @ pulled) @ dual.T)
    by_ridge = 0.0
    if alpha * trace > least_ridge:
        by_ridge = float((pulled * dual).sum() - spread.trace() + by_kernel.trace())
    by_weight = np.tensordot(parts, by_kernel, 2) + by_ridge * alpha * traces / n
    return Loss(value, by_weight, ridge * by_ridge)


def _mean_log_loss(
    scores: Sequence[np.ndarray], targets: Sequence[np.ndarray], share: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return the mean over targets of the log loss of calibrated scores, and each row's slopes by its scores.

    The temperature of each target is where its loss is smallest, so the change of the temperature does not count.
    """
    value, slopes = 0.0, []
    for own, indicators in zip(scores, targets):
        codes = indicators.argmax(axis=1)
        temperature = fit_temperature(own, codes, share)
        aims, logs = smooth_targets(codes, own.shape[1]), log_softmax(own / temperature, axis=1)
        value -= float(share @ (aims * logs).sum(axis=1)) / len(scores)
        slopes.append((np.exp(logs) - aims) / temperature / len(scores))
    return value, np.hstack(slopes)


def _invert(parts: np.ndarray, weights: np.ndarray, ridge: float) -> np.ndarray:
    """Invert the weighted sum of kernels plus the ridge."""
    ridged = np.tensordot(weights, parts, 1).T  # symmetric; LAPACK wants the order of columns
    ridged[np.diag_indices_from(ridged)] += ridge
    factor = linalg.cholesky(ridged, lower=True, overwrite_a=True, check_finite=False)
    lower = np.tril(linalg.lapack.dpotri(factor, lower=1, overwrite_c=1)[0])
    return lower + np.tril(lower, -1).T
