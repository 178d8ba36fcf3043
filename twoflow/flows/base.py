"""The base class of all flows: scikit-learn's methods, built on the hooks of the contract and on the engine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import TransformerMixin
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import check_is_fitted

from ..images import ImageCollection, check_images
from ..images.reading import Source, warn_unreadable
from ..images.tags import extend_tags
from ..store import FeatureStore, StoreLike
from .contract import FlowContract, FlowTags
from .engine.extraction import extract


class Flow(TransformerMixin, FlowContract):
    """Base class of all flows: transformers from images to rows of features.

    A subclass defines `extract` and `n_features_out`. `twoflow.flows.contract` documents these and the optional hooks.
    A subclass with parameters of its own takes the four below too, and passes them to ``super().__init__``.

    Parameters
    ----------
    n_jobs : int, optional
        How many images are read and computed at the same time. ``None``, the default, is 1 unless a
        ``joblib.parallel_config`` says otherwise; -1 is all cores. It has no effect on the features.
    on_error : {"raise", "nan"}
        What happens if an image cannot be read. "raise", the default, raises its `ImageReadError`. "nan" gives the
        image a row of NaN, and one warning names all such images.
    verbose : bool
        Show progress on stderr: a bar on a terminal or in a notebook, elsewhere a line now and then. The default is
        False.
    store : path or FeatureStore, optional
        A folder that keeps the features on disk. An image that was seen before, under whatever name, then costs no more
        than reading its file. Features are found by the content of the image and by all that they depend on. A flow
        that learns from data never keeps any. By default, nothing is kept.

    Examples
    --------
    >>> from twoflow import make_shop
    >>> from twoflow.flows import Flow
    >>> class MeanColor(Flow):
    ...     n_features_out = 3
    ...     def extract(self, image, n_threads):
    ...         return image.resized((32, 32)).mean(axis=(0, 1))
    >>> shop = make_shop(n_classes=2, n_per_class=2, random_state=0)
    >>> MeanColor().fit_transform(shop).shape
    (4, 3)
    >>> MeanColor().get_feature_names_out()
    array(['meancolor_000', 'meancolor_001', 'meancolor_002'], dtype=object)
    """

    _parameter_constraints: ClassVar[dict] = {
        "n_jobs": [Integral, None],
        "on_error": [StrOptions({"raise", "nan"})],
        "verbose": ["boolean"],
        "store": [str, os.PathLike, FeatureStore, None],
    }

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

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Check the parameters, and learn if the flow learns.

        Parameters
        ----------
        X : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
        y : array-like of shape (n,) or (n, k), optional
            Classes, for flows that learn from them. Default: the labels of the collection, if X is one.
        groups : array-like of shape (n,), optional
            Images that belong together, for flows that hold images out while they learn. Default: the groups of the
            collection, if it has any.

        Returns
        -------
        self
        """
        self._validate_params()
        self.check_parameters()
        self.learn(*_read_training(X, y, groups))
        return self

    def fit_transform(self, X: Any, y: Any = None, groups: Any = None) -> np.ndarray:
        """Fit, and compute the features to fit a selector or a head on.

        For a flow that learns from labels, they may differ from what `transform` computes after `fit`: models that have
        not seen an image compute its features. See `training_features` in `twoflow.flows.contract`.

        Parameters
        ----------
        X, y, groups
            See `fit`.

        Returns
        -------
        ndarray of shape (n, n_features) and dtype float32
            Row i belongs to image i.
        """
        self.fit(X, y, groups)
        features = self.training_features(*_read_training(X, y, groups))
        return self.transform(X) if features is None else features

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
        self.check_parameters()
        return self._compute(check_images(X))

    def _compute(self, images: Sequence[Source]) -> np.ndarray:
        """Compute the features, and warn of images that cannot be read."""
        extraction = extract(self, images)
        if extraction.errors:
            warn_unreadable([error for _, error in extraction.errors], len(images), "rows of NaN")
        return extraction.features

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return names such as ``projection_000``; `input_features` is ignored, because images have no names."""
        check_is_fitted(self)
        prefix = type(self).__name__.lower() if self.feature_prefix is None else self.feature_prefix
        n_digits = max(3, len(str(self.n_features_out - 1)))
        return np.asarray([f"{prefix}_{i:0{n_digits}d}" for i in range(self.n_features_out)], dtype=object)

    def __sklearn_tags__(self) -> FlowTags:
        tags = extend_tags(super().__sklearn_tags__(), FlowTags)
        tags.requires_fit = tags.learns_from_data = type(self).learn is not FlowContract.learn
        tags.transformer_tags.preserves_dtype = []
        return tags


def _read_training(X: Any, y: Any, groups: Any) -> tuple[Sequence[Source], Any, Any]:
    """Return the images, labels and groups that a flow is fitted on; those of a collection where none are given."""
    if isinstance(X, ImageCollection):
        y, groups = X.labels if y is None else y, X.groups if groups is None else groups
    return check_images(X), y, groups
