"""Find the files of a network by a path, and open them: an ONNX file, or an MXNet symbol and its parameters."""

from __future__ import annotations

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
from .mxnet import open_mxnet
from .network import Network, NetworkFiles
from .onnx import load, open_onnx

_SYMBOL = "-symbol.json"
_MAX_OPENED = 8  # networks that a process keeps open
_opening = Lock()


def is_path(network: str | os.PathLike) -> bool:
    """Decide whether a text is meant as a path rather than as the name of a network."""
    if not isinstance(network, str):
        return True
    return Path(network).suffix in (".onnx", ".json", ".params") or os.sep in network or os.path.exists(expand(network))


def open_files(network: str | os.PathLike, preprocessing: Mapping[str, Any] | None = None) -> Network:
    """Open the network in a file or folder; it is read again only if one of its files has changed.

    Parameters
    ----------
    network : path
        One of four: an ``.onnx`` file; a ``PREFIX-symbol.json``, which is combined with the newest
        ``PREFIX-EPOCH.params`` next to it; one of those ``.params`` files; or a folder with one symbol and its
        parameters.
    preprocessing : mapping, optional
        Fields of a card, which override those of the card file. None by default: only the card file counts, which is
        ``NAME.card.json`` for ``NAME.onnx`` and ``PREFIX.card.json`` for ``PREFIX-symbol.json``.

    Returns
    -------
    Network
        The same object as at the last call if no file has changed.

    Raises
    ------
    ValueError
        If a file is missing or damaged, an operator is not supported, or no card says how images enter the network.
    """
    with one_line_errors():
        return _open_once(_find(expand(network)), preprocessing)


def open_carried(network: CarriedNetwork, preprocessing: Mapping[str, Any] | None = None) -> Network:
    """Open a network whose files are in memory; see `open_files` for the other parameter, the result and errors."""
    with one_line_errors():
        files = NetworkFiles(Path(network.name), network.parameters, network.card, network)
        return _open_once(files, preprocessing)


def carry(network: str | os.PathLike) -> CarriedNetwork:
    """Read all files of the network at a path into memory; see `open_files` for the parameter and errors."""
    with one_line_errors():
        files = _find(expand(network))
        contents = [files.read(path) for path in (files.model, files.parameters) if path is not None]
        if files.parameters is None:
            contents += load(contents[0], files)[1]
        if files.has_card():
            contents.append(files.read(files.card, MAX_CARD_BYTES))
        return CarriedNetwork(files.model.name, [(each.name or each.path.name, each.data) for each in contents])


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
        fields = {**(read_card_file(card) if card else {}), **dict(given)}
        network, contents = (open_mxnet if files.parameters else open_onnx)(files, fields)
        network = replace(network, n_bytes=sum(len(each.data) for each in contents))
        stamps: dict[Path, Stamp | None] = {}
        if files.carried is None:  # files in memory never change
            stamps = {files.card: card.stamp if card else None, **{each.path: each.stamp for each in contents}}
        known = _Opened(network, stamps)
    _opened[key] = known
    while len(_opened) > _MAX_OPENED:
        _opened.popitem(last=False)
    return known.network


def _find(path: Path) -> NetworkFiles:
    if path.is_dir():
        symbols = sorted(path.glob(f"*{_SYMBOL}"))
        if len(symbols) != 1:
            names = f" ({', '.join(symbol.name for symbol in symbols)})" if symbols else ""
            raise InputError(
                f"{path}: expected a folder with one file *{_SYMBOL}, got {len(symbols)}{names}; name the file"
            )
        path = symbols[0]
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    if path.suffix == ".onnx":
        return NetworkFiles(path, None, path.with_suffix(".card.json"))
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
    prefix = path.name.removesuffix(_SYMBOL)
    epochs = {
        int(match[1]): file
        for file in path.parent.iterdir()
        if (match := re.fullmatch(rf"{re.escape(prefix)}-(\d+)\.params", file.name))
    }
    if not epochs:
        raise InputError(f"{path}: its parameters are missing; put {prefix}-EPOCH.params next to it")
    return NetworkFiles(path, epochs[max(epochs)], path.with_name(f"{prefix}.card.json"))
