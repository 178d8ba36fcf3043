"""Scores of predictions, by name. To add a score: write its function, and add one line to `SCORES`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import accuracy_score, f1_score

from ..errors import InputError
from ..heads.hierarchy import UNKNOWN
from ..images.partial_targets import have_all
from ..images.targets import all_right, has_label, split_targets
from .folds import Folds
from .hierarchy import path_scores, rejection
from .hierarchy.answers import LevelAnswers
from .tested import Given, Scored, Targets


def exact_match(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return the share of images whose targets are all right, of those that have all labels; NaN if none has.

    Parameters
    ----------
    y, predicted : ndarray of shape (n, k)

    Examples
    --------
    >>> exact_match(np.array([[0, 0], [0, 1]]), np.array([[0, 0], [1, 1]]))
    0.5
    """
    is_whole = have_all(y)
    return float(np.mean(all_right(y, predicted)[is_whole])) if is_whole.any() else math.nan


def hamming_loss(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return the share of labels that are wrong, of all that are known; NaN if none is.

    If no label is missing, it is `sklearn.metrics.hamming_loss` of several columns of classes, which scikit-learn does
    not take: the mean share of wrong targets of an image.

    Parameters
    ----------
    y, predicted : ndarray of shape (n, k)

    Examples
    --------
    >>> hamming_loss(np.array([["tee", "red"], ["cap", ""]]), np.array([["tee", "blue"], ["cap", "red"]]))
    0.3333333333333333
    """
    pairs = zip(split_targets(y), split_targets(predicted))
    is_wrong = np.concatenate([(true != given)[has_label(true)] for true, given in pairs])
    return float(is_wrong.mean()) if len(is_wrong) else math.nan


def macro_f1(y: np.ndarray, predicted: np.ndarray) -> float:
    """Return the mean F1 of the classes that occur; an answer that names no class is a miss, and no class itself.

    Parameters
    ----------
    y, predicted : ndarray of shape (n,)
    """
    labels = np.union1d(y, predicted)
    if labels.dtype.kind in "UO":
        labels = np.array([label for label in labels.tolist() if label not in ("", UNKNOWN) or label in y])
    return float(f1_score(y, predicted, labels=labels, average="macro", zero_division=0))


class Score(NamedTuple):
    """A score and what it is computed from.

    Attributes
    ----------
    label : str
        The name that tables and plots show.
    function : callable
        Takes the true and the predicted labels, and returns a number from 0 to 1. The arrays have shape (n,) for a
        score of one target, and (n, k) for a score of several together. A score of levels takes a `LevelAnswers`, and
        the position of the level if it is computed for each level. NaN says that there is nothing to score.
    of_one_target : bool
        Whether the score is computed for each target by itself; otherwise for all targets together, if there are
        several.
    greater_is_better : bool
        By default a greater score is better.
    of_all_predictions : bool
        Whether the reported number is computed from all predictions of a repeat together. By default it is the mean
        over folds. That mean is biased for a score that is no mean over images: in a small fold a class with few test
        images has a very uneven F1, and one without test images does not count. See `compute_means`.
    counts_images : bool
        Whether it is the share of images that are right. Counts of images then say how sure it is, if folds do not. By
        default it is not.
    levels : slice or None
        For a score of levels: the levels that it is computed for, if it is computed for each; all of them if it is
        computed once. By default (None) it is a score of any targets.
    link : str
        What joins the label and the name of the target, by default "of".
    is_of_scope : bool
        Whether it needs images that are out of scope. By default it does not.
    """

    label: str
    function: Callable[..., float]
    of_one_target: bool
    greater_is_better: bool = True
    of_all_predictions: bool = False
    counts_images: bool = False
    levels: slice | None = None
    link: str = "of"
    is_of_scope: bool = False


def _of_paths(label: str, function: Callable[[LevelAnswers], float], **rest: Any) -> Score:
    return Score(label, function, of_one_target=False, levels=slice(None), **rest)


#: The scores by name. The first that applies to the targets of a collection is the one that is tested.
SCORES: dict[str, Score] = {
    "exact_match": Score("exact match", exact_match, of_one_target=False, counts_images=True),
    "accuracy": Score("accuracy", accuracy_score, of_one_target=True, counts_images=True),
    "macro_f1": Score("macro F1", macro_f1, of_one_target=True, of_all_predictions=True),
}

#: The scores of several targets that are no levels, in addition to `SCORES`.
TARGETS_SCORES: dict[str, Score] = {
    "hamming_loss": Score("Hamming loss", hamming_loss, of_one_target=False, greater_is_better=False),
}

#: The scores of levels, in addition to `SCORES` or in place of them.
LEVEL_SCORES: dict[str, Score] = {
    "exact_match": _of_paths("exact match", path_scores.exact_match, counts_images=True),
    "conditional_accuracy": Score(
        "conditional accuracy", path_scores.conditional_accuracy, True, of_all_predictions=True, levels=slice(1, None)
    ),
    "hierarchical_f1": _of_paths("hierarchical F1", path_scores.hierarchical_f1, of_all_predictions=True),
    "hierarchical_precision": _of_paths(
        "hierarchical precision", path_scores.hierarchical_precision, of_all_predictions=True
    ),
    "hierarchical_recall": _of_paths("hierarchical recall", path_scores.hierarchical_recall, of_all_predictions=True),
    "near_errors": _of_paths(
        "errors inside the right broadest class", path_scores.near_errors, of_all_predictions=True
    ),
    "risk": _of_paths("wrong among the answered", path_scores.risk, greater_is_better=False, of_all_predictions=True),
    "unknown": _of_paths("answered unknown", path_scores.unknown, greater_is_better=False),
    "stopped": Score(
        "stopped", path_scores.stopped, True, greater_is_better=False, levels=slice(None, -1), link="at"
    ),
    "risk_area": _of_paths("area under risk by coverage", rejection.risk_area, greater_is_better=False),
    "excess_risk_area": _of_paths(
        "its excess over the best order", rejection.excess_risk_area, greater_is_better=False
    ),
    "right_auroc": _of_paths("AUROC, right against wrong", rejection.right_auroc),
    "scope_auroc": _of_paths("AUROC, in scope against out of scope", rejection.scope_auroc, is_of_scope=True),
    "outside_rejected": _of_paths(
        "out of scope answered unknown", path_scores.outside_rejected, of_all_predictions=True, is_of_scope=True
    ),
}


class AppliedScore(NamedTuple):
    """A score of the targets of a collection.

    Attributes
    ----------
    score : Score
    target : str or None
        The target that it is the score of, if there are several; None for all targets, or the only one.
    position : int or None
        The column of that target.
    """

    score: Score
    target: str | None = None
    position: int | None = None

    @property
    def label(self) -> str:
        """The name that tables and plots show."""
        return self.score.label if self.target is None else f"{self.score.label} {self.score.link} {self.target}"

    def __call__(self, tested: Scored) -> float:
        """Compute the score; NaN if there is nothing to score."""
        if self.score.levels is not None:
            which = [] if self.position is None else [self.position]
            return self.score.function(tested.paths, *which)
        true, predicted = tested.column(self.position)
        return float(self.score.function(true, predicted)) if len(true) else math.nan


def scores_for(targets: Targets) -> dict[str, AppliedScore]:
    """Return the scores that apply to some targets, by name; the first is the one that is tested.

    Parameters
    ----------
    targets : Targets

    Returns
    -------
    dict of str to AppliedScore
        For one target the names are those of `SCORES`. For several, the scores of all targets together come first, with
        those of `TARGETS_SCORES`, and each score of one target is there for each target, as ``"score:target"``. Levels
        have those of `LEVEL_SCORES` instead of `TARGETS_SCORES`. The accuracy and the macro F1 of a target are of the
        images that have its label.

    Examples
    --------
    >>> list(scores_for(Targets(["class"])))
    ['accuracy', 'macro_f1']
    >>> list(scores_for(Targets(["brand", "model"])))
    ['exact_match', 'hamming_loss', 'accuracy:brand', 'macro_f1:brand', 'accuracy:model', 'macro_f1:model']
    """
    names = targets.names
    if len(names) == 1:
        return {name: AppliedScore(score) for name, score in SCORES.items() if score.of_one_target}
    known = {**SCORES, **(TARGETS_SCORES if targets.tree is None else LEVEL_SCORES)}
    applying = {name: score for name, score in known.items() if targets.has_outside or not score.is_of_scope}
    return {
        **{name: AppliedScore(score) for name, score in applying.items() if not score.of_one_target},
        **{
            find_score(name, target, names): AppliedScore(score, target, position)
            for position, target in enumerate(names) for name, score in applying.items()
            if score.of_one_target and position in range(len(names))[score.levels or slice(None)]
        },
    }


def find_score(name: str, target: str, target_names: Sequence[str]) -> str:
    """Return the name of a score of one target, as `scores_for` gives it.

    Parameters
    ----------
    name : str
        A key of `SCORES` whose score is that of one target.
    target : str
        One of `target_names`.
    target_names : sequence of str
        All targets of the collection.

    Examples
    --------
    >>> find_score("accuracy", "class", ["class"]), find_score("accuracy", "model", ["brand", "model"])
    ('accuracy', 'accuracy:model')
    """
    return name if len(target_names) == 1 else f"{name}:{target}"


def compute_scores(y: np.ndarray, given: Given, targets: Targets) -> dict[str, float]:
    """Compute all scores that apply.

    Parameters
    ----------
    y : ndarray of shape (n,) for one target, (n, k) for several
    given : Given
    targets : Targets

    Raises
    ------
    ValueError
        If there are several targets and the predictions have another shape.
    """
    if y.ndim > 1 and given.predicted.shape != y.shape:
        raise InputError(
            f"expected predictions of shape {y.shape}, one column for each target, got {given.predicted.shape}; "
            "use a classifier that learns several targets"
        )
    tested = Scored(y, given, targets.tree)
    return {name: score(tested) for name, score in scores_for(targets).items()}


def compute_means(
    scores: Mapping[str, np.ndarray], y: np.ndarray, folds: Folds, given: Sequence[Given], targets: Targets,
) -> dict[str, float]:
    """Compute the number that is reported for each score.

    It is the mean over folds, without those that have nothing to score. A score that says `Score.of_all_predictions` is
    computed from all predictions of a repeat together, and the number is the mean over repeats. Random splits have one
    split a repeat, so all predictions of all splits are taken together.

    Parameters
    ----------
    scores : mapping of str to ndarray of shape (n_folds,)
        The scores of each fold, by name.
    y : ndarray of shape (n,) or (n, k)
        The labels of all images.
    folds : Folds
    given : sequence of Given
        The answers of each fold.
    targets : Targets
    """
    together: dict[int, list[int]] = {}
    for position, fold in enumerate(folds):
        together.setdefault(fold.repeat if folds.n_splits > 1 else 0, []).append(position)
    joined = [
        Scored(
            np.concatenate([y[folds.splits[i].test] for i in positions]), Given.join([given[i] for i in positions]),
            targets.tree,
        )
        for positions in together.values()
    ]
    return {
        name: mean_of_known(
            np.array([score(each) for each in joined]) if score.score.of_all_predictions else scores[name]
        )
        for name, score in scores_for(targets).items()
    }


def mean_of_known(values: np.ndarray) -> float:
    """Return the mean without NaN; NaN if there is nothing else."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan
