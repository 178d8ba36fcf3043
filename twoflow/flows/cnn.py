"""The flow from elsewhere: a layer of a network trained on other pictures."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from ..images import Picture
from ..images.reading import Source, warn_unreadable
from ..networks import ENGINES, NetworkCard, check_engine, get_card, open_session
from ..networks.catalog import check_layer, resolve
from ..networks.quantization import quantize
from ..networks.session import open_quantized
from .base import Flow, FlowTags, StoreLike
from .extraction import extract
from .pixels import RawPixels
from .pooling import POOLINGS, count_least, pool
from .views import VIEWS

_N_CALIBRATION, _LEAST_COSINE = 100, 0.98


class CNNEmbedding(Flow):
    """The output of a pretrained network's layer.

    The right flow of Iliukovich-Strakovskaia, Dral & Dral (2016), section 4: the global pool of a network trained
    elsewhere is the picture's embedding. The network is only run, never trained.

    Parameters
    ----------
    network : str or path
        A name in `twoflow.networks.NETWORKS`, or the path of an ``.onnx`` file, of an MXNet ``PREFIX-symbol.json``
        with its ``PREFIX-EPOCH.params`` beside it (the newest; or the path of that of another epoch), or of a folder
        that holds these two. It is loaded at the first picture, once a process, and is no part of the estimator:
        clones and pickles stay small.
    layer : str
        A layer on the network's card; "global_pool" is the usual embedding.
        ``python -m twoflow.networks NETWORK`` lists the layers.
    pooling : {"mean", "max", "gem", "covariance"}
        How a layer that is a map over positions becomes a vector. A layer that is one already, like "global_pool",
        takes no other than "mean". "mean", "max" and "gem", the generalised mean with exponent 3 of Radenović, Tolias
        & Chum (2019, https://doi.org/10.1109/TPAMI.2018.2846566), give one value a channel.

        "covariance" says which of the c channels go together over the positions: the square root of their covariance
        matrix (Li, Xie, Wang & Zuo, ICCV 2017, https://doi.org/10.1109/ICCV.2017.228; Lin & Maji, BMVC 2017,
        https://arxiv.org/abs/1707.06772), its upper triangle as c (c + 1) / 2 values of unit norm, the off-diagonal
        ones times the square root of 2, so that the dot product of two rows is that of the two matrices. They are
        rounded to float16, which a store keeps in half the space. A map that is constant gives zeros; one of a single
        position, or cells of one, are refused.
    n_channels : int, optional
        For "covariance" only: project the channels at random, always in the same way, to so many, at most as many as
        the layer has. It is for many pictures or little memory, and costs accuracy.
    grid : int
        Pool each cell of a grid of so many rows and columns, from the top left row by row, rather than all positions
        of a map; it must have as many. Cells share a row or column of positions where these are no multiple of `grid`.
    views : {"whole", "mirror", "five-crop"}
        What the network is shown of a picture, a pass for each: the picture; also its mirror image, whose map is
        mirrored back; or its corners and its middle, of 7/8 of the sides, which have no `grid` in common. The positions
        of all are pooled together; of vectors, the mean is taken. Flows in a `FlowUnion` share the passes that they
        have in common.
    preprocessing : dict, optional
        How pictures enter a network in files that do not say so themselves, nor in a card file beside them: any of
        `input_size` (width, height), `channels` ("RGB" or "BGR"), `mean` and `scale`. A value from 0 to 255 enters as
        ``(value - mean) / scale``; each is a number or a list of three. The named EfficientNet-Lite networks leave
        the choice of `input_size`, with sides of 32 to 4096 pixels.
    engine : {"onnxruntime", "mxnet"}
        What runs the network. MXNet, the extra ``twoflow[mxnet]``, runs its own checkpoints only; the features are
        the same within its rounding, but it takes one picture at a time, on threads of its own.
    precision : {"float32", "int8"}
        In 8-bit integers a network takes half the time, for features that are nearly the same. Their ranges are learnt
        from the pictures it is fitted on, so in a comparison it is fitted, and runs, anew in every fold; it is for
        predicting fast.
    n_jobs, on_error, verbose, store
        See `Flow`.

    Attributes
    ----------
    quantized_ : QuantizedNetwork
        With ``precision="int8"``, the network up to the layer, as an ONNX graph, and one calibration image with the
        network's own output. A process that opens the graph first compares its output for that image: a processor
        that computes it less exactly than the one it was fitted on is refused with a ValueError.
    cosine_ : float
        With ``precision="int8"``, the mean cosine between its output and the network's own on the pictures that the
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
    _feature_prefix = "cnn"

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

    def _check(self) -> None:
        check_layer(self.network, self.layer, self.preprocessing)
        check_engine(self.engine, self.network, self.preprocessing)
        layer = self._card.layers[self.layer]
        if not layer.is_map:
            for name, default in (("pooling", "mean"), ("grid", 1)):
                if (value := getattr(self, name)) != default:
                    raise ValueError(f"layer {self.layer!r} is a vector already; {name}={value!r} needs a map")
        if self.n_channels is not None and self.pooling != "covariance":
            raise ValueError('n_channels needs pooling="covariance"')
        if self.n_channels is not None and self.n_channels > layer.width:
            raise ValueError(f"n_channels={self.n_channels} is more than layer {self.layer!r} has, {layer.width}")
        if self.grid > 1 and self.views == "five-crop":
            raise ValueError('views="five-crop" needs grid=1: a cell would be another part of the picture in each crop')
        if layer.positions is not None:
            self._check_positions(layer.positions)
        if self.precision == "int8" and self.engine != "onnxruntime":
            raise ValueError('precision="int8" needs engine="onnxruntime"')

    def _check_positions(self, positions: tuple[int, int]) -> None:
        rows, columns = positions
        width, height = self._card.input_size
        found = f"layer {self.layer!r} has {rows} x {columns} positions at an input_size of ({width}, {height})"
        if self.grid > min(positions):
            raise ValueError(f"{found}, too few for grid={self.grid}")
        if self.pooling == "covariance" and count_least(positions, self.grid) * len(VIEWS[self.views]) == 1:
            raise ValueError(f'{found}, and pooling="covariance" needs more than one in each cell')

    def _fit(self, pictures: Sequence[Source], y: Any) -> None:
        """Quantise the network, and make sure that little is lost."""
        if self.precision == "float32":
            return
        network = resolve(self.network, self.preprocessing)
        pixels = self._sample(pictures, network.card.input_size)
        self.quantized_, self.cosine_ = quantize(network, self.layer, pixels)
        if self.cosine_ < _LEAST_COSINE:
            raise ValueError(
                f"{self.layer} of {self.network} loses too much in 8-bit integers: its cosine to the network's own is "
                f'{self.cosine_:.3f}, under {_LEAST_COSINE}; use precision="float32"'
            )

    def _sample(self, pictures: Sequence[Source], size: tuple[int, int]) -> np.ndarray:
        """Pictures from all over the collection, resized, for the ranges to be taken from."""
        positions = np.unique(np.linspace(0, len(pictures) - 1, _N_CALIBRATION).round().astype(int)).tolist()
        reader = RawPixels(size, n_jobs=self.n_jobs, on_error=self.on_error)
        features, errors, _ = extract(reader, pictures, positions)
        if errors:
            warn_unreadable([error for _, error in errors], len(positions), "left out of the calibration")
        read = features[~np.isnan(features[:, 0])]
        if not len(read):
            raise ValueError(f"none of the {len(positions)} pictures to quantise with can be read")
        return reader._pack(read).reshape(-1, size[1], size[0], 3)

    def _extract(self, picture: Picture, n_threads: int) -> np.ndarray:
        return self._extract_together([self], picture, n_threads)[0]

    def _ingredients(self) -> dict[str, Any]:
        network = resolve(self.network, self.preprocessing)
        card = network.card
        preprocessing = (card.input_size, card.channels, card.mean, card.scale)
        return {**super()._ingredients(), "network": network.digest(), "preprocessing": preprocessing}

    def _shared_pass(self) -> Hashable:
        if self.precision == "int8":
            return None  # a graph of its own, that ends with its layer
        return resolve(self.network, self.preprocessing), self.engine

    @classmethod
    def _extract_together(cls, flows: Sequence[CNNEmbedding], picture: Picture, n_threads: int) -> list[np.ndarray]:
        layers = tuple(sorted({flow.layer for flow in flows}))
        first = flows[0]
        if first.precision == "int8":
            network = resolve(first.network, first.preprocessing)
            session = open_quantized(first.quantized_, network, first.layer, n_threads)
        else:
            session = open_session(first.network, layers, n_threads, first.preprocessing, first.engine)
        views = dict.fromkeys(view for flow in flows for view in VIEWS[flow.views])
        outputs = {view: session.run(view.pixels(picture, session.card.input_size)) for view in views}
        return [
            pool(
                [view.turned_back(outputs[view][flow.layer]) for view in VIEWS[flow.views]],
                flow.pooling, flow.grid, flow.n_channels,
            )
            for flow in flows
        ]

    def _pack(self, features: np.ndarray) -> np.ndarray:
        """What covariance pooling has rounded to float16, in float16."""
        return features.astype(np.float16) if self.pooling == "covariance" else features

    def _unpack(self, packed: np.ndarray) -> np.ndarray:
        return packed.astype(np.float32, copy=False)

    @property
    def _card(self) -> NetworkCard:
        return get_card(self.network, self.preprocessing)

    @property
    def _n_features_out(self) -> int:
        width = self.n_channels or self._card.layers[self.layer].width
        if self.pooling == "covariance":
            width = width * (width + 1) // 2
        return width * self.grid**2

    def __sklearn_tags__(self) -> FlowTags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = tags.learns_from_data = self.precision == "int8"
        return tags
