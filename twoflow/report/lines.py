"""Lines of text that the reports of comparisons and of audits share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from .._text import counted, printable
from ..images.lookalikes import spell
from ..images.passed_over import PassedOver, count_paths

SHOWN = 5  # findings of each kind


def lookalike_lines(groups: Iterable[Sequence[object]]) -> Iterator[str]:
    """List classes whose names look alike, one line for each group."""
    listed = list(groups)
    if listed:
        yield f"Classes whose names look alike: {counted(len(listed), 'group')}"
        for group in listed[:SHOWN]:
            yield f"  {' and '.join(map(spell, group))}"
        yield from more(len(listed))


def passed_over_lines(passed_over: Sequence[PassedOver]) -> Iterator[str]:
    """Count files and folders that were not read as images, one line for each reason."""
    if passed_over:
        n_paths = count_paths(passed_over)
        yield f"{counted(n_paths, 'file or folder', 'files or folders')} passed over:"
        for each in passed_over:
            yield f"  {printable(each)}"


def more(number: int) -> Iterator[str]:
    """Say how many findings are not listed; nothing if all are."""
    if number > SHOWN:
        yield f"  and {number - SHOWN:,} more"
