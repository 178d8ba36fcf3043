"""Collections from a folder of class folders, on this machine or at a URL."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import InputError
from .collection import ImageCollection
from .folder_layout import SPLIT_COLUMN, Layout, find_layout, find_split
from .folder_walk import Listing, Parts, Root, join, list_folder, open_folder
from .lookalikes import note_on_words_for_missing
from .passed_over import NO_IMAGE, STRAY, PassedOver, name_first
from .reading import describe

__all__ = ["SPLIT_COLUMN", "PlainFolder", "list_plain_folder", "load_folder"]


class PlainFolder(NamedTuple):
    """The images of a folder without class folders.

    Attributes
    ----------
    paths : list of str
        Sorted.
    passed_over : tuple of PassedOver
        Files and folders that were not read as images.
    notes : tuple of str
        How the folder was read.
    """

    paths: list[str]
    passed_over: tuple[PassedOver, ...]
    notes: tuple[str, ...]


def load_folder(root: str | os.PathLike, levels: int | Sequence[str] | None = None) -> ImageCollection:
    """Collect the images of a folder of class folders.

    Parameters
    ----------
    root : path or fsspec URL
        ``root/<class>/*.jpg`` or ``root/<superclass>/<class>/*.jpg``. Links to folders are followed. If all folders at
        the top, or all folders inside the class folders, are called train, training, val, valid, validation, test or
        testing, and one of them is the training part, they are the official split. The images of a URL are URLs; those
        of ``file://`` are paths.
    levels : {1, 2} or sequence of str, optional
        How many levels of folders name the class, without the split; deeper folders only store images. By default: 2
        if every image is at least two folders deep, else 1. Up to 5 % of images that are higher up do not change that,
        nor does a single one, unless they make up a first-level folder of two images or more.

        A sequence of names, such as ``("brand", "model")``, makes each level a target with that name, from broad to
        fine. Two names or more are levels of a hierarchy; see `ImageCollection`. Then an image may be in fewer folders
        than there are names: its path ends there.

    Returns
    -------
    ImageCollection
        In the order of the sorted paths. With two levels a label is ``"superclass/class"``, because different
        superclasses may have classes with the same name, and the column ``superclass`` contains the first part. If the
        levels have names, the labels are the names of the folders. With an official split the column ``split`` contains
        "train", "validation" or "test"; without a test part the validation part is "test".
        `ImageCollection.passed_over` names what was not read: hidden files, files and folders made by programs, files
        with other endings than those of images, class folders without an image, and up to 5 % of images above the class
        folders. `ImageCollection.notes` says how the folder was read.

    Raises
    ------
    ValueError
        If the folder has no images, has more images outside the class folders, has split folders without class folders
        or beside other folders, is on a web server (which cannot list a folder), or a link leads back into itself; or
        if `levels` is something else.
    NotADirectoryError
        If there is no such folder.
    OSError, ModuleNotFoundError
        If a URL cannot be listed, or the package that this needs is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from twoflow import load_folder, make_shop
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = make_shop(n_classes=2, n_per_class=3, folder=folder)
    ...     shoes = load_folder(folder)
    >>> shoes
    ImageCollection(6 images, 2 classes, 1 file or folder passed over)
    >>> [(each.reason, len(each.paths)) for each in shoes.passed_over]
    [('files with the ending .csv', 1)]
    """
    names = _checked_names(levels)
    n_levels = levels if isinstance(levels, int) else len(names) or None
    root = open_folder(root)
    listing = list_folder(root)
    name = describe(root)
    if not listing.images:
        found = _passed_over(root, listing)
        told = f"; passed over: {'; '.join(map(str, found))}" if found else ""
        raise InputError(f"{name} has no images; expected {name}/<class>/*.jpg{told}")
    layout = find_layout(root, listing.images, n_levels, names)
    strays = set(layout.strays)
    taken = [(file, place) for file, place in zip(listing.images, layout.folders) if file not in strays]
    labels = ["/".join(place[:layout.levels]) for _, place in taken]
    targets = [[*place[:len(names)], *[""] * (len(names) - len(place))] for _, place in taken]
    notes = [*layout.notes, *note_on_words_for_missing(labels)]
    columns: dict[str, list[str]] = {}
    if layout.levels == 2 and not names:
        columns["superclass"] = [place[0] for _, place in taken]
    if layout.split is not None:
        columns[SPLIT_COLUMN] = [layout.split.side(file) for file, _ in taken]
        notes += _note_on_untrained(labels, columns[SPLIT_COLUMN])
    return ImageCollection(
        images=[join(root, file) for file, _ in taken],
        labels=targets if names else labels,
        columns=columns,
        passed_over=_passed_over(root, listing, layout),
        notes=notes,
        target_names=names or None,
        are_levels=len(names) > 1,
    )


def _checked_names(levels: int | Sequence[str] | None) -> tuple[str, ...]:
    """Return the names of the levels; none if they have no names."""
    if levels is None or isinstance(levels, int) and levels in (1, 2):
        return ()
    if isinstance(levels, (int, str)) or not levels or not all(isinstance(name, str) for name in levels):
        raise InputError(f"levels: expected 1, 2 or a sequence of names, from broad to fine, got {levels!r}")
    return tuple(levels)


def list_plain_folder(root: str | os.PathLike) -> PlainFolder | None:
    """List the images of a folder without class folders, or of split folders without class folders.

    Parameters
    ----------
    root : path or fsspec URL

    Returns
    -------
    PlainFolder or None
        None if the folder has no images, or has images in an inner folder that is not a split.

    Raises
    ------
    ValueError
        If the folder is on a web server, or a link leads back into itself.
    NotADirectoryError, OSError, ModuleNotFoundError
        As `load_folder` does.
    """
    root = open_folder(root)
    listing = list_folder(root)
    depths = {len(file) for file in listing.images}
    notes: tuple[str, ...] = ()
    if depths == {2}:
        split = find_split(root, listing.images)
        if split is None or split.position != 0:
            return None
        notes = (f"{split.named} are folders of an official split without class folders",)
    elif depths != {1}:
        return None
    return PlainFolder([join(root, file) for file in listing.images], _passed_over(root, listing), notes)


def _passed_over(root: Root, listing: Listing, layout: Layout | None = None) -> tuple[PassedOver, ...]:
    found = dict(listing.passed_over)
    if layout is not None:
        if layout.strays:
            found[STRAY] = list(layout.strays)
        empty = _without_images(listing, layout)
        if empty:
            found[NO_IMAGE] = empty
    return tuple(
        PassedOver(reason, tuple(describe(join(root, path)) for path in sorted(paths)))
        for reason, paths in sorted(found.items())
    )


def _note_on_untrained(labels: Sequence[str], sides: Sequence[str]) -> list[str]:
    """Return a sentence on classes that are tested and never trained on; none if there are none."""
    by_side = {side: {label for label, own in zip(labels, sides) if own == side} for side in ("train", "test")}
    untrained = sorted(by_side["test"] - by_side["train"])
    return [f"classes of the test part that the training part lacks: {name_first(untrained)}"] if untrained else []


def _without_images(listing: Listing, layout: Layout) -> list[Parts]:
    """Return the folders at the levels of splits, superclasses and classes that have no image, not even deeper."""
    depth = layout.levels + (layout.split is not None)
    full = {file[:n] for file in listing.images for n in range(len(file))}
    empty = {folder for folder in listing.folders if len(folder) <= depth and folder not in full}
    return [folder for folder in empty if folder[:-1] in full]  # not what is in an empty one
