"""Networks in files of the user's own: an ONNX file, or an MXNet symbol with its parameters."""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from .._files import expand
from ..errors import InputError
from . import onnx_file
from .card import Layer, NetworkCard
from .card_file import MAX_CARD_BYTES, check_fields, read_card_file
from .content import Content, Stamp, find_stamp, read_content
from .errors import one_line_errors
from .mxnet import convert as mxnet_convert
from .mxnet.engine import Checkpoint
from .mxnet.inception import recognize
from .mxnet.params import Entry, read_index, read_params
from .mxnet.shapes import Shape, infer_shapes
from .mxnet.symbol import MAX_SYMBOL_BYTES, Node, read_symbol
from .onnx_pool import find_global_pool

if TYPE_CHECKING:
    from onnx import ModelProto

_SYMBOL = "-symbol.json"
#: Which network it is shows only in its shapes, and they do not exist without a size; this is that of MXNet's time.
_USUAL_SIZE = (224, 224)
_N_KEPT = 8  # networks that a process keeps open
_opening = Lock()


@dataclass(frozen=True, eq=False)
class Network:
    """A network that can be used, once it is read.

    Attributes
    ----------
    title : str
        Its name, or the path of its file: what errors call it.
    card : NetworkCard
    build : callable
        The graph with given layers as outputs.
    digest : str
        Of the files that it was read from, byte for byte; another one for another graph or other weights.
    outputs : tuple of str
        The layers that the network itself gives as its result.
    checkpoint : Checkpoint or None
        Of an MXNet network, its own files.
    """

    title: str
    card: NetworkCard
    build: Callable[[Collection[str]], ModelProto]
    digest: str
    outputs: tuple[str, ...] = ()
    checkpoint: Checkpoint | None = None


class _Files(NamedTuple):
    model: Path
    parameters: Path | None  # of an MXNet network
    card: Path


def is_path(network: str | os.PathLike) -> bool:
    """Whether this is meant as a path, not as the name of a network."""
    if not isinstance(network, str):
        return True
    return Path(network).suffix in (".onnx", ".json", ".params") or os.sep in network or os.path.exists(expand(network))


def open_files(network: str | os.PathLike, preprocessing: Mapping[str, Any] | None = None) -> Network:
    """The network in a file or folder; read again only when one of its files has changed.

    Parameters
    ----------
    network : path
        An ``.onnx`` file; a ``PREFIX-symbol.json``, with the newest ``PREFIX-EPOCH.params`` beside it; one of those
        ``.params`` files; or a folder that holds one symbol and its parameters.
    preprocessing : mapping, optional
        Fields of a card that take precedence over those of the card file, ``NAME.card.json`` for ``NAME.onnx`` and
        ``PREFIX.card.json`` for ``PREFIX-symbol.json``.

    Raises
    ------
    ValueError
        If files are missing, are damaged, have operators that are not supported, or if nothing says how images
        enter the network.
    """
    with one_line_errors():
        files = _find(expand(network))
        given = check_fields(preprocessing or {}, "preprocessing")
        with _opening:  # as for sessions
            return _open(files, tuple(sorted(given.items())))


class _Opened(NamedTuple):
    network: Network
    stamps: dict[Path, Stamp | None]  # of every file that it was read from; None for a card that was not there


_opened: OrderedDict[tuple[_Files, tuple], _Opened] = OrderedDict()


def _open(files: _Files, given: tuple[tuple[str, Any], ...]) -> Network:
    """The network as it was read before, if none of its files has changed since; or else read anew."""
    key = files, given
    known = _opened.pop(key, None)
    if known is None or any(find_stamp(path) != stamp for path, stamp in known.stamps.items()):
        card = read_content(files.card, MAX_CARD_BYTES) if files.card.exists() else None
        fields = {**(read_card_file(card) if card else {}), **dict(given)}
        network, contents = (_open_mxnet if files.parameters else _open_onnx)(files, fields)
        stamps = {each.path: each.stamp for each in contents}
        known = _Opened(network, {files.card: card.stamp if card else None, **stamps})
    _opened[key] = known
    while len(_opened) > _N_KEPT:
        _opened.popitem(last=False)
    return known.network


def _find(path: Path) -> _Files:
    if path.is_dir():
        symbols = sorted(path.glob(f"*{_SYMBOL}"))
        if len(symbols) != 1:
            names = f" ({', '.join(symbol.name for symbol in symbols)}): name one" if symbols else ""
            raise InputError(f"{path} is a folder with {len(symbols)} files *{_SYMBOL}{names}")
        path = symbols[0]
    if not path.is_file():
        raise InputError(f"there is no file {path}")
    if path.suffix == ".onnx":
        return _Files(path, None, path.with_suffix(".card.json"))
    if path.suffix == ".params":
        prefix = re.sub(r"-\d+$", "", path.stem)
        symbol = path.with_name(prefix + _SYMBOL)
        if not symbol.is_file():
            raise InputError(f"{path} needs its graph, {symbol.name}, beside it")
        return _Files(symbol, path, path.with_name(f"{prefix}.card.json"))
    if not path.name.endswith(_SYMBOL):
        raise InputError(f"{path} is none of NAME.onnx, PREFIX{_SYMBOL}, PREFIX-EPOCH.params or a folder")
    prefix = path.name.removesuffix(_SYMBOL)
    epochs = {
        int(match[1]): file
        for file in path.parent.iterdir()
        if (match := re.fullmatch(rf"{re.escape(prefix)}-(\d+)\.params", file.name))
    }
    if not epochs:
        raise InputError(f"{path} needs its parameters, {prefix}-EPOCH.params, beside it")
    return _Files(path, epochs[max(epochs)], path.with_name(f"{prefix}.card.json"))


def _open_onnx(files: _Files, fields: Mapping[str, Any]) -> tuple[Network, list[Content]]:
    file = read_content(files.model)
    try:
        model, others = onnx_file.load(file)
        found = onnx_file.read_input(model)
        own: dict[str, Any] = {"channels": "RGB"}
        if found.is_uint8:
            own.update(mean=0, scale=1)
        if found.width and found.height:
            own.update(check_fields({"input_size": (found.width, found.height)}, "its input"))
        own.update(license=_metadata(model).get("license") or "unknown")
        fields = _complete(files, {**own, **fields})
        if own.get("input_size", fields["input_size"]) != fields["input_size"]:
            raise InputError(f"it takes images of {found.width} x {found.height} pixels only")
        source = onnx_file.fix_input(model, fields["input_size"])
        values = onnx_file.infer_values(model)
        layers = onnx_file.read_layers(model, values)
        pool = find_global_pool(model, source, values, layers)
    except ValueError as error:
        raise InputError(f"{files.model}: {error}") from error
    names = {name: name for name in layers}
    if pool is not None and "global_pool" not in layers:
        names["global_pool"] = pool
    contents = [file, *others]
    return Network(
        title=str(files.model),
        card=NetworkCard(layers={name: layers[layer] for name, layer in names.items()}, **fields),
        build=lambda outputs: onnx_file.cut(model, {name: names[name] for name in outputs}),
        digest=_join_digests(contents),
        outputs=tuple(value.name for value in model.graph.output if value.name in layers),
    ), contents


def _join_digests(contents: Sequence[Content]) -> str:
    return " ".join(content.digest for content in contents)


def _metadata(model: ModelProto) -> dict[str, str]:
    return {each.key: each.value for each in model.metadata_props}


def _open_mxnet(files: _Files, fields: Mapping[str, Any]) -> tuple[Network, list[Content]]:
    assert files.parameters is not None
    contents = _read_mxnet(files.model, files.parameters)
    symbol, parameters = contents
    nodes, index = read_symbol(symbol), read_index(parameters)
    try:
        shapes = _infer_shapes(files, nodes, index, fields.get("input_size"))
        known = recognize(nodes, shapes)
        own: dict[str, Any] = {"channels": "RGB", "license": "unknown"}
        if known is not None:
            own.update({field: getattr(known, field) for field in ("license", "input_size", "mean", "scale")})
            own.update(stages=tuple(name for name in known.stages if name in shapes))
        fields = _complete(files, {**own, **fields})
        names = mxnet_convert.layer_names(nodes, shapes)
    except ValueError as error:
        raise InputError(f"{files.model} with {files.parameters.name}: {error}") from error
    reread = partial(_reread_mxnet, symbol.path, parameters.path, _join_digests(contents))

    def build(outputs: Collection[str]) -> ModelProto:
        wanted = {name: names[name] for name in outputs}
        needed = mxnet_convert.needed_nodes(nodes, wanted.values())
        weights = read_params(reread()[1], mxnet_convert.parameter_names(needed, shapes))
        try:
            return onnx_file.cut(mxnet_convert.convert(needed, shapes, weights, set(wanted.values())), wanted)
        except ValueError as error:
            raise InputError(f"{files.model}: {error}") from error

    return Network(
        title=str(files.model),
        card=NetworkCard(layers={name: _layer(shapes[layer]) for name, layer in names.items()}, **fields),
        build=build,
        digest=_join_digests(contents),
        outputs=tuple(names)[-1:],
        checkpoint=Checkpoint(symbol.path, reread, next(iter(shapes)), names),
    ), contents


def _read_mxnet(symbol: Path, parameters: Path) -> list[Content]:
    return [read_content(symbol, MAX_SYMBOL_BYTES), read_content(parameters)]


def _reread_mxnet(symbol: Path, parameters: Path, digest: str) -> list[Content]:
    """The files again, for their values, which are not kept in memory; ValueError if they are other files by now."""
    contents = _read_mxnet(symbol, parameters)
    if _join_digests(contents) != digest:
        raise InputError(f"{symbol} or {parameters.name} has changed since it was opened; start again")
    return contents


def _infer_shapes(
    files: _Files, nodes: Sequence[Node], index: Mapping[str, Entry], size: tuple[int, int] | None
) -> dict[str, Shape]:
    try:
        return infer_shapes(nodes, index, size or _USUAL_SIZE)
    except ValueError as error:
        if size is not None:
            raise
        raise InputError(f"{error}; at 224 x 224 pixels, because {files.card.name} gives no input_size") from error


def _layer(shape: Shape) -> Layer:
    is_map = shape[1:] not in ((), (1, 1))
    return Layer(shape[0], is_map, (shape[1], shape[2]) if is_map else None)


def _complete(files: _Files, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with name and source added; ValueError if nothing says how images enter the network."""
    missing = [field for field in ("input_size", "mean", "scale") if field not in fields]
    if missing:
        example = '{"input_size": [224, 224], "mean": 0, "scale": 255}'
        raise InputError(
            f"nothing says how images enter it ({', '.join(missing)}); write that to {files.card.name} beside it, "
            f"or give it as preprocessing: {example} stands for RGB values from 0 to 1"
        )
    return {"name": files.model.name, "source": f"file {files.model}", **fields}
