"""Pretrained networks: what is known of each, where its weights come from, and how to run it.

``twoflow networks`` lists them.
"""

from .card import Layer, NetworkCard
from .catalog import NETWORKS, get_card
from .errors import NetworkOutputError
from .session import ENGINES, open_session

__all__ = ["ENGINES", "NETWORKS", "Layer", "NetworkCard", "NetworkOutputError", "get_card", "open_session"]
