"""Lines of text that several reports share: aligned tables, and what is said of images and classes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from .._text import counted, listed, printable
from ..images import ImageCollection
from ..images.lookalikes import spell
from ..images.passed_over import PassedOver, count_paths
from ..networks import NetworkRecord
from ..networks.trained_on import count_digests

SHOWN = 5  # findings of each kind
_UNREADABLE_SHOWN = 50  # images


def aligned(table: Sequence[Sequence[str]], to_right: Collection[int] | None = None, n_last: int = 0) -> list[str]:
    """Align the columns of a table, with a line under its head.

    Parameters
    ----------
    table : sequence of sequence of str
        The head, then the rows; all of one length.
    to_right : collection of int, optional
        Positions of the columns that are aligned to the right. Default: all but the first.
    n_last : int, default=0
        How many rows at the end are separated from the others by another line.
    """
    widths = [max(map(len, column)) for column in zip(*table)]
    to_right = range(1, len(widths)) if to_right is None else to_right
    adjust = [str.rjust if i in to_right else str.ljust for i in range(len(widths))]
    lines = ["  ".join(place(cell, width) for place, cell, width in zip(adjust, row, widths)).rstrip() for row in table]
    rule = "-" * sum(widths, 2 * (len(widths) - 1))
    lines.insert(1, rule)
    if n_last:
        lines.insert(len(lines) - n_last, rule)
    return lines


def lookalike_lines(groups: Iterable[Sequence[object]]) -> Iterator[str]:
    """List classes whose names look alike, one line for each group."""
    listed = list(groups)
    if listed:
        yield f"Classes whose names look alike: {counted(len(listed), 'group')}"
        for group in listed[:SHOWN]:
            yield f"  {' and '.join(map(spell, group))}"
        yield from more(len(listed))


def network_lines(networks: Iterable[NetworkRecord]) -> Iterator[str]:
    """Name each network with its license and what ran it, one line for each."""
    for each in networks:
        n_images = count_digests(each.trained_on)
        trained = f"; trained on {counted(n_images, 'image')}" if n_images else ""
        yield f"network: {printable(each.name)} (license {printable(each.license)}{trained}; run on {each.provider})."


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


def left_out_lines(collection: ImageCollection, remedy: str) -> list[str]:
    """List small classes and unreadable images that were left out, a blank line before each list.

    Parameters
    ----------
    collection : ImageCollection
    remedy : str
        Where the images are that are too many to list, such as "report.json lists all".
    """
    lines, small, errors = [], collection.small_classes, collection.unreadable
    if small:
        names = ", ".join(f"{printable(name)} ({count})" for name, count in small.items())
        lines += ["", f"Left out, {counted(len(small), 'class', 'classes')} with too few images: {names}"]
    if errors:
        shown = [f"  {printable(error.name)}: {printable(error.reason)}" for error in errors[:_UNREADABLE_SHOWN]]
        lines += ["", f"Left out, {counted(len(errors), 'image')} that cannot be read:", *shown]
    if len(errors) > _UNREADABLE_SHOWN:
        lines.append(f"  and {len(errors) - _UNREADABLE_SHOWN:,} more; {remedy}")
    return lines


def source_lines(collection: ImageCollection) -> list[str]:
    """List doubts about how the source was read, a blank line before each list.

    These are names that look alike, files that were not read as images, and decisions.
    """
    parts = (
        list(lookalike_lines(collection.lookalikes)), list(passed_over_lines(collection.passed_over)),
        [f"Note: {printable(note)}" for note in collection.notes],
    )
    return [line for part in parts if part for line in ("", *part)]


def name_pattern(wrong: Sequence[str]) -> str:
    """Name the targets that are wrong together.

    Examples
    --------
    >>> name_pattern(["type"]), name_pattern(["type", "color"])
    ('only type', 'type and color')
    """
    return f"only {wrong[0]}" if len(wrong) == 1 else listed(wrong)
