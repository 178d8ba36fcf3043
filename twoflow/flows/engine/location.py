"""Ask several flows where the parts of scores lie in an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...images import LoadedImage
from ..contract import FlowContract
from ..placing import Placed
from .extraction import group_passes


def locate(
    flows: Sequence[FlowContract], image: LoadedImage, weights: Sequence[np.ndarray], n_threads: int
) -> list[Sequence[Placed] | None]:
    """Spread linear functions of features over an image; flows that share a pass make it once.

    Parameters
    ----------
    flows : sequence of n flows
        Fitted.
    image : LoadedImage
    weights : sequence of n ndarray of shape (n_functions, n_features_out)
    n_threads : int
        How many threads a flow may use.

    Returns
    -------
    list of n
        See `twoflow.flows.contract.FlowContract.locate`.
    """
    located: list[Sequence[Placed] | None] = [None] * len(flows)
    for numbers in group_passes(flows):
        together = [flows[i] for i in numbers]
        found = type(together[0]).locate_together(together, image, [weights[i] for i in numbers], n_threads)
        for i, each in zip(numbers, found):
            located[i] = each
    return located
