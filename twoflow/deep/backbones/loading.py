"""Load a backbone into torch. It imports torch, so import it only where it is used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ...networks.catalog import read_weights
from ...networks.lite import VARIANTS
from .describing import Examined, examine
from .lite import LiteTrunk
from .table import LITE
from .trunk import Trunk


def load_trunk(
    name: str | os.PathLike, *, pretrained: bool = True, input_size: tuple[int, int] | None = None, seed: int = 0
) -> Trunk:
    """Load a backbone by its name.

    Parameters
    ----------
    name, pretrained, input_size
        See `describe_backbone`.
    seed : int, default=0
        Draws the weights if `pretrained` is False, and has no effect otherwise. Torch's global random state is neither
        used nor changed.

    Returns
    -------
    Trunk
        On the CPU, in evaluation mode, with float32 weights.

    Raises
    ------
    ValueError, ModuleNotFoundError, ConnectionError
        As `describe_backbone`; and if the weights do not belong to the network.
    """
    found = examine(name, input_size, pretrained)
    with _seeded(seed):
        if found.info.kind == LITE:
            return _load_lite(found)
        from .transformers_trunk import load

        return load(found)


def _load_lite(found: Examined) -> Trunk:
    info = found.info
    variant = VARIANTS[info.name]._replace(size=info.input_size)
    return LiteTrunk(info, variant, None if found.is_random else read_weights(info.name)).eval()


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Draw from a seed inside the ``with`` block, and give torch its random state back."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
