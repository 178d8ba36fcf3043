"""Backbones: pretrained networks that are trained further.

Importing this package does not import torch. `loading.load_trunk` does, so import it where it is used.
"""

from .describing import describe_backbone
from .info import BackboneInfo
from .table import BACKBONES, Backbone

__all__ = ["BACKBONES", "Backbone", "BackboneInfo", "describe_backbone"]
