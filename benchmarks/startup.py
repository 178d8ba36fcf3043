"""Measure importing the package against starting Python, and against scikit-learn."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from statistics import median
from typing import NamedTuple

from .child import ROOT
from .figure import Aim, Figure, Line
from .measure import Contestant, interleave, ratio
from .setting import Setting


class _Size(NamedTuple):
    rounds: int


_FULL, _QUICK = _Size(3), _Size(1)
_CODE = {
    "python": "pass",
    "import": "import twoflow",
    "model": "from twoflow import TwoFlowClassifier",
    "sklearn": "from sklearn.ensemble import RandomForestClassifier",
}


def measure(setting: Setting) -> list[Line]:
    """Measure in separate processes, started one after the other."""
    size = _QUICK if setting.is_quick else _FULL
    times = interleave({name: Contestant(partial(_start, code)) for name, code in _CODE.items()}, size.rounds)
    wall = times.wall
    return [
        Figure("starting Python and importing twoflow", wall["import"], "s",
               f"{median(wall['python']):.3f} s: starting Python", Aim("<=", 0.5), wall),
        Figure("starting Python and importing twoflow, against without", ratio(wall["import"], wall["python"]), "x",
               "1: public names are imported when they are first used", seconds=wall),
        Figure("from twoflow import TwoFlowClassifier, against scikit-learn's forest",
               ratio(wall["model"], wall["sklearn"]), "x", "1: the model contains that forest", seconds=wall),
    ]


def _start(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
