"""The flow from elsewhere: a layer of a network trained on other images."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from copy import copy
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from .._text import printable
from ..errors import InputError
from ..images import LoadedImage
from ..images.reading import Source, warn_unreadable
from ..networks import ENGINES, NetworkCard, NetworkOutputError
from ..networks.catalog import require_layer, resolve
from ..networks.errors import MAX_LENGTH
from ..networks.files import Network
from ..networks.finite import is_finite
from ..networks.quantization import quantize
from ..networks.session import check_engine, open_quantized, start_session
from ..store import StoreLike
from .base import Flow
from .contract import FlowTags
from .engine.extraction import extract
from .pixels import RawPixels
from .pooling import POOLINGS, count_least, pool
from .views import VIEWS

#: What a card says of how an image enters the network: what features depend on, besides its files.
_ENTRY = ("input_size", "channels", "mean", "scale")
_N_CALIBRATION, _LEAST_COSINE = 100, 0.98


class CNNEmbedding(Flow):
    """The output of a pretrained network's layer.

    The right flow of Iliukovich-Strakovskaia, Dral & Dral (2016), section 4: the global pool of a network trained
    elsewhere is the image's embedding. The network is only run, never trained.

    Parameters
    ----------
    network : str or path
        A name in `twoflow.networks.NETWORKS`, or the path of an ``.onnx`` file, of an MXNet ``PREFIX-symbol.json``
        with its ``PREFIX-EPOCH.params`` beside it (the newest; or the path of that of another epoch), or of a folder
        that holds these two. It is loaded at the first image, once a process, and is no part of the estimator:
        clones and pickles stay small.
    layer : str
        A layer on the network's card; "global_pool" is the usual embedding.
        ``twoflow networks NETWORK`` lists the layers.
    pooling : {"mean", "max", "gem", "covariance"}
        How a layer that is a map over positions becomes a vector. A layer that is one already, like "global_pool",
        takes no other than "mean". "mean", "max" and "gem", the generalized mean with exponent 3 of Radenović, Tolias
        & Chum (2019, https://doi.org/10.1109/TPAMI.2018.2846566), give one value a channel.

        "covariance" says which of the c channels go together over the positions: the square root of their covariance
        matrix (Li, Xie, Wang & Zuo, ICCV 2017, https://doi.org/10.1109/ICCV.2017.228; Lin & Maji, BMVC 2017,
        https://arxiv.org/abs/1707.06772), its upper triangle as c (c + 1) / 2 values of unit norm, the off-diagonal
        ones times the square root of 2, so that the dot product of two rows is that of the two matrices. They are
        rounded to float16, which a store keeps in half the space. A map that is constant gives zeros; one of a single
        position, or cells of one, are refused.
    n_channels : int, optional
        For "covariance" only: project the channels at random, always in the same way, to so many, at most as many as
        the layer has. It is for many images or little memory, and costs accuracy.
    grid : int
        Pool each cell of a grid of so many rows and columns, from the top left row by row, rather than all positions
        of a map; it must have as many. Cells share a row or column of positions where these are no multiple of `grid`.
    views : {"whole", "mirror", "five-crop"}
        What the network is shown of an image, a pass for each: the image; also its mirror image, whose map is
        mirrored back; or its corners and its middle, of 7/8 of the sides, which have no `grid` in common. The positions
        of all are pooled together; of vectors, the mean is taken. Flows in a `FlowUnion` share the passes that they
        have in common.
    preprocessing : dict, optional
        How images enter a network in files that do not say so themselves, nor in a card file beside them: any of
        `input_size` (width, height), `channels` ("RGB" or "BGR"), `mean` and `scale`. A value from 0 to 255 enters as
        ``(value - mean) / scale``; each is a number or a list of three. The named EfficientNet-Lite networks leave
        the choice of `input_size`, with sides of 32 to 4096 pixels.
    engine : {"onnxruntime", "mxnet"}
        What runs the network. MXNet, the extra ``twoflow[mxnet]``, runs its own checkpoints only; the features are
        the same within its rounding, but it takes one image at a time, on threads of its own.
    precision : {"float32", "int8"}
        In 8-bit integers a network takes half the time, for features that are nearly the same. Their ranges are learned
        from the images it is fitted on, so in a comparison it is fitted, and runs, anew in every fold; it is for
        predicting fast.
    n_jobs, on_error, verbose, store
        See `Flow`.

    Attributes
    ----------
    network_digest_ : str
        SHA-256 of the network's files. Another network at the same path is refused by `transform` with a ValueError.
    network_card_ : NetworkCard
        The network's card. If `input_size`, `channels`, `mean` or `scale` on it have changed, so does `transform`.
    quantized_ : QuantizedNetwork
        With ``precision="int8"``, the network up to the layer, as an ONNX graph, and one calibration image with the
        network's own output. A process that opens the graph first compares its output for that image: a processor
        that computes it less exactly than the one it was fitted on is refused with a ValueError.
    cosine_ : float
        With ``precision="int8"``, the mean cosine between its output and the network's own on the images that the
        ranges were taken from.

    Examples
    --------
    >>> from twoflow import CNNEmbedding, make_shop
    >>> shop = make_shop(n_classes=2, n_per_class=2, random_state=0)
    >>> CNNEmbedding().fit_transform(shop).shape
    (4, 1280)
    >>> CNNEmbedding(layer="stage3", pooling="covariance", views="mirror").fit_transform(shop).shape
    (4, 820)
    """

    _parameter_constraints: ClassVar[dict] = {
        **Flow._parameter_constraints,
        "network": [str, os.PathLike],
        "layer": [str],
        "pooling": [StrOptions(set(POOLINGS))],
        "n_channels": [Interval(Integral, 1, None, closed="left"), None],
        "grid": [Interval(Integral, 1, None, closed="left")],
        "views": [StrOptions(set(VIEWS))],
        "preprocessing": [dict, None],
        "engine": [StrOptions(set(ENGINES))],
        "precision": [StrOptions({"float32", "int8"})],
    }
    feature_prefix = "cnn"
    _bound: Network | None = None  # see `bind`

    def __init__(
        self,
        network: str | os.PathLike = "efficientnet-lite0",
        layer: str = "global_pool",
        *,
        pooling: str = "mean",
        n_channels: int | None = None,
        grid: int = 1,
        views: str = "whole",
        preprocessing: dict[str, Any] | None = None,
        engine: str = "onnxruntime",
        precision: str = "float32",
        n_jobs: int | None = None,
        on_error: str = "raise",
        verbose: bool = False,
        store: StoreLike = None,
    ) -> None:
        super().__init__(n_jobs=n_jobs, on_error=on_error, verbose=verbose, store=store)
        self.network = network
        self.layer = layer
        self.pooling = pooling
        self.n_channels = n_channels
        self.grid = grid
        self.views = views
        self.preprocessing = preprocessing
        self.engine = engine
        self.precision = precision

    def check_parameters(self) -> None:
        self._check_with(resolve(self.network, self.preprocessing))

    def _check_with(self, network: Network) -> None:
        require_layer(network, self.layer)
        check_engine(self.engine, network)
        layer = network.card.layers[self.layer]
        if not layer.is_map:
            for name, default in (("pooling", "mean"), ("grid", 1)):
                if (value := getattr(self, name)) != default:
                    raise InputError(f"layer {self.layer!r} is a vector already; {name}={value!r} needs a map")
        if self.n_channels is not None and self.pooling != "covariance":
            raise InputError('n_channels needs pooling="covariance"')
        if self.n_channels is not None and self.n_channels > layer.width:
            raise InputError(f"n_channels={self.n_channels} is more than layer {self.layer!r} has, {layer.width}")
        if self.grid > 1 and self.views == "five-crop":
            raise InputError('views="five-crop" needs grid=1: a cell would be another part of the image in each crop')
        if layer.positions is not None:
            self._check_positions(layer.positions, network.card.input_size)
        if self.precision == "int8" and self.engine != "onnxruntime":
            raise InputError('precision="int8" needs engine="onnxruntime"')

    def _check_positions(self, positions: tuple[int, int], size: tuple[int, int]) -> None:
        rows, columns = positions
        width, height = size
        found = f"layer {self.layer!r} has {rows} x {columns} positions at an input_size of ({width}, {height})"
        if self.grid > min(positions):
            raise InputError(f"{found}, too few for grid={self.grid}")
        if self.pooling == "covariance" and count_least(positions, self.grid) * len(VIEWS[self.views]) == 1:
            raise InputError(f'{found}, and pooling="covariance" needs more than one in each cell')

    def learn(self, images: Sequence[Source], y: Any) -> None:
        """Remember which network it is; quantize it if asked to, and make sure that little is lost."""
        network = resolve(self.network, self.preprocessing)
        self._check_with(network)
        self.network_digest_, self.network_card_ = network.digest, network.card
        if self.precision == "float32":
            return
        pixels = self._sample(images, network.card.input_size)
        self.quantized_, self.cosine_ = quantize(network, self.layer, pixels)
        if not self.cosine_ >= _LEAST_COSINE:
            raise InputError(
                f"{self.layer} of {self.network} loses too much in 8-bit integers: its cosine to the network's own is "
                f'{self.cosine_:.3f}, under {_LEAST_COSINE}; use precision="float32"'
            )

    def bind(self) -> CNNEmbedding:
        """A copy that keeps to the network as it is now, whatever becomes of its files while features are computed.

        Sent to another process, the copy remembers which network that was, and refuses another one.
        """
        if self._bound is not None:
            return self
        network = self._resolve()
        self._check_with(network)
        bound = copy(self)
        bound._bound = network
        return bound

    def _resolve(self) -> Network:
        """The network as it is now; ValueError if the flow was fitted with another one."""
        if self._bound is not None:
            return self._bound
        network = resolve(self.network, self.preprocessing)
        if (digest := getattr(self, "network_digest_", None)) is None:
            return network
        if digest != network.digest:
            raise InputError(
                f"{network.title} is another network than the flow was fitted with: expected SHA-256 {digest}, got "
                f"{network.digest}; put the old file back, or fit the flow again"
            )
        for field in _ENTRY:
            expected, found = getattr(self.network_card_, field), getattr(network.card, field)
            if expected != found:
                raise InputError(
                    f"images enter {network.title} in another way than when the flow was fitted: expected {field} "
                    f"{expected} on its card, got {found}; put the old card back, or fit the flow again"
                )
        return network

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        if (network := state.pop("_bound", None)) is not None:
            state.update(network_digest_=network.digest, network_card_=network.card)
        return state

    def _sample(self, images: Sequence[Source], size: tuple[int, int]) -> np.ndarray:
        """Images from all over the collection, resized, for the ranges to be taken from."""
        positions = np.unique(np.linspace(0, len(images) - 1, _N_CALIBRATION).round().astype(int)).tolist()
        reader = RawPixels(size, n_jobs=self.n_jobs, on_error=self.on_error)
        features, errors, _ = extract(reader, images, positions)
        if errors:
            warn_unreadable([error for _, error in errors], len(positions), "left out of the calibration")
        read = features[~np.isnan(features[:, 0])]
        if not len(read):
            raise InputError(f"none of the {len(positions)} images to quantize with can be read")
        return reader.pack(read).reshape(-1, size[1], size[0], 3)

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        return self.extract_together([self], image, n_threads)[0]

    def cache_key(self) -> dict[str, Any]:
        network = self._resolve()
        preprocessing = tuple(getattr(network.card, field) for field in _ENTRY)
        return {**super().cache_key(), "network": network.digest, "preprocessing": preprocessing}

    def shared_pass(self) -> Hashable:
        if self.precision == "int8":
            return None  # a graph of its own, that ends with its layer
        return self._resolve(), self.engine

    @classmethod
    def extract_together(cls, flows: Sequence[CNNEmbedding], image: LoadedImage, n_threads: int) -> list[np.ndarray]:
        layers = tuple(sorted({flow.layer for flow in flows}))
        first, network = flows[0], flows[0]._resolve()
        if first.precision == "int8":
            session = open_quantized(first.quantized_, network, first.layer, n_threads)
        else:
            session = start_session(network, layers, n_threads, first.engine)
        views = dict.fromkeys(view for flow in flows for view in VIEWS[flow.views])
        size = network.card.input_size
        outputs = {view: session.run(view.pixels(image, size), image.name) for view in views}
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is an error below
            vectors = [
                pool(
                    [view.turned_back(outputs[view][flow.layer]) for view in VIEWS[flow.views]],
                    flow.pooling, flow.grid, flow.n_channels,
                )
                for flow in flows
            ]
        for flow, vector in zip(flows, vectors):
            if not is_finite(vector):
                raise NetworkOutputError(printable(
                    f'{network.title}: pooling="{flow.pooling}" of layer {flow.layer!r} of {image.name} overflows, '
                    'because its values are too large; use pooling="max" or another layer', MAX_LENGTH,
                ))
        return vectors

    def pack(self, features: np.ndarray) -> np.ndarray:
        """What covariance pooling has rounded to float16, in float16."""
        return features.astype(np.float16) if self.pooling == "covariance" else features

    def unpack(self, packed: np.ndarray) -> np.ndarray:
        return packed.astype(np.float32, copy=False)

    @property
    def _card(self) -> NetworkCard:
        return self._resolve().card

    @property
    def n_features_out(self) -> int:
        width = self.n_channels or self._card.layers[self.layer].width
        if self.pooling == "covariance":
            width = width * (width + 1) // 2
        return width * self.grid**2

    def __sklearn_tags__(self) -> FlowTags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = tags.learns_from_data = self.precision == "int8"
        tags.feature_kind = "unit" if self.pooling == "covariance" else "dense"
        return tags
