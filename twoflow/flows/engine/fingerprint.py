"""A short text for the features that a flow computes: equal for two flows only if they compute the same."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import joblib
import numpy as np

from ...store import StoreWarning
from ..contract import FlowContract, learns_from_data
from .dependencies import Dependencies
from .origins import find_origin
from .values import UnnamedDependencyError

#: The packages that decode, resize and compute. Another version may round differently.
_PACKAGES = (
    "numpy", "scipy", "scikit-learn", "pillow", "cykooz-resizer", "onnxruntime", "opencv-python-headless",
    "scikit-image", "mxnet",
)
_ROOMS = ("images", "networks", "flows")

#: The classes and reasons that a warning was given for already.
_warned: set[tuple[str, str]] = set()


def identity(flow: FlowContract) -> str:
    """Return a key that is equal, within one process, for flows that compute the same features from the same images.

    Parameters that cannot be pickled, such as a lambda, are equal only to themselves.
    """
    parts = {"class": type(flow), **{f"parameter {name}": value for name, value in flow.cache_key().items()}}
    return f"{type(flow).__name__}-{joblib.hash({name: _hash_or_id(value) for name, value in parts.items()})}"


def _hash_or_id(value: Any) -> str:
    try:
        return joblib.hash(value)
    except Exception:  # pickling calls the user's code, which may raise anything
        return f"object {id(value)}"


def fingerprint(flow: FlowContract) -> str | None:
    """Return a key that is equal, on any day, only for flows that give an image the same features.

    The key covers the flow's class and its `cache_key`, our code, and the versions of the packages that compute. For a
    user's own class it also covers: all functions that the flow can call, as they are now; the values of the globals,
    defaults, closures and class attributes that these use; the sources of the user's modules that they come from; the
    versions of all packages that these import; and the content of files that a parameter, a global or a class attribute
    names.

    Returns
    -------
    str or None
        None if the features depend on anything else: the flow learns from data, draws at random without a seed, or
        depends on something that has no name.

    Warns
    -----
    StoreWarning
        Once for each class and reason, if features depend on something that has no name: an object with a state of its
        own, a folder, a global that changes, or settings of the environment.
    """
    key = flow.cache_key()
    if learns_from_data(flow):
        return None
    if "random_state" in key and not isinstance(key["random_state"], (int, np.integer)):
        return None
    kind = f"{type(flow).__module__}.{type(flow).__qualname__}"
    dependencies = Dependencies()
    try:
        if find_origin(type(flow).__module__).is_users:
            dependencies.add_flow(flow)
            key = {}  # it is among the dependencies
        dependencies.add_exchanged(type(flow))
        return joblib.hash((kind, key, dependencies.hexdigest(), our_code(), versions()))
    except UnnamedDependencyError as error:
        warn_not_kept(
            type(flow), f"{error}; a flow is kept if it uses only numbers, text, arrays, files, functions and classes"
        )
        return None


def warn_not_kept(kind: type, reason: str) -> None:
    """Warn that the features of a class of flows are not kept, once for each reason."""
    name = f"{kind.__module__}.{kind.__qualname__}"
    if (name, reason) not in _warned:
        _warned.add((name, reason))
        message = f"the features of {name} are computed, but not kept in the store: {reason}"
        warnings.warn(message, StoreWarning, stacklevel=2)


@lru_cache(maxsize=1)
def our_code() -> str:
    """Return the digest of all source files in this package that features depend on."""
    package = Path(__file__).parents[2]
    return digest_sources(package / room for room in _ROOMS)


def digest_sources(folders: Iterable[Path]) -> str:
    """Return the digest of the Python files in some folders and in all folders below them.

    A folder without any is a mistake of the caller, which would make all versions of the code look alike.
    """
    digest = hashlib.sha256()
    files = {folder: [*folder.rglob("*.py")] for folder in folders}
    assert all(files.values()), f"no Python files in {[str(folder) for folder, own in files.items() if not own]}"
    for file in sorted(file for own in files.values() for file in own):
        content = file.read_bytes()
        digest.update(f"{file.name} {len(content)} ".encode() + content)
    return digest.hexdigest()


@lru_cache(maxsize=None)
def versions(packages: tuple[str, ...] = _PACKAGES) -> dict[str, str]:
    """Return the installed versions of packages, by default of those that compute features."""
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # an extra
    return found
