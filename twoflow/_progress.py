"""Show the progress of long work on stderr, in named phases.

On a terminal and in a notebook, a phase is a bar. Elsewhere, such as in a log file, it is a line now and then. In both
cases one line remains when the phase ends.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

_EVERY_S = 30.0  # where there is no bar, a line tells the progress at most this often


class Phase:
    """A part of long work with a name. Make it with `phase`.

    Parameters
    ----------
    name : str
        What is done, such as "features".
    total : int, optional
        How many steps there are. Default: None, if this is not known; then only the end is shown.
    unit : str
        What a step is, in the plural. The default is "steps".
    n_done : int
        How many steps need not be done, because their results are in the store. The default is 0.
    """

    def __init__(self, name: str, total: int | None = None, unit: str = "steps", n_done: int = 0) -> None:
        self.name, self.total, self.unit = name, total, unit
        self.n_done = self._n_before = n_done
        self._began = self._told = time.monotonic()

    def update(self, n: int = 1, seconds_left: float | None = None, note: str = "") -> None:
        """Count steps that are done.

        Parameters
        ----------
        n : int
            How many steps were done since the last call. The default is 1.
        seconds_left : float, optional
            How long the rest is going to take. Default: as long as the steps of this run took, if all take the same
            time; NaN if that is not so and nothing better is known.
        note : str
            Further figures to show. By default there are none.
        """
        self.n_done += n
        self._show(self._seconds_left() if seconds_left is None else seconds_left, note)

    def say(self, line: str) -> None:
        """Show a line that remains."""
        _print(line)

    def close(self, is_complete: bool) -> None:
        """End the phase; if it is complete, show a line that says how long it took."""
        if is_complete:
            counted = "" if self.total is None else f"{self._count()} {self.unit}, "
            before = f" ({self._n_before:,} from the store)" if self._n_before else ""
            self.say(f"{self.name}: {counted}{format_seconds(time.monotonic() - self._began)}{before}")

    def _count(self) -> str:
        return f"{self.n_done:,}" if self.n_done == self.total else f"{self.n_done:,} of {self.total:,}"

    def _seconds_left(self) -> float:
        n_here = self.n_done - self._n_before
        if self.total is None or n_here <= 0:
            return float("nan")
        return (time.monotonic() - self._began) / n_here * (self.total - self.n_done)

    def _show(self, seconds_left: float, note: str) -> None:
        now = time.monotonic()
        if self.total is None or self.n_done >= self.total or now - self._told < _EVERY_S:
            return
        self._told = now
        parts = [f"{self._count()} {self.unit}", format_seconds(now - self._began), note]
        self.say(f"{self.name}: {', '.join(filter(None, [*parts, _format_left(seconds_left)]))}")


class _Bar(Phase):
    """A phase that is shown as a bar of tqdm."""

    def __init__(self, name: str, total: int | None = None, unit: str = "steps", n_done: int = 0) -> None:
        super().__init__(name, total, unit, n_done)
        counts = "{desc}: {elapsed}" if total is None else (
            "{desc}: {percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt} " + unit + ", {elapsed}{postfix}"
        )
        self._bar = _bar_class()(
            total=total, initial=n_done, desc=name, bar_format=counts, leave=False, file=sys.stderr, dynamic_ncols=True
        )

    def say(self, line: str) -> None:
        self._bar.write(line, file=sys.stderr)

    def close(self, is_complete: bool) -> None:
        self._bar.close()
        super().close(is_complete)

    def _show(self, seconds_left: float, note: str) -> None:
        self._bar.set_postfix_str(", ".join(filter(None, [note, _format_left(seconds_left)])), refresh=False)
        self._bar.update(self.n_done - self._bar.n)


class _Silent(Phase):
    def say(self, line: str) -> None:
        pass


@contextmanager
def phase(
    name: str, total: int | None = None, unit: str = "steps", *, n_done: int = 0, verbose: bool = True
) -> Iterator[Phase]:
    """Show the work inside the block as one phase; see `Phase`.

    Parameters
    ----------
    name, total, unit, n_done
        See `Phase`.
    verbose : bool
        Whether to show anything. The default is True.

    Yields
    ------
    Phase
    """
    kind = _Silent if not verbose else _Bar if _can_show_bars() else Phase
    shown = kind(name, total, unit, n_done)
    is_complete = False
    try:
        yield shown
        is_complete = True
    finally:
        shown.close(is_complete)


class Costs:
    """Estimate how long the rest of some steps takes, from what steps of the same kind have taken.

    Steps of different kinds, such as the folds of different methods, may differ in cost by a factor of a thousand. So a
    kind without a finished step is never guessed from another kind: there is no estimate before each kind has one.
    Begin with a step of each kind. The remaining seconds are the mean seconds of each kind, times its steps that are
    left. They are divided by the speed: by how many seconds of work were finished in a second, which is about the
    number of workers.

    Parameters
    ----------
    kinds : sequence
        The kind of each step that is left; any hashable values.
    """

    def __init__(self, kinds: Sequence[Any]) -> None:
        self._n_left: dict[Any, int] = {}
        for kind in kinds:
            self._n_left[kind] = self._n_left.get(kind, 0) + 1
        self._measured: dict[Any, list[float]] = {}
        self._known: dict[Any, list[float]] = {}
        self._began = time.monotonic()

    def know(self, kind: Any, seconds: float) -> None:
        """Note the cost of a step of an earlier run; it counts until this run has measured a step of the kind."""
        self._known.setdefault(kind, []).append(seconds)

    def finish(self, kind: Any, seconds: float) -> None:
        """Note that a step of this run is finished, and what it cost."""
        self._n_left[kind] -= 1
        self._measured.setdefault(kind, []).append(seconds)

    def seconds_left(self, elapsed: float | None = None) -> float:
        """Return how long the remaining steps take; NaN if a kind has no finished step, or nothing was measured.

        Parameters
        ----------
        elapsed : float, optional
            The seconds since the first step began. Default: since this object was made.
        """
        means = {kind: sum(costs) / len(costs) for kind, costs in {**self._known, **self._measured}.items()}
        work = [n * means.get(kind, float("nan")) for kind, n in self._n_left.items() if n]
        done = sum(map(sum, self._measured.values()))
        elapsed = time.monotonic() - self._began if elapsed is None else elapsed
        return sum(work) * elapsed / done if done else float("nan")


def format_seconds(seconds: float) -> str:
    """Format a duration for people.

    Examples
    --------
    >>> [format_seconds(seconds) for seconds in (0.04, 2.34, 14.2, 200, 4000)]
    ['0.0 s', '2.3 s', '14 s', '3 min 20 s', '1 h 07 min']
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min"


def _format_left(seconds: float) -> str:
    return "" if seconds != seconds else f"about {format_seconds(seconds)} left"  # NaN is not equal to itself


def _print(line: str) -> None:
    with suppress(OSError, ValueError):  # stderr may be closed
        print(line, file=sys.stderr, flush=True)


def _can_show_bars() -> bool:
    with suppress(OSError, ValueError):
        return sys.stderr is not None and (sys.stderr.isatty() or _is_notebook())
    return False


def _is_notebook() -> bool:
    """Return whether the code runs in the kernel of a notebook, whose stderr is no terminal."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return "IPKernelApp" in getattr(shell, "config", ())


@lru_cache(maxsize=1)
def _bar_class() -> Any:
    """Return tqdm's widget in a notebook, and otherwise, or without ipywidgets, its bar of text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that ipywidgets is not installed
        from tqdm.auto import tqdm
    return tqdm
