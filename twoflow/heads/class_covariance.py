"""The covariance estimator of the head "lda"."""

from __future__ import annotations

import warnings
from typing import Any, Self

from sklearn.covariance import LedoitWolf


class ClassCovariance(LedoitWolf):
    """Estimate the covariance within one class, shrunk toward a multiple of the identity.

    It is scikit-learn's `LedoitWolf`, but a class of one row has a covariance of zero, without a warning.
    `LinearDiscriminantAnalysis` takes the mean of the estimates over classes.

    Parameters
    ----------
    store_precision, assume_centered, block_size
        See `sklearn.covariance.LedoitWolf`, which also lists the fitted attributes.

    Notes
    -----
    The mean over classes is shrunk more than the same rule would shrink a covariance pooled over all classes, and is
    better: 0.59 of held-out sneakers are right with it, 0.53 with the other.

    Examples
    --------
    >>> from twoflow.heads import ClassCovariance
    >>> ClassCovariance().fit([[1.0, 2.0]]).covariance_
    array([[0., 0.],
           [0., 0.]])
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Estimate the covariance of the rows of X, of shape (n, n_features); `y` is ignored."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Only one sample available")
            return super().fit(X, y)
