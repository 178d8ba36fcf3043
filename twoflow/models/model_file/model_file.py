"""A model file that has been opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .card import ModelCard

if TYPE_CHECKING:
    from .gallery import Gallery


@dataclass(frozen=True)
class ModelFile:
    """A fitted model with its card.

    Attributes
    ----------
    model : estimator
        The fitted model; it takes images.
    card : ModelCard
    digest : str
        SHA-256 of the whole file; empty for a model that is in no file.
    examples : mapping of (str, int) to bytes
        For a target's name and the position of a class: a small JPEG of a training image of this class. Empty if the
        file has none. Empty by default.
    gallery : Gallery or None
        The training images, for a search among them. None, the default, if the file has none.
    """

    model: Any
    card: ModelCard
    digest: str = ""
    examples: Mapping[tuple[str, int], bytes] = field(default_factory=dict)
    gallery: Gallery | None = None
