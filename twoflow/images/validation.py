"""What may be handed to `fit` and `predict` as X."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from .reading import Source

_EXPECTED = (
    "Expected a 1-D sequence of pictures (paths, arrays, PIL images or bytes), a one-column DataFrame or a 4-D array"
)


def check_pictures(X: Any) -> Sequence[Source]:
    """Check that X is a sequence of pictures and return it as one that can be indexed by position.

    Nothing is opened: whether a path can be read shows when a flow reads it.

    Parameters
    ----------
    X : sequence of pictures, ImageCollection, one-column DataFrame, or ndarray of shape (n, H, W, 1 or 3 or 4)

    Returns
    -------
    sequence of pictures

    Raises
    ------
    ValueError
        If X is empty, a single picture, or a table of numbers.
    TypeError
        If X is not a sequence at all, or holds something that is no picture.
    """
    if isinstance(X, (str, bytes, os.PathLike, Image.Image)):
        raise ValueError(f"X is a single picture. {_EXPECTED}; for one picture pass [picture].")
    if hasattr(X, "iloc") or isinstance(X, np.ndarray):
        X = _check_table(X)
    elif not (hasattr(X, "__len__") and hasattr(X, "__getitem__")):
        raise TypeError(f"X is a {type(X).__name__}. {_EXPECTED}.")
    if len(X) == 0:
        raise ValueError(f"X has no pictures. {_EXPECTED}.")
    for i, source in enumerate(X):
        if not isinstance(source, (str, bytes, os.PathLike, np.ndarray, Image.Image)):
            raise TypeError(f"X[{i}] is a {type(source).__name__}, not a picture. {_EXPECTED}.{_remedy(source)}")
    return X


def _check_table(X: Any) -> Sequence[Source]:
    """An array or a pandas object, as a sequence of its rows' pictures."""
    values = X if isinstance(X, np.ndarray) else X.to_numpy()
    if values.ndim == 4 and values.shape[3] in (1, 3, 4):
        return list(values)
    if values.dtype.kind in "biufc" and values.size:
        raise ValueError(
            f"X is a table of numbers of shape {values.shape}, not pictures. {_EXPECTED}.{_remedy(values[0])}"
        )
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(f"X has shape {values.shape}. {_EXPECTED}.")
    return values.tolist()


def _remedy(item: Any) -> str:
    numbers = isinstance(item, (int, float, np.number)) or isinstance(item, (list, tuple, np.ndarray))
    return (
        " Features that are numbers already go to ForestSelector or to a scikit-learn classifier." if numbers else ""
    )
