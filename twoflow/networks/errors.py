"""Errors about networks: one line each, whatever names a file brings along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from .._text import printable
from ..errors import InputError

MAX_LENGTH = 2000  # characters of a message that quotes a file


class NetworkOutputError(InputError):
    """A network gave NaN or infinity for an image; see `Session.run`.

    This is a fault of the network, not of the image: ``on_error="nan"`` does not turn it into a row of NaN.
    """


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn a ValueError whose message has several lines or control characters into one without."""
    try:
        yield
    except ValueError as error:
        if (line := printable(error, MAX_LENGTH)) == str(error):
            raise
        raise InputError(line) from error
