"""The network of `ConvNetClassifier`, and what feeds it. Needs torch: imported only where it is used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from ..errors import InputError

#: Channels of the four blocks. Nothing here was tuned: the paper's row is not either.
WIDTHS = (32, 64, 128, 256)


class Network(nn.Module):
    """Four blocks (3 x 3 convolution, batch norm, 2 x 2 max pool, ReLU), the mean over positions, one dense layer.

    Parameters
    ----------
    n_classes : int
    seed : int
        Draws the weights, without touching torch's global random state.
    """

    def __init__(self, n_classes: int, seed: int = 0) -> None:
        super().__init__()
        blocks, channels = [], 3
        for width in WIDTHS:
            # A layer that initializes itself would draw from the global random state.
            convolution = nn.utils.skip_init(nn.Conv2d, channels, width, 3, padding=1, bias=False)
            # A ReLU after the maximum gives what one before it would, of a quarter of the values.
            blocks += [convolution, nn.BatchNorm2d(width), nn.MaxPool2d(2), nn.ReLU(inplace=True)]
            channels = width
        self.features = nn.Sequential(*blocks)
        self.decide = nn.utils.skip_init(nn.Linear, channels, n_classes)
        generator = torch.Generator().manual_seed(seed)
        for module in self.features:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
        nn.init.xavier_uniform_(self.decide.weight, generator=generator)
        nn.init.zeros_(self.decide.bias)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """The score of each class, of shape (n, n_classes).

        Parameters
        ----------
        pixels : tensor of shape (n, height, width, 3) and dtype uint8
            Converted here, a batch at a time, so that all images are kept in one byte a value.
        """
        # The channels stay last all the way through, as images lie in memory: on CPUs a quarter faster.
        values = pixels.permute(0, 3, 1, 2).float().sub_(127.5).div_(127.5)
        return self.decide(self.features(values).mean(dim=(2, 3)))


class Batches:
    """Batches of a data set of pixels and classes, in its order or in one drawn anew each time.

    In place of torch's `DataLoader`, which takes images one by one and draws from the global random state.

    Parameters
    ----------
    dataset : TensorDataset
    batch_size : int
    generator : torch.Generator, optional
        Draws the order.
    """

    def __init__(
        self, dataset: torch.utils.data.TensorDataset, batch_size: int, generator: torch.Generator | None = None
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.generator = generator

    def __len__(self) -> int:
        return -(-len(self.dataset) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[torch.Tensor, ...]]:
        n = len(self.dataset)
        order = torch.arange(n) if self.generator is None else torch.randperm(n, generator=self.generator)
        return (self.dataset[positions] for positions in order.split(self.batch_size))


def pick_device(device: str) -> torch.device:
    """The device of this name; "auto" is a GPU if torch finds one, else the CPU.

    Raises
    ------
    ValueError
        If torch knows no such device, or finds none here.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:  # torch raises either, and many lines
        reason = str(error).splitlines()[0]
        raise InputError(f"device {device!r} cannot be used here: {reason}") from error


def probabilities(network: Network, pixels: np.ndarray, batch_size: int, device: torch.device) -> np.ndarray:
    """The probability of each class, of shape (n, n_classes) and dtype float32.

    Parameters
    ----------
    network : Network
    pixels : ndarray of shape (n, height, width, 3) and dtype uint8
    batch_size : int
    device : torch.device
    """
    network.to(device).eval()
    with torch.inference_mode():
        batches = [
            network(batch.to(device)).softmax(dim=1).cpu() for batch in torch.from_numpy(pixels).split(batch_size)
        ]
    return torch.cat(batches).numpy()


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Let torch use this many threads, or as many as it was left with if that is less."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(n, before))
    try:
        yield
    finally:
        torch.set_num_threads(before)
