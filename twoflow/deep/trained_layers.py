"""The flows of the layers of one network, which is trained or is going to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..errors import InputError
from ..flows import CNNEmbedding
from ..networks import NETWORKS, NetworkLike, resolve
from ..networks.catalog import choose_layer
from .backbones import describe_backbone


class Layers(NamedTuple):
    """Which layers of a network become features, and how.

    Attributes
    ----------
    names : sequence of str or None
        None is the embedding alone.
    pooling : str
    n_channels : int or None
        These two hold for layers that are maps; see `CNNEmbedding`.
    views : str
    center_prior : float or None
        For layers that are maps, as pooling and n_channels.
    """

    names: Sequence[str] | None
    pooling: str
    n_channels: int | None
    views: str
    center_prior: float | None

    def flows_of(self, network: NetworkLike, preprocessing: Mapping[str, Any] | None = None) -> list[CNNEmbedding]:
        """Return a flow for each layer of a network, not fitted; they make one pass together.

        Raises
        ------
        ValueError
            If the network has no such layer, or the pooling suits none of them.
        """
        opened = resolve(network, preprocessing)
        given = None if preprocessing is None else dict(preprocessing)
        chosen = [choose_layer(opened, name) for name in self.names or (None,)]
        are_maps = [opened.card.layers[name].is_map for name in chosen]
        if not any(are_maps) and not self._is_plain:
            raise InputError(
                f"pooling: expected a layer that is a map, got only vectors ({', '.join(chosen)}); name other layers, "
                'or leave pooling="mean", n_channels=None and center_prior=None'
            )
        flows = [
            CNNEmbedding(
                network, name, pooling=self.pooling if is_map else "mean",
                n_channels=self.n_channels if is_map else None, views=self.views,
                center_prior=self.center_prior if is_map else None, preprocessing=given,
            )
            for name, is_map in zip(chosen, are_maps)
        ]
        for flow in flows:
            flow.check_parameters()
        return flows

    def count_features(
        self, backbone: Any, input_size: Any, pretrained: bool, preprocessing: Mapping[str, Any] | None = None
    ) -> int:
        """Return the number of features that a backbone is going to give once it is trained.

        Parameters
        ----------
        backbone, input_size, pretrained
            See `FineTunedClassifier`.
        preprocessing : mapping, optional
            How images enter the trained network. Default: as in the training.

        Returns
        -------
        int

        Raises
        ------
        ValueError
            Also if other features are asked for than the embedding, and the backbone is no EfficientNet-Lite.
        """
        if backbone in NETWORKS:
            trained = {} if input_size is None else {"input_size": tuple(input_size)}
            entry = {**trained, **(preprocessing or {})} or None
            return sum(flow.n_features_out for flow in self.flows_of(backbone, entry))
        info = describe_backbone(str(backbone), input_size, pretrained=pretrained)
        if self.names is not None or not self._is_plain:
            raise InputError(
                f'layers: expected None and pooling="mean" for {info.name}, whose embedding alone can be taken, got '
                f"{self.names} and {self.pooling!r}; leave them out, or train an EfficientNet-Lite"
            )
        if info.width is None:
            raise InputError(
                f"{info.name}: expected a backbone of a known family, whose embedding has a known width, got "
                f"{info.kind!r}; use another backbone"
            )
        return info.width

    @property
    def _is_plain(self) -> bool:
        return self.pooling == "mean" and self.n_channels is None and self.center_prior is None
