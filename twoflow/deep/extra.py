"""Check that the packages of the extra are installed: torch and skorch, and transformers for its networks."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from .._text import listed
from ..errors import MissingExtraError

#: What everything that is trained here needs.
TRAINING = ("torch", "skorch")
#: What a network of transformers needs: its code, its weights, and its export.
TRANSFORMERS = ("torch", "transformers", "safetensors", "onnxscript")


def missing_reason(packages: Sequence[str] = TRAINING) -> str | None:
    """Say which packages are missing and how to install them; None if all are there. Nothing is imported."""
    missing = [name for name in packages if not _is_installed(name)]
    return f'needs {listed(missing)}: pip install "twoflow[torch]"' if missing else None


def require(what: str, packages: Sequence[str] = TRAINING) -> None:
    """Raise ModuleNotFoundError if a package is not installed.

    Parameters
    ----------
    what : str
        What needs them, the beginning of the error message.
    packages : sequence of str, default=TRAINING
        The names that they are imported by.
    """
    reason = missing_reason(packages)
    if reason is not None:
        raise MissingExtraError(f"{what} {reason}")


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # an import hook refuses the package, or sys.modules has None for it
        return False
