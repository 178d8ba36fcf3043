"""Find the tokens of a transformer: the last sequence of positions, and the class token before it."""

from __future__ import annotations

from collections.abc import Sequence

from .axes import read_map
from .layers import Exit, as_layer
from .meanings import Meanings
from .stages import follow_normalization, is_sum, mixes
from .structure import Stop


def find_tokens(meanings: Meanings, stops: Sequence[Stop]) -> Exit | None:
    """Find the last tokens on the way to the embedding.

    Parameters
    ----------
    meanings : Meanings
    stops : sequence of Stop
        What every path from the image to the embedding passes.

    Returns
    -------
    Exit or None
        How they leave the graph as a map: the sum at the end of the last block, after its normalization if one follows.
        In a network without blocks, the last sequence with a class token or registers, otherwise the last sequence.
        None if there is none that has the channels last.
    """
    sums = [i for i, stop in enumerate(stops) if is_sum(stop) and _is_sequence(meanings, stop.name)]
    mixing = [i for i, stop in enumerate(stops) if mixes(meanings, stop) and _is_sequence(meanings, stop.name)]
    if mixing and sums and sums[-1] >= mixing[0]:
        end = follow_normalization(meanings, stops, sums[-1])
        sequences = [stop.name for stop in stops[sums[-1]:end + 1] if _is_sequence(meanings, stop.name)]
        return as_layer(meanings, sequences[-1])
    exits = [as_layer(meanings, stop.name) for stop in stops if _is_sequence(meanings, stop.name)]
    with_tokens = [exit for exit in exits if exit is not None and exit.part is not None]
    plain = [exit for exit in exits if exit is not None and len(meanings.of[exit.tensor].axes) == 3]
    return [None, *plain, *with_tokens][-1]


def _is_sequence(meanings: Meanings, name: str) -> bool:
    """Return whether a tensor is a map that has the channels last, with more than one of them."""
    exit = as_layer(meanings, name)
    if exit is None or not exit.layer.is_map or exit.layer.width < 2:
        return False
    found = read_map(meanings.of[name].axes)
    return found is not None and found.channel == len(meanings.of[name].axes) - 1
