"""Pretrained networks as ONNX graphs: what is known of each, where its weights come from, and how to run it.

``python -m twoflow.networks`` lists them.
"""

from .card import Layer, NetworkCard
from .catalog import NETWORKS, get_card
from .session import open_session

__all__ = ["NETWORKS", "Layer", "NetworkCard", "get_card", "open_session"]
