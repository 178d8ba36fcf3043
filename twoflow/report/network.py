"""What is known about a network, as text for a terminal and as data for JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from .._text import counted, listed, printable
from ..images import Fitting
from ..networks.card import NetworkCard, PerChannel
from ..networks.facts import NetworkFacts
from ..networks.trained_on import count_digests
from .lines import aligned

_FEW = 20  # layers, up to which all are listed
_NAMED = 8  # stages, up to which all are named


def format_network(facts: NetworkFacts, with_all: bool = False) -> str:
    """Say what a network is, what people need first: the embedding, how an image enters, the license, the layers.

    Parameters
    ----------
    facts : NetworkFacts
    with_all : bool
        Whether to list every layer. False by default: of more than 20, only those with a meaning are listed.
    """
    card = facts.card
    lines = [("embedding", _embedding(card)), *_entrance(card), ("license", card.license), ("source", card.source)]
    if "file" in card.reasons:
        lines.append(("file", card.reasons["file"]))
    if card.trained_on:
        images = counted(count_digests(card.trained_on), "image")
        lines.append(("trained on", f"{images}, by twoflow; a comparison refuses to test it on them"))
    lines += _running(facts)
    if card.stages:
        lines.append(("stages", card.reasons.get("stages", f"{len(card.stages)}: {_shorten(card.stages)}")))
    if "tokens" in card.reasons:
        lines.append(("tokens", card.reasons["tokens"].removeprefix("tokens: ")))
    lines += [
        (name, reason) for name, reason in card.reasons.items()
        if name not in ("embedding", "file", "stages", "tokens")
    ]
    width = max(len(name) for name, _ in lines)
    return "\n".join([
        f"{printable(card.name)} ({_state(facts)})",
        *(f"  {name:<{width}}  {printable(text)}" for name, text in lines),
        "", *(f"  {line}" for line in _layers(facts, with_all)),
    ])


def network_document(facts: NetworkFacts) -> dict[str, Any]:
    """Convert what is known about a network to values for JSON."""
    card = {name: value for name, value in asdict(facts.card).items() if name not in ("layers", "trained_on")}
    return {
        **card,
        "n_trained_on": count_digests(facts.card.trained_on),
        "reasons": dict(facts.card.reasons),
        "state": facts.state,
        "n_bytes": facts.n_bytes,
        "weights": None if facts.weights is None else dict(facts.weights),
        "provider": facts.provider,
        "outputs": list(facts.outputs),
        "layers": [
            {
                "name": name, "width": layer.width, "is_map": layer.is_map,
                "positions": None if layer.positions is None else list(layer.positions),
            }
            for name, layer in facts.card.layers.items()
        ],
    }


def _state(facts: NetworkFacts) -> str:
    return facts.state if facts.n_bytes is None else f"{facts.state}, {_size(facts.n_bytes)}"


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.0f} MB" if n_bytes >= 1e6 else f"{n_bytes / 1e3:,.1f} kB"


def _embedding(card: NetworkCard) -> str:
    if card.embedding is None:
        return f"{card.reasons.get('embedding', 'none')}; name a layer"
    return f"{card.reasons.get('embedding', card.embedding)}; {counted(card.layers[card.embedding].width, 'value')}"


def _entrance(card: NetworkCard) -> Iterator[tuple[str, str]]:
    yield "image", f"{_fitting(card.fitting)}; {card.filter} filter"
    yield "values", (
        f"{card.channels}; a value v from 0 to 255 enters as (v - {_number(card.mean)}) / {_number(card.scale)}, "
        f"from {_range(card)}"
    )


def _fitting(fitting: Fitting) -> str:
    """Say in plain words how an image gets the size that the network takes."""
    size, resized = (f"{width} x {height}" for width, height in (fitting.size, fitting.resize_size or fitting.size))
    cut = "" if resized == size else f", then the middle {size} is cut out"
    if fitting.fit == "stretch":
        return f"stretched to {resized} pixels{cut}"
    if fitting.fit == "crop":
        return f"resized in its proportions until it covers {resized} pixels, then the middle {size} is cut out"
    if fitting.fit == "area":
        return f"resized in its proportions to about as many pixels as {size}, with sides that are multiples of 32"
    color = "black" if fitting.pad_color == (0, 0, 0) else "the color {}, {}, {}".format(*fitting.pad_color)
    return f"resized in its proportions until it lies inside {resized} pixels, with {color} around it{cut}"


def _number(value: PerChannel) -> str:
    return f"({', '.join(f'{each:g}' for each in value)})" if isinstance(value, tuple) else f"{value:g}"


def _range(card: NetworkCard) -> str:
    ends = np.array([[0.0], [255.0]]) - np.reshape(card.mean, (1, -1))
    ends = ends / np.reshape(card.scale, (1, -1))
    return f"{ends.min():.3g} to {ends.max():.3g}"


def _running(facts: NetworkFacts) -> Iterator[tuple[str, str]]:
    if facts.weights:
        counts = listed(f"{n:,} in {kind}" for kind, n in facts.weights.items())
        yield "weights", f"{counts}, up to the embedding"
    yield "runs on", facts.provider


def _shorten(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= _NAMED else f"{', '.join(names[:2])}, ..., {names[-1]}"


def _layers(facts: NetworkFacts, with_all: bool) -> Iterator[str]:
    """Make the table of layers, from the input to the output."""
    layers = facts.card.layers
    names = list(layers)
    if not with_all and len(layers) > _FEW:
        names = facts.main_layers or names[-_FEW:]
    table = [["layer", "values", "positions", ""]]
    for name in names:
        layer = layers[name]
        positions = "{} x {}".format(*layer.positions) if layer.positions else "any" if layer.is_map else ""
        table.append([printable(name), f"{layer.width:,}", positions, _use(facts, name)])
    yield from aligned(table, (1, 2))
    if (n_others := len(layers) - len(names)):
        yield f"and {counted(n_others, 'more tensor')} of the graph; --all lists them"


def _use(facts: NetworkFacts, name: str) -> str:
    card = facts.card
    uses = {"embedding": name == card.embedding, "stage": name in card.stages, "output": name in facts.outputs}
    return ", ".join(use for use, is_used in uses.items() if is_used)
