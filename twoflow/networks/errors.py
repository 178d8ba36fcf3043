"""Errors about networks: always one line, even if they quote names out of a hostile file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._text import printable
from ..errors import InputError

MAX_LENGTH = 2000  # of a message that quotes a file, in characters


class NetworkOutputError(InputError):
    """A network computed NaN or infinity for an image; see `Session.run`.

    The fault is the network's, not the image's: even with ``on_error="nan"`` this error is raised.
    """


def damaged(reason: object) -> InputError:
    """Return the error for a file that cannot be read as an ONNX graph."""
    return InputError(f"it is damaged, or no ONNX file: {reason}; download or export it again")


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Put the message of a ValueError on one line, and escape its control characters."""
    try:
        yield
    except ValueError as error:
        if (line := printable(error, MAX_LENGTH)) == str(error):
            raise
        raise InputError(line) from error
