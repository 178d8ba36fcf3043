"""Find the tokens of a transformer: the last sequence of positions, and the class token before it."""

from __future__ import annotations

from collections.abc import Sequence

from .axes import read_map
from .layers import Exit, as_layer
from .meanings import Meanings
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
        How they leave the graph as a map. They are the last sequence with a class token or registers; without any, the
        last sequence that has the channels last, after the last attention. None if there is no such sequence.
    """
    with_more, plain = None, None
    for i, stop in enumerate(stops):
        exit = as_layer(meanings, stop.name)
        if exit is None or not exit.layer.is_map or exit.layer.width < 2:
            continue
        found = read_map(meanings.of[stop.name].axes)
        if found is None or found.channel != len(meanings.of[stop.name].axes) - 1:
            continue
        if exit.part is not None:
            with_more = exit
        elif len(meanings.of[stop.name].axes) == 3 or _is_mixed(meanings, stops[:i + 1]):
            plain = exit
    return with_more or plain


def count_more(exit: Exit, meanings: Meanings) -> tuple[int, int]:
    """Return how many tokens that are no positions come before and after the positions."""
    found = read_map(meanings.of[exit.tensor].axes)
    return (0, 0) if found is None else (found.before, found.after)


def _is_mixed(meanings: Meanings, stops: Sequence[Stop]) -> bool:
    return any(
        name in meanings.mixing for stop in stops for node in (*stop.between, stop.node) for name in node.output
    )
