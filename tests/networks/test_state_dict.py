import os
import pickle
import struct
from collections import OrderedDict
from types import SimpleNamespace

import numpy as np
import pytest

from twoflow.networks.content import read_content
from twoflow.networks.state_dict import read_state_dict

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
VALUES = np.arange(12, dtype="<f4")


class Global:
    """Pickled by its name alone, as PyTorch would be, without PyTorch."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def __call__(self):  # a pickle calls what it names
        raise AssertionError


class Call:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class Writer(pickle._Pickler):
    """Writes named functions and calls of them, and storages as references."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_named(self, obj):
        self.write(pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode())

    def save_call(self, obj):
        self.save(obj.function)
        self.save(tuple(obj.arguments))
        self.write(pickle.REDUCE)

    dispatch[Global], dispatch[Call] = save_named, save_call

    def persistent_id(self, obj):
        return obj.pid if isinstance(obj, SimpleNamespace) else None


def storage(size=12, view=None, kind="storage"):
    return SimpleNamespace(pid=(kind, Global("torch", "FloatStorage"), "0", "cpu", size, view))


def tensor(shape=(3, 4), strides=(4, 1), offset=0, of=None):
    rebuild = Global("torch._utils", "_rebuild_tensor_v2")
    return Call(rebuild, of or storage(), offset, shape, strides, False, OrderedDict())


def write(path, content, count=12, values=VALUES.tobytes(), magic=MAGIC):
    with open(path, "wb") as file:
        for part in (magic, PROTOCOL, {"little_endian": True}, content, ["0"]):
            Writer(file, protocol=2).dump(part)
        file.write(struct.pack("<Q", count) + values)
    return path


def test_tensors_and_views(tmp_path):
    content = OrderedDict(
        whole=tensor(), turned=tensor((4, 3), (1, 4)), part=tensor((2,), (1,), 10), scalar=tensor((), (), 5),
        empty=tensor((0, 3), (3, 1)), note="no tensor",
    )
    found = read_state_dict(read_content(write(tmp_path / "w.pth", content)))
    assert set(found) == {"whole", "turned", "part", "scalar", "empty"}
    assert (found["whole"] == VALUES.reshape(3, 4)).all()
    assert (found["turned"] == VALUES.reshape(3, 4).T).all()
    assert found["part"].tolist() == [10, 11] and found["scalar"] == 5 and found["empty"].shape == (0, 3)


def test_nothing_is_run(tmp_path):
    attack = Call(Global("os", "system"), f"touch {tmp_path}/owned")
    with pytest.raises(ValueError, match="read safely: it names os.system"):
        read_state_dict(read_content(write(tmp_path / "w.pth", {"x": attack})))
    assert os.listdir(tmp_path) == ["w.pth"]


@pytest.mark.parametrize("name", ["FloatTensor", "load", "DoubleStorage.__init__"])
def test_other_names_of_torch_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="read safely"):
        read_state_dict(read_content(write(tmp_path / "w.pth", {"x": Global("torch", name)})))


@pytest.mark.parametrize(
    "content, options",
    [
        ({"x": tensor((3, 5), (5, 1))}, {}),
        ({"x": tensor(offset=1)}, {}),
        ({"x": tensor((3, 4), (-4, 1), 11)}, {}),
        ({"x": tensor((-3, 4), (4, 1))}, {}),
        ({"x": tensor(offset=-1)}, {}),
        ({"x": tensor((3,), (4, 1))}, {}),
        ({"x": tensor((2**40, 2**40), (1, 1))}, {}),
        ({"x": tensor(of=storage(2**60))}, {"count": 2**60}),
        ({"x": tensor()}, {"count": 11}),
        ({"x": tensor()}, {"values": b""}),
        ({"x": tensor(of=storage(kind="module"))}, {}),
        ({"x": tensor(of=storage(view=("1", 0, 1)))}, {}),
        ({"x": tensor()}, {"magic": 7}),
    ],
)
def test_lies_are_found(tmp_path, content, options):
    with pytest.raises(ValueError, match="w.pth is"):
        read_state_dict(read_content(write(tmp_path / "w.pth", content, **options)))


def test_damaged_files(tmp_path):
    whole = write(tmp_path / "w.pth", {"x": tensor()}).read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "w.pth").write_bytes(whole[:length])
        with pytest.raises(ValueError, match="w.pth is"):
            read_state_dict(read_content(tmp_path / "w.pth"))
