"""The report of a comparison over several data sets: text, JSON, CSV and one HTML page."""

from .files import DATASETS_FILES, write_datasets
from .page import datasets_fragment
from .text import format_datasets

__all__ = ["DATASETS_FILES", "datasets_fragment", "format_datasets", "write_datasets"]
