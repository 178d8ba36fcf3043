"""The members of a model file, besides the card: the model, examples, and the files of networks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from ...networks.carried import CarriedNetwork
from .archive import parse_json
from .card import ModelCard
from .damage import DamagedError

MODEL = "model.skops"
_JPEG = b"\xff\xd8\xff"


def example_name(card: ModelCard, target: str, position: int) -> str:
    """Return the name of the member with the example of a class."""
    number = [each.name for each in card.targets].index(target)
    return f"examples/{number}/{position}.jpg"


def read_examples(card: ModelCard, members: Mapping[str, bytes]) -> dict[tuple[str, int], bytes]:
    """Return the examples by target and position; ValueError if one is no JPEG."""
    examples = {}
    for target in card.targets:
        for position in range(len(target.classes)):
            content = members.get(example_name(card, target.name, position))
            if content is not None:
                if not content.startswith(_JPEG):
                    raise DamagedError(f"{example_name(card, target.name, position)}: expected a JPEG, got other bytes")
                examples[target.name, position] = content
    return examples


def network_members(networks: Iterable[CarriedNetwork]) -> dict[str, bytes]:
    """Return the members with the files of networks, each in a folder of its own, with a list of the files' names."""
    members = {}
    for number, network in enumerate(networks):
        folder = f"networks/{number}"
        names = [name for name, _ in network.files]
        members[f"{folder}.json"] = json.dumps({"name": network.name, "files": names}).encode()
        members |= {f"{folder}/{name}": content for name, content in network.files}
    return members


def read_networks(members: Mapping[str, bytes]) -> list[CarriedNetwork]:
    """Return the networks inside a model file; ValueError if a file of one is missing."""
    networks: list[CarriedNetwork] = []
    while (listing := f"networks/{len(networks)}.json") in members:
        table = parse_json(members[listing], listing)
        names = table.get("files") if isinstance(table, dict) else None
        if not isinstance(names, list) or not names or table.get("name") != names[0]:
            raise DamagedError(f"{listing}: expected the name and files of a network, got others")
        folder = listing.removesuffix(".json")
        missing = [name for name in names if not isinstance(name, str) or f"{folder}/{name}" not in members]
        if missing:
            raise DamagedError(f"{listing}: expected its files beside it, got no {missing[0]!r}")
        networks.append(CarriedNetwork(names[0], [(name, members[f"{folder}/{name}"]) for name in names]))
    return networks
