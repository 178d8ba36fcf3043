"""Which images a network was trained on: short digests of their content, as one text for its card."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from joblib import delayed

from .._jobs import run_in_order
from ..images import LoadedImage
from ..images.reading import Source

#: Bytes of a digest that are kept, which become eight characters. Among 100,000 images to train on and 100,000 others,
#: two have the same digest by chance in one case of 28,000.
_N_BYTES = 6
_N_CHARACTERS = 8
_CHUNK = 256  # images that one task reads


def digest_images(images: Sequence[Source], n_jobs: int | None = None) -> str:
    """Read images, and return the digests of their content.

    Parameters
    ----------
    images : sequence of n images
    n_jobs : int, optional
        How many images are read at the same time. None, the default, is 1 unless a ``joblib.parallel_config`` says
        otherwise.

    Returns
    -------
    str
        See `write_digests`.

    Raises
    ------
    ImageReadError
        For the first image whose file cannot be read. Files are not decoded.
    """
    chunks = (images[start:start + _CHUNK] for start in range(0, len(images), _CHUNK))
    digests = run_in_order(map(delayed(_digest_chunk), chunks), n_jobs, prefer="threads")
    return write_digests(digest for chunk in digests for digest in chunk)


def write_digests(digests: Iterable[bytes]) -> str:
    """Return the text for the field `trained_on` of a card.

    Parameters
    ----------
    digests : iterable of bytes
        What `twoflow.images.LoadedImage.digest` gives for each image.

    Returns
    -------
    str
        The first six bytes of each digest in base64, sorted, each once, without anything between them.
    """
    return base64.b64encode(b"".join(sorted({digest[:_N_BYTES] for digest in digests}))).decode()


def count_digests(trained_on: str) -> int:
    """Return how many different images a text of digests names."""
    return len(trained_on) // _N_CHARACTERS


def find_trained_on(trained_on: str, digests: Iterable[bytes]) -> np.ndarray:
    """Return which images are among those that a network was trained on.

    Parameters
    ----------
    trained_on : str
        The field of the network's card.
    digests : iterable of n bytes
        What `twoflow.images.LoadedImage.digest` gives for each image.

    Returns
    -------
    ndarray of shape (n,) and dtype bool
    """
    content = base64.b64decode(trained_on)
    known = {content[start:start + _N_BYTES] for start in range(0, len(content), _N_BYTES)}
    return np.array([digest[:_N_BYTES] in known for digest in digests], dtype=bool)


def is_digests(value: Any) -> bool:
    """Return whether a value is a text that `write_digests` may have returned."""
    if not isinstance(value, str) or len(value) % _N_CHARACTERS:
        return False
    try:
        return "=" not in value and base64.b64decode(value, validate=True) is not None
    except (binascii.Error, ValueError):
        return False


def _digest_chunk(images: Sequence[Source]) -> list[bytes]:
    return [LoadedImage(source).digest for source in images]
