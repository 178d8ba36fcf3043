"""Find out what the folders of a data set mean: splits, superclasses, classes, or only storage."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..errors import InputError
from .folder_walk import Parts, Root, join
from .passed_over import name_first
from .reading import describe

#: The column of a collection that contains the official split of its folders.
SPLIT_COLUMN = "split"

#: The part of an official split that a folder contains, by its name in lower case.
SPLITS = {
    "train": "train", "training": "train",
    "val": "validation", "valid": "validation", "validation": "validation",
    "test": "test", "testing": "test",
}

_FEW = 0.05  # the share of images that may be strays


@dataclass(frozen=True)
class Split:
    """An official split in folders.

    Attributes
    ----------
    position : int
        Which part of a path names the split: 0 for the folders at the top, 1 for those inside.
    sides : dict of str to str
        "train", "validation" or "test" for each name of a folder.
    """

    position: int
    sides: dict[str, str]

    @property
    def named(self) -> str:
        """The names of the folders, as part of a sentence."""
        order = list(SPLITS.values())
        *most, last = sorted(self.sides, key=lambda name: (order.index(self.sides[name]), name))
        return f"{', '.join(most)} and {last}"

    def side(self, file: Parts) -> str:
        """Return the part of the split that a file belongs to."""
        return self.sides[file[self.position]]


@dataclass(frozen=True)
class Layout:
    """How the folders of a data set are read.

    Attributes
    ----------
    levels : int
        How many levels of folders name the class.
    split : Split or None
    folders : list of Parts
        For each image the folders that it is in, from the top, without that of the split.
    strays : list of Parts
        The few images that are above the class folders.
    notes : tuple of str
        Sentences on decisions that could have been different.
    """

    levels: int
    split: Split | None
    folders: list[Parts]
    strays: list[Parts]
    notes: tuple[str, ...]


def find_layout(
    root: Root, images: Sequence[Parts], levels: int | None = None, names: Sequence[str] = ()
) -> Layout:
    """Find out which folders name the class.

    Parameters
    ----------
    root : Path or URL
        The folder, for messages; it is not read.
    images : sequence of Parts
        The paths of all images, at least one, sorted.
    levels : int, optional
        How many levels of folders name the class. By default this is decided from the paths.
    names : sequence of str
        The names of the levels. By default they have none. An image may be in fewer folders than there are names, but
        in one at least.

    Raises
    ------
    ValueError
        If too many images are above the class folders, or a split has no class folders below it or has other folders
        beside it.
    """
    split = find_split(root, images)
    folders = [_folders(file, split) for file in images]
    depths = Counter(map(len, folders))
    if split is not None and split.position == 0 and not any(depth > 0 for depth in depths):
        raise InputError(
            f"{split.named} in {describe(root)} have no class folders in them; expected "
            f"{describe(root)}/<split>/<class>/*.jpg, or a table of labels"
        )
    chosen = levels or (2 if _is_deep(folders) else 1)
    least = 1 if names else chosen
    strays = [file for file, place in zip(images, folders) if _is_stray(file, place, least, split)]
    if len(strays) > _FEW * len(images):
        expected = names or ("superclass", "class")[-chosen:]
        raise InputError(_too_many_strays(root, strays, expected, split, len(images)))
    lying = [place for file, place in zip(images, folders) if not _is_stray(file, place, least, split)]
    notes = [] if split is None else _notes_on_split(split, images, strays)
    deeper = sum(len(place) > chosen for place in lying)
    if levels is None and deeper:
        first = "the first folder" if chosen == 1 else "the first two folders"
        notes.append(f"a class is {first} of a path; images in folders inside it: {deeper:,}")
    return Layout(chosen, _with_test_side(split), folders, strays, tuple(notes))


def find_split(root: Root, images: Sequence[Parts]) -> Split | None:
    """Find folders that are the parts of an official split: at the top, or inside all folders at the top.

    Parameters
    ----------
    root, images
        See `find_layout`.

    Raises
    ------
    ValueError
        If a training part and another part are beside folders with other names.
    """
    for position in (0, 1):
        names: dict[Parts, set[str]] = defaultdict(set)
        for file in images:
            if len(file) > position + 1:
                names[file[:position]].add(file[position])
        every = set().union(*names.values())
        if _is_split(every) and every <= {each for each in every if each.lower() in SPLITS}:
            return Split(position, {each: SPLITS[each.lower()] for each in every})
        for parent, inside in names.items():
            others = sorted(each for each in inside if each.lower() not in SPLITS)
            if _is_split(inside) and others:
                where = describe(join(root, parent) if parent else root)
                raise InputError(
                    f"{where} has the folders {', '.join(sorted(inside - set(others)))} of a split beside "
                    f"{name_first(others)}; move the others away or into the parts of the split"
                )
    return None


def _is_split(names: Collection[str]) -> bool:
    """Return whether there is a training part and another part."""
    sides = {SPLITS[name.lower()] for name in names if name.lower() in SPLITS}
    return "train" in sides and len(sides) > 1


def _folders(file: Parts, split: Split | None) -> Parts:
    folders = file[:-1]
    if split is None:
        return folders
    return folders[:split.position] + folders[split.position + 1:]


def _is_deep(folders: Sequence[Parts]) -> bool:
    """Return whether classes are two folders deep. One image elsewhere, or a few, do not change that."""
    n_shallow = sum(len(place) < 2 for place in folders)
    if n_shallow == len(folders) or n_shallow > max(1, _FEW * len(folders)):
        return False
    directly = Counter(place[0] for place in folders if len(place) == 1)
    deeper = {place[0] for place in folders if len(place) > 1}
    return all(n == 1 or first in deeper for first, n in directly.items())


def _is_stray(file: Parts, place: Parts, least: int, split: Split | None) -> bool:
    return len(place) < least or split is not None and len(file) < split.position + 2


def _too_many_strays(
    root: Root, strays: Sequence[Parts], levels: Sequence[str], split: Split | None, n_images: int
) -> str:
    names = [f"<{level}>" for level in levels]
    if split is not None:
        names.insert(split.position, "<split>")
    expected = "/".join([describe(root), *names, "*.jpg"])
    more = "" if len(strays) == 1 else f", nor are {len(strays) - 1:,} more of {n_images:,} images"
    return (
        f"{describe(join(root, strays[0]))} is in no class folder{more}; expected {expected}: move it or remove it"
    )


def _notes_on_split(split: Split, images: Sequence[Parts], strays: Collection[Parts]) -> list[str]:
    left_out = set(strays)
    counts = Counter(split.side(file) for file in images if file not in left_out)
    notes = [f"{split.named} are folders of an official split, kept in the column {SPLIT_COLUMN!r}"]
    if "test" not in counts:
        notes.append("the official split has no test part; its validation part is the test side")
    elif counts["validation"]:
        notes.append(
            f"images of the official split's validation part, which is neither train nor test: {counts['validation']:,}"
        )
    return notes


def _with_test_side(split: Split | None) -> Split | None:
    if split is None or "test" in split.sides.values():
        return split
    return Split(split.position, {
        name: "test" if side == "validation" else side for name, side in split.sides.items()
    })
