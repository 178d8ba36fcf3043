"""The network of `ConvNetClassifier` and its batches. It imports torch, so it is imported only when it is used."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

#: The channels of the four blocks. Nothing here was tuned, because the paper's method was not tuned either.
WIDTHS = (32, 64, 128, 256)


class Network(nn.Module):
    """A small convolutional network.

    It has four blocks of a 3 x 3 convolution, batch norm, 2 x 2 max pooling and ReLU. The mean over positions and one
    dense layer follow.

    Parameters
    ----------
    n_classes : int
        The number of scores that the network returns for an image.
    seed : int
        The seed of the random weights; 0 by default. Torch's global random state is neither used nor changed.
    """

    def __init__(self, n_classes: int, seed: int = 0) -> None:
        super().__init__()
        blocks, channels = [], 3
        for width in WIDTHS:
            # skip_init, because a layer's own initialization would draw from the global random state.
            convolution = nn.utils.skip_init(nn.Conv2d, channels, width, 3, padding=1, bias=False)
            # ReLU and maximum can be swapped. After the pooling, ReLU has a quarter of the values to compute.
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
        """Compute the scores of the classes.

        Parameters
        ----------
        pixels : tensor of shape (n, height, width, 3) and dtype uint8
            RGB. Only one batch at a time becomes float32, so the other images need one byte for each value.

        Returns
        -------
        tensor of shape (n, n_classes)
        """
        # `permute` changes no memory: the channels stay last, as in the images. On CPUs that is a quarter faster.
        values = pixels.permute(0, 3, 1, 2).float().sub_(127.5).div_(127.5)
        return self.decide(self.features(values).mean(dim=(2, 3)))


class Batches:
    """Iterate over a data set of pixels and classes in batches.

    It replaces torch's `DataLoader`, which takes images one by one and draws from the global random state.

    Parameters
    ----------
    dataset : TensorDataset
        The pixels and the positions of the classes.
    batch_size : int
        How many images a batch has; the last batch may have fewer.
    generator : torch.Generator, optional
        It draws a new order for each iteration. None by default: the order of the data set.
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


def probabilities(network: Network, pixels: np.ndarray, batch_size: int, device: torch.device) -> np.ndarray:
    """Compute the probability of each class.

    Parameters
    ----------
    network : Network
        It is moved to `device`.
    pixels : ndarray of shape (n, height, width, 3) and dtype uint8
        RGB.
    batch_size : int
        How many images are computed at once. It changes the memory that is needed, and the result by rounding only.
    device : torch.device
        Where to compute.

    Returns
    -------
    ndarray of shape (n, n_classes) and dtype float32
    """
    network.to(device).eval()
    with torch.inference_mode():
        batches = [
            network(batch.to(device)).softmax(dim=1).cpu() for batch in torch.from_numpy(pixels).split(batch_size)
        ]
    return torch.cat(batches).numpy()
