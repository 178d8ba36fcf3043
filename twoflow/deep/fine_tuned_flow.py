"""The flow of a network that is trained on the training images of each fold."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions

from .._text import counted
from ..errors import InputError
from ..flows import CNNEmbedding, Flow, FlowUnion, RawPixels
from ..flows.contract import RUN_PARAMETERS, FlowTags
from ..flows.engine.extraction import compute, extract
from ..flows.engine.location import locate
from ..flows.placing import Placed
from ..flows.pooling import POOLINGS
from ..flows.views import VIEWS
from ..heads.inner_folds import draw_inner_folds
from ..images import LoadedImage
from ..images.reading import Source, warn_unreadable
from ..models.inputs import given_names
from ..models.onnx_export import Graph, ImageInput, to_onnx
from ..models.onnx_export.flows import add_flow
from ..networks import NETWORKS, NetworkRecord
from ..store import StoreLike
from .chosen_target import choose_target, encode_finest, find_labeled
from .trained_layers import Layers


class FineTunedFlow(Flow):
    """Train a network on the training images, and take the outputs of its layers as features.

    A model can have a trained network beside frozen ones, and a comparison trains it inside each fold. Only `fit`
    needs the extra: ``pip install "twoflow[torch]"``.

    Parameters
    ----------
    classifier : FineTunedClassifier
        Says which network is trained, and how. A clone is fitted; its heads are not used.
    layers : list of str, optional
        The layers whose outputs become features, side by side. All are computed in one pass. Default: the embedding.
        The layers of an EfficientNet-Lite are those that ``twoflow networks efficientnet-lite0`` lists; of other
        networks, only the embedding can be taken.
    pooling : {"mean", "max", "gem", "covariance"}, default="mean"
        How a layer that is a map becomes a vector; see `CNNEmbedding`. A layer that is a vector is taken as it is.
    n_channels : int, optional
        For "covariance" only: how many channels a map is projected to first. By default, nothing is projected.
    views : {"whole", "mirror", "five-crop"}, default="whole"
        What the trained network is shown of an image; see `CNNEmbedding`. It has no effect on the training.
    center_prior : float, optional
        How much less the positions of a map count that lie far from the middle of the image; see `CNNEmbedding`. By
        default all count the same.
    preprocessing : dict, optional
        How images enter the trained network, such as ``{"input_size": (320, 320)}``; see `CNNEmbedding`. An
        EfficientNet-Lite that was trained on smaller images also takes larger ones. It has no effect on the training.
        Default: as in the training.
    target : int or str, optional
        The target that the network learns: the position of its column in y, or its name. Images without a label of it
        have no part in the training. Default: all targets.
    target_names : sequence of str, optional
        The names of the targets, in the order of the columns of y. Default: those of the collection.
    cv : int or None, default=None
        How many further networks give the features of the training images. Each is trained without the images that it
        gives the features of, with groups kept together. They start from the same weights as the network that is kept,
        so that their features are alike. With the default of None, the network that is kept gives these features
        too, although it has seen the images and their labels.
    n_jobs, on_error, verbose
        See `Flow`. They hold for the training too. With ``on_error="nan"`` images that cannot be read are left out of
        the training.
    store : path or FeatureStore, optional
        It has no effect: a flow that learns keeps no features.

    Attributes
    ----------
    flows_ : list of CNNEmbedding
        A flow for each layer of the trained network, which they carry.
    history_ : list of dict
        The epochs of its training; see `FineTunedClassifier`.
    random_state_ : int
        The seed of all trainings, that of `classifier` or drawn from it.

    Notes
    -----
    Cross-fitting is what `sklearn.preprocessing.TargetEncoder` does. See `training_features` in
    `twoflow.flows.contract`, and Wolpert (1992, https://doi.org/10.1016/S0893-6080(05)80023-1) for the reason. On
    training images of the sneakers it doubled the time, gained no accuracy (0.818 instead of 0.820 beside `fast`),
    and made probabilities a little better (calibration error 0.038 instead of 0.048); see experiments/beyond.

    Examples
    --------
    >>> from twoflow.deep import FineTunedClassifier, FineTunedFlow
    >>> FineTunedFlow(FineTunedClassifier()).n_features_out
    1280
    """

    _parameter_constraints: ClassVar[dict] = {
        **Flow._parameter_constraints,
        "classifier": [HasMethods(["fit", "get_params"])],
        "layers": [list, tuple, None],
        "pooling": [StrOptions(set(POOLINGS))],
        "n_channels": [Interval(Integral, 1, None, closed="left"), None],
        "views": [StrOptions(set(VIEWS))],
        "center_prior": [Interval(Real, 0.05, None, closed="left"), None],
        "preprocessing": [dict, None],
        "target": [Interval(Integral, 0, None, closed="left"), str, None],
        "target_names": [list, tuple, None],
        "cv": [Interval(Integral, 2, None, closed="left"), None],
    }
    feature_prefix = "fine_tuned"
    center_prior: float | None = None  # model files of earlier versions do not say

    def __init__(
        self,
        classifier: Any,
        layers: Sequence[str] | None = None,
        *,
        pooling: str = "mean",
        n_channels: int | None = None,
        views: str = "whole",
        center_prior: float | None = None,
        preprocessing: dict[str, Any] | None = None,
        target: int | str | None = None,
        target_names: Sequence[str] | None = None,
        cv: int | None = None,
        n_jobs: int | None = None,
        on_error: str = "raise",
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        super().__init__(n_jobs=n_jobs, on_error=on_error, verbose=verbose, store=store)
        self.classifier = classifier
        self.layers = layers
        self.pooling = pooling
        self.n_channels = n_channels
        self.views = views
        self.center_prior = center_prior
        self.preprocessing = preprocessing
        self.target = target
        self.target_names = target_names
        self.cv = cv

    def fit(self, X: Any, y: Any = None, groups: Any = None) -> Self:
        """Train the network.

        Parameters
        ----------
        X : sequence of n images, ImageCollection, one-column DataFrame or array of shape (n, H, W, C)
        y : array-like of shape (n,) or (n, k), optional
            Classes. Default: the labels of the collection.
        groups : array-like of shape (n,), optional
            Images that belong together. Default: the groups of the collection, if it has any.

        Returns
        -------
        self

        Raises
        ------
        ImageReadError
            For the first image that cannot be read, unless ``on_error="nan"``.
        ValueError
            If a parameter is wrong, there are no labels, or the classifier cannot be trained.
        ModuleNotFoundError
            If the extra is not installed.
        """
        names = given_names(X, y) if self.target_names is None else self.target_names
        self.target_names_ = None if names is None else tuple(names)
        return super().fit(X, y, groups)

    def check_parameters(self) -> None:
        if not hasattr(self, "flows_"):
            self._check_untrained()

    def learn(self, images: Sequence[Source], y: Any, groups: Any) -> None:
        self._check_untrained()  # a flow that is fitted again may have other parameters now
        labels = choose_target(y, self.target, self.target_names_)
        seed = self.classifier.random_state
        is_seed = isinstance(seed, Integral)
        self.random_state_ = int(seed if is_seed else check_random_state(seed).randint(np.iinfo(np.int32).max))
        trained = self._train(images, labels, groups, np.flatnonzero(self._is_trained_on(images, labels)))
        self.flows_ = self._flows_of(trained, images)
        self.history_ = trained.history_

    def training_features(self, images: Sequence[Source], y: Any, groups: Any) -> np.ndarray | None:
        """Compute the features of each training image by a network that was trained without it; see `cv`."""
        if self.cv is None:
            return None
        labels = choose_target(y, self.target, self.target_names_)
        is_trained_on = self._is_trained_on(images, labels)
        rng = np.random.RandomState(self.random_state_)
        features = np.empty((len(images), self.n_features_out), self.features_dtype)
        for train, others in draw_inner_folds(encode_finest(labels), groups, self.cv, rng, every_class=False):
            trained = self._train(images, labels, groups, train[is_trained_on[train]])
            union = FlowUnion.of_fitted(
                {str(number): flow for number, flow in enumerate(self._flows_of(trained, images))},
                n_jobs=self.n_jobs, on_error=self.on_error, verbose=self.verbose,
            )
            features[others] = union.transform([images[i] for i in others])
        return features

    def _is_trained_on(self, images: Sequence[Source], labels: np.ndarray) -> np.ndarray:
        """Return which images have a part in the training: those with a label that can be read."""
        is_trained_on = find_labeled(labels)
        if self.on_error == "nan":
            errors = extract(RawPixels((1, 1), n_jobs=self.n_jobs, on_error="nan"), images, name="reading").errors
            is_trained_on[[position for position, _ in errors]] = False
            if errors:
                warn_unreadable([error for _, error in errors], len(images), "left out of the training")
        return is_trained_on

    def _train(self, images: Sequence[Source], labels: np.ndarray, groups: Any, rows: np.ndarray) -> Any:
        """Fit a clone of the classifier on some of the images."""
        own = labels[rows]
        for column in own.T if own.ndim > 1 else [own]:
            if len({label for label in column.tolist() if label is not None}) < 2:
                raise InputError(
                    f"{type(self).__name__}: expected at least two classes to train on, got fewer among "
                    f"{counted(len(rows), 'image')}; add images of other classes, or set cv=None"
                )
        running = {"n_jobs": self.n_jobs} if self.classifier.n_jobs is None else {}
        classifier = clone(self.classifier).set_params(
            random_state=self.random_state_, verbose=self.verbose or self.classifier.verbose, **running
        )
        y = np.array(own.tolist()) if own.ndim == 1 else own
        return classifier.fit([images[i] for i in rows], y, None if groups is None else np.asarray(groups)[rows])

    def _flows_of(self, trained: Any, images: Sequence[Source]) -> list[CNNEmbedding]:
        """Return a fitted flow for each layer of the network that a classifier has trained."""
        return [flow.fit(images[:1]) for flow in self._layers.flows_of(trained.network_, self.preprocessing)]

    def _check_untrained(self) -> None:
        self.classifier.check_parameters()
        self._count_untrained()

    def _count_untrained(self) -> int:
        given = self.classifier
        return self._layers.count_features(
            given.backbone, given.input_size, given.pretrained, self.preprocessing
        )

    @property
    def _layers(self) -> Layers:
        return Layers(self.layers, self.pooling, self.n_channels, self.views, self.center_prior)

    @property
    def n_features_out(self) -> int:
        if hasattr(self, "flows_"):
            return sum(flow.n_features_out for flow in self.flows_)
        return self._count_untrained()

    def cache_key(self) -> dict[str, Any]:
        """Return all parameters that say what is computed; those of the classifier are inside it."""
        return {name: value for name, value in self.get_params(deep=False).items() if name not in RUN_PARAMETERS}

    def networks(self) -> Sequence[NetworkRecord]:
        """Return the trained network; before `fit`, the one that it starts from, if that is an EfficientNet-Lite."""
        if hasattr(self, "flows_"):
            return self.flows_[0].networks()
        backbone = self.classifier.backbone
        return CNNEmbedding(backbone).networks() if self.classifier.pretrained and backbone in NETWORKS else ()

    def bind(self) -> FineTunedFlow:
        bound = copy(self)
        bound.flows_ = [flow.bind() for flow in self.flows_]
        return bound

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        return np.concatenate(compute(self.flows_, image, n_threads))

    @property
    def batch_size(self) -> int:
        return self.flows_[0].batch_size

    @classmethod
    def prepare(cls, flows: Sequence[FineTunedFlow], image: LoadedImage) -> Any:
        return CNNEmbedding.prepare(flows[0].flows_, image)

    @classmethod
    def extract_batch(
        cls, flows: Sequence[FineTunedFlow], prepared: Sequence[Any], n_threads: int
    ) -> list[list[np.ndarray]]:
        # Two of these flows share no pass: each has a network of its own.
        found = CNNEmbedding.extract_batch(flows[0].flows_, prepared, n_threads)
        return [[np.concatenate(vectors)] for vectors in found]

    def locate(self, image: LoadedImage, weights: np.ndarray, n_threads: int = 1) -> Sequence[Placed] | None:
        """Spread linear functions of the features over the positions of the layers; see `CNNEmbedding`."""
        ends = np.cumsum([flow.n_features_out for flow in self.flows_])[:-1]
        located = locate(self.flows_, image, np.split(weights, ends, axis=1), n_threads)
        if any(each is None for each in located):
            return None
        return [placed for each in located for placed in each or ()]

    def __sklearn_tags__(self) -> FlowTags:
        tags = super().__sklearn_tags__()
        is_unit = self.pooling == "covariance" and len(self.layers or ()) == 1
        tags.feature_kind = "unit" if is_unit else "dense"
        return tags


@to_onnx.register
def _(flow: FineTunedFlow, graph: Graph, source: ImageInput) -> str:
    return graph.add("Concat", *(add_flow(graph, each, source) for each in flow.flows_), axis=1)
