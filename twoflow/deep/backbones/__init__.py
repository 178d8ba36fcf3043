"""Backbones: pretrained networks that are trained further.

A *backbone* is such a network by its name: its card and its weights. A *trunk* is that network in torch, without its
classifier: images in, embeddings out. Training changes the trunk; what it becomes is exported as a network.

Importing this package does not import torch. `loading.load_trunk` does, so import it where it is used.
"""

from .describing import describe_backbone
from .info import BackboneInfo
from .table import BACKBONES, Backbone

__all__ = ["BACKBONES", "Backbone", "BackboneInfo", "describe_backbone"]
