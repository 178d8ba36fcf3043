"""How much the features of one flow count in a kernel that several flows share."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted, validate_data


class KernelWeight(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Multiply features by the square root of a weight.

    A linear kernel consists of the dot products of rows. It is multiplied by the weight itself.

    Parameters
    ----------
    weight : float
        The factor of dot products. The default of 1 changes nothing. With a smaller weight, the features count less
        compared with those of other flows.

    Attributes
    ----------
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Only if X has feature names.

    Examples
    --------
    >>> from twoflow.heads import KernelWeight
    >>> KernelWeight(0.25).fit_transform([[0.6, 0.8]])
    array([[0.3, 0.4]])
    """

    _parameter_constraints: ClassVar[dict] = {"weight": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameter, and remember how many features there are.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, n_features)
        y : ignored

        Returns
        -------
        self
        """
        self._validate_params()
        validate_data(self, X, dtype=(np.float64, np.float32), accept_sparse="csr")
        return self

    def transform(self, X: Any) -> Any:
        """Return the weighted features, of shape (n, n_features) and in the dtype of X; sparse if X is."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=(np.float64, np.float32), accept_sparse="csr", reset=False)
        return X * np.sqrt(X.dtype.type(self.weight))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
