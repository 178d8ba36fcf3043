"""Keep a trained trunk as the files of a network in memory, without torch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ..networks.carried import CarriedNetwork

#: The names of the files, which `CNNEmbedding` finds in a folder.
NETWORK, CARD = "network.onnx", "network.card.json"

if TYPE_CHECKING:
    from .backbones.trunk import Trunk


def carry_trunk(trunk: Trunk, trained_on: str) -> CarriedNetwork:
    """Export a trunk to ONNX, with a card that says how images enter, and where its weights come from.

    Parameters
    ----------
    trunk : Trunk
        On the CPU, and in evaluation mode.
    trained_on : str
        The images that it was trained on, for the card; see `twoflow.networks.trained_on.digest_images`.

    Returns
    -------
    CarriedNetwork
    """
    graph, fields = trunk.to_onnx()
    card = json.dumps({**fields, "trained_on": trained_on}, indent=1, sort_keys=True).encode()
    return CarriedNetwork(NETWORK, [(NETWORK, graph), (CARD, card)])
