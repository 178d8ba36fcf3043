"""Find the embedding of an image in an ONNX graph."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from .axes import has, has_positions
from .layers import Exit, as_layer, mean, token
from .meanings import CLASS_TOKEN, POOLS, Meanings
from .operators import DENSE, PROBABILITIES, SAME, SCALES, SUMS
from .stages import follow_normalization
from .structure import Stop
from .tokens import find_tokens

if TYPE_CHECKING:
    from onnx import NodeProto

#: Names of outputs that are embeddings, the best first, in lower case.
_EMBEDDINGS = (
    "image_embeds", "image_embeddings", "image_embedding", "image_features", "pooler_output", "pooled_output",
    "embeddings", "embedding", "embeds", "embed", "sentence_embedding", "features", "feature", "feats", "feat",
    "representation",
)
#: How much wider or higher than the image the grid of a map may be. A list of boxes is far longer.
_MOST_DISTORTED = 4
#: Names of outputs that speak of classes.
_CLASSES = re.compile(r"logit|prob|class|score|softmax|label|pred", re.IGNORECASE)


class Embedding(NamedTuple):
    """The embedding of an image.

    Attributes
    ----------
    exit : Exit
        How it leaves the graph.
    alias : str or None
        The name that it gets; None if it has the name of its tensor.
    reason : str
        Why it is the embedding, in words that complete "NAME: ...".
    stops : list of Stop
        What every path from the image to it passes.
    """

    exit: Exit
    alias: str | None
    reason: str
    stops: Sequence[Stop]


def find_embedding(
    meanings: Meanings, outputs: Sequence[str], n_classes: int | None = None
) -> Embedding | None:
    """Find the embedding: an output of the graph, a pool, a class token, or the mean of a map, in this order.

    Parameters
    ----------
    meanings : Meanings
    outputs : sequence of str
        The names of the graph's outputs.
    n_classes : int, optional
        The number of classes: an output of this width holds logits. None by default: nobody knows.

    Returns
    -------
    Embedding or None
        None if no output is a vector or a map of the image, as of a detector, or if no layer has more than one
        channel.
    """
    outputs = [name for name in outputs if name in meanings.of]
    rejected = ""
    named = _rank_outputs(meanings, outputs, n_classes)
    for name, reason in named:
        exit = as_layer(meanings, name)
        if exit is not None:
            return Embedding(exit, None, reason, meanings.structure.path(name))
    if any(_end(meanings, name) == "pooler" for name in outputs):
        rejected = ", because a dense layer with tanh behind it is often left untrained"
    paths = [meanings.structure.path(name) for name in outputs]
    for stops in paths:
        if (found := _read_tail(meanings, stops, rejected)) is not None:
            return found
    # Boxes of a detector lie on several maps, side by side: what leads to them is no embedding.
    understood = [path for path, name in zip(paths, outputs) if not _is_list(meanings, name)]
    for stops in sorted(understood, key=len, reverse=True):
        if (found := _take_mean(meanings, stops)) is not None:
            return found
    return None


def _is_list(meanings: Meanings, name: str) -> bool:
    """Return whether an output has an axis that is no axis of the image, such as the boxes of a detector."""
    if has(meanings.of[name].axes, "?"):
        return True
    exit = as_layer(meanings, name)
    if exit is None:
        return len(meanings.structure.shapes[name]) > 2 and max(meanings.structure.shapes[name]) > 1
    if exit.layer.positions is None:
        return False
    _, _, height, width = meanings.structure.shapes[meanings.structure.source]
    rows, columns = exit.layer.positions
    return not 1 / _MOST_DISTORTED <= rows * width / (columns * height) <= _MOST_DISTORTED


def _rank_outputs(meanings: Meanings, outputs: Sequence[str], n_classes: int | None) -> list[tuple[str, str]]:
    """Return the outputs that are embeddings, the best first, each with the reason."""
    found = []
    for name in outputs:
        exit = as_layer(meanings, name)
        axes = meanings.of[name].axes
        if exit is None or exit.layer.is_map or exit.layer.width < 2 or has_positions(axes) or not has(axes, "C"):
            continue
        end, plain = _end(meanings, name), re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
        is_named = plain in _EMBEDDINGS
        is_of_classes = _CLASSES.search(name) is not None or exit.layer.width == n_classes
        if end in ("probabilities", "pooler") or is_of_classes and not (is_named and end != "dense"):
            continue
        if is_named:
            found.append((_EMBEDDINGS.index(plain), name, "an output of the graph that is named so"))
        elif end == "features":
            found.append((len(_EMBEDDINGS), name, "an output of the graph with no dense layer for classes before it"))
    return [(name, reason) for _, name, reason in sorted(found, key=lambda each: each[0])]


def _end(meanings: Meanings, name: str) -> str:
    """Say what the last operator before an output makes of it: probabilities, a pooler, dense, features."""
    node = _before(meanings, name)
    if node is None:
        return "features"
    if node.op_type in PROBABILITIES or node.op_type == "Div" and _divides_by_sum_of_exp(meanings, node):
        return "probabilities"
    if node.op_type == "Tanh" and meanings.of[name].taken == {CLASS_TOKEN}:
        return "pooler"
    return "dense" if _is_dense(meanings, name) else "features"


def _is_dense(meanings: Meanings, name: str) -> bool:
    """Return whether a tensor is computed by dense layers and nothing behind them but constants and sums of them."""
    waiting, seen = [name], set()
    while waiting:
        node = _before(meanings, waiting.pop())
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if node.op_type in DENSE:
            continue
        images = [each for each in node.input if each in meanings.structure.images]
        is_sum = node.op_type in (*SUMS, "Sub", "Mean")
        if not images or not is_sum and not (node.op_type in SCALES and len(images) == 1):
            return False
        waiting.extend(images)
    return bool(seen)


def _before(meanings: Meanings, name: str) -> NodeProto | None:
    """Return the node that computes a tensor, or the tensor that it has its values from."""
    node = meanings.structure.producers.get(name)
    while node is not None and node.op_type in SAME and node.input:
        node = meanings.structure.producers.get(node.input[0])
    return node


def _divides_by_sum_of_exp(meanings: Meanings, node: NodeProto) -> bool:
    below = meanings.structure.producers.get(node.input[-1])
    if below is None or below.op_type != "ReduceSum":
        return False
    above = meanings.structure.producers.get(below.input[0])
    return above is not None and above.op_type == "Exp"


def _read_tail(meanings: Meanings, stops: Sequence[Stop], rejected: str) -> Embedding | None:
    """Find the vector that a map becomes before the output of a path; None if the output is a map."""
    first = _first_vector(meanings, stops)
    if first is None:
        return None
    taken = meanings.of[stops[first].name].taken
    is_direct = not any(node.op_type in DENSE for node in stops[first].between)
    if taken == {CLASS_TOKEN} and is_direct:
        return _as_class_token(meanings, stops, first, rejected)
    if taken <= {*POOLS, CLASS_TOKEN} and is_direct:
        return _as_pool(meanings, stops, first)
    if CLASS_TOKEN in taken:
        return _find_class_token(meanings, stops, first, rejected)
    hidden = _last_hidden(stops, first)
    if hidden is None:
        return None
    exit = as_layer(meanings, stops[hidden].name)
    if exit is None or exit.layer.width < 2:
        return None
    reason = "what the last dense layer before the output reads"
    return Embedding(exit, None, reason, stops[:hidden + 1])


def find_pool(meanings: Meanings, outputs: Sequence[str]) -> Exit | None:
    """Find the pool over all positions that an output of the graph is computed from.

    Parameters
    ----------
    meanings : Meanings
    outputs : sequence of str
        The names of the graph's outputs.

    Returns
    -------
    Exit or None
        A vector of more than one channel that every path to the output passes: neither the gate of a
        squeeze-and-excitation block nor a part of a normalization. None if there is none.
    """
    for name in outputs:
        stops = meanings.structure.path(name) if name in meanings.of else []
        first = _first_vector(meanings, stops)
        if first is not None and meanings.of[stops[first].name].taken in [{kind} for kind in POOLS]:
            if not any(node.op_type in DENSE for node in stops[first].between):
                return as_layer(meanings, stops[_follow_scale(meanings, stops, first)].name)
    return None


def _first_vector(meanings: Meanings, stops: Sequence[Stop]) -> int | None:
    """Return the first stop behind the last map, with more than one channel; None if there is none."""
    known = meanings.of
    maps = [i for i, stop in enumerate(stops) if stop.name in known and has_positions(known[stop.name].axes)]
    if not maps:
        return None
    for i in range(maps[-1] + 1, len(stops)):
        exit = as_layer(meanings, stops[i].name)
        if exit is not None and exit.layer.width > 1 and not exit.layer.is_map:
            return i
    return None


def _as_pool(meanings: Meanings, stops: Sequence[Stop], first: int) -> Embedding | None:
    scaled = _follow_scale(meanings, stops, first)
    last = follow_normalization(meanings, stops, scaled)
    exit = as_layer(meanings, stops[last].name)
    assert exit is not None
    kinds = sorted(meanings.of[stops[first].name].taken)
    what = " and ".join(_TAKEN[kind] for kind in kinds) + ", which the output is computed from"
    if last > scaled:
        what += ", after its normalization"
    if len(kinds) > 1:
        return Embedding(exit, None, what, stops[:last + 1])
    return Embedding(exit, None if last > scaled else "global_pool", what, stops[:last + 1])


#: How positions can vanish that a vector for the whole image comes from, in words.
_TAKEN = {**POOLS, CLASS_TOKEN: "the class token"}


def _follow_scale(meanings: Meanings, stops: Sequence[Stop], i: int) -> int:
    """Return the last stop that has the values of stop `i`, divided by the number of positions or the like."""
    while i + 1 < len(stops) and _is_scale(meanings, stops[i + 1]):
        i += 1
    return i


def _is_scale(meanings: Meanings, stop: Stop) -> bool:
    """Return whether a stop has the values of the one before, scaled by one constant number at most."""
    if stop.between or stop.node.op_type not in (*SAME, *SCALES) or as_layer(meanings, stop.name) is None:
        return False  # such as a cast to integers
    structure = meanings.structure
    constants = [name for name in stop.node.input if name and name not in structure.images]
    return stop.node.op_type in SAME or all(set(structure.shapes.get(name, [0])) <= {1} for name in constants)


def _as_class_token(meanings: Meanings, stops: Sequence[Stop], first: int, rejected: str) -> Embedding | None:
    last = follow_normalization(meanings, stops, first)
    exit = as_layer(meanings, stops[last].name)
    assert exit is not None
    return Embedding(exit, "cls", f"{_CLASS_TOKEN}{rejected}", stops[:last + 1])


_CLASS_TOKEN = "the class token after the last normalization, which the output is computed from"


def _find_class_token(meanings: Meanings, stops: Sequence[Stop], first: int, rejected: str) -> Embedding | None:
    """Find the class token where an output is computed from it and from other tokens."""
    for node in stops[first].between:
        for name in node.output:
            exit = as_layer(meanings, name)
            if exit is not None and not exit.layer.is_map and meanings.of[name].taken == {CLASS_TOKEN}:
                return Embedding(exit, "cls", f"{_CLASS_TOKEN}{rejected}", stops[:first])
    return None


def _last_hidden(stops: Sequence[Stop], first: int) -> int | None:
    """Return the stop that the last dense layer reads; None if that is a map."""
    dense = [i for i in range(first, len(stops)) if stops[i].node.op_type in DENSE]
    if not dense:
        return len(stops) - 1
    return dense[-1] - 1 if dense[-1] > first else None


def _take_mean(meanings: Meanings, stops: Sequence[Stop]) -> Embedding | None:
    """Take the class token of the last tokens; without one, the mean of the smallest map."""
    tokens = find_tokens(meanings, stops)
    if tokens is not None and tokens.part is not None and tokens.part[1] > 0:
        end = next(i for i, stop in enumerate(stops) if stop.name == tokens.tensor)
        what = "the class token after the last normalization, because no output is a vector"
        return Embedding(token(tokens, 0), "cls", what, stops[:end + 1])
    if tokens is not None:
        end = next(i for i, stop in enumerate(stops) if stop.name == tokens.tensor)
        return Embedding(mean(tokens), "mean", "the mean of the last tokens over all positions", stops[:end + 1])
    sizes = {}
    for i, stop in enumerate(stops):
        exit = as_layer(meanings, stop.name)
        if exit is not None and exit.layer.positions is not None and exit.layer.width > 1:
            sizes[i] = exit.layer.positions[0] * exit.layer.positions[1]
    if not sizes:
        return None
    end = max(i for i, size in sizes.items() if size == min(sizes.values()))
    exit = as_layer(meanings, stops[end].name)
    assert exit is not None
    what = f"the mean of {exit.tensor} over all positions, the last of the smallest maps that lead to the output"
    return Embedding(mean(exit), "mean", what, stops[:end + 1])
