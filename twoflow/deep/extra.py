"""The extra that brings torch, and what is said where it is missing."""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import MissingExtraError

_PACKAGES = ("torch", "skorch")


def missing_reason() -> str | None:
    """Why what is in this folder cannot run here, with the line that mends it; None if it can. Imports nothing."""
    missing = [name for name in _PACKAGES if not _is_installed(name)]
    return f'needs {" and ".join(missing)}: pip install "twoflow[torch]"' if missing else None


def require(what: str) -> None:
    """Raise ModuleNotFoundError if torch or skorch is not installed; `what` is what needs them."""
    reason = missing_reason()
    if reason is not None:
        raise MissingExtraError(f"{what} {reason}")


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # an import hook that refuses it, or None in its place in sys.modules
        return False
