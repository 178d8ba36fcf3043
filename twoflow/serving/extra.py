"""Check that FastAPI, uvicorn and python-multipart, an extra, are installed."""

from __future__ import annotations

from importlib.util import find_spec

from .._text import listed
from ..errors import MissingExtraError

_PACKAGES = {"fastapi": "fastapi", "uvicorn": "uvicorn", "python_multipart": "python-multipart"}


def require() -> None:
    """Raise ModuleNotFoundError, with the command that installs them, if a package is missing; import nothing."""
    missing = [name for module, name in _PACKAGES.items() if not _is_installed(module)]
    if missing:
        raise MissingExtraError(f'the service needs {listed(missing)}: pip install "twoflow[serve]"')


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # an import hook refuses the package, or sys.modules has None for it
        return False
