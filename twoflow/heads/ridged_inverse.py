"""The inverse of a symmetric matrix plus a ridge on its diagonal, in the memory of that matrix."""

from __future__ import annotations

import numpy as np
from scipy import linalg
from scipy.linalg import blas, lapack
from sklearn.utils import gen_batches

#: So many columns of a triangle are copied at a time.
_COLUMNS = 256


class RidgedInverse:
    """The inverse of a symmetric matrix plus a ridge on its diagonal, for one ridge after the other.

    It keeps the matrix in one of its triangles, and a factor of the inverse in the other. So all ridges together take
    the memory of the matrix alone.

    Parameters
    ----------
    matrix : ndarray of shape (n, n), dtype float64 and C order
        Symmetric and positive semidefinite. It is overwritten.

    Notes
    -----
    If K Kᵀ is the Cholesky decomposition of the matrix with its ridge, and L the inverse of K, then Lᵀ L is the
    inverse of the matrix. LAPACK writes K and then L into the lower triangle, and never looks at the upper.
    """

    def __init__(self, matrix: np.ndarray) -> None:
        self._diagonal = matrix.diagonal().copy()
        self._lower = matrix.T  # LAPACK wants the order of columns

    def set_ridge(self, ridge: float) -> None:
        """Compute the inverse for a ridge.

        Raises
        ------
        numpy.linalg.LinAlgError
            If the matrix with its ridge is not positive definite.
        """
        self._restore()
        self._lower[np.diag_indices_from(self._lower)] = self._diagonal + ridge
        self._lower, info = lapack.dpotrf(self._lower, lower=1, clean=0, overwrite_a=1)
        if info:
            raise linalg.LinAlgError(f"the matrix with a ridge of {ridge:g} is not positive definite")
        self._lower, _ = lapack.dtrtri(self._lower, lower=1, overwrite_c=1)

    def __matmul__(self, right: np.ndarray) -> np.ndarray:
        """Return the product of the inverse with an array of shape (n, k)."""
        half = blas.dtrmm(1.0, self._lower, right, lower=1)
        return blas.dtrmm(1.0, self._lower, half, lower=1, trans_a=1, overwrite_b=1)

    def diagonal(self) -> np.ndarray:
        """Return the diagonal of the inverse, of shape (n,)."""
        found = np.empty(len(self._lower))
        for columns in gen_batches(len(found), _COLUMNS):
            part = np.tril(self._lower[columns.start:, columns])
            found[columns] = np.einsum("ij,ij->j", part, part)
        return found

    def block(self, rows: np.ndarray) -> np.ndarray:
        """Return the entries of the inverse in some rows and the same columns; `rows` are positions in order."""
        part = self._lower[rows[0]:, rows]
        part[np.arange(rows[0], len(self._lower))[:, None] < rows] = 0
        return part.T @ part

    def _restore(self) -> None:
        """Copy the upper triangle to the lower."""
        for some in gen_batches(len(self._lower), _COLUMNS):
            self._lower[some.stop:, some] = self._lower[some, some.stop:].T
            upper = np.triu(self._lower[some, some], 1)
            self._lower[some, some] = upper + upper.T
