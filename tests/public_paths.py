"""Which classes and functions a fitted model holds, and whether they can be imported from their room.

A model file names them, so they must have a path that does not change when a file inside a room is moved.
"""

from importlib import import_module
from types import FunctionType

import numpy as np


def without_public_path(model):
    """Return our classes and functions in a model that no room exports."""
    found = {}
    _collect(model, found)
    named = [value if isinstance(value, FunctionType) else type(value) for value in found.values()]
    ours = {each for each in named if each.__module__.split(".")[0] == "twoflow"}
    assert ours, "the model holds nothing of ours"
    return {each for each in ours if getattr(_room(each), each.__qualname__, None) is not each}


def _room(value):
    return import_module(".".join(value.__module__.split(".")[:2]))


def _collect(value, seen):
    """Collect all objects inside a value, each once."""
    if id(value) in seen or isinstance(value, type):
        return
    seen[id(value)] = value
    if isinstance(value, dict):
        inside = [*value, *value.values()]
    elif isinstance(value, (list, tuple, set)):
        inside = [*value]
    elif isinstance(value, np.ndarray):
        inside = value.ravel().tolist() if value.dtype.hasobject else []
    else:
        inside = [*getattr(value, "__dict__", {}).values()]
    for each in inside:
        _collect(each, seen)
