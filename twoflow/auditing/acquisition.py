"""Choose which rows a person should label: uncertain rows that have many others like them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state

#: A row is chosen among so many times as many of the most uncertain ones as are asked for ...
_CANDIDATES_EACH = 20
#: ... but among no more than this, if fewer are asked for: the work grows with its square.
_MOST_CANDIDATES = 4_000
_MOST_ROUNDS = 10  # of k-means; it hardly moves after these


class Chosen(NamedTuple):
    """The rows to label, the most useful first.

    Attributes
    ----------
    positions : ndarray of shape (m,) and dtype int
    gains : ndarray of shape (m,)
        The summed uncertainty of each chosen row and of the rows that are like it.
    n_similar : ndarray of shape (m,) and dtype int
        How many rows are like each chosen row, itself included.
    """

    positions: np.ndarray
    gains: np.ndarray
    n_similar: np.ndarray


def measure_uncertainty(probabilities: Sequence[np.ndarray]) -> np.ndarray:
    """Measure how uncertain a model is: 1 minus the margin between the two likeliest answers.

    With several targets an answer is one class of each. The targets count as independent, so the second likeliest
    answer differs from the likeliest in one target only.

    Parameters
    ----------
    probabilities : sequence of ndarray of shape (n, n_classes)
        One for each target. A target with a single class is certain.

    Returns
    -------
    ndarray of shape (n,)
        From 0, certain, to 1.

    Examples
    --------
    >>> kind, color = np.array([[0.9, 0.1]]), np.array([[0.5, 0.3, 0.2]])
    >>> measure_uncertainty([color]).round(3).tolist(), measure_uncertainty([kind, color]).round(3).tolist()
    ([0.8], [0.82])
    """
    likeliest, best_ratio = np.ones(len(probabilities[0])), np.zeros(len(probabilities[0]))
    for of_target in probabilities:
        ranked = np.sort(of_target, axis=1)
        second = ranked[:, -2] if ranked.shape[1] > 1 else np.zeros(len(ranked))
        likeliest = likeliest * ranked[:, -1]
        best_ratio = np.maximum(best_ratio, second / ranked[:, -1])
    return 1 - likeliest * (1 - best_ratio)


def choose_to_label(
    uncertainty: np.ndarray, kernel: np.ndarray, n: int, random_state: int | np.random.RandomState
) -> Chosen:
    """Choose rows by k-means, weighted by uncertainty: the row nearest to each center stands for its cluster.

    So the rows are uncertain, unlike each other, and typical: an outlier pulls no center (Zhdanov, "Diverse mini-batch
    active learning", 2019, https://arxiv.org/abs/1901.05954).

    Parameters
    ----------
    uncertainty : ndarray of shape (m,)
        Of the candidates; see `measure_uncertainty`.
    kernel : ndarray of shape (m, m)
        Products of the candidates' features.
    n : int
        Number of rows to choose; all m if there are no more.
    random_state : int or RandomState
        Draws the first centers.

    Returns
    -------
    Chosen
        n rows, ordered by their gains.
    """
    n = min(n, len(kernel))
    # A row that is certain must weigh something: a cluster of such rows needs a center too.
    weights = np.maximum(uncertainty, 1e-9)
    squares = kernel.diagonal()
    cluster = _first_clusters(kernel, n, check_random_state(random_state))
    for _ in range(_MOST_ROUNDS):
        shares = np.zeros((len(kernel), n), dtype=kernel.dtype)
        shares[np.arange(len(kernel)), cluster] = weights
        shares /= np.maximum(shares.sum(axis=0), np.finfo(kernel.dtype).tiny)
        products = kernel @ shares
        distances = squares[:, None] - 2 * products + (shares * products).sum(axis=0)
        distances[:, ~shares.any(axis=0)] = np.inf  # an empty cluster
        nearest = distances.argmin(axis=1)
        if (nearest == cluster).all():
            break
        cluster = nearest
    own = distances[np.arange(len(kernel)), cluster]
    order = np.lexsort((np.arange(len(kernel)), own, cluster))
    first = order[np.flatnonzero(np.diff(cluster[order], prepend=-1))]
    gains, sizes = np.bincount(cluster, weights, n)[cluster[first]], np.bincount(cluster, minlength=n)[cluster[first]]
    rest = np.setdiff1d(np.arange(len(kernel)), first)
    rest = rest[np.lexsort((rest, -uncertainty[rest]))][:n - len(first)]  # in place of empty clusters
    positions, gains = np.concatenate([first, rest]), np.concatenate([gains, uncertainty[rest]])
    sizes = np.concatenate([sizes, np.ones(len(rest), dtype=int)])
    best = np.lexsort((positions, -gains))
    return Chosen(positions[best], gains[best], sizes[best])


def find_candidates(uncertainty: np.ndarray, n: int) -> np.ndarray:
    """Return the positions of the most uncertain rows, from which n are chosen, the most uncertain first."""
    most = max(min(_CANDIDATES_EACH * n, _MOST_CANDIDATES), 2 * n)
    return np.argsort(-uncertainty, kind="stable")[:most]


def _first_clusters(kernel: np.ndarray, n: int, random: np.random.RandomState) -> np.ndarray:
    """Assign each row to the nearest of n rows that are far from each other, as k-means++ draws them.

    The source is Arthur & Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.
    """
    squares = kernel.diagonal().astype(float)
    cluster = np.zeros(len(kernel), dtype=int)
    row = int(squares.argmax())
    nearest = squares + squares[row] - 2 * kernel[:, row]
    for number in range(1, n):
        nearest = np.maximum(nearest, 0)
        total = nearest.sum()
        if total <= 0:  # all other rows are copies
            break
        row = int(random.choice(len(kernel), p=nearest / total))
        distance = squares + squares[row] - 2 * kernel[:, row]
        cluster[distance < nearest] = number
        nearest = np.minimum(nearest, distance)
        cluster[row], nearest[row] = number, 0
    return cluster
