"""Check that torch and skorch, an extra, are installed."""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import MissingExtraError

_PACKAGES = ("torch", "skorch")


def missing_reason() -> str | None:
    """Say which packages are missing and how to install them; None if all are there. Nothing is imported."""
    missing = [name for name in _PACKAGES if not _is_installed(name)]
    return f'needs {" and ".join(missing)}: pip install "twoflow[torch]"' if missing else None


def require(what: str) -> None:
    """Raise ModuleNotFoundError if torch or skorch is not installed.

    Parameters
    ----------
    what : str
        What needs them, the beginning of the error message.
    """
    reason = missing_reason()
    if reason is not None:
        raise MissingExtraError(f"{what} {reason}")


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # an import hook refuses the package, or sys.modules has None for it
        return False
