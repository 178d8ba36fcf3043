import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twoflow.networks.content import read_content
from twoflow.networks.mxnet.params import read_index, read_params

from .files import DTYPES, LAYOUTS, params, record

VALUES = np.arange(12, dtype="<f4").reshape(3, 4)


def read(tmp_path, content):
    (tmp_path / "w.params").write_bytes(content)
    return read_params(read_content(tmp_path / "w.params"))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_layout_and_type(tmp_path, layout, dtype):
    arrays = {"arg:fc_weight": VALUES.astype(dtype), "aux:bn_moving_mean": np.ones(5, dtype)}
    found = read(tmp_path, params([record(array, layout) for array in arrays.values()], arrays))
    assert list(found) == ["fc_weight", "bn_moving_mean"]
    for expected, array in zip(arrays.values(), found.values()):
        assert array.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(array, expected)


def test_only_the_named_arrays_are_read(tmp_path):
    path = tmp_path / "w.params"
    path.write_bytes(params([record(VALUES), record(VALUES + 1)], ["arg:a", "arg:b"]))
    assert read_index(read_content(path))["b"].shape == (3, 4)
    found = read_params(read_content(path), ["b"])
    assert list(found) == ["b"] and (found["b"] == VALUES + 1).all()


def test_arrays_without_values_and_scalars(tmp_path):
    none = {
        "legacy": struct.pack("<I", 0), "V1": struct.pack("<Ii", 0xF993FAC8, 0),
        "V2": struct.pack("<Iii", 0xF993FAC9, 0, 0), "V3": struct.pack("<Iii", 0xF993FACA, 0, -1),
    }
    scalar = record(np.float32(7), "V3")
    found = read(tmp_path, params([*none.values(), scalar, record(VALUES)], [*none, "scalar", "last"]))
    assert set(found) == {"scalar", "last"} and found["scalar"] == 7 and (found["last"] == VALUES).all()


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "too early"),
        (params([], [], magic=7), "does not begin like one"),
        (params([], [], n_records=2**60), "100000 arrays, got 1152921504606846976"),
        (params([record(VALUES)], ["a"], n_names=2**60), "100000 names"),
        (params([record(VALUES, shape=(2**60, 4))], ["a"]), "too early"),
        (params([record(VALUES, shape=(2**60, 2**60))], ["a"]), "too early"),
        (params([record(VALUES, shape=(-3, 4))], ["a"]), r"the shape \(-3, 4\)"),
        (params([record(VALUES, shape=(0, 2**60))], ["a"]), r"the shape \(0, "),
        (params([record(VALUES, shape=(1,) * 33)], ["a"]), "at most 32 dimensions in a known layout, got 33"),
        (params([struct.pack("<I", 0xDEADBEEF)], ["a"]), "in a known layout"),
        (params([record(VALUES, stype=1)], ["a"]), "sparse"),
        (params([record(VALUES, stype=2)], ["a"]), "sparse"),
        (params([record(VALUES, code=12)], ["a"]), "got type 12"),
        (params([record(VALUES, code=-1)], ["a"]), "got type -1"),
        (params([record(VALUES)], [b"\xff\xfe"]), "names in UTF-8"),
        (params([record(VALUES)], ["a", "b"]), "each of 1 arrays, got 2"),
        (params([record(VALUES)] * 2, ["arg:a", "aux:a"]), "each of 2 arrays, got 1"),
        (params([record(VALUES)], ["a"])[:-1] + b"\0" * 9, "got 8 more bytes"),
        (params([record(VALUES)], [])[:-8] + struct.pack("<QQ", 1, 2**60), "names of at most 4096 bytes"),
    ],
)
def test_false_descriptions_are_refused(tmp_path, content, message):
    with pytest.raises(ValueError, match=rf"w\.params is damaged .*{message}"):
        read(tmp_path, content)


def test_a_sparse_file_over_the_limit_is_refused(tmp_path):
    """A sparse file takes no space on the disk, but would in memory."""
    with open(tmp_path / "w.params", "wb") as file:
        file.truncate(2**40)
    with pytest.raises(ValueError, match="expected at most 2147483648 bytes, got 1099511627776"):
        read_params(read_content(tmp_path / "w.params"))


def test_files_cut_short(tmp_path):
    whole = params([record(VALUES), record(VALUES, "legacy")], ["arg:a", "aux:b"])
    for length in range(len(whole)):
        with pytest.raises(ValueError, match="too early"):
            read(tmp_path, whole[:length])


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damaged_bytes_give_an_error_or_arrays(tmp_path_factory, data):
    whole = bytearray(params([record(VALUES, layout) for layout in LAYOUTS], LAYOUTS))
    for _ in range(data.draw(st.integers(1, 8))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read(tmp_path_factory.getbasetemp(), bytes(whole))
    except ValueError as error:
        assert "is damaged" in str(error)
    else:
        assert sum(array.nbytes for array in found.values()) <= len(whole)
