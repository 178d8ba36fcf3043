"""Write the figures as text and as JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from .figure import Figure, Line, NotMeasured

#: How to write a number, by its unit.
FORMATS = {"x": "{:.2f} x", "%": "{:.2f} %", "MB": "{:,.0f} MB", "s": "{:.3f} s", "n": "{:,.0f}"}

_PACKAGES = (
    "twoflow", "numpy", "scipy", "scikit-learn", "pillow", "joblib", "onnx", "onnxruntime", "torch",
    "efficientnet_lite_pytorch", "distributed",
)
_HEADER = ("figure", "median", "in the rounds", "aim", "")
_VERDICT = {True: "met", False: "missed", None: ""}


def format_table(found: Mapping[str, Sequence[Line]]) -> str:
    """Format a line for each figure, with its limit below."""
    cells = [_HEADER, *(_cells(line) for lines in found.values() for line in lines if isinstance(line, Figure))]
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = [_aligned(_HEADER, widths), "-" * (sum(widths) + 2 * (len(widths) - 1))]
    for name, figures in found.items():
        lines += ["", name]
        for line in figures:
            if isinstance(line, NotMeasured):
                lines.append(f"{line.name}: not measured: {line.reason}")
            else:
                lines += [_aligned(_cells(line), widths), f"    limit: {line.limit}"]
    return "\n".join(lines)


def to_document(found: Mapping[str, Sequence[Line]], jobs: int, load: float, seconds: float) -> dict[str, Any]:
    """Convert the figures, every round and all times to dicts, lists, text and numbers."""
    return {
        "schema": 1,
        "figures": [
            {"benchmark": name, **_entry(line)} for name, lines in found.items() for line in lines
            if isinstance(line, Figure)
        ],
        "not_measured": [
            {"benchmark": name, **line._asdict()} for name, lines in found.items() for line in lines
            if isinstance(line, NotMeasured)
        ],
        "environment": {
            "versions": {"python": platform.python_version(), **_versions()},
            "system": platform.platform(),
            "cpu_count": os.cpu_count(),
            "jobs": jobs,
            "load": load,
            "seconds": seconds,
        },
    }


def _cells(figure: Figure) -> tuple[str, ...]:
    value, least, most = (FORMATS[figure.unit].format(number) for number in (
        figure.value, min(figure.rounds), max(figure.rounds)
    ))
    aim = "" if figure.aim is None else f"{figure.aim.sign} {FORMATS[figure.unit].format(figure.aim.bound)}"
    spread = f"{least.split()[0]} to {most.split()[0]}" if len(figure.rounds) > 1 else ""
    return figure.name, value, spread, aim, _VERDICT[figure.is_met]


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, value, *rest = cells
    padded = [cell.ljust(width) for cell, width in zip(rest, widths[2:])]
    return "  ".join([name.ljust(widths[0]), value.rjust(widths[1]), *padded]).rstrip()


def _entry(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "value": figure.value,
        "unit": figure.unit,
        "rounds": list(figure.rounds),
        "aim": None if figure.aim is None else {"sign": figure.aim.sign, "bound": figure.aim.bound},
        "is_met": figure.is_met,
        "limit": figure.limit,
        "seconds": {name: list(values) for name, values in figure.seconds.items()},
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # a peer is not installed, or twoflow runs from a checkout
    return found
