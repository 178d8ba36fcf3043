"""The error of an image that cannot be read."""

from __future__ import annotations

from ..errors import InputError


class ImageReadError(InputError):
    """An image that cannot be read.

    Attributes
    ----------
    name : str
        The path, or a description of an image that has none.
    reason : str
        What is wrong with it, in one line.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)  # both in args, so that the error survives pickling by a worker
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot read {self.name}: {self.reason}"


def refusal(reason: str) -> ImageReadError:
    """An error that does not know the image's name yet; `open_reduced` puts it in."""
    return ImageReadError("an image", reason)
