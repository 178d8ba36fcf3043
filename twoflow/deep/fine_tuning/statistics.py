"""Learn the statistics of batch norm from shards of a batch."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

#: How much of a step's statistics enters the running ones. Networks that were trained for days have less, but a few
#: hundred steps must be enough here.
_MOMENTUM = 0.1


class LearnedStatistics:
    """Give each shard of a batch a copy of the trunk that normalizes by the statistics of the shard.

    This is ghost batch norm (Hoffer, Hubara & Soudry, 2017, https://doi.org/10.48550/arXiv.1705.08741). The copies
    share all weights, and have running statistics of their own. After each step the trunk gets their mean, in the order
    of the shards; so it does not depend on the number of threads.

    Parameters
    ----------
    trunk : Trunk
    n_shards : int
        The largest number of shards in a batch.
    """

    def __init__(self, trunk: Any, n_shards: int) -> None:
        self._trunk = trunk
        weights = {id(weight): weight for weight in trunk.parameters()}
        self._copies = [copy.deepcopy(trunk, dict(weights)) for _ in range(n_shards)]
        for each in self._copies:
            for norm in _norms(each):
                norm.train()
                norm.momentum = _MOMENTUM

    def trunk_of(self, shard: int) -> Any:
        """Return the trunk for a shard, with the running statistics of the last step."""
        own = self._copies[shard]
        for ours, theirs in zip(_running(own), _running(self._trunk)):
            ours.copy_(theirs)
        return own

    def merge(self, n_shards: int) -> None:
        """Give the trunk the mean statistics of the first shards."""
        for merged, *found in zip(*map(_running, [self._trunk, *self._copies[:n_shards]])):
            merged.copy_(torch.stack(found).mean(dim=0))


class FixedStatistics:
    """Let all shards use the trunk itself, with the statistics that it came with."""

    def __init__(self, trunk: Any) -> None:
        self._trunk = trunk

    def trunk_of(self, shard: int) -> Any:
        return self._trunk

    def merge(self, n_shards: int) -> None:
        pass


def _norms(trunk: nn.Module) -> list[_BatchNorm]:
    return [module for module in trunk.modules() if isinstance(module, _BatchNorm)]


def _running(trunk: nn.Module) -> list[torch.Tensor]:
    """Return the running means and variances of all batch norms."""
    found = [each for norm in _norms(trunk) for each in (norm.running_mean, norm.running_var)]
    return [each for each in found if each is not None]
