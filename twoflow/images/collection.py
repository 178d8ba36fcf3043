"""Many images with what is known about them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError, InputTypeError
from .lookalikes import find_lookalikes
from .passed_over import PassedOver, count_paths
from .reading import ImageReadError, Source
from .validation import check_images, to_values


class ImageCollection:
    """Images, their labels, and the groups that must not be torn apart.

    It is a sequence of images, so scikit-learn takes it as X and indexes it into folds.

    Parameters
    ----------
    images : sequence of n images
        Paths, URLs, arrays, PIL images or bytes; a one-column DataFrame or a 4-D array.
    labels : array-like of shape (n,)
        The class of each image.
    groups : array-like of shape (n,), optional
        Images of one group (the same item, the same seller) are never on both sides of a fold.
    columns : mapping of name to array-like of shape (n,), optional
        Whatever else is known: the superclass, the color, the official split.
    unreadable : sequence of ImageReadError, optional
        Images that were left out because they cannot be read.
    small_classes : mapping of class to int, optional
        Classes that were left out because they have few images, with how many they have.
    passed_over : sequence of PassedOver, optional
        Files and folders of the source that were not taken for images, by reason.
    notes : sequence of str, optional
        Sentences on how the source was read, such as that its folders are an official split.

    Examples
    --------
    >>> import numpy as np
    >>> shoes = ImageCollection(np.zeros((3, 8, 8, 3), np.uint8), ["boot", "clog", "boot"])
    >>> shoes
    ImageCollection(3 images, 2 classes)
    >>> shoes[[0, 2]].labels.tolist()
    ['boot', 'boot']
    """

    def __init__(
        self,
        images: Any,
        labels: Any,
        groups: Any = None,
        columns: Mapping[str, Any] | None = None,
        unreadable: Iterable[ImageReadError] = (),
        small_classes: Mapping[Any, int] | None = None,
        passed_over: Iterable[PassedOver] = (),
        notes: Iterable[str] = (),
    ) -> None:
        self.images: Sequence[Source] = check_images(images)
        self.labels = self._checked("labels", labels)
        self.groups = None if groups is None else self._checked("groups", groups)
        self.columns = {name: self._checked(f"column {name!r}", values) for name, values in (columns or {}).items()}
        self.unreadable = tuple(unreadable)
        self.small_classes = dict(small_classes or {})
        self.passed_over = tuple(passed_over)
        self.notes = tuple(notes)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Any) -> Any:
        """The image at an integer, or the sub-collection at a slice, a mask or an array of positions."""
        if isinstance(index, (int, np.integer)):
            return self.images[int(index)]
        positions = np.arange(len(self))[index]
        return ImageCollection(
            images=[self.images[i] for i in positions],
            labels=self.labels[positions],
            groups=None if self.groups is None else self.groups[positions],
            columns={name: values[positions] for name, values in self.columns.items()},
            **self._provenance(),
        )

    def __repr__(self) -> str:
        groups = "" if self.groups is None else f", {len(np.unique(self.groups))} groups"
        unreadable = f", {len(self.unreadable)} unreadable left out" if self.unreadable else ""
        n_passed_over = count_paths(self.passed_over)
        files = "1 file or folder" if n_passed_over == 1 else f"{n_passed_over} files or folders"
        passed_over = f", {files} passed over" if n_passed_over else ""
        return f"ImageCollection({len(self)} images, {len(self.classes)} classes{groups}{unreadable}{passed_over})"

    @property
    def paths(self) -> list[str]:
        """The images as paths or URLs; an error if some are arrays, images or bytes (`images` holds those)."""
        if not all(isinstance(image, (str, os.PathLike)) for image in self.images):
            raise InputTypeError("these images are not files; use .images instead of .paths")
        return [os.fspath(image) for image in self.images]  # type: ignore[arg-type]

    @property
    def classes(self) -> np.ndarray:
        """The distinct labels, sorted."""
        return np.unique(self.labels)

    @property
    def lookalikes(self) -> tuple[tuple[Any, ...], ...]:
        """Groups of classes whose names differ only in what is hard to see, `small_classes` among them."""
        return find_lookalikes(sorted({*self.classes.tolist(), *self.small_classes}))

    def superclasses(self, column: str) -> dict[Any, Any]:
        """The superclass of each class, from a column that names one for each image.

        Raises
        ------
        ValueError
            If the images of one class have different superclasses; the message names it.
        """
        found: dict[Any, Any] = {}
        for label, superclass in zip(self.labels.tolist(), self.columns[column].tolist()):
            if found.setdefault(label, superclass) != superclass:
                raise InputError(
                    f"class {label} has two superclasses in column {column!r}, {found[label]} and {superclass}; "
                    "correct them, or name classes by their whole path"
                )
        return found

    def without(self, errors: Iterable[tuple[int, ImageReadError]]) -> ImageCollection:
        """Leave out the images at the given positions and list them as unreadable."""
        errors = list(errors)
        if len(errors) == len(self):
            raise InputError(f"none of the {len(self)} images can be read; the first: {errors[0][1]}")
        kept = np.delete(np.arange(len(self)), [position for position, _ in errors])
        rest = self[kept]
        rest.unreadable = (*self.unreadable, *(error for _, error in errors))
        return rest

    def grouped(self, groups: Any) -> ImageCollection:
        """The same images in other groups."""
        return ImageCollection(self.images, self.labels, groups, self.columns, **self._provenance())

    def noted(self, *notes: str) -> ImageCollection:
        """The same images with further notes."""
        noted = self.grouped(self.groups)
        noted.notes = (*self.notes, *notes)
        return noted

    def without_small_classes(self, least: int) -> ImageCollection:
        """Leave out the classes with fewer than `least` images and list them in `small_classes`.

        Raises
        ------
        ValueError
            If no class has so many.
        """
        classes, positions, counts = np.unique(self.labels, return_inverse=True, return_counts=True)
        is_small = counts < least
        if is_small.all():
            raise InputError(f"no class has {least} images; the largest has {max(counts, default=0)}")
        rest = self[~is_small[positions]]
        rest.small_classes = {**self.small_classes, **dict(zip(classes[is_small].tolist(), counts[is_small].tolist()))}
        return rest

    def _provenance(self) -> dict[str, Any]:
        """What is known of the source as a whole, and so of every part of it."""
        return {
            "unreadable": self.unreadable, "small_classes": self.small_classes, "passed_over": self.passed_over,
            "notes": self.notes,
        }

    def _checked(self, name: str, values: Any) -> np.ndarray:
        array = to_values(name, values, may_be_missing=name not in ("labels", "groups"))
        if array.shape != (len(self.images),):
            raise InputError(f"{name}: {len(self.images)} values expected, one an image, got shape {array.shape}")
        return array
