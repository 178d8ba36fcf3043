"""Labels worth a second look, by confident learning: what a model that never saw an image thinks of its label."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from ..errors import InputError
from ..heads.confident_learning import find_confident

# Chosen on `clothing` by the log loss of the labels as they are and by time, among logistic regressions with and
# without the components, ridge regressions and the linear discriminant, whose probabilities are far too sure. The
# strength of the regularization, C, is relative to the number of images.
_N_COMPONENTS, _C_TIMES_IMAGES = 256, 30


@dataclass(frozen=True, eq=False)
class LabelIssues:
    """What `find_label_issues` found among n images of k classes.

    Attributes
    ----------
    classes : ndarray of shape (k,)
    thresholds : ndarray of shape (k,)
        How confident the model is, on average, in the class of the images that have its label; NaN for a class that
        could not be judged.
    confident_joint : ndarray of shape (k, k) and dtype int
        How many images with the label of the row are confidently of the class of the column.
    suspects : ndarray of shape (m,) and dtype int
        Positions of the images beside the diagonal, the most suspect first: by the normalized margin.
    given, suggested : ndarray of shape (m,)
        The label they have, and the class the model is most confident in.
    margins : ndarray of shape (m,)
        The probability of the given label minus that of the suggested one, -1 to 1.
    confidences : ndarray of shape (m,)
        The probability of the suggested class.
    n_judged : int
        How many images the model could judge.
    """

    classes: np.ndarray
    thresholds: np.ndarray
    confident_joint: np.ndarray
    suspects: np.ndarray
    given: np.ndarray
    suggested: np.ndarray
    margins: np.ndarray
    confidences: np.ndarray
    n_judged: int


def find_label_issues(labels: Any, probabilities: np.ndarray, classes: Any) -> LabelIssues:
    """Find the images that are confidently of another class than their label says.

    By confident learning (Northcutt, Jiang & Chuang, Journal of Artificial Intelligence Research 70, 2021,
    https://doi.org/10.1613/jair.1.12125): an image is confidently of the likeliest of those classes whose probability
    reaches the mean that images with that label have. Those that are not confidently of their own class but of
    another are the suspects; they are ranked by the normalized margin.

    Parameters
    ----------
    labels : array-like of shape (n,)
    probabilities : ndarray of shape (n, k)
        From a model that was trained on neither the image nor its group, see `out_of_fold_probabilities`. A row of
        NaN is not judged.
    classes : array-like of shape (k,)
        What the columns stand for, in sorted order.

    Returns
    -------
    LabelIssues

    Raises
    ------
    ValueError
        If the shapes do not fit, or a label of an image to be judged is not among the classes.

    Examples
    --------
    >>> import numpy as np
    >>> sure, unsure = [.9, .1], [.6, .4]
    >>> issues = find_label_issues(["boot", "boot", "clog", "clog"], np.array([sure, unsure, sure, [.2, .8]]),
    ...                            ["boot", "clog"])
    >>> issues.suspects.tolist(), issues.suggested.tolist()
    ([2], ['boot'])
    """
    labels, classes, probabilities = np.asarray(labels), np.asarray(classes), np.asarray(probabilities, dtype=float)
    if probabilities.shape != (len(labels), len(classes)):
        raise InputError(f"probabilities must have shape {(len(labels), len(classes))}, got {probabilities.shape}")
    judged = np.flatnonzero(np.isfinite(probabilities).all(axis=1))
    unknown = np.setdiff1d(labels[judged], classes)
    if len(unknown):
        raise InputError(f"the label {unknown[0]!s} is not among the classes")
    given = np.searchsorted(classes, labels[judged])
    p = probabilities[judged]
    own = p[np.arange(len(judged)), given]
    confident, thresholds = find_confident(p, given)
    rows = np.flatnonzero(confident >= 0)
    joint = np.zeros((len(classes), len(classes)), dtype=int)
    np.add.at(joint, (given[rows], confident[rows]), 1)

    rows = rows[given[rows] != confident[rows]]
    best = confident[rows]
    margins = own[rows] - p[rows, best]
    order = np.lexsort((judged[rows], margins))
    rows, best = rows[order], best[order]
    return LabelIssues(
        classes, thresholds, joint, judged[rows], classes[given[rows]], classes[best], margins[order],
        p[rows, best], len(judged),
    )


def out_of_fold_probabilities(
    features: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray,
    *,
    n_splits: int = 5,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """What a logistic regression thinks of each image that it was not trained on, nor on any of its group.

    It is of the first 256 principal components, and regularized so that its probabilities are nearly calibrated.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
    labels, groups : ndarray of shape (n,)
    n_splits : int
        Folds; fewer where no class has so many groups.
    random_state : int
        For the folds.
    n_jobs : int, optional
        Folds fitted at the same time.

    Returns
    -------
    probabilities : ndarray of shape (n, k)
        A row of NaN where an image cannot be judged: its class has only one group, or all others that were in it came
        to be tested at the same time.
    classes : ndarray of shape (k,)

    Raises
    ------
    ValueError
        If not two classes have two groups each.
    """
    classes, codes = np.unique(labels, return_inverse=True)
    n_groups = np.array([len(np.unique(groups[codes == code])) for code in range(len(classes))])
    usable = np.flatnonzero((n_groups >= 2)[codes])
    if (n_groups >= 2).sum() < 2:
        raise InputError("labels can be judged where at least two classes have two images (or groups) each")
    n_splits = min(n_splits, int(n_groups.max()))
    splitter = StratifiedGroupKFold(n_splits, shuffle=True, random_state=random_state)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        folds = list(splitter.split(usable, codes[usable], groups[usable]))
    folds = [(usable[train], usable[test]) for train, test in folds if len(train) and len(test)]
    # Around all of them, since the limit is the process's; and always one, since sums depend on how they are shared.
    with threadpool_limits(1):
        fitted = Parallel(n_jobs=n_jobs, prefer="threads")(
            delayed(_predict)(features, codes, train, test, len(classes)) for train, test in folds
        )
    probabilities = np.full((len(labels), len(classes)), np.nan)
    for (_, test), predicted in zip(folds, fitted):
        probabilities[test] = predicted
    return probabilities, classes


def _predict(
    features: np.ndarray, codes: np.ndarray, train: np.ndarray, test: np.ndarray, n_classes: int
) -> np.ndarray:
    """One fold; an image whose class is not trained on cannot be judged."""
    predicted = np.full((len(test), n_classes), np.nan)
    known = np.unique(codes[train])
    if len(known) < 2:
        return predicted
    n_components = min(_N_COMPONENTS, len(train), features.shape[1])
    components = PCA(n_components, svd_solver="covariance_eigh" if len(train) > features.shape[1] else "full")
    regression = LogisticRegression(C=_C_TIMES_IMAGES / len(train), max_iter=1000)
    model = make_pipeline(StandardScaler(), components, regression)
    fitted = model.fit(features[train], codes[train])
    is_judged = np.isin(codes[test], known)
    judged = np.zeros((int(is_judged.sum()), n_classes))
    if len(judged):
        judged[:, fitted[-1].classes_] = fitted.predict_proba(features[test[is_judged]])
    predicted[is_judged] = judged
    return predicted
