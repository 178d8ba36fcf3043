"""Classify features by a multilayer perceptron with dropout, for one target or several."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from .._jobs import threads_per_task
from ..heads.partial_labels import read_partial_labels
from ..heads.sequential.early_stopping import EarlyStoppingMLPClassifier, check_layers, hold_out
from ..heads.sequential.perceptron import Perceptron
from ..heads.targets import TargetsTags, check_targets, extend_targets_tags, read_targets
from ..images.targets import all_right, join_targets
from .extra import require


class DropoutMLPClassifier(Perceptron):
    """Classify by a multilayer perceptron with dropout; for several targets, by one with an output for each.

    For one target it is the small model of Tymkiv & Horun (2025, https://doi.org/10.31891/2307-5732-2025-359-67), for
    `twoflow.heads.SequentialClassifier`. For several it is the joint model that the paper compares with: all layers but
    the last are shared, and the losses of the targets are added. It needs the extra: ``pip install "twoflow[torch]"``.
    Only `fit` needs it.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(512, 256)
        The number of units of each hidden layer.
    dropout : float in [0, 1), default=0.3
        The share of the units of each hidden layer that a step of the training sets to 0.
    weight_decay : float, default=5e-4
        The L2 penalty: `weight_decay` / 2 times the sum of all squared weights is added to the loss.
    learning_rate : float, default=1e-3
        The learning rate of Adam.
    batch_size : int, default=128
        The number of rows in each step of the training.
    max_epochs : int, default=100
        The largest number of passes over the training rows.
    patience : int or None, default=5
        Stop after this many epochs in a row without a smaller loss on held-out rows, and keep the weights of the best
        epoch. None holds no rows out, and trains for `max_epochs`.
    validation_fraction : float in (0, 1), default=0.1
        The share of each class's rows (or groups) to hold out, at least one in each class that has two. Of several
        targets, the classes are those of the finest. It has no effect if `patience` is None.
    device : str, default="auto"
        "auto" is a GPU if torch finds one, otherwise the CPU. Any other value is torch's name of a device.
    random_state : int, RandomState or None, default=None
        Draws the held-out rows, the initial weights, the dropout and the order of the rows. On a CPU the same seed
        gives the same model, if the number of threads is the same. With None each fit draws others.
    n_jobs : int, optional
        How many threads torch uses on a CPU. Default: 1, unless a ``joblib.parallel_config`` says otherwise. -1 is all
        cores.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,), or list of k such arrays for several targets
    epochs_ : int
        How many epochs were trained, those after the best one included.
    losses_ : list of float
        The loss of the held-out rows after each epoch; empty if none were held out.
    n_labeled_ : dict of str to int
        Only for several targets: how many rows have a label, by target.
    n_parameters_ : int
        The number of weights and intercepts.
    mean_, scale_, coefs_, intercepts_
        The fitted perceptron; see `twoflow.heads.sequential.perceptron.Perceptron`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has feature names.

    Notes
    -----
    For several targets some labels may be missing: None, NaN or blank text. They have no part in the loss.

    A fitted classifier contains arrays but no torch objects, and answers without torch. Torch's and NumPy's global
    random states are not changed.

    Examples
    --------
    >>> from twoflow.deep import DropoutMLPClassifier
    >>> DropoutMLPClassifier(dropout=0.5, random_state=0)
    DropoutMLPClassifier(dropout=0.5, random_state=0)
    """

    _parameter_constraints: ClassVar[dict] = {
        **{
            name: EarlyStoppingMLPClassifier._parameter_constraints[name]
            for name in (
                "hidden_layer_sizes", "learning_rate", "batch_size", "max_epochs", "patience", "validation_fraction",
                "random_state",
            )
        },
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "device": [str],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (512, 256),
        *,
        dropout: float = 0.3,
        weight_decay: float = 5e-4,
        learning_rate: float = 1e-3,
        batch_size: int = 128,
        max_epochs: int = 100,
        patience: int | None = 5,
        validation_fraction: float = 0.1,
        device: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.device = device
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Train the perceptron.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, k)
            Classes; at least two in each target. Of several targets, labels may be missing.
        groups : array-like of shape (n,), optional
            Rows of one group, such as photos of one item, are held out together. Default: each row is a group.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a target has no label or one class only, or nothing can be held out because no class has two rows or
            groups.
        ModuleNotFoundError
            If torch or skorch is not installed.
        """
        self._validate_params()
        check_layers(self.hidden_layer_sizes)
        require(type(self).__name__)
        several = read_targets(y).ndim == 2
        if several:
            X = validate_data(self, X, dtype=np.float32, ensure_min_samples=2)
            classes, codes = self._encode_several(y)
        else:
            X, y = validate_data(self, X, y, dtype=np.float32, ensure_min_samples=2)
            classes, codes = _encode_one(y)
        check_consistent_length(X, codes, groups)
        from .device import pick_device, threads
        from .perceptron_training import train

        rng = check_random_state(self.random_state)
        finest = max(range(len(classes)), key=lambda position: (len(classes[position]), position))
        held_out = hold_out(codes[:, finest], groups, self.patience, self.validation_fraction, rng)
        with threads(threads_per_task(self.n_jobs, 1)):
            trained = train(
                self._standardize(X), codes.astype(np.int64), [len(each) for each in classes], held_out,
                hidden_layer_sizes=self.hidden_layer_sizes, dropout=self.dropout, weight_decay=self.weight_decay,
                learning_rate=self.learning_rate, batch_size=self.batch_size, max_epochs=self.max_epochs,
                patience=self.patience, device=pick_device(self.device), seed=rng.randint(np.iinfo(np.int32).max),
            )
        self.coefs_, self.intercepts_, self.losses_, self.epochs_ = trained
        self.classes_ = classes if several else classes[0]
        return self

    def _encode_several(self, y: Any) -> tuple[list[np.ndarray], np.ndarray]:
        """Return the classes of each target, and the position of each row's class, -1 for a missing label."""
        targets = read_partial_labels(y)
        self.n_labeled_ = targets.n_labeled
        codes = np.full(targets.has_label.shape, -1)
        classes = []
        for position, labels in enumerate(targets.labels):
            known, codes[targets.has_label[:, position], position] = np.unique(labels, return_inverse=True)
            classes.append(known)
        return classes, codes

    def predict(self, X: Any) -> np.ndarray:
        """Return the likeliest class of each row, of shape (n,), or (n, k) for several targets."""
        if not isinstance(getattr(self, "classes_", None), list):
            return super().predict(X)
        pairs = zip(self.classes_, self.predict_proba(X))
        return join_targets([classes[each.argmax(axis=1)] for classes, each in pairs])

    def split_targets(self) -> list[Self]:
        """Return a fitted classifier of one target for each target. They share the hidden layers."""
        check_is_fitted(self)
        if not isinstance(self.classes_, list):
            return [self]
        ends = np.cumsum([0, *map(len, self.classes_)]).tolist()
        parts = []
        for classes, (start, end) in zip(self.classes_, pairwise(ends)):
            part = copy(self)
            part.classes_ = classes
            part.coefs_ = [*self.coefs_[:-1], self.coefs_[-1][:, start:end]]
            part.intercepts_ = [*self.intercepts_[:-1], self.intercepts_[-1][start:end]]
            del part.n_labeled_
            parts.append(part)
        return parts

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of rows that are right; of several targets, whose targets are all right.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,) or (n, k)
            No label may be missing.
        sample_weight : array-like of shape (n,), optional
            By default all rows count the same.

        Returns
        -------
        float
        """
        return float(np.average(all_right(np.asarray(y), self.predict(X)), weights=sample_weight))

    def __sklearn_tags__(self) -> TargetsTags:
        tags = extend_targets_tags(super().__sklearn_tags__())
        tags.target_tags.multi_output = True
        return tags


def _encode_one(y: Any) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the classes of the only target, and the position of each row's class, of shape (n, 1)."""
    labels = check_targets(y, several=False)
    classes, positions = np.unique(np.array(labels.tolist()), return_inverse=True)
    return [classes], positions[:, None]
