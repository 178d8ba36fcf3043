"""Hold the user's choices for all benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Setting(NamedTuple):
    """How to run a benchmark.

    Attributes
    ----------
    folder : Path
        Folder for generated photographs and for stores.
    jobs : int
        Number of threads or processes that everything measured may use.
    is_quick : bool
        Use tiny sizes, only to see whether the benchmark runs. Default: False.
    is_large : bool
        Also measure sizes that take half an hour more, and 12 GB of disk. Default: False.
    """

    folder: Path
    jobs: int
    is_quick: bool = False
    is_large: bool = False
