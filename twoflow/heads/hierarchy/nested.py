"""Read the paths of classes from nested mappings and from nested folders."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from ..._text import printable
from ...errors import InputError
from ...images.folder_walk import list_folder, open_folder
from .labels import Path


def paths_of_mapping(classes: Any, above: Path = (), seen: tuple[int, ...] = ()) -> Iterator[Path]:
    """Yield the path of each class of nested mappings and lists.

    Raises
    ------
    ValueError
        If a mapping or list contains itself, or something else is below a label.
    """
    place = " > ".join(map(str, above)) or "the tree"
    if id(classes) in seen:
        raise InputError(f"{printable(place, 120)}: expected classes that end, got one that contains itself; cut it")
    is_mapping = isinstance(classes, Mapping)
    if not is_mapping and not isinstance(classes, (list, tuple)):
        raise InputError(
            f"{printable(place, 120)}: expected a mapping or a list of the classes below, or None, got "
            f"{printable(repr(classes), 60)}; write a list"
        )
    for label in classes:
        yield (*above, label)
        below = classes[label] if is_mapping else None
        if below is not None:
            yield from paths_of_mapping(below, (*above, label), (*seen, id(classes)))


def paths_of_folder(path: str | os.PathLike) -> Counter[Path]:
    """Return the number of images in each folder inside a folder; see `twoflow.load_folder` for what is an image."""
    root = open_folder(path)
    counts = Counter(parts[:-1] for parts in list_folder(root).images if len(parts) > 1)
    if not counts:
        raise InputError(f"expected folders of images in {root}, got none; name a folder with a folder for each class")
    return counts
