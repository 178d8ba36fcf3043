"""Find the files of a network by a path, and open them: an ONNX file, or an MXNet symbol and its parameters.

The path may lead to a folder, and the name of a network on the Hugging Face hub counts as one.
"""

from __future__ import annotations

import json
import os
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from .._files import expand
from ..errors import InputError
from .card_file import MAX_CARD_BYTES, check_fields, read_card_file
from .carried import CarriedNetwork
from .content import Stamp, find_stamp
from .errors import one_line_errors
from .hub.folder import FolderCard, about, choose_in_folder, find_folder, list_files, read_folder
from .hub.remote import fetch
from .hub_name import is_hub_name, parse_hub_name
from .mxnet import open_mxnet
from .network import Network, NetworkFiles
from .onnx import load, open_onnx
from .overriding import override

_SYMBOL = "-symbol.json"
_MAX_OPENED = 8  # networks that a process keeps open
_FEW = 8  # files that an error names
#: Fields of a card that the parameter `preprocessing` may give when a carried network is opened.
_GIVEN_LATER = ("fit", "mean", "scale")
_opening = Lock()


def is_path(network: str | os.PathLike) -> bool:
    """Decide whether a text is meant as a path, or a name of the hub, rather than as the name of a network."""
    if not isinstance(network, str):
        return True
    if not network:
        return False  # which `expand` takes for the working directory
    is_named_so = Path(network).suffix.lower() in (".onnx", ".json", ".params")
    return is_named_so or os.sep in network or os.path.exists(expand(network))


def pin(network: str | os.PathLike) -> str | None:
    """Return what leads to the same network from any folder and at any time.

    Parameters
    ----------
    network : path or name of the hub

    Returns
    -------
    str or None
        The absolute path of a relative one; a name of the hub with the commit and the file. None for an absolute path,
        because it needs nothing else.
    """
    if is_hub_name(network):
        return str(fetch(parse_hub_name(network)).name)
    return None if expand(network).is_absolute() else os.path.abspath(expand(network))


def open_files(network: str | os.PathLike, preprocessing: Mapping[str, Any] | None = None) -> Network:
    """Open the network in a file or folder; it is read again only if one of its files has changed.

    Parameters
    ----------
    network : path or name of the hub
        One of these: an ``.onnx`` file; a folder with ONNX files, where `hub.choosing.choose_file` chooses one; a
        ``PREFIX-symbol.json``, which is combined with the newest ``PREFIX-EPOCH.params`` next to it; one of those
        ``.params`` files; a folder with one symbol and its parameters; or ``hf://ORGANIZATION/NAME@REVISION/FILE``,
        where the revision and the file may be left out.
    preprocessing : mapping, optional
        Fields of a card, which override those of the card file. None by default. The card file is ``NAME.card.json``
        for ``NAME.onnx`` and ``PREFIX.card.json`` for ``PREFIX-symbol.json``. It overrides what the configuration
        files in the folder say; see `hub.folder.read_folder`.

    Returns
    -------
    Network
        The same object as at the last call if no file has changed.

    Raises
    ------
    ValueError
        If a file is missing or damaged, an operator is not supported, or nothing says how images enter the network.
        For names of the hub, also as `hub.remote.fetch` does.
    """
    with one_line_errors():
        return _open_once(_find(network), preprocessing)


def open_carried(network: CarriedNetwork, preprocessing: Mapping[str, Any] | None = None) -> Network:
    """Open a network whose files are in memory; see `open_files` for the other parameter, the result and errors."""
    with one_line_errors():
        files = NetworkFiles(Path(network.name), network.parameters, network.card, network)
        return _open_once(files, preprocessing)


def carry(network: str | os.PathLike) -> CarriedNetwork:
    """Read all files of the network at a path into memory; see `open_files` for the parameter and errors.

    In place of configuration files there is one card, with all that they say.
    """
    with one_line_errors():
        files = _find(network)
        contents = [files.read(path) for path in (files.model, files.parameters) if path is not None]
        if files.parameters is None:
            contents += load(contents[0], files)[1]
        parts = [(each.name or each.path.name, each.data) for each in contents]
        card = files.read(files.card, MAX_CARD_BYTES) if files.has_card() else None
        if files.folder is not None:
            own = read_card_file(card) if card else {}
            fields = override(read_folder(files, _GIVEN_LATER).fields, own)
            parts.append((files.card.name, json.dumps(fields, indent=1, sort_keys=True).encode()))
        elif card is not None:
            parts.append((card.path.name, card.data))
        return CarriedNetwork(files.model.name, parts)


def _open_once(files: NetworkFiles, preprocessing: Mapping[str, Any] | None) -> Network:
    given = check_fields(preprocessing or {}, "preprocessing")
    with _opening:  # two threads must not read the same files at the same time
        return _open(files, tuple(sorted(given.items())))


class _Opened(NamedTuple):
    network: Network
    stamps: dict[Path, Stamp | None]  # of every file that it was read from; None for a card file that did not exist


_opened: OrderedDict[tuple[NetworkFiles, tuple], _Opened] = OrderedDict()


def _open(files: NetworkFiles, given: tuple[tuple[str, Any], ...]) -> Network:
    """Return the opened network if none of its files has changed since; otherwise read it."""
    key = files, given
    known = _opened.pop(key, None)
    if known is None or any(find_stamp(path) != stamp for path, stamp in known.stamps.items()):
        card = files.read(files.card, MAX_CARD_BYTES) if files.has_card() else None
        own = read_card_file(card) if card else {}
        chosen = dict(given)
        beside = read_folder(files, {**own, **chosen}) if files.folder else FolderCard({}, {}, [])
        fields = override(override(beside.fields, own), chosen)
        if reasons := {**({"file": files.choice} if files.choice else {}), **beside.reasons}:
            fields["reasons"] = reasons
        network, contents = (open_mxnet if files.parameters else open_onnx)(files, fields)
        network = replace(network, n_bytes=sum(len(each.data) for each in contents))
        stamps: dict[Path, Stamp | None] = {}
        if files.carried is None:  # files in memory never change
            for path in about(files.folder).values() if files.folder else ():
                stamps[path] = None
            stamps |= {files.card: card.stamp if card else None}
            stamps |= {path: find_stamp(path) for path in beside.not_read}
            stamps |= {each.path: each.stamp for each in (*beside.files, *contents)}
        known = _Opened(network, stamps)
    _opened[key] = known
    while len(_opened) > _MAX_OPENED:
        _opened.popitem(last=False)
    return known.network


def _find(network: str | os.PathLike) -> NetworkFiles:
    """Find the files of a network; ValueError if they are not there."""
    if is_hub_name(network):
        fetched = fetch(parse_hub_name(network))
        model = fetched.model
        return NetworkFiles(
            model, None, model.with_suffix(".card.json"), None, fetched.folder, fetched.name, fetched.choice
        )
    path = expand(network)
    if path.is_dir():
        return _find_in_folder(path)
    if not path.is_file():
        raise InputError(f"there is no file or folder {path}")
    if path.suffix.lower() == ".onnx":
        return NetworkFiles(path, None, path.with_suffix(".card.json"), folder=find_folder(path))
    if path.suffix == ".params":
        prefix = re.sub(r"-\d+$", "", path.stem)
        symbol = path.with_name(prefix + _SYMBOL)
        if not symbol.is_file():
            raise InputError(f"{path}: its graph is missing; put {symbol.name} next to it")
        return NetworkFiles(symbol, path, path.with_name(f"{prefix}.card.json"))
    if not path.name.endswith(_SYMBOL):
        raise InputError(
            f"{path}: expected NAME.onnx, PREFIX{_SYMBOL}, PREFIX-EPOCH.params or a folder, got {path.name}"
        )
    return _find_newest(path)


def _find_in_folder(folder: Path) -> NetworkFiles:
    symbols = sorted(folder.glob(f"*{_SYMBOL}"))
    graphs = [file for file in list_files(folder) if file.lower().endswith(".onnx")]
    if len(symbols) > 1 or symbols and graphs:
        names = ", ".join([*(symbol.name for symbol in symbols), *graphs][:_FEW])
        raise InputError(
            f"{folder}: expected a folder with one network, got {len(symbols) + len(graphs)} files ({names}); name the "
            "file"
        )
    if symbols:
        return _find_newest(symbols[0])
    choice = choose_in_folder(folder)
    model = folder / choice.file
    return NetworkFiles(model, None, model.with_suffix(".card.json"), folder=folder, choice=choice.reason)


def _find_newest(symbol: Path) -> NetworkFiles:
    """Find the parameters of the last epoch beside a symbol."""
    prefix = symbol.name.removesuffix(_SYMBOL)
    epochs = {
        int(match[1]): file
        for file in symbol.parent.iterdir()
        if (match := re.fullmatch(rf"{re.escape(prefix)}-(\d+)\.params", file.name))
    }
    if not epochs:
        raise InputError(f"{symbol}: its parameters are missing; put {prefix}-EPOCH.params next to it")
    return NetworkFiles(symbol, epochs[max(epochs)], symbol.with_name(f"{prefix}.card.json"))
