"""Counters and histograms as text for Prometheus, format 0.0.4.

Prometheus, Exposition formats, https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Counter:
    """Counts something that only grows, apart for each combination of labels.

    Parameters
    ----------
    name, text : str
        Its name, which ends in ``_total``, and what it counts.
    labels : sequence of str
        The names of the labels. Default: none.
    """

    def __init__(self, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self._name, self._text, self._labels = name, text, tuple(labels)
        self.values: dict[tuple[str, ...], float] = {} if labels else {(): 0}

    def add(self, *labels: str, by: float = 1) -> None:
        """Add to the count of these values of the labels."""
        self.values[labels] = self.values.get(labels, 0) + by

    def lines(self) -> Iterator[str]:
        """Yield the lines of the text."""
        return write(self._name, "counter", self._text, (
            (dict(zip(self._labels, labels)), value) for labels, value in self.values.items()
        ))


class Histogram:
    """Counts observed values by their size, apart for each combination of labels.

    Parameters
    ----------
    name, text : str
    edges : sequence of float
        The upper ends of the buckets, in ascending order; a value on an edge lies below it.
    labels : sequence of str
        The names of the labels. Default: none.
    """

    def __init__(self, name: str, text: str, edges: Sequence[float], labels: Sequence[str] = ()) -> None:
        self._name, self._text, self._edges, self._labels = name, text, [*edges, math.inf], tuple(labels)
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Count a value."""
        counts = self._counts.setdefault(labels, [0] * len(self._edges))
        counts[bisect_left(self._edges, value)] += 1
        self._sums[labels] = self._sums.get(labels, 0.0) + value

    def lines(self) -> Iterator[str]:
        """Yield the lines of the text."""
        yield from _head(self._name, "histogram", self._text)
        for labels, counts in self._counts.items():
            named = dict(zip(self._labels, labels))
            for edge, count in zip(self._edges, accumulate(counts)):
                yield _line(f"{self._name}_bucket", {**named, "le": _number(edge)}, count)
            yield _line(f"{self._name}_sum", named, self._sums[labels])
            yield _line(f"{self._name}_count", named, sum(counts))


def write(
    name: str, kind: str, text: str, values: Iterable[tuple[Mapping[str, str], float]]
) -> Iterator[str]:
    """Yield the lines of a metric: its values with their labels."""
    yield from _head(name, kind, text)
    for labels, value in values:
        yield _line(name, labels, value)


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {_escaped(text)}"
    yield f"# TYPE {name} {kind}"


def _line(name: str, labels: Mapping[str, str], value: float) -> str:
    quoted = [f'{label}="{_escaped(text, True)}"' for label, text in labels.items()]
    return f"{name}{{{','.join(quoted)}}} {_number(value)}" if quoted else f"{name} {_number(value)}"


def _escaped(text: str, is_quoted: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if is_quoted else text


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value)
