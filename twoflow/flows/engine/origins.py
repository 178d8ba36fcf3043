"""Where a module comes from: Python, an installed package, this package, or the user."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import sys
import sysconfig
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

PACKAGE = __name__.partition(".")[0]
#: Where installed packages lie inside the folder of Python's own library.
_INSTALLED = {"site-packages", "dist-packages"}


class Origin(NamedTuple):
    """Where a module comes from.

    Attributes
    ----------
    is_users : bool
        Whether only its source identifies it. This is so for a file or notebook of the user's, and for a package
        that is installed in editable form or from a folder.
    names : tuple of str
        Otherwise, the names and versions that identify it: "Python 3.12.1", or an installed package and those that it
        requires. Empty for this package itself.
    """

    is_users: bool
    names: tuple[str, ...] = ()


def find_origin(module: str) -> Origin:
    """Find the origin of a module by its full name. A module that is not loaded counts as the user's."""
    if module.partition(".")[0] == PACKAGE:
        return Origin(False)
    loaded = sys.modules.get(module)
    spec = getattr(loaded, "__spec__", None)
    if module in sys.builtin_module_names or getattr(spec, "origin", None) in ("built-in", "frozen"):
        return Origin(False, (f"Python {sys.version}",))
    places = [getattr(loaded, "__file__", None) or "", *getattr(loaded, "__path__", ())]
    place = next((place for place in places if place), None)
    return Origin(True) if place is None else _find_origin(module.partition(".")[0], place)


@lru_cache(maxsize=None)
def _find_origin(top: str, place: str) -> Origin:
    file = Path(os.path.realpath(place))
    for key in ("stdlib", "platstdlib"):
        folder = Path(os.path.realpath(sysconfig.get_path(key)))
        if file.is_relative_to(folder) and not _INSTALLED.intersection(file.relative_to(folder).parts):
            return Origin(False, (f"Python {sys.version}",))
    found = [name for name in sorted(set(_distributions().get(top, []))) if _holds(name, file)]
    return Origin(False, _name_versions(found)) if found else Origin(True)


@lru_cache(maxsize=1)
def _distributions() -> dict[str, list[str]]:
    """Map the names of top-level modules to the installed distributions that contain them."""
    return dict(importlib.metadata.packages_distributions())


def _holds(name: str, file: Path) -> bool:
    """Return whether a file was installed with a distribution, and not from a folder whose content may change."""
    distribution = importlib.metadata.distribution(name)
    if distribution.read_text("RECORD") is None:  # a source folder with metadata in it
        return False
    if "dir_info" in json.loads(distribution.read_text("direct_url.json") or "{}"):
        return False
    return file.is_relative_to(os.path.realpath(str(distribution.locate_file(""))))


def _name_versions(distributions: Iterable[str]) -> tuple[str, ...]:
    """Name the versions of these distributions and of all installed ones that they require."""
    found: dict[str, str] = {}
    waiting = list(distributions)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()  # the normal form of a package's name
        if name in found:
            continue
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        found[name] = f"{name} {distribution.version} {distribution.read_text('direct_url.json') or ''}"
        waiting += [re.split(r"[^\w.-]", requirement)[0] for requirement in distribution.requires or ()]
    return tuple(sorted(found.values()))
