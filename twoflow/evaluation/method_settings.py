"""The settings that named methods of a comparison share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..heads.class_balance import ClassWeight
from ..networks import NetworksLike


class Settings(NamedTuple):
    """The settings that methods of any name share.

    Attributes
    ----------
    network : str, path, CarriedNetwork, or sequence of these
        The network of recipes and of the method "cnn", or several.
    seed : int
        Seeds every method. All methods with a projection have the same one.
    superclasses : mapping of class to superclass, or None
        The object hierarchy of "mid-level"; None to learn one.
    size : (int, int), default=(64, 48)
        Width and height of raw pixels. A method of pixels has its own, in its name.
    class_weight : {"balanced"}, mapping of class to float, or None, default=None
    max_per_class : int or None, default=None
        See `make_model`. Methods that train a network take no `max_per_class`, and "convnet" no `class_weight`; there
        they are refused.
    fine_tuning : mapping of str to value, default={}
        Parameters of `FineTunedClassifier` for the methods that fine-tune a network.
    """

    network: NetworksLike
    seed: int
    superclasses: Mapping[Any, Any] | None
    size: tuple[int, int] = (64, 48)
    class_weight: ClassWeight = None
    max_per_class: int | None = None
    fine_tuning: Mapping[str, Any] = MappingProxyType({})
