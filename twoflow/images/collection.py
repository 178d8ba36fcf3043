"""A collection: images with their labels, groups and other columns."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .._text import counted
from ..errors import InputError, InputTypeError
from .levels import UNKNOWN, are_inner, describe_levels, name_paths, paths_of, strata, to_levels
from .lookalikes import find_lookalikes, spell
from .partial_targets import describe_missing, fill_labels, to_partial_targets
from .passed_over import PassedOver, count_paths
from .preview import to_fragment
from .reading import ImageReadError, Source
from .targets import NO_LABEL, classes_of, default_names, finest, finest_position, has_label, split_targets
from .validation import check_images, is_missing, to_values

_PREVIEWED = 12  # classes that a notebook shows with an image


class ImageCollection:
    """Images, their labels, and the groups that must stay on one side of a fold.

    A collection is a sequence of images, so scikit-learn takes it as X and indexes it into folds.

    Parameters
    ----------
    images : sequence of n images
        Paths, URLs, arrays, PIL images or bytes; a one-column DataFrame or a 4-D array.
    labels : array-like of shape (n,) or (n, k)
        The class of each image; with several targets, one column for each. With several targets, labels of some may be
        missing (None, NaN or blank text), but each image needs a label of at least one.
    groups : array-like of shape (n,), optional
        Images of one group (the same item, the same seller) are never on both sides of a fold. By default there are no
        groups.
    columns : mapping of name to array-like of shape (n,), optional
        Other values of each image: the superclass, the color, the official split. By default there are none.
    unreadable : sequence of ImageReadError, optional
        Images that were left out because they cannot be read. Empty by default.
    small_classes : mapping of class to int, optional
        Classes that were left out because they have few images, with their numbers of images. Empty by default.
    passed_over : sequence of PassedOver, optional
        Files and folders of the source that were not read as images, by reason. Empty by default.
    notes : sequence of str, optional
        Sentences on how the source was read, such as that its folders are an official split. Empty by default.
    target_names : sequence of k str, optional
        A name for each target. By default "class" for one target, and "target 1", "target 2", ... for several.
    are_levels : bool
        Whether the targets are levels of one hierarchy, from broad to fine. By default (False) they are independent.
        Of levels only finer labels may be missing. An image whose broadest label is "unknown" is out of scope: it
        belongs to no class. See `ClassTree`.

    Attributes
    ----------
    labels : ndarray of shape (n,) for one target, (n, k) for several
        A missing label is "". Targets of different kinds, such as text and numbers, are objects.
    target_names : tuple of k str

    Examples
    --------
    >>> import numpy as np
    >>> shoes = ImageCollection(np.zeros((3, 8, 8, 3), np.uint8), ["boot", "clog", "boot"])
    >>> shoes
    ImageCollection(3 images, 2 classes)
    >>> shoes[[0, 2]].labels.tolist()
    ['boot', 'boot']

    With two targets:

    >>> labels = [["nike", "air"], ["nike", "dunk"], ["puma", "suede"]]
    >>> shoes = ImageCollection(shoes.images, labels, target_names=["brand", "model"])
    >>> shoes
    ImageCollection(3 images, brand: 2 classes, model: 3 classes)
    >>> shoes.finest, shoes.target("brand").tolist()
    ('model', ['nike', 'nike', 'puma'])

    With levels:

    >>> labels = [["nike", "air"], ["nike", "dunk"], ["puma", None]]
    >>> shoes = ImageCollection(shoes.images, labels, target_names=["brand", "model"], are_levels=True)
    >>> shoes
    ImageCollection(3 images, levels brand: 2 classes, model: 2 classes)
    >>> shoes.classes.tolist()
    ['nike/air', 'nike/dunk', 'puma']
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
        target_names: Sequence[str] | None = None,
        are_levels: bool = False,
    ) -> None:
        self.are_levels = bool(are_levels)
        self.images: Sequence[Source] = check_images(images)
        self.labels, self.target_names = self._checked_labels(labels, target_names)
        self.groups = None if groups is None else self._checked("groups", groups)
        self.columns = {name: self._checked(f"column {name!r}", values) for name, values in (columns or {}).items()}
        self.unreadable = tuple(unreadable)
        self.small_classes = dict(small_classes or {})
        self.passed_over = tuple(passed_over)
        self.notes = tuple(notes)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Any) -> Any:
        """Return the image at an integer, or the sub-collection at a slice, a mask or an array of positions."""
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
        groups = "" if self.groups is None else f", {counted(len(np.unique(self.groups)), 'group')}"
        unreadable = f", {len(self.unreadable)} unreadable left out" if self.unreadable else ""
        n_passed_over = count_paths(self.passed_over)
        files = counted(n_passed_over, "file or folder", "files or folders")
        passed_over = f", {files} passed over" if n_passed_over else ""
        counts = {name: counted(number, "class", "classes") for name, number in self.n_classes_by_target.items()}
        several = len(counts) > 1
        classes = ", ".join(f"{name}: {count}" if several else count for name, count in counts.items())
        classes = f"levels {classes}" if self.are_levels else classes
        return f"ImageCollection({counted(len(self), 'image')}, {classes}{groups}{unreadable}{passed_over})"

    def _repr_html_(self) -> str:
        """Show counts and an image of each of the largest classes in a notebook."""
        labels = self.finest_labels.tolist()
        counts = Counter(label for label in labels if label != NO_LABEL)
        largest = sorted(counts, key=lambda name: (-counts[name], labels.index(name)))[:_PREVIEWED]
        tiles = [(self.images[labels.index(name)], str(name), counted(counts[name], "image")) for name in largest]
        n_more = len(counts) - len(largest)
        rest = f"and {counted(n_more, 'more class', 'more classes')}" if n_more else ""
        return to_fragment(counted(len(self), "image"), self._facts(), tiles, rest)

    def _facts(self) -> Iterator[str]:
        for target, classes in self.classes_by_target.items():
            counts = Counter(self.target(target).tolist())
            sizes = [counts[label] for label in classes.tolist()]
            name = f"{target}: " if len(self.target_names) > 1 else ""
            number = counted(self.n_classes_by_target[target], "class", "classes")
            fewest = "" if len(set(sizes)) < 2 else f"{min(sizes):,} to "
            yield f"{name}{number} with {fewest}{counted(max(sizes, default=0), 'image')}"
        if self.are_levels:
            yield "levels, from broad to fine"
        yield from self.label_notes
        if self.groups is not None:
            yield counted(len(np.unique(self.groups)), "group")
        if self.columns:
            yield f"other columns: {', '.join(self.columns)}"
        if self.unreadable:
            yield f"{len(self.unreadable):,} unreadable, left out: see .unreadable"
        if self.small_classes:
            yield f"{len(self.small_classes):,} small classes, left out: see .small_classes"
        if self.passed_over:
            yield f"{counted(count_paths(self.passed_over), 'file or folder', 'files or folders')} passed over"
        for group in self.lookalikes:
            yield f"names that look alike: {', '.join(map(spell, group))}"
        yield from self.notes

    @property
    def paths(self) -> list[str]:
        """The images as paths or URLs; an error if some are arrays, PIL images or bytes (use `images` for those)."""
        if not all(isinstance(image, (str, os.PathLike)) for image in self.images):
            raise InputTypeError("these images are not files; use .images instead of .paths")
        return [os.fspath(image) for image in self.images]  # type: ignore[arg-type]

    @property
    def classes(self) -> np.ndarray:
        """The distinct labels, sorted; with several targets, those of the finest. See also `classes_by_target`.

        With levels they are the names of all complete paths, such as "shoes/boot".
        """
        return np.unique(finest(self.to_stratify))

    @property
    def classes_by_target(self) -> dict[str, np.ndarray]:
        """The distinct labels of each target, sorted, by the name of the target; a missing label is none."""
        return dict(zip(self.target_names, map(classes_of, split_targets(self.labels))))

    @property
    def n_classes_by_target(self) -> dict[str, int]:
        """How many classes each target has, by its name.

        With levels a name under two parents is two classes, and "unknown" for images that are out of scope is none.
        """
        if not self.are_levels:
            return {name: len(classes) for name, classes in self.classes_by_target.items()}
        paths = {path for path in paths_of(self.labels) if path[0] != UNKNOWN}
        return {
            name: len({path[:depth] for path in paths if len(path) >= depth})
            for depth, name in enumerate(self.target_names, start=1)
        }

    @property
    def finest(self) -> str:
        """The name of the finest target: the last of levels, else the one with the most classes, the later at a tie."""
        return self.target_names[-1 if self.are_levels else finest_position(self.labels)]

    @property
    def finest_labels(self) -> np.ndarray:
        """The label of the finest target of each image, of shape (n,); "" for an image that has none.

        With levels it is the name of the image's path, such as "shoes/boot", because a name may be there under several
        parents.
        """
        return name_paths(self.labels) if self.are_levels else self.target(self.finest)

    @property
    def to_stratify(self) -> np.ndarray:
        """The labels that folds keep in proportion; see `draw_folds`.

        They are `labels`, where a missing one counts as the most frequent class of its target. Of levels they are the
        names of paths, of shape (n,); a partly labeled image then counts with its most frequent finer class.
        """
        return strata(self.labels) if self.are_levels else fill_labels(self.labels)

    @property
    def label_notes(self) -> tuple[str, ...]:
        """Sentences on labels that are missing, and of levels on those out of scope or under several parents."""
        if self.are_levels:
            return tuple(describe_levels(self.labels, self.target_names))
        return tuple(describe_missing(self.labels, self.target_names, self.images))

    def target(self, name: str) -> np.ndarray:
        """Return the labels of one target.

        Parameters
        ----------
        name : str
            One of `target_names`.

        Returns
        -------
        ndarray of shape (n,)
            "" for an image that has no label of it; see `has_label`.

        Raises
        ------
        ValueError
            If there is no such target.
        """
        if name not in self.target_names:
            expected = ", ".join(map(repr, self.target_names))
            raise InputError(f"expected the name of a target, one of {expected}, got {name!r}")
        return split_targets(self.labels)[self.target_names.index(name)]

    @property
    def lookalikes(self) -> tuple[tuple[Any, ...], ...]:
        """Groups of classes of one target whose names are hard to distinguish, with `small_classes`."""
        small = {} if self.are_levels else {self.finest: self.small_classes}  # of levels they are paths
        return tuple(
            group for name, classes in self.classes_by_target.items()
            for group in find_lookalikes(sorted({*classes.tolist(), *small.get(name, ())}))
        )

    def superclasses(self, column: str) -> dict[Any, Any]:
        """Return the superclass of each class.

        Parameters
        ----------
        column : str
            A column, or another target, that contains the superclass of each image.

        Returns
        -------
        dict of class to superclass
            With several targets, the classes are those of the finest. Images that lack one of the two are passed over.

        Raises
        ------
        ValueError
            If the images of one class have different superclasses; the message names it.
        """
        found: dict[Any, Any] = {}
        superclasses = self.columns[column] if column in self.columns else self.target(column)
        for label, superclass in zip(self.target(self.finest).tolist(), superclasses.tolist()):
            if is_missing(label) or is_missing(superclass):
                continue
            if found.setdefault(label, superclass) != superclass:
                raise InputError(
                    f"class {label} has two superclasses in column {column!r}, {found[label]} and {superclass}; "
                    "correct them, or name classes by their whole path"
                )
        return found

    @property
    def levels(self) -> dict[str, dict[Any, Any]]:
        """The broader levels of the finest target: for each its classes' values, the broadest level first.

        A level is a column, or another target, that is the same for all images of a class, and has fewer values than
        there are classes but more than one. Missing labels are passed over. If the targets are levels themselves
        (`are_levels`), there are no others.
        """
        if self.are_levels:
            return {}
        found = {}
        labels = self.target(self.finest).tolist()
        n_classes = len(self.classes_by_target[self.finest])
        others = {name: self.target(name) for name in self.target_names if name != self.finest}
        for name, values in {**self.columns, **others}.items():
            pairs = {pair for pair in zip(labels, values.tolist()) if not any(map(is_missing, pair))}
            level = dict(pairs)
            if len(pairs) == len(level) == n_classes and 1 < len(set(level.values())) < len(level):
                found[name] = level
        return dict(sorted(found.items(), key=lambda item: len(set(item[1].values()))))

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
        """Return the same images in other groups."""
        return ImageCollection(self.images, self.labels, groups, self.columns, **self._provenance())

    def noted(self, *notes: str) -> ImageCollection:
        """Return the same images with further notes."""
        noted = self.grouped(self.groups)
        noted.notes = (*self.notes, *notes)
        return noted

    def without_small_classes(self, least: int) -> ImageCollection:
        """Leave out the classes with fewer than `least` images and list them in `small_classes`.

        With several targets, the classes are those of the finest; images without a label there stay. With levels they
        are paths, such as "shoes/boot". An image that is only partly labeled is left out if none of its finer classes
        is left, and counts as a class of its own there.

        Raises
        ------
        ValueError
            If no class has `least` images.
        """
        labels = self.finest_labels
        is_partial = are_inner(self.labels) if self.are_levels else ~has_label(labels)
        counts = Counter(labels.tolist())
        sizes = np.array([counts[label] for label in labels.tolist()])
        is_small = (sizes < least) & ~is_partial
        if is_small[~is_partial].all():
            raise InputError(f"no class has {least} images; the largest has {sizes[~is_partial].max(initial=0)}")
        if self.are_levels:
            is_small |= is_partial & ~are_inner(self.labels, ~is_small & ~is_partial)
        rest = self[~is_small]
        gone = sorted(set(labels[is_small].tolist()))
        rest.small_classes = {**self.small_classes, **{label: counts[label] for label in gone}}
        return rest

    def _provenance(self) -> dict[str, Any]:
        """Return what is known of the whole source, which holds for every part of it."""
        return {
            "target_names": self.target_names, "are_levels": self.are_levels,
            "unreadable": self.unreadable, "small_classes": self.small_classes, "passed_over": self.passed_over,
            "notes": self.notes,
        }

    def _checked(self, name: str, values: Any) -> np.ndarray:
        array = to_values(name, values, may_be_missing=name != "groups")
        if array.shape != (len(self.images),):
            raise InputError(f"{name}: expected {len(self.images)} values, one for each image, got shape {array.shape}")
        return array

    def _checked_labels(self, labels: Any, names: Sequence[str] | None) -> tuple[np.ndarray, tuple[str, ...]]:
        array = to_levels(labels, names) if self.are_levels else to_partial_targets(labels, names)
        if array.shape[:1] != (len(self.images),) or array.ndim > 2:
            raise InputError(f"labels: expected {len(self.images)} values, one for each image, got shape {array.shape}")
        n_targets = 1 if array.ndim == 1 else array.shape[1]
        if names is None:
            return array, default_names(n_targets)
        if isinstance(names, str) or len(names) != n_targets or len(set(names)) < len(names):
            raise InputError(f"target_names: expected {n_targets} different names, one for each target, got {names!r}")
        return array, tuple(map(str, names))
