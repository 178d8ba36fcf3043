"""Read the token that clients must send."""

from __future__ import annotations

import os

from .._files import open_regular
from ..errors import InputError

VARIABLE = "TWOFLOW_TOKEN"
_SHORTEST, _LONGEST = 16, 4096


def read_token(path: str | None) -> str:
    """Read the token from a file, or else from the environment variable TWOFLOW_TOKEN; "" if neither is given.

    It is never an argument of the command, because every user of the machine can read those.

    Raises
    ------
    ValueError
        If it has fewer than 16 characters, or others than letters, digits and signs of ASCII.
    OSError
        If the file cannot be read.
    """
    if path is None:
        if VARIABLE not in os.environ:
            return ""
        return _check(os.environ[VARIABLE], VARIABLE)
    with open_regular(path) as file:
        return _check(file.read(_LONGEST + 1).decode("latin-1"), path)


def _check(text: str, source: str) -> str:
    token = text.strip()
    if not (_SHORTEST <= len(token) <= _LONGEST and token.isascii() and token.isprintable() and " " not in token):
        raise InputError(f"{source}: expected a token of {_SHORTEST} to {_LONGEST:,} letters, digits and signs, got "
                         "something else; make one with: openssl rand -hex 32")
    return token
