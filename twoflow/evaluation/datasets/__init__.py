"""Compare methods over several data sets, from the reports of their comparisons."""

from .comparison import DatasetsComparison, compare_datasets
from .pairs import PairOfMethods
from .reading import name_reports

__all__ = ["DatasetsComparison", "PairOfMethods", "compare_datasets", "name_reports"]
