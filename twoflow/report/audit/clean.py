"""The table of the images to train on, and the list of those left out."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator

from ...auditing import Audit
from ...images import ImageCollection
from ...images.remote import is_url
from ..csv_text import to_csv

_LEFT_OUT = ("image", "reason", "detail", "other", "label", "label of other")


def clean_table(audit: Audit) -> str | None:
    """Write the images to train on as a table for ``--labels``; None if some images are not files.

    Its columns are ``path``, then each target by its name, then ``group`` if there are groups, then the other columns.
    Paths are absolute, so the table can lie anywhere. Text is written as it is, because a changed label would be
    another class. So a cell may begin with ``=``: a spreadsheet may take it for a formula.
    """
    if not all(isinstance(audit.images[i], (str, os.PathLike)) for i in audit.kept.tolist()):
        return None
    columns = {"path": [_absolute(os.fspath(audit.images[i])) for i in audit.kept.tolist()]}
    if audit.collection is not None:
        for name, values in _columns(audit.collection[audit.kept]):
            columns.setdefault(name, values)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values()))
    return text.getvalue()


def left_out_table(audit: Audit) -> str:
    """List the images that are not in the clean table, and why."""
    return to_csv(_LEFT_OUT, _left_out(audit))


def _columns(collection: ImageCollection) -> Iterator[tuple[str, list[str]]]:
    """Yield each column of a collection: targets, groups, other columns."""
    for name in collection.target_names:
        yield name, [str(value) for value in collection.target(name)]
    if collection.groups is not None:
        taken = {*collection.target_names, *collection.columns}
        yield next(name for name in ("group", "groups", "twoflow group") if name not in taken), [
            str(value) for value in collection.groups
        ]
    for name, values in collection.columns.items():
        yield name, [str(value) for value in values]


def _absolute(path: str) -> str:
    return path if is_url(path) else os.path.abspath(path)


def _left_out(audit: Audit) -> Iterator[tuple[str, ...]]:
    reasons = {position: error.reason for position, error in audit.unreadable if position is not None}
    reasons |= {fault.position: fault.reason for fault in reversed(audit.faults)}
    for each in audit.left_out:
        yield (
            audit.name(each.position), each.reason, "" if each.other is not None else reasons[each.position],
            "" if each.other is None else audit.name(each.other), audit.label(each.position),
            "" if each.other is None else audit.label(each.other),
        )
    for position, error in audit.unreadable:
        if position is None:
            yield error.name, "unreadable", error.reason, "", "", ""
