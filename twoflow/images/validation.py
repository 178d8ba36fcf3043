"""What may be handed to `fit` and `predict` as X."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image
from scipy import sparse

from .reading import Source

_EXPECTED = (
    "Expected a 1-D sequence of pictures (paths, URLs, arrays, PIL images or bytes), a one-column DataFrame or a 4-D "
    "array"
)


def check_pictures(X: Any) -> Sequence[Source]:
    """Check that X is a sequence of pictures and return it as one that can be indexed by position.

    Nothing is opened: whether a path or URL can be read shows when a flow reads it.

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
    if sparse.issparse(X):
        raise ValueError(f"X is a sparse table of numbers of shape {X.shape}, not pictures. {_EXPECTED}.{_remedy(0)}")
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


def refuse_missing(name: str, values: Any) -> None:
    """Raise ValueError if a label or group is missing.

    To be asked of the values as they were given: in an array of text NaN is the word "nan", a class like any other.
    """
    missing = [i for i, value in enumerate(values) if is_missing(value)]
    if missing:
        raise ValueError(f"{name}: {len(missing)} missing (NaN or empty), the first at {missing[0]}; fill or drop them")


def is_missing(value: Any) -> bool:
    """None, NaN (also pandas' own) and text without letters."""
    if value is None or isinstance(value, str) and not value.strip():
        return True
    unequal = value != value  # NaN is not equal to itself; pandas.NA does not even say
    return bool(unequal) if isinstance(unequal, (bool, np.bool_)) else True


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
