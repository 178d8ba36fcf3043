"""Save the network that a model has trained, so that other models take its features."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from .._files import expand, reason_of, write_file
from .._text import counted
from ..errors import InputError, OutsideError
from ..models.model_file.portable import make_portable
from ..networks.card_file import MAX_CARD_BYTES
from ..networks.carried import CarriedNetwork
from .trained_network import CARD, NETWORK


def save_network(model: Any, folder: str | os.PathLike) -> Path:
    """Save the network that a fitted model has trained as an ONNX file with a card.

    ``CNNEmbedding(folder)`` then takes its features, without torch. The card has digests of the images that it was
    trained on, held-out ones included, so that a comparison refuses to test it on them.

    Parameters
    ----------
    model : estimator
        A fitted `FineTunedClassifier` or `FineTunedFlow`, or a fitted model with one inside, such as that of a model
        file.
    folder : str or path
        It is created if it does not exist. It gets ``network.onnx`` and ``network.card.json``; each is written
        completely or not at all, the card first.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ValueError
        If the model has trained no network or several, or their card would be too large.
    OSError
        If the folder contains another network or card, or cannot be written.

    Examples
    --------
    >>> from twoflow import CNNEmbedding
    >>> CNNEmbedding("mine/")  # after save_network(model, "mine/")
    CNNEmbedding(network='mine/')
    """
    network = find_trained_network(model)
    folder = expand(folder)
    graph, card = (network.read(Path(name)).data for name in (network.name, network.card))
    if len(card) > MAX_CARD_BYTES:
        raise InputError(f"expected a card of at most {MAX_CARD_BYTES} bytes, got {len(card)}; train on fewer images")
    files = {CARD: card, NETWORK: graph}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [path.name for path in sorted(folder.glob("*.onnx")) if path.name != NETWORK]
        changed = [name for name, content in files.items() if _has_other(folder / name, content)]
        if others or changed:
            raise OutsideError(
                f"{folder}: expected a folder without another network, got {', '.join([*others, *changed])}; name "
                "another folder, or remove these files"
            )
        for name, content in files.items():
            write_file(folder / name, content)
    except OutsideError:
        raise
    except OSError as error:
        raise OutsideError(f"cannot write to {folder}: {reason_of(error)}; name another folder") from error
    return folder


def find_trained_network(model: Any) -> CarriedNetwork:
    """Return the one network that a fitted model has trained; ValueError if there is none, or several."""
    found: dict[str, CarriedNetwork] = {}

    def note(part: Any) -> None:
        card, network = getattr(part, "network_card_", None), getattr(part, "network", None)
        if card is not None and card.trained_on and isinstance(network, CarriedNetwork):
            found[network.key] = network

    make_portable(model, lambda network: network, note)
    if len(found) != 1:
        raise InputError(
            f"expected a model that has trained one network, such as a fitted FineTunedClassifier, got a "
            f"{type(model).__name__} with {counted(len(found), 'trained network') if found else 'none'}; pass another"
        )
    return found.popitem()[1]


def _has_other(path: Path, content: bytes) -> bool:
    """Return whether there is a file of this name with another content."""
    return os.path.lexists(path) and path.read_bytes() != content
