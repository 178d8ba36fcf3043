"""Pretrained networks: what is known about each, where its weights come from, and how to run it.

``twoflow networks`` lists them.
"""

from .card import Layer, NetworkCard
from .carried import CarriedNetwork, NetworkLike
from .catalog import NETWORKS, find_weights, get_card, require_layer, resolve
from .errors import NetworkOutputError
from .network import Network
from .session import ENGINES, open_session
from .several import NetworksLike, list_networks, name_networks

__all__ = [
    "ENGINES", "NETWORKS", "CarriedNetwork", "Layer", "Network", "NetworkCard", "NetworkLike", "NetworkOutputError",
    "NetworksLike", "find_weights", "get_card", "list_networks", "name_networks", "open_session", "require_layer",
    "resolve",
]
