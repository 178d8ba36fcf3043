"""What the trained part of a trunk is given for an image: computed anew each time, or once and kept.

Where the first stages are frozen, their output for an image is the same in each epoch, unless augmentation changes the
image.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from ..._progress import phase
from .augmentation import Augmentation
from .memory import free_disk, free_memory
from .workers import Workers, split_evenly

_SHARE = 4  # keep at most a quarter of the free memory, or of the free disk
_AT_A_TIME = 256  # images between two steps of progress


class Halves(NamedTuple):
    """A trunk in two parts: stages that are frozen, and those that are trained.

    Attributes
    ----------
    trunk : Trunk
    n_frozen : int
        How many of the first stages are frozen. If all are, so is the pooling behind them.
    device : torch.device
    mixed : torch.dtype or None
        The type of 16 bits to compute in; None computes in float32.
    """

    trunk: Any
    n_frozen: int
    device: torch.device
    mixed: torch.dtype | None

    @property
    def is_frozen(self) -> bool:
        """Whether the whole trunk is frozen."""
        return self.n_frozen == len(self.trunk.stages)

    @property
    def weights(self) -> dict[str, torch.nn.Parameter]:
        """The weights to train, by name."""
        if self.is_frozen:
            return {}
        frozen = {id(weight) for _, stage in self.trunk.stages[: self.n_frozen] for weight in stage.parameters()}
        return {name: weight for name, weight in self.trunk.named_parameters() if id(weight) not in frozen}

    def run_frozen(self, pixels: torch.Tensor) -> torch.Tensor:
        """Compute the frozen part; see `Trunk.enter` for the pixels."""
        with torch.no_grad(), self._autocast():
            x = self.trunk.run(self.trunk.enter(pixels), 0, self.n_frozen)
            return self.trunk.pool(x).float() if self.is_frozen else x.float()

    def run_trained(self, x: torch.Tensor, trunk: Any) -> torch.Tensor:
        """Compute embeddings, float32, from what `run_frozen` returned; `trunk` has the weights."""
        if self.is_frozen:
            return x
        with self._autocast():
            return trunk.pool(trunk.run(x, self.n_frozen)).float()

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=self.mixed, enabled=self.mixed is not None)


class FreshInputs:
    """Augment images and compute the frozen part each time.

    Parameters
    ----------
    halves : Halves
    pixels : ndarray of shape (n, height, width, 3) and dtype uint8
    augmentation : Augmentation
    """

    def __init__(self, halves: Halves, pixels: np.ndarray, augmentation: Augmentation) -> None:
        self._halves = halves
        self._pixels = pixels
        self._augmentation = augmentation

    def take(self, rows: np.ndarray, drawn: torch.Tensor | None = None) -> torch.Tensor:
        """Return the inputs of some images.

        Parameters
        ----------
        rows : ndarray of int and shape (n_rows,)
        drawn : tensor of shape (n_rows, n_drawn), optional
            The changes of each image; see `Augmentation.draw`. None changes nothing.

        Returns
        -------
        tensor of shape (n_rows, ...) and dtype float32
        """
        pixels = torch.from_numpy(self._pixels[rows]).to(self._halves.device)
        if drawn is not None and (self._augmentation.moves or self._augmentation.colors):
            batch = pixels.permute(0, 3, 1, 2).float() / 255
            pixels = self._augmentation.apply(batch, drawn).permute(0, 2, 3, 1) * 255
        return self._halves.run_frozen(pixels)


class KeptInputs:
    """Look up what the frozen part returned for each image and, if images are mirrored, for its mirror image.

    Parameters
    ----------
    halves : Halves
    kept : ndarray of shape (n, n_sides, ...)
        Channels last. Side 1 is the mirror image.
    augmentation : Augmentation
    """

    def __init__(self, halves: Halves, kept: np.ndarray, augmentation: Augmentation) -> None:
        self._halves = halves
        self._kept = kept
        self._augmentation = augmentation

    def take(self, rows: np.ndarray, drawn: torch.Tensor | None = None) -> torch.Tensor:
        """Return the inputs of some images; see `FreshInputs.take`."""
        sides = 0 if drawn is None else self._augmentation.mirrors(drawn).numpy().astype(int)
        found = torch.from_numpy(np.asarray(self._kept[rows, sides], np.float32)).to(self._halves.device)
        return found.permute(0, 3, 1, 2) if found.ndim == 4 else found


def make_inputs(
    halves: Halves, pixels: np.ndarray, augmentation: Augmentation, workers: Workers, *, verbose: bool
) -> FreshInputs | KeptInputs:
    """Compute the frozen part for all images where it can be kept, and otherwise whenever it is needed.

    It is kept as float32 in a quarter of the free memory, or else as float16 in an unnamed file of a quarter of the
    free disk. If neither is large enough, or if augmentation does more than mirror, it is computed in each epoch.
    """
    fresh = FreshInputs(halves, pixels, Augmentation())
    if halves.n_frozen == 0 or not augmentation.only_mirrors:
        return FreshInputs(halves, pixels, augmentation)
    sides: list[Callable[[torch.Tensor], torch.Tensor]] = [lambda x: x]
    if augmentation.mirror:
        sides.append(lambda x: x.flip(2))
    first = _channels_last(fresh.take(np.arange(1)))
    kept = _allocate((len(pixels), len(sides), *first.shape[1:]))
    if kept is None:
        return FreshInputs(halves, pixels, augmentation)

    def fill(_: int, rows: np.ndarray) -> None:
        shown = torch.from_numpy(pixels[rows]).to(halves.device)
        for side, turn in enumerate(sides):
            kept[rows, side] = _channels_last(halves.run_frozen(turn(shown))).cpu().numpy()

    with phase("frozen stages", len(pixels), "images", verbose=verbose) as shown:
        for part in split_evenly(np.arange(len(pixels)), _AT_A_TIME):
            workers.run(fill, part)
            shown.update(len(part))
    return KeptInputs(halves, kept, augmentation)


def _channels_last(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 2, 3, 1) if x.ndim == 4 else x


def _allocate(shape: tuple[int, ...]) -> np.ndarray | None:
    """Return memory, or a file, for the values of a shape; None if there is not enough of either."""
    n_values = int(np.prod(shape, dtype=np.int64))
    memory = free_memory(torch.device("cpu"))
    if memory is None or n_values * 4 * _SHARE <= memory:
        return np.empty(shape, np.float32)
    if n_values * 2 * _SHARE <= free_disk():
        with tempfile.TemporaryFile() as file:  # the system keeps it as long as it is mapped
            return np.memmap(file, np.float16, "w+", shape=shape)
    return None
