"""Checks of what is passed as images, labels, groups and columns."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image
from scipy import sparse

from ..errors import InputError, InputTypeError
from .reading import Source

_EXPECTED = (
    "Expected a 1-D sequence of images (paths, URLs, arrays, PIL images or bytes), a one-column DataFrame or a 4-D "
    "array"
)
_CHANNELS = (1, 3, 4)


def check_images(X: Any) -> Sequence[Source]:
    """Check that X is a sequence of images, and return it as a sequence that can be indexed by position.

    No image is opened. An unreadable path or URL raises its error when a flow reads it.

    Parameters
    ----------
    X : sequence of n images
        A list, tuple or ImageCollection; a Series or one-column table of pandas, polars or Arrow; an array or tensor
        of shape (n,), (n, 1), (n, H, W) or (n, H, W, 1 or 3 or 4).

    Returns
    -------
    sequence of images

    Raises
    ------
    ValueError
        If X is empty, a single image, or a table of numbers, or has the channels first.
    TypeError
        If X is not a sequence, or contains something that is not an image.
    """
    if isinstance(X, (str, bytes, os.PathLike, Image.Image)):
        raise InputError(f"X is a single image. {_EXPECTED}; for one image pass [image].")
    if sparse.issparse(X):
        raise InputError(f"X is a sparse table of numbers of shape {X.shape}, not images. {_EXPECTED}.{_remedy(0)}")
    X = from_other_library(X)
    if isinstance(X, np.ndarray):
        X = _check_array(X)
    elif not (hasattr(X, "__len__") and hasattr(X, "__getitem__")):
        raise InputTypeError(f"X is a {type(X).__name__}. {_EXPECTED}.")
    if len(X) == 0:
        raise InputError(f"X has no images. {_EXPECTED}.")
    for i, source in enumerate(X):
        if not isinstance(source, (str, bytes, os.PathLike, np.ndarray, Image.Image)):
            raise InputTypeError(f"X[{i}] is a {type(source).__name__}, not an image. {_EXPECTED}.{_remedy(source)}")
    return X


def to_values(name: str, values: Any, may_be_missing: bool = False) -> np.ndarray:
    """Convert labels, groups or other values, one for each image, to an array.

    Parameters
    ----------
    name : str
        How an error names the values.
    values : array-like of shape (n,) or (n, 1)
        Also a Series or one-column table of pandas, polars or Arrow, a tensor, or a list of scalar tensors.
    may_be_missing : bool
        Whether None, NaN and empty text are allowed. By default (False) they are an error.

    Returns
    -------
    ndarray
        Of shape (n,) if there is one value for each image. The caller must refuse any other shape.

    Raises
    ------
    ValueError
        If a value is missing and may not be.
    """
    values = unmask(from_other_library(values))
    if isinstance(values, np.ndarray):
        values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
        items: Any = values.tolist() if values.dtype == object else values
    else:
        # Scalars of other libraries, such as tensors, convert themselves to Python's.
        items = values = [item.item() if _is_foreign_scalar(item) else item for item in values]
        if any(isinstance(item, str) for item in items):  # as text, NaN would become the word "nan"
            items = values = [item if isinstance(item, str) or not is_missing(item) else None for item in items]
    if not may_be_missing:
        # Checked before text becomes an array: there, NaN becomes the word "nan", a class like any other.
        missing = [i for i, value in enumerate(items) if is_missing(value)]
        if missing:
            raise InputError(
                f"{name}: {len(missing)} missing (NaN or empty), the first at {missing[0]}; fill or drop them"
            )
    return np.asarray(values)


def unmask(values: Any) -> Any:
    """Return a masked array as an array of objects with None in the place of what is masked; anything else as it is."""
    if not np.ma.isMaskedArray(values):
        return values
    return np.where(np.ma.getmaskarray(values), np.array(None, dtype=object), values.data)


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, pandas.NA or blank text."""
    if value is None or isinstance(value, str) and not value.strip():
        return True
    try:
        return bool(value != value)  # NaN is not equal to itself
    except TypeError:  # pandas.NA has no truth value
        return True
    except ValueError:  # an array: the caller refuses its shape
        return False


def _is_foreign_scalar(item: Any) -> bool:
    return hasattr(item, "item") and not isinstance(item, np.generic) and getattr(item, "shape", None) == ()


def from_other_library(values: Any) -> Any:
    """Convert what pandas, polars, Arrow, torch and others hold to an array or a list; return anything else as it is.

    Other libraries are recognized by their methods, not by their classes, so that none of them must be installed.
    """
    if isinstance(values, np.ndarray):
        return values
    if hasattr(values, "to_pylist"):  # Arrow
        columns = getattr(values, "columns", None)
        if columns is None:
            return values.to_pylist()
        return np.array([column.to_pylist() for column in columns], dtype=object).T
    if hasattr(values, "to_numpy"):  # pandas and polars
        return values.to_numpy()
    if hasattr(values, "__array__") and hasattr(values, "shape"):  # tensors
        return np.asarray(values)
    return values


def _check_array(values: np.ndarray) -> Sequence[Source]:
    """Return an array as a sequence of its images."""
    shape = values.shape
    if values.ndim == 4 and shape[3] in _CHANNELS:
        return list(values)
    if values.ndim == 4 and shape[1] in _CHANNELS:
        raise InputError(
            f"X has shape {shape}, with the channels first. Expected (n, H, W, {shape[1]}); "
            "pass X.transpose(0, 2, 3, 1)."
        )
    if values.ndim == 3 and shape[2] in _CHANNELS:
        raise InputError(f"X has shape {shape}, the shape of a single image. {_EXPECTED}; pass [X].")
    if values.ndim == 3 and values.dtype.kind in "biuf":
        return list(values)  # gray
    if values.dtype.kind in "biufc" and values.size:
        raise InputError(f"X is a table of numbers of shape {shape}, not images. {_EXPECTED}.{_remedy(values[0])}")
    if values.ndim == 2 and shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise InputError(f"X has shape {shape}. {_EXPECTED}.")
    return values.tolist()


def _remedy(item: Any) -> str:
    numbers = isinstance(item, (int, float, np.number)) or isinstance(item, (list, tuple, np.ndarray))
    return (
        " Features that are numbers already go to ForestSelector or to a scikit-learn classifier." if numbers else ""
    )
