"""The flow of a network: the output of a layer of a network that was trained on other images."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Sequence
from copy import copy
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from .._text import printable
from ..errors import InputError
from ..images import LoadedImage
from ..images.reading import Source
from ..networks import ENGINES, PROVIDERS, CarriedNetwork, NetworkLike, NetworkOutputError, NetworkRecord
from ..networks.acceleration import BATCH
from ..networks.card_file import ENTRY
from ..networks.catalog import choose_layer, find_pin, follow_pin, resolve
from ..networks.errors import MAX_LENGTH
from ..networks.finite import is_finite
from ..networks.network import Network
from ..networks.providers import CPU
from ..networks.quantization import quantize
from ..networks.session import Session, check_engine, find_provider, open_quantized, start_session
from ..store import StoreLike
from .base import Flow
from .calibration import read_sample
from .center_prior import weigh_positions
from .contract import FlowTags
from .locating import locate_pooled
from .placing import Placed, place_view
from .pooling import POOLINGS, count_least, pool
from .views import VIEWS, View

_LEAST_COSINE = 0.98
_ROUNDING = 1e-4  # relative to the largest value of a vector


class _Prepared(NamedTuple):
    """What the network is shown of an image, by view; the name is for error messages."""

    name: str
    pixels: dict[View, np.ndarray]


class CNNEmbedding(Flow):
    """Run images through a pretrained network and take the output of a layer.

    This is the right flow of Iliukovich-Strakovskaia, Dral & Dral (2016), section 4, where the global pool of a network
    that was trained elsewhere is the image's embedding. The network is only run, never trained.

    Parameters
    ----------
    network : str, path or CarriedNetwork
        A name in `twoflow.networks.NETWORKS`; the default is "efficientnet-lite0". Or the path of an ``.onnx`` file, of
        an MXNet ``PREFIX-symbol.json`` (with ``PREFIX-EPOCH.params`` next to it; the newest is used), of the
        ``.params`` of another epoch, or of a folder that contains such a pair. Or the path of a folder as hubs have it,
        with an ONNX file and configuration files, or the name of such a folder on the Hugging Face hub,
        ``hf://ORGANIZATION/NAME@REVISION``; this needs the extra ``twoflow[hub]``. The network is loaded at the first
        image, once in a process. It is not part of the estimator, so clones and pickles stay small.
    layer : str, optional
        A layer on the network's card. By default, the layer that the card calls the embedding, such as the global pool
        of a convolutional network. ``twoflow networks NETWORK`` lists the layers and says which one that is.
    pooling : {"mean", "max", "gem", "covariance"}
        How a map over positions becomes a vector. A layer that is a vector already, such as the embedding, takes only
        "mean", the default. "mean", "max" and "gem" give one value for each channel; "gem" is the generalized mean with
        exponent 3 of Radenović, Tolias & Chum (2019, https://doi.org/10.1109/TPAMI.2018.2846566).

        "covariance" gives the square root of the covariance matrix of the c channels over the positions (Li, Xie, Wang
        & Zuo, ICCV 2017, https://doi.org/10.1109/ICCV.2017.228; Lin & Maji, BMVC 2017,
        https://arxiv.org/abs/1707.06772). The features are its upper triangle: c (c + 1) / 2 values of unit norm.
        Off-diagonal values are multiplied by the square root of 2, so that the dot product of two rows equals that of
        the two matrices. Values are rounded to float16, which a store keeps in half the space. A map that is constant
        gives zeros. A map or a cell of a single position is refused.
    n_channels : int, optional
        For "covariance" only: the number of channels to project the map to first, at most as many as the layer has. The
        projection is random, but always the same. It saves memory and costs accuracy. By default, nothing is projected.
    grid : int
        How many rows, and how many columns, of cells are pooled separately, row by row from the top left. The map needs
        at least as many rows and columns of positions. Cells share positions if their number is no multiple of `grid`.
        The default, 1, pools the whole map.
    views : {"whole", "mirror", "five-crop"}
        What the network is shown of an image; each view costs a pass. "whole", the default, is the image. "mirror" adds
        its mirror image, whose map is mirrored back. "five-crop" is the four corners and the middle, each with 7/8 of
        the sides; it needs ``grid=1``. The positions of all views are pooled together; of vectors, the mean is taken.
        Flows in a `FlowUnion` share the passes that they have in common.
    center_prior : float, optional
        Positions count less the farther they lie from the middle of the image, by a Gaussian whose standard deviation
        is this share of the image's sides, at least 0.05. A product lies in the middle of most photos, and around it is
        what says nothing of it. 0.3 suits photos that customers take, and hardly changes anything where the product
        fills the image; see experiments/beyond. It needs a map, and another pooling than "max". By default all
        positions count the same.
    preprocessing : dict, optional
        How images enter the network. It is needed if neither the network's files nor a card next to them say so. By
        default, the card decides. Any of:

        - `input_size`: (width, height) in pixels.
        - `fit`: how an image of other proportions gets that size. "stretch", the default, changes the proportions.
          "crop" cuts off what is too long. "pad" adds margins of `pad_color`, a list of red, green and blue from 0 to
          255; the default is black. "area", for the named EfficientNet-Lite networks, keeps the proportions and gives
          the image about as many pixels as `input_size` has; see `twoflow.images.Fitting`.
        - `filter`: "bicubic", the default, or another of `twoflow.images.FILTERS`.
        - `resize_size`: (width, height) that the image is resized to before the middle is cut out. The default is
          `input_size`.
        - `rounding`: "down", the default, or "even": how an odd margin around the middle is divided; see
          `twoflow.images.Fitting`.
        - `channels`: "RGB", the default, or "BGR".
        - `mean` and `scale`: a value from 0 to 255 enters as ``(value - mean) / scale``. Each is a number, or a list of
          one for each channel.
        - `prefix_tokens`, `patch_size`, `output`, `stages`, `n_classes`: what helps to find the layers if the graph
          leaves that open; see the guide on networks.

        The named EfficientNet-Lite networks let you choose the first five, with sides of 32 to 4096 pixels.
    engine : {"onnxruntime", "mxnet"}
        What runs the network. The default is "onnxruntime". "mxnet", the extra ``twoflow[mxnet]``, runs MXNet's own
        checkpoints only. Its features are the same up to rounding, but it takes one image at a time, on its own
        threads.
    precision : {"float32", "int8"}
        The numbers that the network computes with. The default is "float32". "int8" takes half the time and gives
        nearly the same features. The ranges of its integers are learned in `fit`, so a comparison fits and runs it anew
        in every fold; use it for fast predictions.
    provider : {"auto", "cpu", "cuda", "directml", "coreml"}
        Where onnxruntime computes. "auto", the default, takes an accelerator that onnxruntime has, if its values agree
        with the processor's, and the processor otherwise; see `twoflow.networks.session.find_provider`. The others
        insist. Each machine chooses anew, so a model that was fitted on a graphics card runs on a processor too; their
        features agree up to rounding, and a store keeps them apart. ``engine="mxnet"`` and ``precision="int8"`` run on
        the processor.
    n_jobs, on_error, verbose, store
        See `Flow`.

    Attributes
    ----------
    network_digest_ : str
        SHA-256 of the network's files. `transform` raises ValueError if another network is at the same path by then.
    network_card_ : NetworkCard
        The network's card. `transform` raises ValueError if the way in which images enter has changed.
    network_path_ : str or None
        The absolute path of the network, if `network` is a relative path; or its name with the commit and the file, if
        it is a name of the hub. So a fitted flow finds the same network from any folder and at any time.
    quantized_ : QuantizedNetwork
        With ``precision="int8"``, the network up to the layer as an ONNX graph, and one calibration image with the
        output that the network itself gives for it. A process that opens the graph computes this image first, and
        raises ValueError if its processor is less exact than the one that the flow was fitted on.
    cosine_ : float
        With ``precision="int8"``, the mean cosine between the output in integers and the network's own output, on the
        images that the ranges were taken from.

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
        "network": [str, os.PathLike, CarriedNetwork],
        "layer": [str, None],
        "pooling": [StrOptions(set(POOLINGS))],
        "n_channels": [Interval(Integral, 1, None, closed="left"), None],
        "grid": [Interval(Integral, 1, None, closed="left")],
        "views": [StrOptions(set(VIEWS))],
        "center_prior": [Interval(Real, 0.05, None, closed="left"), None],
        "preprocessing": [dict, None],
        "engine": [StrOptions(set(ENGINES))],
        "precision": [StrOptions({"float32", "int8"})],
        "provider": [StrOptions(set(PROVIDERS))],
    }
    feature_prefix = "cnn"
    center_prior: float | None = None  # model files of earlier versions do not say
    _bound: Network | None = None  # set in the copy that `bind` returns
    _provider: str | None = None  # likewise; other processes that compute for the copy keep it

    def __init__(
        self,
        network: NetworkLike = "efficientnet-lite0",
        layer: str | None = None,
        *,
        pooling: str = "mean",
        n_channels: int | None = None,
        grid: int = 1,
        views: str = "whole",
        center_prior: float | None = None,
        preprocessing: dict[str, Any] | None = None,
        engine: str = "onnxruntime",
        precision: str = "float32",
        provider: str = "auto",
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
        self.center_prior = center_prior
        self.preprocessing = preprocessing
        self.engine = engine
        self.precision = precision
        self.provider = provider

    def check_parameters(self) -> None:
        self._check_with(self._open())

    def _check_with(self, network: Network) -> None:
        name = choose_layer(network, self.layer)
        check_engine(self.engine, network, self.provider)
        layer = network.card.layers[name]
        if not layer.is_map:
            for parameter, default in (("pooling", "mean"), ("grid", 1), ("center_prior", None)):
                if (value := getattr(self, parameter)) != default:
                    raise InputError(f"layer {name!r} is a vector already; {parameter}={value!r} needs a map")
        if self.n_channels is not None and self.pooling != "covariance":
            raise InputError('n_channels needs pooling="covariance"')
        if self.center_prior is not None and self.pooling == "max":
            raise InputError('center_prior needs another pooling than "max", which takes one position for each channel')
        if self.n_channels is not None and self.n_channels > layer.width:
            raise InputError(f"n_channels={self.n_channels} is more than layer {name!r} has, {layer.width}")
        if self.grid > 1 and self.views == "five-crop":
            raise InputError('views="five-crop" needs grid=1: a cell would be another part of the image in each crop')
        if layer.positions is not None:
            self._check_positions(name, layer.positions, network.card.input_size)
        if network.card.varies and (self.views == "five-crop" or self.precision == "int8"):
            taken = 'views="five-crop"' if self.views == "five-crop" else 'precision="int8"'
            raise InputError(f'{taken} takes images of one size only, got the fit "area"; use another fit')
        if self.precision == "int8" and self.engine != "onnxruntime":
            raise InputError('precision="int8" needs engine="onnxruntime"')
        if self.precision == "int8" and self.provider not in ("auto", CPU):
            raise InputError(f'precision="int8" runs on the processor only, got provider="{self.provider}"; use "cpu"')

    def _check_positions(self, layer: str, positions: tuple[int, int], size: tuple[int, int]) -> None:
        rows, columns = positions
        width, height = size
        found = f"layer {layer!r} has {rows} x {columns} positions at an input_size of ({width}, {height})"
        if self.grid > min(positions):
            raise InputError(f"{found}, too few for grid={self.grid}")
        if self.pooling == "covariance" and count_least(positions, self.grid) * len(VIEWS[self.views]) == 1:
            raise InputError(f'{found}, and pooling="covariance" needs more than one in each cell')

    def learn(self, images: Sequence[Source], y: Any, groups: Any) -> None:
        """Remember which network it is. With int8, quantize it, and check that little is lost."""
        network = resolve(self.network, self.preprocessing)
        self._check_with(network)
        self.network_digest_, self.network_card_ = network.digest, network.card
        self.network_path_ = find_pin(self.network)
        if self.precision == "float32":
            return
        pixels = read_sample(images, network.card.fitting, n_jobs=self.n_jobs, on_error=self.on_error)
        layer = choose_layer(network, self.layer)
        self.quantized_, self.cosine_ = quantize(network, layer, pixels)
        if not self.cosine_ >= _LEAST_COSINE:
            raise InputError(
                f"{layer} of {self.network} loses too much in 8-bit integers: its cosine to the network's own is "
                f'{self.cosine_:.3f}, under {_LEAST_COSINE}; use precision="float32"'
            )

    def bind(self) -> CNNEmbedding:
        """Return a copy that keeps the network as it is now, even if its files change while features are computed.

        It keeps the provider that was found on this machine, too. In another process, the copy raises an error if it
        finds another network, or if that provider is not there.
        """
        if self._bound is not None:
            return self
        network = self.open_network()
        self._check_with(network)
        bound = copy(self)
        bound._bound = network
        bound._provider = self._find_provider(network)
        return bound

    def _find_provider(self, network: Network) -> str:
        """Choose what computes the features on this machine: a name in `PROVIDERS`, but not "auto"."""
        if self._provider is not None:
            return self._provider
        if self.precision == "int8" or self.engine != "onnxruntime":
            return CPU
        return find_provider(network, choose_layer(network, self.layer), self.provider)

    def _open(self) -> Network:
        """Open the network as it is now. A fitted flow takes a relative path or a name of the hub as it was then."""
        return resolve(follow_pin(self.network, getattr(self, "network_path_", None)), self.preprocessing)

    def open_network(self) -> Network:
        """Return the network as it is now; ValueError if the flow was fitted with another one."""
        if self._bound is not None:
            return self._bound
        network = self._open()
        if (digest := getattr(self, "network_digest_", None)) is None:
            return network
        if digest != network.digest:
            raise InputError(
                f"{network.title} is another network than the flow was fitted with: expected SHA-256 {digest}, got "
                f"{network.digest}; put the old file back, or fit the flow again"
            )
        for field in ENTRY:
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
            path = getattr(self, "network_path_", None) or find_pin(self.network)
            state.update(network_digest_=network.digest, network_card_=network.card, network_path_=path)
        return state

    def extract(self, image: LoadedImage, n_threads: int) -> np.ndarray:
        return self.extract_together([self], image, n_threads)[0]

    def cache_key(self) -> dict[str, Any]:
        network = self.open_network()
        preprocessing = tuple(getattr(network.card, field) for field in ENTRY)
        layer = choose_layer(network, self.layer)
        return {
            **super().cache_key(), "layer": layer, "network": network.digest, "preprocessing": preprocessing,
            "provider": self._find_provider(network),
        }

    def networks(self) -> list[NetworkRecord]:
        network = self.open_network()
        card = network.card
        provider = self._find_provider(network)
        return [NetworkRecord(card.name, network.digest, card.license, card.source, provider, card.trained_on)]

    def shared_pass(self) -> Hashable:
        if self.precision == "int8":
            return None  # its graph is its own and ends with its layer
        return self.open_network(), self.engine, self._find_provider(self.open_network())

    @classmethod
    def extract_together(cls, flows: Sequence[CNNEmbedding], image: LoadedImage, n_threads: int) -> list[np.ndarray]:
        return cls.extract_batch(flows, [cls.prepare(flows, image)], n_threads)[0]

    @property
    def batch_size(self) -> int:
        return 1 if self._find_provider(self.open_network()) == CPU else BATCH

    @classmethod
    def prepare(cls, flows: Sequence[CNNEmbedding], image: LoadedImage) -> _Prepared:
        fitting = flows[0].open_network().card.fitting
        views = dict.fromkeys(view for flow in flows for view in VIEWS[flow.views])
        return _Prepared(image.name, {view: view.pixels(image, fitting) for view in views})

    @classmethod
    def extract_batch(
        cls, flows: Sequence[CNNEmbedding], prepared: Sequence[_Prepared], n_threads: int
    ) -> list[list[np.ndarray]]:
        network = flows[0].open_network()
        chosen = [choose_layer(network, flow.layer) for flow in flows]
        session = flows[0]._start(network, chosen, n_threads)
        passes = [(i, view) for i, each in enumerate(prepared) for view in each.pixels]
        pixels = [prepared[i].pixels[view] for i, view in passes]
        found = session.run_many(pixels, [prepared[i].name for i, _ in passes])
        outputs = dict(zip(passes, found))
        return [
            [
                flow._pool(network, layer, [(view, outputs[i, view][layer]) for view in VIEWS[flow.views]], each.name)
                for flow, layer in zip(flows, chosen)
            ]
            for i, each in enumerate(prepared)
        ]

    def _start(self, network: Network, layers: Sequence[str], n_threads: int) -> Session:
        """Start what computes layers, of which there is one with int8."""
        if self.precision == "int8":
            return open_quantized(self.quantized_, network, layers[0], n_threads)
        return start_session(network, tuple(sorted(set(layers))), n_threads, self.engine, self._find_provider(network))

    def locate(self, image: LoadedImage, weights: np.ndarray, n_threads: int = 1) -> Sequence[Placed] | None:
        """Spread linear functions of the features over the positions of the layer; see `Flow`.

        A vector has places if it is the mean of a map on the network's card, as a global pool is. Otherwise, and with
        int8, it has none. The norm, the powers and the decomposition that a pooling uses are held fixed.
        """
        return self.locate_together([self], image, [weights], n_threads)[0]

    @classmethod
    def locate_together(
        cls, flows: Sequence[CNNEmbedding], image: LoadedImage, weights: Sequence[np.ndarray], n_threads: int = 1
    ) -> list[Sequence[Placed] | None]:
        network = flows[0].open_network()
        fitting, size = network.card.fitting, image.size
        found = [flow._layers_with_places(network) for flow in flows]
        session = flows[0]._start(network, [name for layers in found for name in layers], n_threads)
        views = list(dict.fromkeys(view for flow in flows for view in VIEWS[flow.views]))
        outputs = dict(zip(views, session.run_many(
            [view.pixels(image, fitting) for view in views], [image.name] * len(views)
        )))
        located: list[Sequence[Placed] | None] = []
        for flow, (layer, *maps), own in zip(flows, found, weights):
            seen = {view: outputs[view] for view in VIEWS[flow.views]}
            if not network.card.layers[layer].is_map:
                maps = [name for name in maps if all(_is_mean(each[layer], each[name]) for each in seen.values())]
                if not maps:
                    located.append(None)
                    continue
                layer = maps[-1]
            turned = [view.turned_back(output[layer]) for view, output in seen.items()]
            values = locate_pooled(
                turned, flow.pooling, flow.grid, flow.n_channels, own, flow.position_weights(seen, turned[0].shape[1:])
            )
            located.append([Placed(each, place_view(view, fitting, size)) for view, each in zip(seen, values)])
        return located

    def _layers_with_places(self, network: Network) -> list[str]:
        """Return the layer, and for a vector the maps whose mean it may be; with int8 there is only the layer."""
        layers, name = network.card.layers, choose_layer(network, self.layer)
        if layers[name].is_map or self.precision == "int8":
            return [name]
        return [name, *(each for each in layers if layers[each].is_map and layers[each].width == layers[name].width)]

    def _pool(
        self, network: Network, layer: str, outputs: Sequence[tuple[View, np.ndarray]], image: str
    ) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):  # an overflow raises an error below
            turned = [view.turned_back(output) for view, output in outputs]
            weights = self.position_weights([view for view, _ in outputs], turned[0].shape[1:])
            vector = pool(turned, self.pooling, self.grid, self.n_channels, weights)
        if not is_finite(vector):
            raise NetworkOutputError(printable(
                f'{network.title}: pooling="{self.pooling}" of layer {layer!r} of {image} overflows, '
                'because its values are too large; use pooling="max" or another layer', MAX_LENGTH,
            ))
        return vector

    def position_weights(self, views: Iterable[View], shape: tuple[int, ...]) -> list[np.ndarray] | None:
        """Return how much each position of the views' maps counts; None if all count the same.

        Parameters
        ----------
        views : iterable of View
        shape : (int, int)
            Rows and columns of a map; () for a vector.
        """
        if self.center_prior is None:
            return None
        rows, columns = shape
        return [weigh_positions(view, (rows, columns), float(self.center_prior)) for view in views]

    def pack(self, features: np.ndarray) -> np.ndarray:
        """Keep a covariance pool in float16, to which it was rounded already."""
        return features.astype(np.float16) if self.pooling == "covariance" else features

    def unpack(self, packed: np.ndarray) -> np.ndarray:
        return packed.astype(np.float32, copy=False)

    @property
    def layer_name(self) -> str:
        """The name of the layer: `layer`, or the embedding on the network's card."""
        return choose_layer(self.open_network(), self.layer)

    @property
    def n_features_out(self) -> int:
        network = self.open_network()
        width = self.n_channels or network.card.layers[choose_layer(network, self.layer)].width
        if self.pooling == "covariance":
            width = width * (width + 1) // 2
        return width * self.grid**2

    def __sklearn_tags__(self) -> FlowTags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = tags.learns_from_data = self.precision == "int8"
        tags.feature_kind = "unit" if self.pooling == "covariance" else "dense"
        return tags


def _is_mean(vector: np.ndarray, output: np.ndarray) -> bool:
    """Return whether a vector is the mean of a map over its positions, up to rounding."""
    scale = float(np.abs(vector).max())
    return np.allclose(output.mean(axis=(1, 2), dtype=np.float64), vector, rtol=0, atol=_ROUNDING * scale)
