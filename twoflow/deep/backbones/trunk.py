"""A backbone as a module of torch: pixels in, embeddings out. It imports torch, so import it only where it is used."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from .info import BackboneInfo


class Trunk(nn.Module):
    """A network without its classifier; `loading.load_trunk` makes one.

    Its state dict has the weights by the names of the network's own library. The statistics of its batch norms are
    those of any module: ``train()`` and ``eval()`` of the trunk, or of the module of one stage, switch them.

    Parameters
    ----------
    info : BackboneInfo
        With the width of the embedding.
    network : nn.Module
        All weights.
    stages : sequence of nn.Module
        The parts of it that are run one after the other.

    Attributes
    ----------
    info : BackboneInfo
    stages : list of (str, nn.Module)
        Name and module of each stage, from the input to the output. A backbone of an unknown family is one stage,
        "network". Parameters that are in no stage belong to `pool`.
    """

    _mean: torch.Tensor
    _scale: torch.Tensor

    def __init__(self, info: BackboneInfo, network: nn.Module, stages: Sequence[nn.Module]) -> None:
        super().__init__()
        self.info = info
        self.network = network
        # A list, which torch does not look into: the stages share their weights with the network.
        self.stages = list(zip(info.stages or ("network",), stages, strict=True))
        for name in ("mean", "scale"):
            values = torch.as_tensor(info.entry[name], dtype=torch.float32).expand(3).reshape(3, 1, 1)
            self.register_buffer(f"_{name}", values.clone(), persistent=False)
        self._order = [2, 1, 0] if info.entry["channels"] == "BGR" else None

    def enter(self, pixels: torch.Tensor) -> torch.Tensor:
        """Normalize pixels.

        Parameters
        ----------
        pixels : tensor of shape (n, height, width, 3) and dtype uint8, or float from 0 to 255
            RGB, of the size `info.input_size`.

        Returns
        -------
        tensor of shape (n, 3, height, width) and dtype float32
            With the channels last in memory, which is faster.
        """
        values = pixels.permute(0, 3, 1, 2).float()
        if self._order is not None:
            values = values[:, self._order]
        values = (values - self._mean) / self._scale
        return values.contiguous(memory_format=torch.channels_last)

    def run(self, x: torch.Tensor, start: int = 0, stop: int | None = None) -> torch.Tensor:
        """Run the stages from `start` up to `stop`; by default all."""
        for _, stage in self.stages[start:stop]:
            x = stage(x)
        return x

    @abstractmethod
    def pool(self, x: torch.Tensor) -> torch.Tensor:
        """Make the embedding, of shape (n, width), of what the last stage returns."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Compute embeddings of shape (n, width); see `enter` for the pixels."""
        return self.pool(self.run(self.enter(pixels)))

    def to_onnx(self) -> tuple[bytes, dict[str, Any]]:
        """Write the network as it is now.

        Returns
        -------
        graph : bytes
            An ONNX file for a batch of any size and images of `info.input_size`, as float32. Its outputs are the
            stages and the embedding, by the names in `info`. Batch norm and dropout are as in evaluation mode.
        card : dict of str to value
            The fields of its card, which `twoflow.networks.card_file.check_fields` accepts.
        """
        modes = [(module, module.training) for module in self.modules()]
        self.eval()
        try:
            return self._graph(), self.info.card_fields()
        finally:
            for module, mode in modes:
                module.training = mode

    @abstractmethod
    def _graph(self) -> bytes:
        """Write the network, which is in evaluation mode, as an ONNX file."""
