"""Try scores on rows and classes that they were not fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from ...errors import InputError
from ..calibration import fit_temperature
from ..dual_ridge import Kernel, solve
from ..groups import require_several
from ..inner_folds import draw_inner_folds
from .scores import SCORES, Parameters
from .views import DualFit, Views
from .weighing import fit_scale, fit_weights, standardize, weigh

#: Ridges to choose from; see `twoflow.heads.dual_ridge.solve`.
_ALPHAS = np.array([0.03, 0.1, 0.3, 1.0])

#: What the scores find for some rows, by score: of shape (n,), or (n, n_evidence) for one that is weighed.
Found = dict[str, np.ndarray]


class Rows(NamedTuple):
    """The rows in scope, and how scores are fitted on some of them.

    Attributes
    ----------
    gram : ndarray of shape (n, n)
        Products of unit rows.
    codes : ndarray of int and shape (n,)
        Classes, from 0.
    groups : ndarray of shape (n,) or None
    probabilities : ndarray of shape (n, n_leaves) or None
        Of a classifier that was not fitted on the row.
    alpha, temperature : float
        The ridge, and what the indicators are divided by to become logits.
    n_components, cv : int
        See `OutOfScope`.
    random_state : int
        Starts the search for components.
    """

    gram: np.ndarray
    codes: np.ndarray
    groups: np.ndarray | None
    probabilities: np.ndarray | None
    alpha: float
    temperature: float
    n_components: int
    cv: int
    random_state: int

    def fit(self, rows: np.ndarray, names: Sequence[str]) -> Fitted:
        """Fit some scores on some rows."""
        codes = np.unique(self.codes[rows], return_inverse=True)[1]
        n_components = self.n_components if any(SCORES[name].uses_components for name in names) else 0
        dual = DualFit(self.gram, rows, codes, self.alpha, n_components, self.random_state)
        views = dual.views(rows)
        return Fitted(dual, {name: SCORES[name].fit(views, codes, self.temperature) for name in names})

    def folds(self, rng: np.random.RandomState) -> list[tuple[np.ndarray, np.ndarray]]:
        """Draw folds, and leave out held-out rows of classes that the rows to fit on lack."""
        folds = draw_inner_folds(self.codes, self.groups, self.cv, rng, every_class=False)
        return [(train, test[np.isin(self.codes[test], self.codes[train])]) for train, test in folds]


def prepare(
    gram: np.ndarray, codes: np.ndarray, groups: np.ndarray | None, probabilities: np.ndarray | None,
    n_components: int, cv: int, rng: np.random.RandomState,
) -> Rows:
    """Choose the ridge and the temperature by leave-out predictions; the parameters are those of `Rows`."""
    share = np.full(len(codes), 1 / len(codes))
    rounding = max(float(np.finfo(np.float32).eps * np.trace(gram)), float(np.finfo(np.float32).tiny))
    units = np.arange(len(codes)) if groups is None else groups
    require_several(units)
    solution = solve(Kernel(gram, rounding), np.eye(codes.max() + 1)[codes], share, units, _ALPHAS)
    temperature = fit_temperature(solution.scores, codes, np.ones(len(codes)))
    seed = rng.randint(np.iinfo(np.int32).max)
    return Rows(gram, codes, groups, probabilities, solution.alpha, temperature, n_components, cv, seed)


class Fitted(NamedTuple):
    """Scores that were fitted on some rows."""

    dual: DualFit
    parameters: Mapping[str, Parameters]

    def ask(self, views: Views) -> Found:
        """Return what each score finds for some rows."""
        return {name: SCORES[name].score(parameters, views) for name, parameters in self.parameters.items()}


class Trial(NamedTuple):
    """What scores find for held-out rows of known classes, and for rows of classes that were held out."""

    inside: Found
    outside: Found


def hold_out_rows(rows: Rows, names: Sequence[str], rng: np.random.RandomState) -> Found:
    """Return what scores find for rows that they were not fitted on, in folds that keep groups together.

    Rows of classes that their fold lacks are left out.
    """
    found = []
    for train, test in rows.folds(rng):
        fitted = rows.fit(train, names)
        held_out = None if rows.probabilities is None else rows.probabilities[test]
        found.append(fitted.ask(fitted.dual.views(test, held_out)))
    return {name: np.concatenate([each[name] for each in found]) for name in names}


def hold_out_classes(rows: Rows, names: Sequence[str], rng: np.random.RandomState) -> list[Trial]:
    """Try scores on classes that they were not fitted on; each class is held out once.

    There are as many trials as folds, or as classes if these are fewer. In each, a part of the classes and a fold of
    the rows are held out. Rows that share a group with rows to fit on are not asked for.

    The classifier knows all classes. So its probabilities are replaced by those of the ridge regression that does not.

    Raises
    ------
    ValueError
        If there are fewer than three classes.
    """
    n_classes = rows.codes.max() + 1
    if n_classes < 3:
        raise InputError(
            f"expected at least 3 classes to hold some out, got {n_classes}; give OutOfScope the name of a score that "
            "needs no held-out classes, such as 'indicator'"
        )
    parts = np.array_split(rng.permutation(n_classes), min(rows.cv, n_classes))
    folds, trials = rows.folds(rng), []
    for number, part in enumerate(parts):
        train, test = folds[number % len(folds)]
        is_held_out = np.isin(rows.codes, part)
        train = train[~is_held_out[train]]
        test = test[np.isin(rows.codes[test], rows.codes[train])]
        outside = np.flatnonzero(is_held_out)
        if rows.groups is not None:
            outside = outside[~np.isin(rows.groups[outside], rows.groups[train])]
        if not len(test) or not len(outside) or len(np.unique(rows.codes[train])) < 2:
            continue
        fitted = rows.fit(train, names)
        views = [_with_probabilities(fitted.dual.views(each), rows.temperature) for each in (test, outside)]
        trials.append(Trial(*map(fitted.ask, views)))
    if not trials:
        raise InputError("expected enough rows to hold some of each class out, got too few; add rows to the classes")
    return trials


def find_weights(trials: Sequence[Trial], name: str) -> np.ndarray:
    """Find the weights of a score's evidence; each trial is standardized by its own rows of known classes."""
    scales = [fit_scale(trial.inside[name]) for trial in trials]
    sides = [
        np.concatenate([standardize(getattr(trial, side)[name], scale) for trial, scale in zip(trials, scales)])
        for side in Trial._fields
    ]
    return fit_weights(*sides)


def compute_auroc(trials: Sequence[Trial], name: str) -> float:
    """Return the mean area under the ROC curve of rejecting held-out classes.

    Evidence is weighed by what the other trials found. If there is only one trial, it is weighed by itself.
    """
    areas = []
    for number, trial in enumerate(trials):
        inside, outside = trial.inside[name], trial.outside[name]
        if SCORES[name].is_weighed:
            others = [*trials[:number], *trials[number + 1:]] or trials
            weights, scale = find_weights(others, name), fit_scale(inside)
            inside, outside = weigh(inside, scale, weights), weigh(outside, scale, weights)
        areas.append(area(inside, outside))
    return float(np.mean(areas))


def area(inside: np.ndarray, outside: np.ndarray) -> float:
    """Return the area under the ROC curve of scores that should be higher inside."""
    truth = np.repeat([1, 0], [len(inside), len(outside)])
    return float(roc_auc_score(truth, np.concatenate([inside, outside])))


def _with_probabilities(views: Views, temperature: float) -> Views:
    return views._replace(probabilities=softmax(views.indicators / temperature, axis=1))
