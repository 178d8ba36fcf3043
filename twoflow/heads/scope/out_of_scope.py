"""Recognize images that are none of the classes, by a score in the space of features."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Tags, check_array, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from ...errors import InputError
from ..groups import read_groups
from ..targets import check_targets
from ..ties import first_of_best
from .scores import SCORES, Parameters
from .threshold import choose_threshold, split_outside
from .trials import Trial, area, compute_auroc, find_weights, hold_out_classes, hold_out_rows, prepare
from .views import Views, project, row_norms, unit_products
from .weighing import fit_scale, weigh


class OutOfScope(BaseEstimator):
    """Score how much an image is like the training images, and find the score below which it is out of scope.

    Parameters
    ----------
    criterion : {"auto", "probability", "entropy", "indicator", "energy", "vim", "mahalanobis", "neighbors", \
"combined"}, default="auto"
        The score.

        - "probability", "entropy": the top probability of the classifier, and minus the entropy of its probabilities.
        - "indicator": how near the predictions of a ridge regression of class indicators are to those of one class.
        - "energy": the energy of these predictions.
        - "vim": the energy, less what the principal components leave out of the features.
        - "mahalanobis": the distance from the nearest class mean, in units of the spread within classes.
        - "neighbors": the distance of the nearest training image.
        - "combined": the evidence of several of these, weighed so that it tells classes that were held out from others.
        - "auto": the one that is best at rejecting classes of the training data that were held out; see Notes.
    answered : float in (0, 1], default=0.95
        At least this share of held-out images that are in scope is not refused. A lower share refuses more images, of
        both kinds.
    n_components : int, default=256
        The most principal components. More see smaller differences, and make model files larger.
    max_samples : int, default=8000
        The most training rows to fit on, drawn at random; the memory for products of rows grows with its square (512
        MB for 8,000).
    cv : int, default=5
        The number of folds, of rows and of classes.
    random_state : int, RandomState or None, default=None
        Draws the folds, the held-out classes and the halves. By default each fit differs.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    score_ : str
        The score that is used.
    threshold_ : float
        An image is out of scope if its score is lower.
    answered_ : float
        The share of held-out images in scope whose score reaches the threshold.
    auroc_ : dict of str to float
        For each score that was tried, the mean area under the ROC curve of rejecting held-out classes. Empty if
        `criterion` names one that needs no held-out classes.
    outside_rejected_ : float or None
        The share of the given out-of-scope images that are rejected, among those that did not set the threshold. None
        if there are none.
    n_outside_tested_ : int
        How many these are.
    n_samples_ : int
        How many training rows were used.
    projection_ : ndarray of shape (n_features_in_, 2 * n_classes + n_components + 1)
        Maps a row of unit norm to indicators, smooth indicators, components, and its product with the mean.
    offset_ : ndarray of shape (2 * n_classes + n_components + 1,)
        Is added to these.
    parameters_ : dict of str to ndarray
        What the score holds; see `twoflow.heads.scope.scores`.
    scale_, weights_ : dict of str to ndarray, ndarray of shape (n_evidence,)
        How "combined" weighs evidence; see `twoflow.heads.scope.weighing`. Empty for other scores.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has feature names.

    Notes
    -----
    All rows are scaled to unit norm (Mueller & Hein, 2025, https://doi.org/10.48550/arXiv.2505.18032). The products of
    all rows are computed once, and every fit uses a part of them.

    "auto" and "combined" hold out each class once, in as many parts as `cv`. This takes `cv` fits; the threshold takes
    as many again, and the final fit one more. Held-out classes are look-alikes of the others. They say little about how
    well images of something else are rejected. If out-of-scope images are given, "auto" takes the score that is best on
    average of the held-out classes and of the half that sets the threshold.

    Scores that need probabilities are tried with those of the ridge regression that was fitted without the held-out
    classes, since the classifier knows all classes. They are left out of "auto" if `fit` gets no probabilities.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from twoflow import OutOfScope
    >>> X, y = load_iris(return_X_y=True)
    >>> scope = OutOfScope("mahalanobis", random_state=0).fit(X, y)
    >>> scope.score_samples(X[:3]) >= scope.threshold_, scope.score_samples([[9, 9, 0, 9]]) >= scope.threshold_
    (array([ True,  True,  True]), array([False]))
    """

    _parameter_constraints: ClassVar[dict] = {
        "criterion": [StrOptions({"auto", *SCORES})],
        "answered": [Interval(Real, 0, 1, closed="right")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "max_samples": [Interval(Integral, 2, None, closed="left")],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        criterion: str = "auto",
        *,
        answered: float = 0.95,
        n_components: int = 256,
        max_samples: int = 8000,
        cv: int = 5,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.criterion = criterion
        self.answered = answered
        self.n_components = n_components
        self.max_samples = max_samples
        self.cv = cv
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        groups: Any = None,
        *,
        probabilities: Any = None,
        outside: Any = None,
        outside_groups: Any = None,
        outside_probabilities: Any = None,
    ) -> Self:
        """Choose the score, fit it, and find the threshold.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Features of images that are in scope.
        y : array-like of shape (n,)
            Their classes; at least two, and three if classes must be held out.
        groups : array-like of shape (n,), optional
            Where rows are held out, whole groups are. By default each row is a group.
        probabilities : array-like of shape (n, n_leaves), optional
            For each row, by a classifier that was not fitted on it. Scores of probabilities need them.
        outside : array-like of shape (n_outside, n_features), optional
            Features of images that are out of scope. A random half sets the threshold, and the other half tests it.
            Without them the threshold is the highest that `answered` allows.
        outside_groups : array-like of shape (n_outside,), optional
            Groups are in one half. By default each row is a group.
        outside_probabilities : array-like of shape (n_outside, n_leaves), optional
            Needed if `probabilities` and `outside` are given.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter is wrong, there are too few classes, groups, rows or out-of-scope images, all rows are equal
            but for their norm, or the score needs probabilities and gets none.
        """
        self._validate_params()
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], ensure_min_samples=2)
        self.classes_, codes = np.unique(check_targets(y, several=False), return_inverse=True)
        groups = read_groups(groups)
        check_consistent_length(X, groups, probabilities)
        groups = None if groups is None else np.unique(groups, return_inverse=True)[1]
        probabilities = _check_probabilities(probabilities)
        rng = check_random_state(self.random_state)
        if len(X) > self.max_samples:
            kept = np.sort(rng.permutation(len(X))[:self.max_samples])
            X, codes = X[kept], np.unique(codes[kept], return_inverse=True)[1]
            groups, probabilities = (None if each is None else each[kept] for each in (groups, probabilities))
        self.n_samples_ = len(X)
        norms = row_norms(X)
        gram = unit_products(X, norms)
        if np.trace(gram) / len(X) - gram.mean() <= np.finfo(np.float32).eps:
            raise InputError(
                f"X: expected features that differ between images, got {len(X)} rows that are equal after scaling to "
                f"unit norm (n_features = {X.shape[1]}); give other features"
            )
        rows = prepare(gram, codes, groups, probabilities, self.n_components, self.cv, rng)
        names = self._names(probabilities is not None)
        trials = hold_out_classes(rows, names, rng) if self._holds_out_classes() else []
        held_out, fitted = hold_out_rows(rows, names, rng), rows.fit(np.arange(len(X)), names)
        self.projection_, self.offset_ = fitted.dual.to_primal(X, norms)
        self._n_indicators = fitted.dual.n_classes
        others, sets = {}, np.empty(0, dtype=bool)
        if outside is not None:
            check_consistent_length(outside, outside_groups, outside_probabilities)
            others = fitted.ask(self._view(outside, outside_probabilities, any(map(_uses_probabilities, names))))
            n_outside = len(others[names[0]])
            sets = split_outside(n_outside, read_groups(outside_groups), rng)

        self.auroc_ = {name: compute_auroc(trials, name) for name in names} if trials else {}
        worth = {}
        for name in names:
            self._take(name, trials, held_out[name])
            worth[name] = [self.auroc_[name]] if trials else [0.0]
            if others:
                worth[name].append(area(self._weigh(held_out[name]), self._weigh(others[name][sets])))
        self.score_ = names[first_of_best([float(np.mean(each)) for each in worth.values()])]
        self._take(self.score_, trials, held_out[self.score_])
        self.parameters_ = fitted.parameters[self.score_]
        if not SCORES[self.score_].uses_components:
            kept = np.r_[:2 * self._n_indicators, len(self.offset_) - 1]
            self.projection_, self.offset_ = np.ascontiguousarray(self.projection_[:, kept]), self.offset_[kept]
        inside = self._weigh(held_out[self.score_])
        outer = self._weigh(others[self.score_]) if others else None
        self.threshold_ = choose_threshold(inside, self.answered, None if outer is None else outer[sets])
        self.answered_ = float((inside >= self.threshold_).mean())
        self.outside_rejected_ = None if outer is None else float((outer[~sets] < self.threshold_).mean())
        self.n_outside_tested_ = int((~sets).sum())
        return self

    def _names(self, has_probabilities: bool) -> list[str]:
        """Return the scores to choose from."""
        names = list(SCORES) if self.criterion == "auto" else [self.criterion]
        able = [name for name in names if has_probabilities or not SCORES[name].uses_probabilities]
        if not able:
            raise InputError(
                f"expected probabilities for criterion={self.criterion!r}, got none; pass those of held-out rows"
            )
        return able

    def _holds_out_classes(self) -> bool:
        return self.criterion == "auto" or SCORES[self.criterion].is_weighed

    def _take(self, name: str, trials: Sequence[Trial], held_out: np.ndarray) -> None:
        """Weigh the evidence of a score from now on."""
        is_weighed = SCORES[name].is_weighed
        self.weights_ = find_weights(trials, name) if is_weighed else np.empty(0)
        self.scale_: Parameters = fit_scale(held_out) if is_weighed else {}

    def score_samples(self, X: Any, probabilities: Any = None) -> np.ndarray:
        """Return how much each row is like the training rows.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        probabilities : array-like of shape (n, n_leaves), optional
            Of the classifier; only scores of probabilities need them.

        Returns
        -------
        ndarray of shape (n,) and dtype float64
            Higher is more in scope. A row below `threshold_` is out of scope.
        """
        check_is_fitted(self, "threshold_")
        score = SCORES[self.score_]
        return self._weigh(score.score(self.parameters_, self._view(X, probabilities, score.uses_probabilities)))

    def _view(self, X: Any, probabilities: Any, needs_probabilities: bool) -> Views:
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        probabilities = _check_probabilities(probabilities)
        check_consistent_length(X, probabilities)
        if needs_probabilities and probabilities is None:
            raise InputError("expected probabilities of the classifier for this score, got none; pass them too")
        return project(X, self.projection_, self.offset_, self._n_indicators, probabilities)

    def _weigh(self, found: np.ndarray) -> np.ndarray:
        return weigh(found, self.scale_, self.weights_) if self.scale_ else found

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _uses_probabilities(name: str) -> bool:
    return SCORES[name].uses_probabilities


def _check_probabilities(probabilities: Any) -> np.ndarray | None:
    if probabilities is None:
        return None
    return check_array(probabilities, dtype=np.float64, input_name="probabilities")
