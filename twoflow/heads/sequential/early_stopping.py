"""Train a multilayer perceptron, and stop when held-out rows, with groups kept together, gain no more."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import validate_data

from ...errors import InputError
from ..groups import read_groups
from ..inner_folds import draw_held_out
from ..targets import check_targets
from .perceptron import Perceptron


class EarlyStoppingMLPClassifier(Perceptron):
    """Classify by a multilayer perceptron that keeps groups together while it decides when to stop.

    `sklearn.neural_network.MLPClassifier` trains it. Its own early stopping holds rows out at random, so copies of a
    held-out photo may be among those that it trains on. This one holds whole groups out.

    Parameters
    ----------
    hidden_layer_sizes : sequence of int, default=(512, 256)
        The number of units of each hidden layer. The default is that of Tymkiv & Horun (2025).
    alpha : float, default=5e-4
        The L2 penalty: `alpha` / 2 times the sum of all squared weights is added to the mean loss of a batch.
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
        The share of each class's rows (or groups) to hold out, at least one in each class that has two. It has no
        effect if `patience` is None.
    random_state : int, RandomState or None, default=None
        Draws the held-out rows, the initial weights and the order of the rows. With None each fit draws others.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    epochs_ : int
        How many epochs were trained, those after the best one included.
    losses_ : list of float
        The mean log loss of the held-out rows after each epoch; empty if none were held out.
    n_parameters_ : int
        The number of weights and intercepts.
    mean_, scale_, coefs_, intercepts_
        The fitted perceptron; see `twoflow.heads.sequential.perceptron.Perceptron`.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has feature names.

    Notes
    -----
    scikit-learn's perceptron has no dropout. `twoflow.deep.DropoutMLPClassifier` has, and needs torch.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from twoflow.heads import EarlyStoppingMLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = EarlyStoppingMLPClassifier((16, 8), max_epochs=20, random_state=0).fit(X, y, groups=X.sum(axis=1))
    >>> model.n_parameters_, model.transform(X).shape
    (243, (150, 8))
    """

    _parameter_constraints: ClassVar[dict] = {
        "hidden_layer_sizes": ["array-like"],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "patience": [Interval(Integral, 1, None, closed="left"), None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (512, 256),
        *,
        alpha: float = 5e-4,
        learning_rate: float = 1e-3,
        batch_size: int = 128,
        max_epochs: int = 100,
        patience: int | None = 5,
        validation_fraction: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.alpha = alpha
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.max_epochs = max_epochs
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Train the perceptron.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
        y : array-like of shape (n,)
            Classes; at least two.
        groups : array-like of shape (n,), optional
            Rows of one group, such as photos of one item, are held out together. Default: each row is a group.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If there is one class only, or nothing can be held out because no class has two rows or groups.
        """
        self._validate_params()
        check_layers(self.hidden_layer_sizes)
        X, y = validate_data(self, X, y, dtype=[np.float64, np.float32], ensure_min_samples=2)
        self.classes_, codes = np.unique(check_targets(y, several=False), return_inverse=True)
        rng = check_random_state(self.random_state)
        held_out = hold_out(codes, groups, self.patience, self.validation_fraction, rng)
        batch_size = min(self.batch_size, int((~held_out).sum()))
        mlp = MLPClassifier(
            tuple(self.hidden_layer_sizes),
            alpha=self.alpha * batch_size,  # scikit-learn divides its penalty by the number of rows in a batch
            learning_rate_init=self.learning_rate,
            batch_size=batch_size,
            random_state=rng.randint(np.iinfo(np.int32).max),
        )
        self._train(mlp, self._standardize(X), codes, held_out)
        return self

    def _train(self, mlp: MLPClassifier, X: np.ndarray, codes: np.ndarray, held_out: np.ndarray) -> None:
        """Train for some epochs, and keep the layers of the best one, or of the last if no rows are held out."""
        numbers = np.arange(len(self.classes_))
        self.losses_ = []
        stop = Patience(self.patience)
        for epoch in range(1, self.max_epochs + 1):
            mlp.partial_fit(X[~held_out], codes[~held_out], classes=numbers)
            self.epochs_ = epoch
            if held_out.any():
                loss = log_loss(codes[held_out], mlp.predict_proba(X[held_out]), labels=numbers)
                self.losses_.append(float(loss))
            if not held_out.any() or stop.is_best(self.losses_[-1]):
                layers = [each.copy() for each in mlp.coefs_], [each.copy() for each in mlp.intercepts_]
            if stop.is_over:
                break
        self.coefs_, self.intercepts_ = layers


class Patience:
    """Say when training stops: after some epochs in a row without a smaller loss.

    Parameters
    ----------
    n_epochs : int or None
        None never stops.
    """

    def __init__(self, n_epochs: int | None) -> None:
        self._n_epochs = n_epochs
        self._least = np.inf
        self._waited = 0

    def is_best(self, loss: float) -> bool:
        """Take the loss of an epoch, and return whether it is the smallest so far."""
        best = loss < self._least
        self._least = min(loss, self._least)
        self._waited = 0 if best else self._waited + 1
        return best

    @property
    def is_over(self) -> bool:
        """Whether training stops."""
        return self._n_epochs is not None and self._waited >= self._n_epochs


def check_layers(sizes: Any) -> None:
    """Raise ValueError if these are no sizes of hidden layers."""
    are_sizes = np.ndim(sizes) == 1 and all(isinstance(size, Integral) and int(size) > 0 for size in sizes)
    if not are_sizes or not len(sizes):
        raise InputError(
            f"hidden_layer_sizes: expected one or more positive whole numbers, got {sizes!r}; pass (512, 256)"
        )


def hold_out(
    y: np.ndarray, groups: Any, patience: int | None, fraction: float, rng: np.random.RandomState
) -> np.ndarray:
    """Draw the rows that decide when training stops.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Classes.
    groups : array-like of shape (n,) or None
        Groups are held out whole.
    patience : int or None
        None holds nothing out.
    fraction : float
        See `draw_held_out`.
    rng : RandomState

    Returns
    -------
    ndarray of bool and shape (n,)

    Raises
    ------
    ValueError
        If nothing can be held out.
    """
    if patience is None:
        return np.zeros(len(y), dtype=bool)
    held_out = draw_held_out(y, read_groups(groups), fraction, rng)
    if not held_out.any():
        unit = "rows" if groups is None else "groups"
        raise InputError(
            f"expected a class with at least 2 {unit} to stop early, got 1; set patience=None of the "
            "EarlyStoppingMLPClassifier"
        )
    return held_out
