"""The gallery of a model file: what a search among its training images needs."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from ...images import ImageCollection
from ...images.naming import name_images
from ...images.remote import is_url
from ...images.thumbnails import jpeg_thumbnail
from ..search_space import N_COMPONENTS, find_vectors
from .archive import parse_json
from .arrays import read_array, write_array
from .card import ModelCard
from .damage import DamagedError
from .describing import find_classes

_FOLDER = "gallery/"
_NAMES, _THUMBNAILS = f"{_FOLDER}names.json", f"{_FOLDER}thumbnails.bin"
_SIDE = 80  # pixels of the longer side of a thumbnail; about two kilobytes
_JPEG = b"\xff\xd8\xff"
#: The arrays and their dtypes.
_ARRAYS: dict[str, type] = {
    "vectors": np.float16, "norms": np.float32, "labels": np.int32, "groups": np.int32, "sizes": np.int32,
}
_MAY_LACK = "groups"


@dataclass(frozen=True)
class Gallery:
    """The training images of a model file, as a search needs them.

    Attributes
    ----------
    names : list of n str
        The names of the images: their paths below the folder that has all of them.
    vectors : ndarray of shape (n, N_COMPONENTS) and dtype float32
        Rows of unit norm; see `twoflow.models.search_space`.
    norms : ndarray of shape (n,) and dtype float32
        The norms of the features.
    labels : ndarray of int and shape (n, n_targets)
        Positions among `TargetCard.classes`; -1 for an image without a label.
    groups : ndarray of int and shape (n,), or None
        The group of each image; None without groups.
    sizes : ndarray of int and shape (n,)
        The bytes of each thumbnail; 0 for an image that could not be read.
    content : bytes
        All thumbnails, one after the other.
    """

    names: list[str]
    vectors: np.ndarray
    norms: np.ndarray
    labels: np.ndarray
    groups: np.ndarray | None
    sizes: np.ndarray
    content: bytes

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def _ends(self) -> np.ndarray:
        return np.cumsum(self.sizes)

    def thumbnail(self, position: int) -> bytes | None:
        """Return a small JPEG of an image; None if it could not be read."""
        end, size = int(self._ends[position]), int(self.sizes[position])
        return self.content[end - size:end] or None


def make_gallery(model: Any, card: ModelCard, collection: ImageCollection) -> Gallery:
    """Make the gallery of a fitted model from its training images.

    Raises
    ------
    ValueError
        If the model is not made of flows.
    ImageReadError
        For the first image that cannot be read.
    """
    found = find_vectors(model, collection.images)
    thumbnails = [jpeg_thumbnail(image, _SIDE) or b"" for image in collection.images]
    groups = collection.groups
    return Gallery(
        _short_names(collection), found.vectors, found.norms,
        np.column_stack([find_classes(target, collection) for target in card.targets]),
        None if groups is None else np.unique(groups, return_inverse=True)[1],
        np.array([len(content) for content in thumbnails]), b"".join(thumbnails),
    )


def _short_names(collection: ImageCollection) -> list[str]:
    """Name images by their paths below the folder that has all of them, so that no path of this machine is kept."""
    names = name_images(collection.images)
    paths = [name for name, image in zip(names, collection.images) if isinstance(image, (str, os.PathLike))]
    if not paths:
        return names
    if any(map(is_url, paths)):
        return [name.rsplit("/", 2)[-1] if is_url(name) else os.path.basename(name) for name in names]
    folder = os.path.commonpath([os.path.dirname(os.path.abspath(path)) for path in paths])
    files = {path: os.path.relpath(os.path.abspath(path), folder).replace(os.sep, "/") for path in paths}
    return [files.get(name, name) for name in names]


def write_gallery(gallery: Gallery) -> dict[str, bytes]:
    """Return the members of a model file that hold a gallery."""
    arrays = {name: getattr(gallery, name) for name in _ARRAYS}
    members = {
        f"{_FOLDER}{name}.npy": write_array(np.ascontiguousarray(array, dtype=_ARRAYS[name]))
        for name, array in arrays.items() if array is not None
    }
    names = [name.encode("utf-8", "backslashreplace").decode() for name in gallery.names]
    return {**members, _NAMES: json.dumps(names, ensure_ascii=False).encode(), _THUMBNAILS: gallery.content}


def gallery_size(path: str | os.PathLike) -> int:
    """Return how many bytes of a model file its gallery takes."""
    with zipfile.ZipFile(path) as archive:
        return sum(info.compress_size for info in archive.infolist() if info.filename.startswith(_FOLDER))


def read_gallery(card: ModelCard, members: Mapping[str, bytes]) -> Gallery | None:
    """Read and check the gallery of a model file; None if it has none, ValueError if a value is wrong."""
    if not any(name.startswith(_FOLDER) for name in members):
        return None
    expected = {_NAMES, _THUMBNAILS, *(f"{_FOLDER}{name}.npy" for name in _ARRAYS)}
    found = {name for name in members if name.startswith(_FOLDER)} | {f"{_FOLDER}{_MAY_LACK}.npy"}
    if found != expected:
        raise DamagedError(f"gallery: expected {', '.join(sorted(expected))}, got other members")
    arrays = {
        name: read_array(members[f"{_FOLDER}{name}.npy"]) for name in _ARRAYS if f"{_FOLDER}{name}.npy" in members
    }
    names = parse_json(members[_NAMES], _NAMES)
    if not isinstance(names, list) or not names or not all(type(name) is str for name in names):
        raise DamagedError(f"{_NAMES}: expected a list of names, got others")
    gallery = Gallery(
        names, groups=arrays.pop("groups", None), content=members[_THUMBNAILS],
        **{name: array for name, array in arrays.items()},
    )
    _check_arrays(gallery, [len(target.classes) for target in card.targets])
    _check_thumbnails(gallery)
    vectors = gallery.vectors.astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)  # float16 has changed them a little
    return replace(gallery, vectors=vectors / np.where(lengths > 0, lengths, 1))


def _check_arrays(gallery: Gallery, n_classes: Sequence[int]) -> None:
    n = len(gallery)
    shapes = {
        "vectors": (n, N_COMPONENTS), "norms": (n,), "labels": (n, len(n_classes)),
        "groups": (n,), "sizes": (n,),
    }
    for name, dtype in _ARRAYS.items():
        array = getattr(gallery, name)
        if array is not None and (array.shape != shapes[name] or array.dtype != dtype):
            raise DamagedError(
                f"gallery: {name}: expected shape {shapes[name]} of {np.dtype(dtype)}, got {array.shape} of "
                f"{array.dtype}"
            )
    lengths = np.linalg.norm(gallery.vectors.astype(np.float64), axis=1)
    are_numbers = np.isfinite(gallery.norms).all() and (gallery.norms >= 0).all()
    if not are_numbers or not (np.isclose(lengths, 1, atol=0.01) | (lengths == 0)).all():
        raise DamagedError("gallery: expected vectors of unit norm, and numbers, got others")
    if not ((gallery.labels >= -1) & (gallery.labels < n_classes)).all():
        raise DamagedError(f"gallery: expected labels as positions of {list(n_classes)} classes, got others")


def _check_thumbnails(gallery: Gallery) -> None:
    if (gallery.sizes < 0).any() or int(gallery.sizes.sum(dtype=np.int64)) != len(gallery.content):
        raise DamagedError("gallery: expected the sizes of its thumbnails, got others")
    for position in range(len(gallery)):
        content = gallery.thumbnail(position)
        if content is not None and not content.startswith(_JPEG):
            raise DamagedError(f"gallery: thumbnail {position}: expected a JPEG, got other bytes")
