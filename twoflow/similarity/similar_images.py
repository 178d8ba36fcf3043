"""Search a gallery for the images that a fitted model finds most similar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import HasMethods
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from .._text import counted
from ..errors import InputError
from ..flows.base import Flow
from ..images import ImageCollection, ImageReadError, check_images
from ..images.naming import name_images
from ..images.reading import Source, warn_unreadable
from ..images.tags import ImageTags, extend_tags
from ..images.targets import NO_LABEL, join_targets, split_targets
from ..models.model_file import ModelFile
from ..models.search_space import Found, find_vectors
from ..models.target_names import find_target_names
from ..store import StoreLike
from .neighbors import Neighbors, find_nearest, pick
from .terms import check_gallery


class SimilarImages(BaseEstimator):
    """Find the images of a gallery that are most similar to other images, as a fitted model sees them.

    The similarity of two images is two thirds of the cosine of the features that the model decides on, and one third of
    the cosine of what it thinks of all classes. So photos of the same item come first, then other items of the same
    class, also of classes that the model has never seen. Each image is a vector of 512 numbers, and each is compared:
    100,000 take 205 MB.

    Parameters
    ----------
    model : estimator
        A fitted classifier of images, made of flows. It is not changed.
    n_jobs, on_error, verbose, store
        See `Flow`. With ``on_error="nan"`` images that cannot be read are left out of the gallery and listed in
        `unreadable_`; a query that cannot be read finds nothing. By default they are the model's own `n_jobs` and
        `store`, no progress, and an error.

    Attributes
    ----------
    names_ : list of str
        The name of each image of the gallery: its path, or "image 1", "image 2", ...
    labels_ : ndarray of shape (n,) or (n, n_targets)
        The labels of the gallery; where it has none, the answers of the model.
    are_predicted_ : bool
        Whether `labels_` are answers of the model.
    target_names_ : tuple of str
        The name of each column of `labels_`.
    groups_ : ndarray of shape (n,) or None
        The groups of the gallery, if it is a collection that has some.
    vectors_ : ndarray of shape (n, 512) and dtype float32
        Rows of unit norm.
    rows_ : ndarray of int and shape (n,)
        The positions in X of the images of the gallery: all but those that cannot be read.
    unreadable_ : tuple of ImageReadError
        Images of the gallery that were left out.

    Examples
    --------
    >>> from twoflow import SimilarImages, make_model, make_shop
    >>> shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    >>> index = SimilarImages(make_model("fast").fit(shop)).fit(shop)
    >>> found = index.nearest(shop[:2], k=3)
    >>> found.positions.shape, found.positions[:, 0].tolist(), found.labels[0].tolist()
    ((2, 3), [0, 1], ['tee/01', 'tee/01', 'tee/01'])
    """

    _parameter_constraints: ClassVar[dict] = {
        **Flow._parameter_constraints,
        "model": [HasMethods(["predict"])],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        model: Any,
        *,
        n_jobs: int | None = None,
        on_error: str = "raise",
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        self.model = model
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.verbose = verbose
        self.store = store

    def fit(self, X: Any, y: Any = None) -> Self:
        """Compute the vectors of a gallery.

        Parameters
        ----------
        X : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
            The gallery.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ImageReadError
            For the first image that cannot be read, unless ``on_error="nan"``.
        ValueError
            If the model is not made of flows.
        """
        self._validate_params()
        images = check_images(X)
        is_collection = isinstance(X, ImageCollection)
        found = self._look(images, with_answers=not is_collection)
        kept = np.setdiff1d(np.arange(len(images)), [row for row, _ in found.errors])
        if not len(kept):
            raise InputError(
                f"none of the {len(images)} images of the gallery can be read; the first: {found.errors[0][1]}"
            )
        if found.errors:
            warn_unreadable([error for _, error in found.errors], len(images), "left out of the gallery")
        self.unreadable_: tuple[ImageReadError, ...] = tuple(error for _, error in found.errors)
        self.rows_ = kept
        names = name_images(images)
        self.names_ = [names[row] for row in kept.tolist()]
        self.are_predicted_ = not is_collection
        self.labels_ = (X.labels if is_collection else _side_by_side(found.answers))[kept]
        n_targets = 1 if self.labels_.ndim == 1 else self.labels_.shape[1]
        self.target_names_ = X.target_names if is_collection else find_target_names(self.model, n_targets)
        self.groups_ = X.groups[kept] if is_collection and X.groups is not None else None
        self.vectors_ = found.vectors[kept]
        return self

    @classmethod
    def of_model_file(cls, model_file: ModelFile, **options: Any) -> Self:
        """Search the gallery of a model file, which is its training images.

        Parameters
        ----------
        model_file : ModelFile
            See `open_model_file`.
        **options
            The parameters of this class, but for the model.

        Raises
        ------
        ValueError
            If the file has no gallery.
        """
        gallery, targets = check_gallery(model_file), model_file.card.targets
        index = cls(model_file.model, **options)
        index.unreadable_, index.rows_ = (), np.arange(len(gallery))
        index.names_, index.groups_, index.are_predicted_ = gallery.names, gallery.groups, False
        classes = [np.array([*target.classes, NO_LABEL], dtype=object) for target in targets]
        index.labels_ = _side_by_side([own[codes] for own, codes in zip(classes, gallery.labels.T)])
        index.target_names_ = tuple(target.name for target in targets)
        index.vectors_ = gallery.vectors
        return index

    def renamed(self, target_names: Sequence[str]) -> Self:
        """Return the same index with other names of the targets, such as those on the card of a model file."""
        renamed = copy(self)
        renamed.target_names_ = tuple(target_names)
        return renamed

    def nearest(
        self,
        X: Any = None,
        k: int = 5,
        *,
        where: Mapping[str, Any] | None = None,
        unique: bool = False,
        without: Sequence[int] | None = None,
    ) -> Neighbors:
        """Find the most similar images of the gallery.

        Parameters
        ----------
        X : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C), optional
            The queries. By default those of the gallery; then none is its own neighbor. A query that you pass finds
            itself, with a similarity of 1, if it is in the gallery.
        k : int, default=5
            How many images to find for each query.
        where : mapping of str to label, optional
            Find only images whose label of a target is this one, such as ``{"color": "red"}``. By default all.
        unique : bool, default=False
            Find only the most similar image of each group, such as one photo of each item. It needs a gallery with
            groups.
        without : sequence of n int, optional
            For each query, the position of an image of the gallery that is not found; -1 for none. By default none.

        Returns
        -------
        Neighbors

        Raises
        ------
        ImageReadError
            For the first query that cannot be read, unless ``on_error="nan"``.
        ValueError
            If k is less than 1 or more than there are images to find, or `where` or `unique` ask for what the gallery
            does not have.
        """
        check_is_fitted(self)
        among = None if where is None else self._matching(where)
        groups = self._group_codes() if unique else None
        n = self.count(where, unique)
        if not isinstance(k, Integral) or not 1 <= k <= n:
            raise InputError(
                f"k: expected a number from 1 to {n}, of {counted(n, 'group' if unique else 'image')} to find, got "
                f"{k!r}; ask for fewer, or leave out conditions"
            )
        queries, without, errors = self.vectors_, range(len(self.vectors_)) if X is None else without, {}
        if X is not None:
            images = check_images(X)
            found = self._look(images)
            if found.errors:
                warn_unreadable([error for _, error in found.errors], len(images), "find nothing")
            queries, errors = found.vectors, dict(found.errors)
            check_consistent_length(queries, without)
        is_read = np.isfinite(queries[:, 0])
        positions = np.full((len(queries), k), -1)
        similarities = np.full((len(queries), k), np.nan)
        positions[is_read], similarities[is_read] = find_nearest(
            queries[is_read], self.vectors_, k, among=among, groups=groups,
            own=None if without is None else np.asarray(without)[is_read],
        )
        names = [[self.names_[position] for position in row if position >= 0] for row in positions.tolist()]
        return Neighbors(positions, similarities, names, pick(self.labels_, positions), errors)

    def count(self, where: Mapping[str, Any] | None = None, unique: bool = False) -> int:
        """Count the images that `nearest` can find, which is its greatest k.

        Parameters
        ----------
        where, unique
            As in `nearest`. By default every image of the gallery counts. With `unique`, groups are counted.
        """
        check_is_fitted(self)
        rows = np.ones(len(self.names_), dtype=bool) if where is None else self._matching(where)
        return len(np.unique(self._group_codes()[rows])) if unique else int(rows.sum())

    def _look(self, images: Sequence[Source], with_answers: bool = False) -> Found:
        """Return the vectors of images, and the model's answers if they are asked for."""
        running = {name: getattr(self, name) for name in ("n_jobs", "store") if getattr(self, name) is not None}
        return find_vectors(self.model, images, with_answers, on_error=self.on_error, verbose=self.verbose, **running)

    def _matching(self, where: Mapping[str, Any]) -> np.ndarray:
        """Return which images of the gallery have the labels that are asked for."""
        among = np.ones(len(self.names_), dtype=bool)
        columns = dict(zip(self.target_names_, split_targets(self.labels_)))
        for name, label in where.items():
            if name not in columns:
                known = ", ".join(self.target_names_)
                raise InputError(f"where: expected targets among {known}, got {name!r}; choose one of them")
            texts = np.array(list(map(str, columns[name].tolist())))
            if str(label) not in texts:
                known = ", ".join(sorted({*texts.tolist()})[:20])
                raise InputError(
                    f"where: expected a label of {name!r} in the gallery, such as {known}, got {label!r}; choose one "
                    "of them"
                )
            among &= texts == str(label)
        return among

    def _group_codes(self) -> np.ndarray:
        if self.groups_ is None:
            raise InputError("unique: expected a gallery with groups, got none; pass a collection with groups")
        return np.unique(self.groups_, return_inverse=True)[1]

    def __sklearn_tags__(self) -> ImageTags:
        return extend_tags(super().__sklearn_tags__(), ImageTags)


def _side_by_side(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Return the labels of one target, of shape (n,), or of several, of shape (n, n_targets)."""
    return columns[0] if len(columns) == 1 else join_targets(columns)
