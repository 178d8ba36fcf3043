"""Refuse to test a method on images that one of its networks was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .._text import counted, printable
from ..errors import InputError
from ..images import ImageCollection
from ..images.naming import name_images
from ..models import Parts
from ..models.model_file.portable import make_portable
from ..networks import list_networks, resolve
from ..networks.trained_on import find_trained_on
from .duplicates import Duplicates
from .folds import Fold

_LENGTH = 60  # of a name in a message


def check_trained_images(
    methods: Mapping[str, Parts], collection: ImageCollection, digests: Sequence[bytes], duplicates: Duplicates,
    folds: Iterable[Fold], *, may_be_tested: bool = False,
) -> list[str]:
    """Raise an error if a fold tests a method on images that one of its networks was trained on.

    The networks' cards have digests of these images; see `twoflow.networks.trained_on`. Networks that are trained
    inside the folds are not affected, and training images may be among them.

    Parameters
    ----------
    methods : mapping of str to Parts
    collection : ImageCollection
    digests : sequence of n bytes
        The digest of each image's content.
    duplicates : Duplicates
        The duplicates among the images.
    folds : iterable of Fold
    may_be_tested : bool, default=False
        Return a note instead of the error.

    Returns
    -------
    list of str
        Notes: that scores are too optimistic, because such images are tested, or images that look like them.

    Raises
    ------
    ValueError
        For the first method and network with such images.
    """
    is_tested = np.zeros(len(collection), dtype=bool)
    for fold in folds:
        is_tested[fold.test] = True
    notes: dict[str, None] = {}
    for method, parts in methods.items():
        for network, trained_on in dict.fromkeys(_trained_networks(parts)):
            is_known = find_trained_on(trained_on, digests)
            found = np.flatnonzero(is_known & is_tested)
            images = counted(len(found), "test image")
            shown = printable(network, _LENGTH)
            if len(found) and not may_be_tested:
                first = printable(name_images(collection.images)[found[0]], _LENGTH)
                raise InputError(
                    f"{method}: expected test images that the network {shown} was not trained on, got {images} that it "
                    f"was trained on, the first {first}; train it inside the folds with FineTunedFlow, or test on "
                    "other images"
                )
            if len(found):
                notes[f"{images} are among those that the network {shown} was trained on, so the accuracy on new "
                      "images will be lower than what was measured"] = None
            elif n_alike := _count_alike(is_known, is_tested, duplicates):
                notes[f"{counted(n_alike, 'test image looks', 'test images look')} like images that the network "
                      f"{shown} was trained on, so scores may be too optimistic"] = None
    return list(notes)


def _count_alike(is_known: np.ndarray, is_tested: np.ndarray, duplicates: Duplicates) -> int:
    """Count the tested images that form a pair of duplicates with an image that a network was trained on."""
    pairs = np.concatenate([duplicates.pairs, duplicates.pairs[:, ::-1]])
    alike = pairs[is_known[pairs[:, 0]] & is_tested[pairs[:, 1]], 1]
    return len(np.unique(alike))


def _trained_networks(parts: Parts) -> Iterator[tuple[str, str]]:
    """Yield name and digests of each network of a method that twoflow has trained."""
    for _, flow in parts.flows:
        for record in flow.networks():
            if record.trained_on:
                yield record.name, record.trained_on
    cards = []

    def note(part: Any) -> None:
        if (card := getattr(part, "network_card_", None)) is not None:  # of a fitted flow in a frozen model
            cards.append(card)
        elif hasattr(part, "get_params") and (network := getattr(part, "network", None)) is not None:
            given = getattr(part, "preprocessing", None)
            cards.extend(resolve(each, given).card for each in list_networks(network))

    make_portable(parts.head, lambda network: network, note)
    for card in cards:
        if card.trained_on:
            yield card.name, card.trained_on
