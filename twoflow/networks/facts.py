"""Find what there is to say about a network, for people: ``twoflow networks``."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from .card import NetworkCard
from .carried import NetworkLike
from .catalog import NETWORKS, find_weights, resolve
from .network import Network
from .providers import choose
from .session import find_provider


class NetworkFacts(NamedTuple):
    """What there is to say about a network.

    Attributes
    ----------
    card : NetworkCard
    state : {"installed", "not installed", "in files"}
        "installed" if pip has installed the weights of a network with a name, "not installed" if they are missing.
    n_bytes : int or None
        The size of all its files; None if they are not there.
    weights : mapping of str to int, or None
        How many weights it takes to compute the embedding, by their data type, such as "float32". None if the weights
        are not there, or the network has no embedding.
    outputs : tuple of str
        The layers that the network itself returns.
    provider : str
        What runs it on this machine, such as "cpu".
    """

    card: NetworkCard
    state: str
    n_bytes: int | None
    weights: Mapping[str, int] | None
    outputs: tuple[str, ...]
    provider: str

    @property
    def main_layers(self) -> list[str]:
        """The layers that a person asks for: the embedding, the stages, the outputs, and those with a meaning."""
        wanted = {self.card.embedding, "global_pool", "cls", "tokens", *self.card.stages, *self.outputs}
        return [name for name in self.card.layers if name in wanted]


def look_at(network: NetworkLike) -> NetworkFacts:
    """Open a network, and find what there is to say about it.

    Parameters
    ----------
    network : str, path or CarriedNetwork
        See `twoflow.CNNEmbedding`.

    Returns
    -------
    NetworkFacts

    Raises
    ------
    ValueError, ModuleNotFoundError
        If there is no such network, or it cannot be used; see `resolve`.
    """
    opened = resolve(network)
    if isinstance(network, str) and network in NETWORKS:
        path = find_weights(network)
        state, n_bytes = ("not installed", None) if path is None else ("installed", path.stat().st_size)
    else:
        state, n_bytes = "in files", opened.n_bytes
    embedding, weights, provider = opened.card.embedding, None, choose()
    if n_bytes is not None and embedding is not None:
        weights, provider = _count_weights(opened, embedding), find_provider(opened, embedding)
    return NetworkFacts(opened.card, state, n_bytes, weights, opened.outputs, provider)


def _count_weights(network: Network, layer: str) -> Mapping[str, int]:
    from onnx import TensorProto

    counts: Counter[str] = Counter()
    for tensor in network.build((layer,)).graph.initializer:
        name = TensorProto.DataType.Name(tensor.data_type).lower()
        counts[{"float": "float32", "double": "float64"}.get(name, name)] += math.prod(tensor.dims)
    counts.pop("int64", None)  # shapes and axes
    return dict(counts.most_common())
