"""The kernel of features, which is computed only where it is needed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .dual_ridge import Kernel, Solution, centered_parts, compute_weighted, solve
from .needed_memory import ROWS_PER_FEATURE, check_memory, memory_of_products
from .primal_ridge import solve_in_features


class FeatureKernel:
    """The linear kernel of features that lie side by side in several tables, each with a weight.

    It keeps the tables, and computes products only where they are asked for. So several tables are never copied into
    one, and with many more rows than features the products of all rows are never computed.

    Parameters
    ----------
    tables : sequence of ndarray of shape (n, n_features)
        Of float32 or float64.
    weights : sequence of float, optional
        The factor of each table's products. Default: 1 for each.
    rows : ndarray of int and shape (n_rows,), optional
        The rows of the tables that count. Default: all.
    """

    def __init__(
        self, tables: Sequence[np.ndarray], weights: Sequence[float] | np.ndarray | None = None,
        rows: np.ndarray | None = None,
    ) -> None:
        self.tables = list(tables)
        self.weights = [1.0] * len(self.tables) if weights is None else [float(weight) for weight in weights]
        self.rows = rows

    def __len__(self) -> int:
        return len(self.tables[0]) if self.rows is None else len(self.rows)

    @property
    def n_features(self) -> int:
        """The number of columns of all tables."""
        return sum(table.shape[1] for table in self.tables)

    @property
    def dtype(self) -> np.dtype:
        """The type of the features."""
        return np.result_type(*self.tables)

    def take(self, rows: np.ndarray) -> FeatureKernel:
        """Return the kernel of some rows, given as positions or as a mask, without computing it."""
        own = np.arange(len(self.tables[0])) if self.rows is None else self.rows
        return FeatureKernel(self.tables, self.weights, own[rows])

    def stack(self, rows: np.ndarray) -> np.ndarray:
        """Return some rows of all tables side by side, times the roots of the weights.

        Parameters
        ----------
        rows : ndarray of int and shape (n_rows,)
            Positions.

        Returns
        -------
        ndarray of shape (n_rows, n_features) and the type of the features
        """
        own = rows if self.rows is None else self.rows[rows]
        stacked = np.empty((len(own), self.n_features), self.dtype)
        start = 0
        for table, weight in zip(self.tables, self.weights):
            place = slice(start, start + table.shape[1])
            np.multiply(table[own], table.dtype.type(np.sqrt(weight)), out=stacked[:, place])
            start = place.stop
        return stacked

    def compute(self) -> Kernel:
        """Compute the products of all rows."""
        return compute_weighted(self.tables, self.weights, self.rows)

    def solve(
        self, targets: np.ndarray, share: np.ndarray, groups: np.ndarray, alphas: np.ndarray,
        sizes: Sequence[int] | None = None,
    ) -> Solution:
        """Solve for several ridges, and return the best solution; see `twoflow.heads.dual_ridge.solve`.

        The smaller of two systems is solved: that of the rows, or that of the features. The solution is the same but
        for rounding.

        Raises
        ------
        ValueError
            If it takes more memory than is free.
        """
        check_memory(memory_of_products(len(self), self.n_features), len(self), self.n_features)
        if len(self) > ROWS_PER_FEATURE * self.n_features:
            return solve_in_features(self, targets, share, groups, alphas, sizes)
        return solve(self.compute(), targets, share, groups, alphas, sizes, overwrite=True)

    def to_primal(self, solution: Solution) -> tuple[np.ndarray, np.ndarray]:
        """Convert a solution to coefficients of the weighted features.

        Parameters
        ----------
        solution : Solution
            Of these rows.

        Returns
        -------
        coef : ndarray of shape (n_classes, n_features) and the type of the features
        intercept : ndarray of shape (n_classes,)
        """
        coef = np.empty((solution.dual.shape[1], self.n_features), dtype=self.dtype)
        intercept = solution.share @ solution.targets
        dual, start = solution.dual.T.astype(coef.dtype), 0
        for table, weight in zip(self.tables, self.weights):
            root = table.dtype.type(np.sqrt(weight))
            for columns, mean, part in centered_parts(table, self.rows):
                part *= root
                place = slice(start + columns.start, start + columns.stop)
                coef[:, place] = dual @ part
                intercept = intercept - coef[:, place] @ (root * mean + solution.share @ part)
            start += table.shape[1]
        return coef, intercept
