"""The card of a model as JSON, inside an exported graph and beside it."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from ..model_file import Expectation, ModelCard, TargetCard


def card_document(card: ModelCard, digest: str, outputs: dict[str, str]) -> dict[str, Any]:
    """Return a card as values for JSON. The single held-out answers are left out.

    Parameters
    ----------
    card : ModelCard
    digest : str
        SHA-256 of the model file; empty if there is none.
    outputs : dict of str to str
        For each target, the name of the output with its probabilities.
    """
    return {
        "title": card.title,
        "created": card.created,
        "model_digest": digest or None,
        "input": {"name": "image", "dtype": "uint8", "shape": ["height", "width", 3], "colors": "sRGB"},
        "targets": [{**_target(target), "output": outputs[target.name]} for target in card.targets],
        "threshold": card.threshold,
        "n_images": card.n_images,
        "n_groups": card.n_groups,
        "data_digest": card.data_digest or None,
        "networks": [network._asdict() for network in card.networks],
        "versions": dict(card.versions),
    }


def labels_document(card: ModelCard) -> dict[str, list]:
    """Return the classes of each target, in the order of the probabilities."""
    return {target.name: _plain(target.classes) for target in card.targets}


def to_text(document: dict[str, Any], indent: int | None = None) -> str:
    """Write a document as JSON."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=indent)


def _target(target: TargetCard) -> dict[str, Any]:
    return {
        "name": target.name,
        "classes": _plain(target.classes),
        "counts": _plain(target.counts) or None,
        "levels": {name: _plain(labels) for name, labels in target.levels.items()},
        "expectation": None if target.expectation is None else _expectation(target.expectation),
    }


def _expectation(expectation: Expectation) -> dict[str, Any]:
    interval = [value if math.isfinite(value) else None for value in expectation.interval]
    return {**expectation._asdict(), "interval": interval}


def _plain(values: tuple) -> list:
    """Return labels as JSON has them: numbers, true and false as they are, everything else as text."""
    plain = (value.item() if isinstance(value, np.generic) else value for value in values)
    return [value if isinstance(value, (bool, int, float)) else str(value) for value in plain]
