"""Find images that a table names but that do not exist, and suggest a remedy."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from .folder_walk import Root
from .passed_over import name_first
from .reading import ImageReadError, describe, readable_suffixes
from .table_paths import Place, why_missing

_TRIED = 50  # missing images that the remedies are tried on
_FOLDERS = 50  # folders inside the folder of the images that are tried


class MissingImageError(ImageReadError):
    """The error for an image that a table names but that does not exist."""


class Missing(NamedTuple):
    """A row of a table whose image does not exist."""

    position: int
    row: int
    value: str
    path: str
    reason: str

    @property
    def error(self) -> MissingImageError:
        """The error that `ImageCollection.unreadable` holds for this row."""
        return MissingImageError(describe(self.path), self.reason)


def find_missing(paths: Sequence[str], values: Sequence[object], rows: Sequence[int]) -> list[Missing]:
    """Find the rows whose image is a local path without a file.

    Parameters
    ----------
    paths : sequence of n str
        The resolved path or URL of each row.
    values : sequence of n cells
        The cells that the paths come from, for messages.
    rows : sequence of n int
        The numbers of the rows, for messages.
    """
    reasons = map(why_missing, paths)
    return [
        Missing(i, rows[i], str(values[i]), paths[i], reason) for i, reason in enumerate(reasons) if reason is not None
    ]


def explain_missing(missing: Sequence[Missing], n_images: int, place: Place, table: str) -> str:
    """Say how many images are missing, name the first ones, and suggest a remedy."""
    first = name_first([f"row {each.row}: {each.value}" for each in missing])
    remedy = _find_remedy(missing, place)
    return (
        f"{len(missing):,} of {n_images:,} images that {table} names are missing from {_name(place.folder)}: {first}"
        + (f"; {remedy}" if remedy else "")
    )


def _find_remedy(missing: Sequence[Missing], place: Place) -> str | None:
    """Return the remedy that finds most of the missing images; None if no remedy finds any."""
    tried, folders = missing[:_TRIED], list(_other_folders(place.folder))
    counts: dict[str, int] = {}
    for each in tried:
        candidates = _candidates(each.value.strip(), place, folders)
        for remedy in {remedy for remedy, path in candidates if why_missing(path) is None}:
            counts[remedy] = counts.get(remedy, 0) + 1
    if not counts:
        return None
    best = max(sorted(counts), key=lambda remedy: counts[remedy])
    of = f"{len(tried):,}" if len(tried) == len(missing) else f"the first {len(tried):,}"
    return f"{counts[best]:,} of {of} exist {best}"


def _candidates(value: str, place: Place, folders: Sequence[Path]) -> Iterator[tuple[str, str]]:
    """Yield remedies for a cell, each with the path that it would give."""
    for remedy, text in _other_spellings(value):
        try:
            yield remedy, place.resolve(text, "")
        except ValueError:  # the path leads out of the folder
            continue
    if not os.path.isabs(value):
        for folder in folders:
            yield f"in {folder}: name that as the folder of the images", os.path.join(folder, value)


def _other_spellings(value: str) -> Iterator[tuple[str, str]]:
    """Yield remedies for a cell, each with the text that the cell would then have."""
    yield "with / in place of \\", value.replace("\\", "/")
    for ending in sorted(readable_suffixes()):
        for written in (ending, ending.upper()):
            yield f"with the ending {written} added: use an image pattern such as {{path}}{written}", value + written
    stem, own = os.path.splitext(value)
    for ending in (own.lower(), own.upper(), ".jpg", ".jpeg", ".png", ".webp") if own else ():
        yield f"with the ending {ending} in place of {own} (an image pattern that ends in .* finds any)", stem + ending
    for form in ("NFC", "NFD"):
        yield "with accents in another Unicode form", unicodedata.normalize(form, value)
    yield "without the .0 of a number", re.sub(r"\.0(?=\.|\Z)", "", value)
    parts = value.replace("\\", "/").split("/")
    for n in range(1, len(parts)):
        yield f"without {'/'.join(parts[:n])}/ at the beginning", "/".join(parts[n:])


def _other_folders(folder: Root) -> Iterator[Path]:
    """Yield the folders above and inside the folder of the images."""
    if not isinstance(folder, Path):
        return
    yield from islice(folder.absolute().parents, 2)
    try:
        inside = sorted(Path(entry.path) for entry in os.scandir(folder) if entry.is_dir())
    except OSError:
        return
    yield from inside[:_FOLDERS]


def _name(folder: Root) -> str:
    return "the working folder" if folder == Path() else describe(folder)
