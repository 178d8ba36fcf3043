"""A backbone as a module of torch: pixels in, embeddings out. It imports torch, so import it only where it is used."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .info import BackboneInfo


class Trunk(nn.Module):
    """A network without its classifier.

    Attributes
    ----------
    info : BackboneInfo
        With the width of the embedding.
    stages : list of (str, nn.Module)
        Name and module of each stage, from the input to the output. A backbone of an unknown family is one stage.
        Parameters that are in no stage belong to `pool`.
    """

    info: BackboneInfo
    stages: list[tuple[str, nn.Module]]

    def enter(self, pixels: torch.Tensor) -> torch.Tensor:
        """Normalize pixels: uint8 RGB (n, height, width, 3) -> float32 (n, 3, height, width), channels last."""
        raise NotImplementedError

    def run(self, x: torch.Tensor, start: int = 0, stop: int | None = None) -> torch.Tensor:
        """Run the stages from `start` up to `stop`; by default all."""
        for _, stage in self.stages[start:stop]:
            x = stage(x)
        return x

    def pool(self, x: torch.Tensor) -> torch.Tensor:
        """Make the embedding, of shape (n, width), of what the last stage returns."""
        raise NotImplementedError

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Compute embeddings: uint8 RGB (n, height, width, 3) -> (n, width)."""
        return self.pool(self.run(self.enter(pixels)))

    def to_onnx(self) -> tuple[bytes, dict[str, Any]]:
        """Return the network as an ONNX file, and the fields of its card."""
        raise NotImplementedError
