"""What the user has chosen for all benchmarks."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Setting(NamedTuple):
    """What a benchmark is run with.

    Attributes
    ----------
    folder : Path
        For generated photographs and for stores.
    jobs : int
        The threads or processes that everything measured, ours and the others', may use.
    is_quick : bool
        Tiny sizes: whether the benchmark runs, not how fast we are.
    is_large : bool
        Also what takes half an hour and 10 GB of disk.
    """

    folder: Path
    jobs: int
    is_quick: bool = False
    is_large: bool = False
