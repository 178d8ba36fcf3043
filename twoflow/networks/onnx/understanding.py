"""What a network in an ONNX graph is understood to be: its layers by meaning, and the reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...errors import InputError
from .embedding import Embedding, find_embedding, find_pool
from .following import follow_axes
from .layers import Exit, as_layer, find_layers, token
from .meanings import Meanings
from .stages import find_blocks, find_stages
from .structure import Stop, Structure
from .tokens import find_tokens


class Understanding(NamedTuple):
    """The layers of a network by meaning.

    Attributes
    ----------
    exits : dict of str to Exit
        How each layer leaves the graph, by the name of the layer.
    embedding : str or None
        The layer that is the embedding.
    stages : tuple of str
        The blocks or stages, from the input to the output.
    reasons : dict of str to str
        Why, in one sentence each: see `NetworkCard`.
    """

    exits: Mapping[str, Exit]
    embedding: str | None
    stages: tuple[str, ...]
    reasons: Mapping[str, str]


def understand(structure: Structure, outputs: Sequence[str], hints: Mapping[str, Any]) -> Understanding:
    """Find the embedding, the tokens and the stages of a graph.

    Parameters
    ----------
    structure : Structure
    outputs : sequence of str
        The names of the graph's outputs.
    hints : mapping of str to value
        Any of `card_file.HINTS`, from the files that came with the graph. They are checked against it.

    Returns
    -------
    Understanding

    Raises
    ------
    ValueError
        If a hint contradicts the graph, or names a layer that it does not have.
    """
    meanings = follow_axes(structure)
    names = _Names(find_layers(meanings))
    reasons: dict[str, str] = {}
    found = find_embedding(meanings, outputs, hints.get("n_classes"))
    stops = found.stops if found is not None else []
    stages = () if "stages" in hints else _name_stages(meanings, names, stops, reasons)
    tokens = find_tokens(meanings, stops)
    _check_patches(structure, tokens, hints)
    if tokens is not None:
        name = names.add("tokens", tokens)
        reasons["tokens"] = _describe_tokens(meanings, name, tokens)
        if tokens.part is not None and tokens.part[1] and (found is None or found.alias != "cls"):
            names.add("cls", token(tokens, 0))
    pool = find_pool(meanings, outputs)
    if pool is not None:
        names.add("global_pool", pool)
    if "stages" in hints:  # which may be the layers that were named above
        stages = _read_stages(names, hints["stages"], reasons)
    embedding = _name_embedding(names, found, hints.get("output"), reasons)
    return Understanding(names.exits, embedding, stages, reasons)


class _Names:
    """The layers by name: the tensors of the graph keep theirs."""

    def __init__(self, exits: Mapping[str, Exit]) -> None:
        self.exits = dict(exits)

    def add(self, name: str, exit: Exit) -> str:
        """Add a layer; return its name, which gets a "_" behind it while a tensor of the graph has it."""
        while self.exits.get(name, exit) != exit:
            name += "_"
        self.exits[name] = exit
        return name


def _name_stages(
    meanings: Meanings, names: _Names, stops: Sequence[Stop], reasons: dict[str, str]
) -> tuple[str, ...]:
    blocks = find_blocks(meanings, stops)
    tensors = blocks or find_stages(meanings, stops)
    word = "block" if blocks else "stage"
    exits = [exit for exit in (as_layer(meanings, name) for name in tensors) if exit is not None]
    stages = tuple(names.add(f"{word}{i}", exit) for i, exit in enumerate(exits, start=1))
    if blocks:
        what = "the output of the only block" if len(stages) == 1 else f"the outputs of the {len(stages)} blocks"
        reasons["stages"] = f"{_range(stages)}: {what} of a transformer, where every path to the embedding passes"
    elif stages:
        sizes = ", ".join(_size(exit) for exit in exits)
        reasons["stages"] = (
            f"{_range(stages)}: the last map of each size ({sizes}), where every path to the embedding passes"
        )
    return stages


def _read_stages(names: _Names, stages: Sequence[str], reasons: dict[str, str]) -> tuple[str, ...]:
    """Return the stages that the card names, without maps of one position, which count as vectors."""
    for name in stages:
        if name not in names.exits:
            raise InputError(f"stages: expected names of layers, got {name!r}, no such layer; correct the card")
    reasons["stages"] = f"{_range(stages)}: the card says so"
    return tuple(name for name in stages if names.exits[name].layer.is_map)


def _range(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _size(exit: Exit) -> str:
    assert exit.layer.positions is not None
    rows, columns = exit.layer.positions
    return f"{rows} x {columns}"


def _describe_tokens(meanings: Meanings, name: str, tokens: Exit) -> str:
    text = f"{name}: the last tokens, {tokens.tensor}, as a map of {_size(tokens)} positions"
    if tokens.part is None:
        return f"{text}; every token is a position"
    axis, start, end = tokens.part
    n = meanings.structure.shapes[tokens.tensor][axis]
    why = "their count says so" if meanings.is_counted else "the graph puts them beside the positions"
    dropped = [f"the first {start}"] * bool(start) + [f"the last {n - end}"] * (n > end)
    return f"{text}; {' and '.join(dropped)} of {n} dropped, because {why}"


def _check_patches(structure: Structure, tokens: Exit | None, hints: Mapping[str, Any]) -> None:
    if tokens is None or tokens.layer.positions is None:
        return
    before = tokens.part[1] if tokens.part is not None else 0
    if hints.get("prefix_tokens", before) != before:
        raise InputError(
            f"prefix_tokens: expected {before}, because the graph puts that many tokens before the {_size(tokens)} "
            f"positions, got {hints['prefix_tokens']}; correct the file that says so"
        )
    side = structure.shapes[structure.source][2] // tokens.layer.positions[0]
    if hints.get("patch_size", side) != side and before:
        raise InputError(
            f"patch_size: expected {side}, because the graph has {_size(tokens)} positions, got "
            f"{hints['patch_size']}; correct the file that says so"
        )


def _name_embedding(
    names: _Names, found: Embedding | None, output: str | None, reasons: dict[str, str]
) -> str | None:
    if output is not None:
        exit = names.exits.get(output)
        if exit is None or exit.layer.is_map or exit.layer.width < 2:
            what = "no such layer" if exit is None else f"a map, {_size(exit)}" if exit.layer.is_map else "one number"
            raise InputError(f"output: expected a layer that is a vector, got {output!r}, {what}; correct the card")
        reasons["embedding"] = f"{output}: the card says so"
        return output
    if found is None:
        reasons["embedding"] = "none: no vector or map of the image with more than one channel leads to an output"
        return None
    name = found.exit.tensor if found.alias is None else names.add(found.alias, found.exit)
    reasons["embedding"] = f"{name}: {found.reason}"
    return name
