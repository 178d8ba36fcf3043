"""The error for an image that cannot be read."""

from __future__ import annotations

from ..errors import InputError


class ImageReadError(InputError):
    """The error for an image that cannot be read.

    Attributes
    ----------
    name : str
        The path, or a description of an image that has none.
    reason : str
        What is wrong with the image, and what to do, in one line.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)  # both values in `args`, so a worker can pickle the error
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot read {self.name}: {self.reason}"


def refusal(reason: str) -> ImageReadError:
    """Return an error that does not name the image; the reading functions add the name."""
    return ImageReadError("an image", reason)


def damaged(detail: str) -> ImageReadError:
    """Return the refusal of a truncated or damaged file; `detail` says what is missing or wrong."""
    return refusal(f"the file is truncated or damaged: {detail}; copy it or save it again")
