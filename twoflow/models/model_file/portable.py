"""Copy a fitted model without what belongs to the machine: stores, numbers of jobs, and paths of networks."""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import copy
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
from scipy import sparse

from ...networks import PROVIDERS

#: How and where a model is run, not what it computes; and the value that each gets.
RUNNING: dict[str, Callable[[Any], Any]] = {
    "backbone": lambda value: _without_folder(value),
    "checkpoint": lambda value: None,
    "device": lambda value: "auto",
    "memory": lambda value: None,
    "n_jobs": lambda value: None,
    "network_path_": lambda value: None,
    "provider": lambda value: "auto" if isinstance(value, str) and value in PROVIDERS else value,
    "store": lambda value: None,
    "verbose": lambda value: type(value)(0) if isinstance(value, (bool, int)) else False,
}
#: The attributes of a search that contain parameters of the model by name.
_PARAMETERS = ("best_params_", "cv_results_", "param_distributions", "param_grid")
_LEAVES = (
    BuiltinFunctionType, FunctionType, MethodType, ModuleType, np.dtype, np.generic, np.random.RandomState, np.ufunc,
    type,
)


def _without_folder(backbone: Any) -> Any:
    """Return the name of a folder without the path; a name of a network as it is."""
    is_folder = isinstance(backbone, os.PathLike) or isinstance(backbone, str) and backbone[:1] in (".", "~", os.sep)
    return os.path.basename(os.path.normpath(backbone)) if is_folder else backbone


def make_portable(
    model: Any, replace_network: Callable[[Any], Any], note: Callable[[Any], None] = lambda part: None
) -> Any:
    """Copy a fitted model without what belongs to the machine.

    Parameters
    ----------
    model : estimator
        It is not changed. Arrays are shared with the copy.
    replace_network : callable
        Takes the value of each parameter `network`; returns the value for the copy.
    note : callable
        Is given every object inside the model that has attributes. By default it does nothing.

    Returns
    -------
    estimator
        In it and all estimators inside it, `store`, `n_jobs` and `memory` are None and `verbose` is off.
    """
    return _Copier(replace_network, note).copy(model)


class _Copier:
    def __init__(self, replace_network: Callable[[Any], Any], note: Callable[[Any], None]) -> None:
        self._replace_network = replace_network
        self._note = note
        self._copies: dict[int, tuple[Any, Any]] = {}  # with the original, so that its number is not used again

    def copy(self, value: Any) -> Any:
        if isinstance(value, _LEAVES) or sparse.issparse(value):
            return value
        if isinstance(value, np.ndarray) and value.dtype != object:
            return value
        if id(value) not in self._copies:
            self._copies[id(value)] = value, self._make(value)
        return self._copies[id(value)][1]

    def _make(self, value: Any) -> Any:
        if isinstance(value, np.ma.MaskedArray):
            return np.ma.MaskedArray(self._make(value.data), value.mask, dtype=object)
        if isinstance(value, np.ndarray):
            copied = np.empty(value.shape, dtype=object)
            for place in np.ndindex(value.shape):
                copied[place] = self.copy(value[place])
            return copied
        if isinstance(value, tuple):
            items = [self.copy(each) for each in value]
            return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
        if isinstance(value, list):
            return [self.copy(each) for each in value]
        if isinstance(value, dict):
            table = copy(value)
            table.update((key, self.copy(each)) for key, each in value.items())
            return table
        if not hasattr(value, "__dict__"):
            return value
        try:
            copied = object.__new__(type(value))
        except TypeError:  # a compiled class, such as KDTree; it has no parameters
            return value
        self._note(value)
        self._copies[id(value)] = value, copied  # now, because it may refer to itself
        has_parameters = hasattr(value, "get_params")
        for name, each in vars(value).items():
            if has_parameters and name in _PARAMETERS:
                new = self._parameters(each)
            elif has_parameters and (name in RUNNING or name == "network"):
                new = self._parameter(name, each)
            else:
                new = self.copy(each)
            copied.__dict__[name] = new
        return copied

    def _parameters(self, value: Any) -> Any:
        """Copy parameters by name, in a dict or a list of dicts, such as the grid of a search."""
        if isinstance(value, (list, tuple)):
            return [self._parameters(each) for each in value]
        if not isinstance(value, dict):
            return self.copy(value)
        return {
            name: self._parameters(each) if name == "params"
            else self._parameter(str(name).removeprefix("param_").rpartition("__")[2], each)
            for name, each in value.items()
        }

    def _parameter(self, name: str, value: Any) -> Any:
        """Copy a parameter, or the values that a search tried for it."""
        if name not in RUNNING and name != "network":
            return self.copy(value)
        replace = self._replace_network if name == "network" else RUNNING[name]
        if isinstance(value, (list, tuple)):
            return [replace(each) for each in value]
        if isinstance(value, np.ndarray):
            replaced = value.astype(object)
            replaced[...] = np.frompyfunc(replace, 1, 1)(np.asarray(value, dtype=object))
            return replaced
        return replace(value)
