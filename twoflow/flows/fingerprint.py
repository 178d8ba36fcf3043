"""What features a flow computes, as one short text: equal for two flows only if they compute the same."""

from __future__ import annotations

import hashlib
import inspect
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import joblib
import numpy as np

from .base import Flow

#: What decodes, resizes and computes; another version may round another way.
_PACKAGES = (
    "numpy", "scipy", "scikit-learn", "pillow", "cykooz-resizer", "onnxruntime", "opencv-python-headless",
    "scikit-image", "mxnet",
)
_ROOMS = ("images", "networks", "flows")


def identity(flow: Flow) -> str:
    """Equal for flows of one process that compute the same features, or would learn to from the same pictures."""
    return f"{type(flow).__name__}-{joblib.hash((type(flow), flow._ingredients()))}"


def fingerprint(flow: Flow) -> str | None:
    """Equal, on any day, only for flows that give a picture the same features.

    It is of the flow's class and parameters, the content of its network, our code, that of a class of yours, and the
    versions of the packages that compute.

    Returns
    -------
    str or None
        None for a flow whose features are not a function of these: because it learns from the pictures it is fitted on,
        draws at random without a seed, or is of a class whose code cannot be found.
    """
    ingredients = flow._ingredients()
    if flow.__sklearn_tags__().learns_from_data:
        return None
    if "random_state" in ingredients and not isinstance(ingredients["random_state"], (int, np.integer)):
        return None
    code = [_class_code(kind) for kind in type(flow).__mro__ if issubclass(kind, Flow)]
    if None in code:
        return None
    kind = f"{type(flow).__module__}.{type(flow).__qualname__}"
    return joblib.hash((kind, ingredients, code, our_code(), versions()))


def _class_code(kind: type) -> str | None:
    """The digest of the file that a class of somebody else's stands in, or in a notebook of the class alone."""
    if kind.__module__.split(".")[0] == __name__.split(".")[0]:
        return ""  # our own code is counted as a whole
    try:
        file = Path(inspect.getsourcefile(kind) or "")
        code = file.read_bytes() if file.is_file() else inspect.getsource(kind).encode()
    except (OSError, TypeError):
        return None
    return hashlib.sha256(code).hexdigest()


@lru_cache(maxsize=1)
def our_code() -> str:
    """The digest of everything in this package that features depend on."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for file in sorted(file for room in _ROOMS for file in (package / room).glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """The installed versions of the packages that compute."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # an extra
    return found
