"""The flow from elsewhere: a layer of a network trained on other pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import StrOptions

from ..images import Picture
from ..images.reading import Source, warn_unreadable
from ..networks import ENGINES, NetworkCard, check_engine, get_card, open_session
from ..networks.catalog import check_layer, resolve
from ..networks.quantization import quantize
from ..networks.session import open_graph
from .base import Flow, FlowTags, StoreLike
from .extraction import extract
from .pixels import RawPixels

_N_CALIBRATION, _LEAST_COSINE = 100, 0.98
_POOLINGS: dict[str, Callable[..., np.ndarray]] = {"mean": np.mean, "max": np.max}


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
    pooling : {"mean", "max"}
        How a layer that is a map over positions becomes one value a channel. A layer that is a vector already, like
        "global_pool", takes no other than "mean".
    preprocessing : dict, optional
        How pictures enter a network in files that do not say so themselves, nor in a card file beside them: any of
        `input_size` (width, height), `channels` ("RGB" or "BGR"), `mean` and `scale`. A value from 0 to 255 enters as
        ``(value - mean) / scale``; each is a number or a list of three.
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
    quantized_ : bytes
        With ``precision="int8"``, the network up to the layer, as an ONNX graph.
    cosine_ : float
        With ``precision="int8"``, the mean cosine between its output and the network's own on the pictures that the
        ranges were taken from.

    Examples
    --------
    >>> from twoflow import CNNEmbedding, make_shop
    >>> shop = make_shop(n_classes=2, n_per_class=2, random_state=0)
    >>> CNNEmbedding().fit_transform(shop).shape
    (4, 1280)
    """

    _parameter_constraints: ClassVar[dict] = {
        **Flow._parameter_constraints,
        "network": [str, os.PathLike],
        "layer": [str],
        "pooling": [StrOptions(set(_POOLINGS))],
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
        self.preprocessing = preprocessing
        self.engine = engine
        self.precision = precision

    def _check(self) -> None:
        check_layer(self.network, self.layer, self.preprocessing)
        check_engine(self.engine, self.network, self.preprocessing)
        if self.pooling != "mean" and not self._card.layers[self.layer].is_map:
            raise ValueError(f"layer {self.layer!r} is a vector already; pooling={self.pooling!r} needs a map")
        if self.precision == "int8" and self.engine != "onnxruntime":
            raise ValueError('precision="int8" needs engine="onnxruntime"')

    def _fit(self, pictures: Sequence[Source], y: Any) -> None:
        """Quantise the network, and make sure that little is lost."""
        if self.precision == "float32":
            return
        network = resolve(self.network, self.preprocessing)
        pixels = self._sample(pictures, network.card.input_size)
        self.quantized_ = quantize(network, self.layer, pixels)
        sessions = (
            open_session(self.network, (self.layer,), 1, self.preprocessing),
            open_graph(self.quantized_, network, self.layer),
        )
        outputs = [[session.run(each)[self.layer].ravel() for each in pixels] for session in sessions]
        self.cosine_ = float(np.mean([_cosine(one, other) for one, other in zip(*outputs)]))
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
            session = open_graph(first.quantized_, network, first.layer, n_threads)
        else:
            session = open_session(first.network, layers, n_threads, first.preprocessing, first.engine)
        outputs = session.run(picture.resized(session.card.input_size))
        return [flow._pool(outputs[flow.layer]) for flow in flows]

    def _pool(self, output: np.ndarray) -> np.ndarray:
        return output if output.ndim == 1 else _POOLINGS[self.pooling](output, axis=(1, 2))

    @property
    def _card(self) -> NetworkCard:
        return get_card(self.network, self.preprocessing)

    @property
    def _n_features_out(self) -> int:
        return self._card.layers[self.layer].width

    def __sklearn_tags__(self) -> FlowTags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = tags.learns_from_data = self.precision == "int8"
        return tags


def _cosine(one: np.ndarray, other: np.ndarray) -> float:
    norms = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / norms) if norms else float(not one.any() and not other.any())
