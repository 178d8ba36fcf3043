"""What to label next: as text for a terminal, and as a table with thumbnails on one page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from ..._text import counted, printable
from ...auditing import LabelQueue, ToLabel
from ...images.reading import Source
from ...images.thumbnails import thumbnail
from ..atomic import check_output_folder, replace_files
from ..csv_text import to_csv
from ..lines import SHOWN, more
from ..page import render

#: The files of a queue. One that a new queue does not write is removed from its folder.
QUEUE_FILES = ("label-next.csv", "label-next.html")

_MOST, _SIDE = 200, 160  # thumbnails of the page, and their pixels


def format_label_queue(found: LabelQueue) -> str:
    """List the first images to label, and count what was left out."""
    queue = found.queue
    n_similar = sum(each.n_similar for each in queue)
    lines = [
        f"{counted(len(queue), 'image')} to label next, of {counted(found.n_images, 'image')} checked in "
        f"{found.seconds:.1f} s; they stand for {n_similar:,} of the most uncertain ones",
        "",
    ]
    for rank, each in enumerate(queue[:SHOWN], start=1):
        lines.append(f"  {rank}. {printable(each.name)}: {printable(_reason(each, found.target_names))}")
    lines += [*more(len(queue)), ""]
    left_out = {
        "showing the same photo as another of them": len(found.copies),
        "showing a photo that is labeled already": len(found.labeled),
        "unreadable": len(found.unreadable),
    }
    counts = [f"{count:,} {reason}" for reason, count in left_out.items() if count]
    lines.append(f"Left out: {', '.join(counts) or 'none'}")
    lines += [f"  {printable(error.name)}: {printable(error.reason)}" for _, error in found.unreadable[:SHOWN]]
    lines += more(len(found.unreadable))
    if found.n_out_of_scope:
        lines.append(f"Of none of the model's classes, and so last: {counted(found.n_out_of_scope, 'image')}")
    return "\n".join([*lines, *(f"Note: {printable(note)}" for note in found.notes)])


def write_label_queue(found: LabelQueue, images: Sequence[Source], folder: str | os.PathLike) -> list[Path]:
    """Write label-next.csv and label-next.html: both or none.

    Parameters
    ----------
    found : LabelQueue
    images : sequence of images
        Those that the queue was chosen from, for the thumbnails.
    folder : path

    Returns
    -------
    list of Path
        The files.
    """
    tiles = [
        {
            "name": printable(each.name),
            "image": thumbnail(images[each.position], _SIDE),
            "rank": rank,
            "answers": printable(_answers(each, found.target_names)),
            "n_similar": each.n_similar,
        }
        for rank, each in enumerate(found.queue[:_MOST], start=1)
    ]
    page = render(
        "label_next.html",
        title=f"{counted(len(found.queue), 'image')} to label next",
        lines=format_label_queue(found).splitlines(),
        tiles=tiles,
        n_more=len(found.queue) - len(tiles),
    )
    contents = {"label-next.csv": _table(found), "label-next.html": page}
    return replace_files(check_output_folder(folder), contents, QUEUE_FILES)


def _table(found: LabelQueue) -> str:
    several = len(found.target_names) > 1
    n_likeliest = max((len(own) for each in found.queue for own in each.likeliest), default=0)
    head = ["rank", "path", "uncertainty", "gain", "stands for", "out of scope"]
    for name in found.target_names:
        for number in range(1, n_likeliest + 1):
            of = f"{name} {number}" if several else f"class {number}"
            head += [of, f"probability of {of}"]
    return to_csv(head, (_row(rank, each, n_likeliest) for rank, each in enumerate(found.queue, start=1)))


def _row(rank: int, each: ToLabel, n_likeliest: int) -> list[Any]:
    row = [
        rank, each.name, f"{each.uncertainty:.4f}", f"{each.gain:.4f}", each.n_similar,
        "yes" if each.is_out_of_scope else "no",
    ]
    for own in each.likeliest:
        cells = [(str(label), f"{probability:.4f}") for label, probability in own]
        row += chain.from_iterable([*cells, *[("", "")] * (n_likeliest - len(cells))])
    return row


def _reason(each: ToLabel, names: Sequence[str]) -> str:
    return f"{_answers(each, names)}; stands for {counted(each.n_similar, 'image')}"


def _answers(each: ToLabel, names: Sequence[str]) -> str:
    """Name the two likeliest classes of each target, such as "boot 41%, clog 38%"."""
    of_targets = [", ".join(f"{label} {p:.0%}" for label, p in own[:2]) for own in each.likeliest]
    if len(names) == 1:
        return of_targets[0]
    return "; ".join(f"{name} {answers}" for name, answers in zip(names, of_targets))
