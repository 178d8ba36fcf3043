"""Compare methods over several data sets, from the reports of their comparisons."""

from .comparison import DatasetsComparison, compare_datasets
from .pairs import PairOfMethods

__all__ = ["DatasetsComparison", "PairOfMethods", "compare_datasets"]
