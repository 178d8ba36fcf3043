"""One digest of everything that a user's own flow depends on, or the reason why there is none.

The digest follows the code that is loaded, not only its source. So it covers a method that was replaced at run time, a
lambda, and a function inside a function: by their instructions, the values that they were defined with, the globals
that they use, and what these use in turn. Anything that is neither plain data nor code, such as an object with a state
of its own, raises `UnnamedDependencyError`.
"""

from __future__ import annotations

import builtins
import functools
import hashlib
import importlib
import importlib.util
import logging
import os
import sys
import threading
import types
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..contract import RUN_PARAMETERS, FlowContract
from .bytecode import Import, describe_code, read_uses
from .origins import PACKAGE, find_origin
from .values import UnnamedDependencyError, ValueDigest, may_be_path

#: Packages whose versions are part of every fingerprint.
_COUNTED = ("numpy", "scipy", "sklearn")
#: Objects that cannot change a result.
_HARMLESS = (logging.Logger, type(threading.Lock()), type(threading.RLock()))
#: Members of a class that Python, scikit-learn or `dataclass` adds, and that cannot change features.
_NO_PART = {
    "__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__annotate__",
    "__annotate_func__", "__annotations_cache__", "__orig_bases__", "__parameters__", "__static_attributes__",
    "__firstlineno__", "__abstractmethods__", "_abc_impl", "__dataclass_fields__", "__dataclass_params__",
    "_parameter_constraints", "set_fit_request",
}
_SLOTS = (types.MemberDescriptorType, types.GetSetDescriptorType, type(vars(namedtuple("Pair", "x"))["x"]))
_DESCRIPTORS = (types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType)
#: Functions that give code access to something that no digest can follow.
_HIDES = {
    "builtins.eval", "builtins.exec", "builtins.__import__", "builtins.globals", "importlib.import_module", "os.getenv",
}


class Dependencies(ValueDigest):
    """A digest of values, of code, and of everything that these use."""

    def __init__(self) -> None:
        super().__init__()
        self._modules: set[str] = set()
        self._names: set[str] = set()

    def hexdigest(self) -> str:
        """Return the digest of everything added so far."""
        digest = self._digest.copy()
        for name in sorted(self._names):
            digest.update(f"{len(name)} {name}".encode())
        return digest.hexdigest()

    def add_class(self, kind: type) -> None:
        """Add a class with its bases: by its package and version or, if it is the user's, with all its members."""
        self._note("class", kind.__module__, kind.__qualname__)
        if self._is_known(kind):
            return
        if kind.__module__ not in sys.modules:
            raise UnnamedDependencyError(f"the code of {kind.__qualname__} cannot be found")
        self._add_origin(kind.__module__)
        for base in kind.__mro__[1:]:
            self.add_class(base)
        if not find_origin(kind.__module__).is_users:
            self._add_exchanged(vars(kind), kind.__qualname__)
            return
        self.add_class(type(kind))
        for name, value in sorted(vars(kind).items()):
            if name not in _NO_PART and not isinstance(value, _SLOTS):
                self._note("attribute", name)
                self.add(value, f"{name} of class {kind.__qualname__}")

    def add_flow(self, flow: FlowContract) -> None:
        """Add a flow: its class, its cache key, and every other attribute that was set on it."""
        self.add_class(type(flow))
        name = type(flow).__qualname__
        for parameter, value in sorted(flow.cache_key().items()):
            self._note("parameter", parameter)
            self.add(value, f"parameter {parameter} of {name}")
        passed_over = {*RUN_PARAMETERS, *flow.get_params(deep=False)}
        for attribute, value in sorted(vars(flow).items()):
            if attribute not in passed_over:
                self._note("attribute", attribute)
                self.add(value, f"attribute {attribute} of {name}")

    def add_exchanged(self, kind: type) -> None:
        """Add functions that the user has put into our classes above this one, or into the modules of these."""
        for base in kind.__mro__:
            if base.__module__.partition(".")[0] == PACKAGE:
                self._add_exchanged(vars(base), base.__qualname__)
                self._add_exchanged(vars(sys.modules[base.__module__]), base.__module__)

    def _add_exchanged(self, members: Mapping[str, Any], owner: str) -> None:
        for name, value in sorted(members.items(), key=lambda member: str(member[0])):
            function = getattr(value, "fget", getattr(value, "__func__", value))
            if not isinstance(function, types.FunctionType) or _module(function).partition(".")[0] in _COUNTED:
                continue
            if find_origin(_module(function)).is_users:
                self._note("exchanged", owner, name)
                self.add(function, f"{name} of {owner}")

    def _add_property(self, value: property, what: str) -> None:
        self._add_sequence((value.fget, value.fset, value.fdel), what)

    def _add_wrapped(self, value: Any, what: str) -> None:
        self._note(type(value).__name__)
        inner = getattr(value, "__wrapped__", None) or getattr(value, "__func__", None) or value.func
        self.add(inner, what)

    def _add_partial(self, value: functools.partial, what: str) -> None:
        self._note("partial")
        self.add((value.func, value.args, value.keywords), what)

    def _add_module(self, module: types.ModuleType) -> None:
        """Add a module that may be used by any of its names."""
        self._note("module", module.__name__)
        if self._is_known(module):
            return
        self._add_origin(module.__name__)
        if find_origin(module.__name__).is_users:
            for name, value in sorted(vars(module).items()):
                if not name.startswith("__"):
                    self._note("name", name)
                    self.add(value, f"{name} of module {module.__name__}")

    def _add_function(self, function: types.FunctionType, what: str) -> None:
        module = _module(function)
        self._note("function", module, function.__qualname__)
        if self._is_known(function):
            return
        self._add_origin(module)
        is_users = find_origin(module).is_users
        if not is_users and _find(module, function.__qualname__) is function:
            _check_open(f"{module}.{function.__qualname__}", what)
            return
        label = f"{function.__qualname__}()"
        if is_users:
            self._add_code(function.__code__, function.__globals__, label)
        self.add((function.__defaults__, function.__kwdefaults__), f"a default of {label}")
        self.add({name: value for name, value in vars(function).items()}, f"an attribute of {label}")
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            try:
                content = cell.cell_contents
            except ValueError:  # the cell is still empty
                continue
            self._note("cell", name)
            self.add(content, f"{name} around {label}")

    def _add_code(self, code: types.CodeType, scope: dict[str, Any], label: str) -> None:
        self._note("code", repr(describe_code(code)))
        self._add_constants(code.co_consts, scope, label)
        uses = read_uses(code)
        for name in uses.changes:
            raise UnnamedDependencyError(f"{label} changes the global {name}")
        for names in uses.loads:
            self._add_global(names, scope, label)
        for each in uses.imports:
            self._add_import(each, scope)

    def _add_constants(self, constants: Iterable[Any], scope: dict[str, Any], label: str) -> None:
        for value in constants:
            if isinstance(value, types.CodeType):
                self._add_code(value, scope, label)
            elif isinstance(value, tuple):
                self._note("tuple", str(len(value)))
                self._add_constants(value, scope, label)
            elif isinstance(value, str):  # it may be a path, relative to the working folder or to the module's
                self._note("text", value)
                for folder in sorted({os.curdir, os.path.dirname(scope.get("__file__") or os.curdir)}):
                    path = os.path.join(folder, os.path.expanduser(value))
                    if may_be_path(value) and os.path.isfile(path):
                        self._add_file(path, label)
            else:
                self.add(value, label)

    def _add_global(self, names: list[str], scope: dict[str, Any], label: str) -> None:
        """Add a global; from a module, add the attributes that are read, such as ``np``, ``linalg`` and ``norm``."""
        first, *attributes = names
        missing = object()
        value = scope.get(first, getattr(builtins, first, missing))
        self._note("global", first)
        for attribute in attributes:
            if not isinstance(value, types.ModuleType):
                break
            self._add_origin(value.__name__)
            value = getattr(value, attribute, missing)
            self._note("of", attribute)
            first = f"{first}.{attribute}"
        if value is not missing:
            self.add(value, f"{first} in {label}")

    def _add_import(self, statement: Import, scope: dict[str, Any]) -> None:
        """Add the modules that an import inside a function loads, as a whole; a missing module by its name."""
        target = statement.target
        if statement.level:
            target = importlib.util.resolve_name("." * statement.level + target, scope.get("__package__") or "")
        for each in (target, *(f"{target}.{name}" for name in statement.names)):
            try:
                module = importlib.import_module(each)
            except ImportError:
                self._note("no module", each)  # or a name in a module, which is added as a whole
            else:
                self._add_module(module)

    def _add_builtin(self, value: Any, what: str) -> None:
        if value.__self__ is not None and not isinstance(value.__self__, (types.ModuleType, type)):
            raise UnnamedDependencyError(f"{what} is a method of a {type(value.__self__).__qualname__}")
        owner = value.__self__ if isinstance(value.__self__, type) else None
        module = owner.__module__ if owner else value.__module__ or "builtins"
        self._note("builtin", module, value.__qualname__)
        _check_open(f"{module}.{value.__qualname__}", what)
        self._add_origin(module)

    def _add_descriptor(self, value: Any, what: str) -> None:
        self._note("descriptor", value.__qualname__)
        self.add_class(value.__objclass__)

    def _add_ufunc(self, value: np.ufunc, what: str) -> None:
        self._note("ufunc", value.__name__, repr(value.types))  # numpy's and scipy's versions always count
        if find_origin(getattr(value, "__module__", None) or "numpy").is_users or "(vectorized)" in value.__name__:
            raise UnnamedDependencyError(f"{what} is a ufunc made of a function")

    def _add_other(self, value: Any, what: str) -> None:
        if isinstance(value, types.ModuleType):
            self._add_module(value)
        elif isinstance(value, type):
            self.add_class(value)
        elif isinstance(value, FlowContract):
            self.add_flow(value)
        elif isinstance(value, tuple) and hasattr(value, "_fields"):  # a namedtuple
            self.add_class(type(value))
            self._add_sequence(tuple(value), what)
        elif not isinstance(value, _HARMLESS):
            self._add_by_name(value, what)

    def _add_by_name(self, value: Any, what: str) -> None:
        """Add a callable of a package by its name, if the package has the same object under this name."""
        module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
        if isinstance(module, str) and isinstance(name, str) and callable(value) and _find(module, name) is value:
            if not find_origin(module).is_users:
                self._note("by name", module, name)
                self._add_origin(module)
                return
        super()._add_other(value, what)

    def _add_origin(self, module: str) -> None:
        """Add where a module comes from: its package and version or, if it is the user's, its source and imports."""
        if module in self._modules:
            return
        self._modules.add(module)
        origin = find_origin(module)
        self._names.update(origin.names)
        loaded = sys.modules.get(module)
        file = getattr(loaded, "__file__", None)
        if file and (origin.is_users or not origin.names) and os.path.isfile(file):
            self._names.add(f"{module} {hashlib.sha256(Path(file).read_bytes()).hexdigest()}")
        if origin.is_users:
            for value in list(vars(loaded).values()) if loaded else ():
                if isinstance(value, (types.ModuleType, type, types.FunctionType)):
                    name = value.__name__ if isinstance(value, types.ModuleType) else value.__module__
                    if name in sys.modules:
                        self._add_origin(name)


def _module(function: types.FunctionType) -> str:
    """Return the module that holds a function's code; `__module__` may name another."""
    return str(function.__globals__.get("__name__"))


def _find(module: str, qualname: str) -> Any:
    value: Any = sys.modules.get(module)
    for name in qualname.split("."):
        value = getattr(value, name, None)
    return value


def _check_open(name: str, what: str) -> None:
    if name in _HIDES:
        raise UnnamedDependencyError(f"{what} reaches code or settings that cannot be followed")


_WRAPPERS: tuple[type, ...] = (staticmethod, classmethod, functools.cached_property, functools._lru_cache_wrapper)
_METHODS: dict[type, Callable[[Any, Any, str], None]] = {
    property: Dependencies._add_property,
    **{kind: Dependencies._add_wrapped for kind in _WRAPPERS},
    functools.partial: Dependencies._add_partial,
    functools.partialmethod: Dependencies._add_partial,
    types.FunctionType: Dependencies._add_function,
    types.BuiltinFunctionType: Dependencies._add_builtin,
    **{kind: Dependencies._add_descriptor for kind in _DESCRIPTORS},
    np.ufunc: Dependencies._add_ufunc,
}
Dependencies._methods = ValueDigest._methods | _METHODS
