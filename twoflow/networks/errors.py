"""Errors about networks: one line each, whatever names a file brings along."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_MAX_LENGTH = 2000  # characters


class NetworkOutputError(ValueError):
    """A network gave NaN or infinity for an image; see `Session.run`.

    This is a fault of the network, not of the image: ``on_error="nan"`` does not turn it into a row of NaN.
    """


def one_line(text: object) -> str:
    """A text on one line: white space runs become single spaces, other unprintable characters are escaped."""
    words = " ".join(str(text).split())
    line = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in words)
    return line if len(line) <= _MAX_LENGTH else f"{line[:_MAX_LENGTH]} ..."


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn a ValueError whose message has several lines or control characters into one without."""
    try:
        yield
    except ValueError as error:
        if (line := one_line(error)) == str(error):
            raise
        raise ValueError(line) from error
