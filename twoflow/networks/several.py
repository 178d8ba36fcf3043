"""One network or several, as the parameter `network` of recipes, comparisons and audits takes them."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from .carried import CarriedNetwork, NetworkLike
from .hub_name import is_hub_name, parse_hub_name

#: One network, or several networks.
NetworksLike = NetworkLike | Sequence[NetworkLike]


def list_networks(network: NetworksLike) -> list[NetworkLike]:
    """Return the networks that were given, in order.

    Parameters
    ----------
    network : str, path, CarriedNetwork, or sequence of these
        One network, or several.

    Returns
    -------
    list of str, path or CarriedNetwork
        At least one, each once.

    Raises
    ------
    ValueError
        If there is none, one is given twice, or one is something else.
    """
    given: list[Any] = list(network) if isinstance(network, (list, tuple)) else [network]
    if not given:
        raise InputError("network: expected at least one network, got none; name one")
    for number, each in enumerate(given):
        if not isinstance(each, (str, os.PathLike, CarriedNetwork)):
            raise InputError(f"network: expected names or paths of networks, got {each!r}; name one that is there")
        if each in given[:number]:
            raise InputError(f"network: expected each network once, got {str(each)!r} twice; leave one out")
    return given


def name_networks(networks: Iterable[NetworkLike], taken: Collection[str] = ()) -> list[str]:
    """Give each network a short name, of letters, digits, ``.``, ``-`` and ``_``, for names of flows and methods.

    A network in a file is named by its file, such as "vit_s" for ``models/vit_s.onnx``, and one of the hub by its
    repository. Equal names are numbered, and so are names in `taken`, which is empty by default.
    """
    names: list[str] = []
    for each in networks:
        text = parse_hub_name(each).short if is_hub_name(each) else Path(str(each)).name
        stem = re.sub(r"(-symbol\.json|-\d+\.params|\.onnx)$", "", text)
        name = first = re.sub(r"_{2,}", "_", re.sub(r"[^\w.-]+", "_", stem)).strip("_") or "network"
        number = 1
        while name in names or name in taken:
            number += 1
            name = f"{first}-{number}"
        names.append(name)
    return names
