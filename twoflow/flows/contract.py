"""What all flows have in common: a subclass says how one image becomes features, the base does the rest."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields
from numbers import Integral
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import Tags
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from ..images import LoadedImage, check_images
from ..images.reading import Source, warn_unreadable
from ..store import FeatureStore
from .engine.extraction import extract

#: What `store` may be.
StoreLike: TypeAlias = str | os.PathLike | FeatureStore | None


@dataclass
class FlowTags(Tags):
    """scikit-learn's tags, and whether a flow learns from the images it is fitted on.

    One that does must be fitted inside each fold; one that does not gives an image the same features in every fold,
    so a comparison computes them once.
    """

    learns_from_data: bool = False


class Flow(TransformerMixin, BaseEstimator):
    """Base of all flows.

    A subclass stores its parameters in ``__init__`` together with the four below, implements `_extract` and
    `_n_features_out`, and where needed `_check` (its parameters against each other) and `_fit`.

    Parameters
    ----------
    n_jobs : int, optional
        How many images are read and computed at the same time; ``None`` is 1 unless a
        ``joblib.parallel_config`` says otherwise, -1 is all cores. The features are the same bytes with any number.
    on_error : {"raise", "nan"}
        What an image that cannot be read does: raise its `ImageReadError`, or become a row of NaN, with one warning
        for all of them.
    verbose : bool
        Show progress on stderr when that is a terminal.
    store : path or FeatureStore, optional
        A folder that keeps the features on disk, so that an image that was seen before, under whatever name, costs no
        more than reading it. They are found by the content of the image and all that the features depend on; those
        of a flow that learns from the images it is fitted on are never kept.
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_jobs": [Integral, None],
        "on_error": [StrOptions({"raise", "nan"})],
        "verbose": ["boolean"],
        "store": [str, os.PathLike, FeatureStore, None],
    }
    _feature_prefix: ClassVar[str]
    _dtype: ClassVar[Any] = np.float32  # of the features

    def __init__(
        self,
        *,
        n_jobs: int | None = None,
        on_error: str = "raise",
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        self.n_jobs = n_jobs
        self.on_error = on_error
        self.verbose = verbose
        self.store = store

    def _check(self) -> None:
        """Raise ValueError if parameters, each valid alone, do not fit each other."""

    def _fit(self, images: Sequence[Source], y: Any) -> None:
        """Learn, or draw at random, what `_extract` needs."""

    @abstractmethod
    def _extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        """The features of one image: a function of that image alone, so rows cannot depend on their neighbors."""

    def _bind(self) -> Flow:
        """This flow, or a copy of it, with all that lies outside it, such as a network's files, read once for a run."""
        return self

    def _ingredients(self) -> dict[str, Any]:
        """What the features of an image depend on, besides it: the parameters that do not only say how it is run."""
        return {name: value for name, value in self.get_params().items() if name not in Flow._parameter_constraints}

    def _title(self) -> str:
        """The flow on one line, as far as its features depend on it."""
        bare = clone(self).set_params(n_jobs=None, on_error="raise", verbose=False, store=None)
        return " ".join(repr(bare).split())

    def _pack(self, features: np.ndarray) -> np.ndarray:
        """A table of features as a store keeps its rows, for `_unpack` to return as they were."""
        return features

    def _unpack(self, packed: np.ndarray) -> np.ndarray:
        return packed

    def _shared_pass(self) -> Hashable:
        """Flows of one class that return the same key can compute an image in one go; None if it has no use."""
        return None

    @classmethod
    def _extract_together(cls, flows: Sequence[Flow], image: LoadedImage, n_threads: int) -> list[np.ndarray]:
        """The features of one image for each of several flows with the same `_shared_pass`."""
        return [flow._extract(image, n_threads) for flow in flows]

    @property
    def _parts(self) -> list[Flow]:
        """The flows that this one puts side by side."""
        return [self]

    def named_members(self, name: str) -> list[tuple[str, Flow]]:
        """The flows that this one, which is called `name`, puts side by side, each with its own name."""
        return [(name, self)]

    @property
    @abstractmethod
    def _n_features_out(self) -> int:
        """How many features an image gets."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the parameters and learn what there is to learn.

        Parameters
        ----------
        X : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
        y : array-like of shape (n,), optional
            Classes, for the flows that use them.

        Returns
        -------
        self
        """
        self._validate_params()
        self._check()
        self._fit(check_images(X), y)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Compute the features of each image.

        Parameters
        ----------
        X : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)

        Returns
        -------
        ndarray of shape (n, n_features) and dtype float32
            Row i belongs to image i.

        Raises
        ------
        ImageReadError
            For the first image that cannot be read, unless ``on_error="nan"``.
        """
        check_is_fitted(self)
        self._validate_params()  # again, because a flow that needs no fit may come here without one
        self._check()
        images = check_images(X)
        extraction = extract(self, images)
        if extraction.errors:
            warn_unreadable([error for _, error in extraction.errors], len(images), "rows of NaN")
        return extraction.features

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names such as ``projection_000``; `input_features` is ignored, images have none."""
        check_is_fitted(self)
        n_digits = max(3, len(str(self._n_features_out - 1)))
        names = [f"{self._feature_prefix}_{i:0{n_digits}d}" for i in range(self._n_features_out)]
        return np.asarray(names, dtype=object)

    def __sklearn_tags__(self) -> FlowTags:
        tags = super().__sklearn_tags__()
        tags = FlowTags(**{field.name: getattr(tags, field.name) for field in fields(tags)})
        tags.input_tags.two_d_array = False
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags
