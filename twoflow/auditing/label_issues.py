"""Find labels that are probably wrong, by confident learning on held-out images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ..errors import InputError
from ..heads.confident_learning import find_confident
from ..heads.inner_folds import draw_inner_folds
from ..heads.out_of_fold import answer_out_of_fold, ask_clone

# Chosen on `clothing` by the log loss of the labels and by time, among logistic regressions with and without the
# components, ridge regressions and the linear discriminant, whose probabilities are overconfident. The regularization
# C is relative to the number of images.
_N_COMPONENTS, _C_TIMES_IMAGES = 256, 30
_LEAST_PROBABILITY = 1e-12  # so that a ratio is finite

#: What suspects can be ranked by, the default first.
RANKS = ("ratio", "margin")


@dataclass(frozen=True, eq=False)
class LabelIssues:
    """The result of `find_label_issues` for n images of k classes.

    Attributes
    ----------
    classes : ndarray of shape (k,)
    thresholds : ndarray of shape (k,)
        The mean probability of a class among the images with its label; NaN for a class that could not be judged.
    confident_joint : ndarray of shape (k, k) and dtype int
        The number of images with the label of the row that are confidently of the class of the column.
    suspects : ndarray of shape (m,) and dtype int
        Positions of the images off the diagonal, the most suspect first.
    given, suggested : ndarray of shape (m,)
        Their labels, and the classes that the model is most confident in.
    margins : ndarray of shape (m,)
        The probability of the given label minus that of the suggested one, -1 to 1.
    ratios : ndarray of shape (m,)
        The logarithm of the probability of the suggested class over that of the given label; at most 27.6, because a
        probability counts as at least 1e-12.
    examples : ndarray of shape (m,) and dtype int
        For each suspect, the position of the image with the suggested label that is most certainly of that class; -1
        if there is none.
    confidences : ndarray of shape (m,)
        The probability of the suggested class.
    n_judged : int
        The number of images that the model could judge.
    """

    classes: np.ndarray
    thresholds: np.ndarray
    confident_joint: np.ndarray
    suspects: np.ndarray
    given: np.ndarray
    suggested: np.ndarray
    margins: np.ndarray
    ratios: np.ndarray
    examples: np.ndarray
    confidences: np.ndarray
    n_judged: int


def find_label_issues(labels: Any, probabilities: np.ndarray, classes: Any, *, rank: str = "ratio") -> LabelIssues:
    """Find the images that are confidently of another class than their label says.

    This is confident learning (Northcutt, Jiang & Chuang, Journal of Artificial Intelligence Research 70, 2021,
    https://doi.org/10.1613/jair.1.12125). The threshold of a class is its mean probability among the images with its
    label. An image is confidently of the likeliest class that reaches its threshold. Images that are confidently of
    another class than their own are the suspects.

    Parameters
    ----------
    labels : array-like of shape (n,)
    probabilities : ndarray of shape (n, k)
        From a model that was fitted on neither the image nor its group; see `out_of_fold_probabilities`. A row of NaN
        is not judged.
    classes : array-like of shape (k,)
        The classes of the columns, in sorted order.
    rank : {"ratio", "margin"}
        What suspects are ranked by. Default: "ratio", the ratio of the probabilities of the suggested class and of the
        given label, the largest first. "margin" is their difference, the normalized margin of the paper.

    Returns
    -------
    LabelIssues

    Raises
    ------
    ValueError
        If the shapes do not fit, a label of an image to be judged is not among the classes, or `rank` is another word.

    Examples
    --------
    >>> import numpy as np
    >>> sure, unsure = [.9, .1], [.6, .4]
    >>> issues = find_label_issues(["boot", "boot", "clog", "clog"], np.array([sure, unsure, sure, [.2, .8]]),
    ...                            ["boot", "clog"])
    >>> issues.suspects.tolist(), issues.suggested.tolist()
    ([2], ['boot'])
    """
    check_rank(rank)
    labels, classes, probabilities = np.asarray(labels), np.asarray(classes), np.asarray(probabilities, dtype=float)
    if probabilities.shape != (len(labels), len(classes)):
        raise InputError(
            f"expected probabilities of shape {(len(labels), len(classes))}, got {probabilities.shape}; give a row for "
            "each label and a column for each class"
        )
    judged = np.flatnonzero(np.isfinite(probabilities).all(axis=1))
    unknown = np.setdiff1d(labels[judged], classes)
    if len(unknown):
        raise InputError(f"expected labels that are among the classes, got {unknown[0]!s}; add it to classes")
    given = np.searchsorted(classes, labels[judged])
    p = probabilities[judged]
    own = p[np.arange(len(judged)), given]
    confident, thresholds = find_confident(p, given)
    rows = np.flatnonzero(confident >= 0)
    joint = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(joint, (given[rows], confident[rows]), 1)

    examples = _most_certain(own, given, confident, len(classes))
    rows = rows[given[rows] != confident[rows]]
    best = confident[rows]
    margins = own[rows] - p[rows, best]
    ratios = np.log(p[rows, best]) - np.log(np.maximum(own[rows], _LEAST_PROBABILITY))
    order = np.lexsort((judged[rows], {"margin": margins, "ratio": -ratios}[rank]))
    rows, best = rows[order], best[order]
    return LabelIssues(
        classes, thresholds, joint, judged[rows], classes[given[rows]], classes[best], margins[order], ratios[order],
        np.where(examples[best] >= 0, judged[examples[best]], -1), p[rows, best], len(judged),
    )


def check_rank(rank: str) -> None:
    """Raise ValueError if suspects cannot be ranked so."""
    if rank not in RANKS:
        raise InputError(f"rank: expected one of {', '.join(RANKS)}, got {rank!r}")


def _most_certain(own: np.ndarray, given: np.ndarray, confident: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the row of each class that is most certainly of its label; -1 for a class without such a row."""
    found = np.full(n_classes, -1)
    rows = np.flatnonzero(given == confident)
    rows = rows[np.lexsort((-rows, own[rows]))]  # the last row of a class is written last; of equals, the first row
    found[given[rows]] = rows
    return found


def out_of_fold_probabilities(
    features: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    *,
    n_splits: int = 5,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the probabilities of each image's classes by models that were fitted without it and its group.

    The model is a logistic regression on the first 256 principal components. It is regularized so that its
    probabilities are nearly calibrated.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
    labels, groups : ndarray of shape (n,)
    n_splits : int
        The most folds, by default 5; fewer if no class has so many groups.
    random_state : int
        Draws the folds; by default 0.
    n_jobs : int, optional
        How many folds are fitted at the same time; by default one, or as joblib's context says.

    Returns
    -------
    probabilities : ndarray of shape (n, k)
        A row is NaN if its image cannot be judged: its class has one group only, or all groups of its class are held
        out in the same fold.
    classes : ndarray of shape (k,)

    Raises
    ------
    ValueError
        If fewer than two classes have two groups each.
    """
    classes, codes = np.unique(labels, return_inverse=True)
    n_groups = np.array([len(np.unique(groups[codes == code])) for code in range(len(classes))])
    usable = np.flatnonzero((n_groups >= 2)[codes])
    if (n_groups >= 2).sum() < 2:
        raise InputError(
            f"expected at least two classes with two images (or groups) each, got {(n_groups >= 2).sum()}; add images "
            "before labels are judged"
        )
    # Rare classes must not make the folds fewer: the more images a model is fitted on, the better it judges.
    rng = np.random.RandomState(random_state)
    folds = draw_inner_folds(codes[usable], groups[usable], n_splits, rng, every_class=False)

    def ask(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        model = _make_model(len(train), features.shape[1])
        positions = np.arange(len(classes))
        answers = ask_clone(model, features, codes, None, usable[train], usable[test], positions, unknown=0)
        # An image whose class the model does not know cannot be judged, nor any by a model that knows one class.
        known = np.unique(codes[usable[train]])
        answers[~np.isin(codes[usable[test]], known if len(known) > 1 else [])] = np.nan
        return answers

    # The limit holds for the process, so it is set once around all folds. It is always one thread, because the sums
    # depend on how threads share them.
    with threadpool_limits(1):
        rows, answers = answer_out_of_fold(ask, folds, n_jobs)
    probabilities = np.full((len(labels), len(classes)), np.nan)
    probabilities[usable[rows]] = answers
    return probabilities, classes


def _make_model(n_images: int, n_features: int) -> Pipeline:
    """Make the unfitted model for so many training images."""
    n_components = min(_N_COMPONENTS, n_images, n_features)
    components = PCA(n_components, svd_solver="covariance_eigh" if n_images > n_features else "full")
    return make_pipeline(StandardScaler(), components, LogisticRegression(C=_C_TIMES_IMAGES / n_images, max_iter=1000))
