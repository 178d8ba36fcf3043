"""Save folds by the names of the images, and read them, so that another run can use the same folds."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np

from .._files import expand, open_regular
from ..errors import InputError
from ..images import ImageCollection, LoadedImage
from ..images.remote import is_url, mask
from .folds import Fold, Folds


def folds_to_json(folds: Folds, collection: ImageCollection) -> dict[str, Any]:
    """Convert the folds of a comparison for its report.json; `read_folds` reads them.

    Returns
    -------
    dict
        "column" is `Folds.column`. "images" has the name of each image; see `image_names`. "splits" has for each fold
        "repeat", "fold", and the positions in "images" of the images to "test" and to "train"; "train" is None if it is
        all other images. "held_out" is what all test images have in that column, or None. "hash" is equal only for
        folds that train and test on images with the same names.
    """
    names = image_names(collection)
    n = len(names)
    splits = [
        {
            "repeat": fold.repeat, "fold": fold.fold, "test": fold.test.tolist(),
            "train": None if len(fold.train) + len(fold.test) == n else fold.train.tolist(),
            "held_out": fold.held_out,
        }
        for fold in folds
    ]
    return {"hash": _hash(folds, names), "column": folds.column, "images": names, "splits": splits}


@dataclass(frozen=True, eq=False)
class SavedFolds:
    """The folds of another run.

    Attributes
    ----------
    path : str
        The path of the report.json that contains the folds.
    images : list of str
        The names of the images; see `image_names`.
    folds : Folds
        Positions in `images`.
    """

    path: str
    images: list[str]
    folds: Folds

    def folds_of(self, collection: ImageCollection) -> Folds:
        """Return the same folds, as positions in a collection.

        Parameters
        ----------
        collection : ImageCollection
            The images of the other run, and no others, in any order and any folder.

        Raises
        ------
        ValueError
            If the collection has other images, or a group is on both sides of a fold.
        """
        names = image_names(collection)
        missing, new = (sorted(set(one) - set(other)) for one, other in permutations((self.images, names)))
        if missing or new:
            examples = "; ".join(
                f"{len(some)} {which}, such as {some[0]}"
                for some, which in ((missing, "are missing"), (new, "are not in it")) if some
            )
            raise InputError(f"expected the images of {self.path}, got others: {examples}; use the same images")
        place = {name: i for i, name in enumerate(names)}
        position = np.array([place[name] for name in self.images])
        splits = tuple(
            replace(fold, train=position[fold.train], test=position[fold.test]) for fold in self.folds
        )
        _check_groups(splits, collection.groups, self.path)
        return replace(self.folds, splits=splits)


def read_folds(path: str | os.PathLike) -> SavedFolds:
    """Read the folds of a report.json; `path` may also be the folder that contains it.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not a report, or its folds were changed.
    """
    path = expand(path)
    path = path / "report.json" if path.is_dir() else path
    try:
        with open_regular(path) as file:
            document = json.load(file)["folds"]
        images = [str(name) for name in document["images"]]
        splits = tuple(_read_split(split, len(images)) for split in document["splits"])
        seed = None if document["seed"] is None else int(document["seed"])
        folds = Folds(
            str(document["kind"]), int(document["n_splits"]), int(document["repeats"]), seed, splits,
            _read_text(document["column"]),
        )
        is_intact = bool(splits) and _hash(folds, images) == document["hash"]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise InputError(
            f"{path}: expected the report.json of a comparison, with its folds, got another file; name the folder that "
            "twoflow cv wrote its report to"
        ) from error
    if not is_intact:
        raise InputError(f"{path}: expected folds that match their hash, got others; use an unchanged report.json")
    return SavedFolds(os.fspath(path), images, folds)


def image_names(collection: ImageCollection) -> list[str]:
    """Name each image, independently of the folder that the collection is in.

    The name of a file is its path relative to the folder that contains all files; the name of an image in memory is a
    digest of its content. URLs that differ only in their secrets also get a digest. Repeated names are numbered.
    """
    if all(isinstance(image, (str, os.PathLike)) for image in collection.images):
        paths = _hide_secrets(collection.paths)
        folder = _common_folder(paths)
        names = [path[len(folder):] for path in paths]
    else:
        names = [LoadedImage(image).digest.hex() for image in collection.images]
    seen: Counter[str] = Counter()
    for i, name in enumerate(names):
        seen[name] += 1
        if seen[name] > 1:
            names[i] = f"{name}#{seen[name]}"
    return names


def _hide_secrets(paths: Sequence[str]) -> list[str]:
    """Return absolute paths, and URLs without their secrets; different URLs stay different."""
    shown = [mask(path) if is_url(path) else Path(os.path.abspath(path)).as_posix() for path in paths]
    different: dict[str, set[str]] = {}
    for name, path in zip(shown, paths):
        different.setdefault(name, set()).add(path)
    return [
        name if len(different[name]) == 1 or not is_url(path)
        else f"{name}#{hashlib.sha256(path.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"
        for name, path in zip(shown, paths)
    ]


def _common_folder(paths: Sequence[str]) -> str:
    common = os.path.commonprefix([path[:path.rfind("/") + 1] for path in paths])
    return common[:common.rfind("/") + 1]


def _hash(folds: Folds, names: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for fold in folds:
        for side in (fold.train, fold.test):
            # JSON keeps the names separate, and escapes half a surrogate pair, which UTF-8 cannot encode.
            digest.update(json.dumps([fold.repeat, fold.fold, sorted(names[i] for i in side)]).encode())
    return digest.hexdigest()


def _read_split(split: dict[str, Any], n: int) -> Fold:
    test = _read_positions(split["test"], n)
    train = np.delete(np.arange(n), test) if split["train"] is None else _read_positions(split["train"], n)
    if np.intersect1d(train, test).size:
        raise ValueError
    return Fold(int(split["repeat"]), int(split["fold"]), train, test, _read_text(split["held_out"]))


def _read_text(value: Any) -> str | None:
    return None if value is None else str(value)


def _read_positions(values: list[int], n: int) -> np.ndarray:
    positions = np.array(values, dtype=np.intp)
    if positions.ndim != 1 or not len(positions) or len(np.unique(positions)) < len(positions):
        raise ValueError
    if positions.min() < 0 or positions.max() >= n:
        raise ValueError
    return positions


def _check_groups(splits: Sequence[Fold], groups: np.ndarray | None, path: str) -> None:
    if groups is None:
        return
    for fold in splits:
        shared = np.intersect1d(groups[fold.train], groups[fold.test])
        if len(shared):
            raise InputError(
                f"{path}: expected each group on one side of a fold, got group {shared[0]!s} on both sides of fold "
                f"{fold.fold} of repeat {fold.repeat}; use folds that were drawn with these groups"
            )
