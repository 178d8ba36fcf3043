"""What other libraries hold, as images and as labels."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from twoflow import ImageCollection
from twoflow.images import check_images
from twoflow.images.validation import to_values

PATHS = ["a.jpg", "b.jpg"]


class Scalar:
    """Like those of tensors: to compare two gives another one, no bool."""

    shape = ()

    def __init__(self, value):
        self.value = value

    def __ne__(self, other):
        return Scalar(self.value != other.value)

    def __bool__(self):
        return bool(self.value)

    def item(self):
        return self.value


class Tensor:
    """A library's own array, that NumPy can convert and that gives its own scalars."""

    def __init__(self, values):
        self.values = np.asarray(values)
        self.shape = self.values.shape

    def __len__(self):
        return len(self.values)

    def __getitem__(self, i):
        return Scalar(self.values[i])

    def __array__(self, dtype=None, copy=None):
        return self.values


@pytest.mark.parametrize(
    "X",
    [
        pd.Series(PATHS, index=[7, 8]), pd.DataFrame({"path": PATHS}), pd.Series(PATHS, dtype="string[pyarrow]"),
        pl.Series(PATHS), pl.DataFrame({"path": PATHS}),
        pa.array(PATHS), pa.chunked_array([PATHS[:1], PATHS[1:]]), pa.table({"path": PATHS}),
        np.array(PATHS, dtype=object)[:, None],
    ],
    ids=lambda X: f"{type(X).__module__.split('.')[0]} {type(X).__name__}",
)
def test_paths_of_every_library(X):
    assert list(check_images(X)) == PATHS


@pytest.mark.parametrize("X", [pd.DataFrame, pl.DataFrame, pa.table])
def test_two_columns_are_no_images(X):
    with pytest.raises(ValueError, match=r"X has shape \(2, 2\)"):
        check_images(X({"path": PATHS, "class": ["x", "y"]}))


@pytest.mark.parametrize("shape", [(2, 5, 6), (2, 5, 6, 1), (2, 5, 6, 3), (2, 5, 6, 4)])
@pytest.mark.parametrize("convert", [np.asarray, Tensor])
def test_stacks_of_arrays(shape, convert):
    pixels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    assert all((found == own).all() for found, own in zip(check_images(convert(pixels)), pixels, strict=True))


@pytest.mark.parametrize(
    "values",
    [
        Tensor([3, 1, 3]), [Scalar(3), Scalar(1), Scalar(3)], pl.Series([3, 1, 3]), pa.array([3, 1, 3]),
        pl.DataFrame({"class": [3, 1, 3]}), pd.DataFrame({"class": [3, 1, 3]}), np.array([[3], [1], [3]]),
        pd.Series([3, 1, 3], dtype="Int64"), pd.Series([3, 1, 3], dtype="category"),
    ],
    ids=lambda values: f"{type(values).__module__.split('.')[0]} {type(values).__name__}",
)
def test_labels_of_every_library(values):
    assert to_values("labels", values).tolist() == [3, 1, 3]
    assert ImageCollection(["a", "b", "c"], values).labels.tolist() == [3, 1, 3]


@pytest.mark.parametrize(
    "values",
    [
        ["a", None], ["a", np.nan], ["a", " "], [1.0, np.nan], [Scalar(1.0), Scalar(np.nan)], Tensor([1.0, np.nan]),
        pl.Series(["a", None]), pa.array(["a", None]), pl.DataFrame({"class": ["a", None]}),
        pd.DataFrame({"class": ["a", None]}), pd.Series(["a", None], dtype="string[pyarrow]"),
        pd.Series([1, None], dtype="Int64"), np.ma.masked_array([1, 2], [False, True]),
    ],
    ids=lambda values: f"{type(values).__module__.split('.')[0]} {type(values).__name__}",
)
def test_missing_labels_of_every_library(values):
    with pytest.raises(ValueError, match=r"labels: 1 missing \(NaN or empty\), the first at 1"):
        to_values("labels", values)
    assert len(to_values("color", values, may_be_missing=True)) == 2


def test_values_keep_their_kind():
    for values in (np.array([1, 2], np.int8), np.array(["a", "b"]), np.array(["2024-01-01"], "datetime64[D]")):
        assert to_values("groups", values).dtype == values.dtype
