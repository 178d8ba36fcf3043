"""One opinion out of several: the classifiers of several flows, each weighted by how far it can be trusted."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import HasMethods, Interval
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from ..errors import InputError
from .calibration import smooth_targets
from .inner_folds import fit_clone, split_groups
from .random_states import seeded
from .targets import check_targets


class OutOfFoldProbabilities(TransformerMixin, BaseEstimator):
    """A classifier as a transformer: the logarithm of the probabilities that it gives.

    It stands after a flow where a feature selector stands, so that what decides, such as `LogOpinionPool`, is handed
    one opinion for each flow. The training rows get probabilities from classifiers that have not seen them (stacked
    generalization, Wolpert, 1992, https://doi.org/10.1016/S0893-6080(05)80023-1).

    Parameters
    ----------
    classifier : classifier
        It is cloned, and never fitted itself. One without `predict_proba`, such as `sklearn.svm.SVC`, must have a
        `decision_function`, whose softmax then stands for probabilities; what comes after calibrates it.
    floor : float
        Probabilities below it count as it. A forest gives some of 0, whose logarithm would be a veto that no other
        opinion could outweigh; of 1e-2, 1e-3, 1e-4, 1e-6 and 1e-9 the default gave the pool of a forest and a ridge the
        smallest log loss on digits. One that is the softmax of scores is better left as it is: on sneakers a
        discriminant's calibration error is 0.06 with 1e-30, and 0.16 with 1e-3.
    cv : int
        Folds in which `fit_transform` gives each training row the probabilities of a classifier that has not seen it;
        no more than the smallest class has rows or groups, but two at least.
    random_state : int, RandomState or None
        Draws those folds, and seeds the classifier where its random states are None.
    n_jobs : int, optional
        How many of those folds to fit at the same time.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    classifier_ : classifier
        Fitted on all rows.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has feature names.

    Notes
    -----
    ``fit_transform(X, y)`` is not ``fit(X, y).transform(X)``: probabilities for rows that a classifier was fitted on
    are too good to be true, and whatever is fitted on them next would trust them too much.

    A class that the other folds lack has the probability of something never seen in so many rows, one in as many as
    there are rows and classes (Laplace's rule of succession), or `floor` if that is more. With less, a few classes of
    one row each would discredit a classifier that could not know them.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from twoflow.heads import OutOfFoldProbabilities
    >>> X, y = load_iris(return_X_y=True)
    >>> OutOfFoldProbabilities(GaussianNB(), random_state=0).fit_transform(X, y).shape
    (150, 3)
    """

    _parameter_constraints: ClassVar[dict] = {
        "classifier": [HasMethods(["fit", "predict_proba"]), HasMethods(["fit", "decision_function"])],
        "floor": [Interval(Real, 0, 1, closed="neither")],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        classifier: Any,
        *,
        floor: float = 1e-3,
        cv: int = 5,
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.classifier = classifier
        self.floor = floor
        self.cv = cv
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit the classifier on all rows.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
            Classes; at least two.
        groups : array-like of shape (n,), optional
            Handed on to a classifier that takes them.

        Returns
        -------
        self
        """
        self._fit(X, y, groups)
        return self

    def fit_transform(self, X: Any, y: Any, groups: Any = None) -> np.ndarray:
        """Fit the classifier on all rows, and others for each row: those fitted on the other folds.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
            Classes; at least two, and one of them with two rows.
        groups : array-like of shape (n,), optional
            Rows of one group are in one fold.

        Returns
        -------
        ndarray of shape (n, n_classes) and dtype float32
            Logarithms of probabilities, in the order of `classes_`.
        """
        X, y, groups, model, rng = self._fit(X, y, groups)
        splits = split_groups(y, groups, self.cv, rng)
        tasks = (delayed(self._ask_unseen)(model, X, y, groups, train, test) for train, test in splits)
        outputs = np.empty((len(y), len(self.classes_)), dtype=np.float32)
        for (_, test), answers in zip(splits, Parallel(n_jobs=self.n_jobs, prefer="threads")(tasks)):
            outputs[test] = answers
        return outputs

    def transform(self, X: Any) -> np.ndarray:
        """Ask the classifier that was fitted on all rows.

        Parameters
        ----------
        X : array-like of shape (n, n_features)

        Returns
        -------
        ndarray of shape (n, n_classes) and dtype float32
            Logarithms of probabilities, in the order of `classes_`.
        """
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return self._floored_log(_ask(self.classifier_, X))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """The classes, as an array of str."""
        check_is_fitted(self)
        _check_feature_names_in(self, input_features, generate_names=False)
        return np.array([str(label) for label in self.classes_], dtype=object)

    def _fit(
        self, X: Any, y: Any, groups: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, Any, np.random.RandomState]:
        """Fit on all rows; the checked X, y and groups, the seeded classifier, and what draws the folds."""
        self._validate_params()
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], ensure_min_samples=2)
        self.classes_ = np.unique(check_targets(y, several=False))
        groups = None if groups is None else np.asarray(groups)
        rng = check_random_state(self.random_state)
        model = seeded(self.classifier, rng)
        self.classifier_ = fit_clone(model, X, y, groups)
        return X, y, groups, model, rng

    def _ask_unseen(
        self, model: Any, X: np.ndarray, y: np.ndarray, groups: np.ndarray | None, train: np.ndarray, test: np.ndarray
    ) -> np.ndarray:
        """For rows of one fold, the log-probabilities by a classifier of the others, of shape (n_test, n_classes)."""
        probabilities = np.full((len(test), len(self.classes_)), 1 / (len(train) + len(self.classes_)))
        known = np.unique(y[train])
        columns = np.searchsorted(self.classes_, known)
        if len(known) > 1:
            fitted = fit_clone(model, X[train], y[train], None if groups is None else groups[train])
            probabilities[:, columns] = _ask(fitted, X[test])
        else:
            probabilities[:, columns] = 1  # many classifiers refuse a single class, and there is nothing to ask
        return self._floored_log(probabilities)

    def _floored_log(self, probabilities: np.ndarray) -> np.ndarray:
        return np.log(np.maximum(probabilities, self.floor)).astype(np.float32)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _ask(classifier: Any, X: np.ndarray) -> np.ndarray:
    """Probabilities of shape (n, n_classes), or what is as good for a calibration that follows."""
    if hasattr(classifier, "predict_proba"):
        return classifier.predict_proba(X)
    scores = classifier.decision_function(X)
    if scores.ndim == 1:
        scores = np.column_stack([np.zeros_like(scores), scores])
    return softmax(scores, axis=1)


class LogOpinionPool(ClassifierMixin, BaseEstimator):
    """Several opinions as one: the weighted geometric mean of probabilities.

    The logarithmic opinion pool (Genest & Zidek, 1986, https://doi.org/10.1214/ss/1177013825): a class is as probable
    as the product of what each opinion says of it, to the power of the opinion's weight, relative to the other
    classes. The weights are those of the smallest log loss. They need not sum to 1, so the pool calibrates as well:
    one overconfident opinion alone gets a weight below 1, several independent ones may add up to more.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    weights_ : ndarray of shape (n_opinions,)
        Zero or more.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has feature names.

    Examples
    --------
    >>> import numpy as np
    >>> from twoflow.heads import LogOpinionPool
    >>> useful, useless = np.log([[.8, .2], [.3, .7], [.4, .6], [.4, .6]]), np.zeros((4, 2))
    >>> pool = LogOpinionPool().fit(np.hstack([useful, useless]), ["boot", "clog", "boot", "clog"])
    >>> pool.predict([[-.1, -3, 0, 0]])
    array(['boot'], dtype='<U4')
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Find the weights.

        Parameters
        ----------
        X : array-like of shape (n, n_opinions * n_classes)
            Logarithms of probabilities: for each opinion a block of one column a class, in sorted order. They should
            come from classifiers that have not seen the row; see `OutOfFoldProbabilities`.
        y : array-like of shape (n,)
            Classes; at least two.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the columns are no whole number of blocks, or there is one class only.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        self.classes_, codes = np.unique(check_targets(y, several=False), return_inverse=True)
        n_classes = len(self.classes_)
        if X.shape[1] % n_classes:
            raise InputError(f"X must have one column a class, {n_classes}, for each opinion; it has {X.shape[1]}")
        blocks = self._split(X)
        start = np.full(blocks.shape[1], 1 / blocks.shape[1])
        found = minimize(
            _log_loss, start, (blocks, smooth_targets(codes, n_classes)), "L-BFGS-B", jac=True,
            bounds=[(0, None)] * len(start), options={"ftol": 1e-12, "gtol": 1e-8},
        )
        self.weights_ = found.x
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each row, of shape (n,)."""
        return self.classes_[self._pool(X).argmax(axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, of shape (n, n_classes), in the order of `classes_`."""
        return softmax(self._pool(X), axis=1)

    def _pool(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return np.tensordot(self._split(validate_data(self, X, reset=False, dtype=np.float64)), self.weights_, (1, 0))

    def _split(self, X: np.ndarray) -> np.ndarray:
        """The opinions apart, of shape (n, n_opinions, n_classes)."""
        return X.reshape(len(X), -1, len(self.classes_))


def _log_loss(weights: np.ndarray, blocks: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean log loss of a pool and its gradient; convex in the weights."""
    pooled = np.tensordot(blocks, weights, (1, 0))
    loss = -(targets * log_softmax(pooled, axis=1)).sum() / len(targets)
    gradient = np.einsum("ik,ibk->b", softmax(pooled, axis=1) - targets, blocks) / len(targets)
    return float(loss), gradient
