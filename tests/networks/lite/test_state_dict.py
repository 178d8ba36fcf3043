import os
import pickle
import struct
import tracemalloc
from collections import OrderedDict
from types import SimpleNamespace

import numpy as np
import pytest

from twoflow.networks.content import read_content
from twoflow.networks.lite.state_dict import read_state_dict

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
VALUES = np.arange(12, dtype="<f4")


class Global:
    """A name of a module, which is pickled as PyTorch's own would be."""

    def __init__(self, module, name):
        self.module, self.name = module, name

    def __call__(self):  # pickle demands it of a function
        raise AssertionError


class Call:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments


class Writer(pickle._Pickler):
    """Write `Global` as a name, `Call` as a call, and storages as references."""

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
def test_false_descriptions_are_refused(tmp_path, content, options):
    with pytest.raises(ValueError, match="w.pth is"):
        read_state_dict(read_content(write(tmp_path / "w.pth", content, **options)))


def test_damaged_files(tmp_path):
    whole = write(tmp_path / "w.pth", {"x": tensor()}).read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "w.pth").write_bytes(whole[:length])
        with pytest.raises(ValueError, match="w.pth is"):
            read_state_dict(read_content(tmp_path / "w.pth"))


def test_a_tensor_has_no_more_elements_than_its_storage(tmp_path):
    """With strides of 0, a few values could pass for any number of them."""
    for shape, strides in [((2**20, 2**20), (0, 0)), ((13,), (0,)), ((2, 7), (0, 1))]:
        with pytest.raises(ValueError, match="reaches out of its storage"):
            read_state_dict(read_content(write(tmp_path / "w.pth", {"x": tensor(shape, strides)})))
    found = read_state_dict(read_content(write(tmp_path / "w.pth", {"x": tensor((12,), (0,))})))
    assert found["x"].tolist() == [0] * 12


def test_tensors_share_the_memory_of_their_storage(tmp_path):
    found = read_state_dict(read_content(write(tmp_path / "w.pth", {"x": tensor(), "y": tensor((4, 3), (1, 4))})))
    assert np.shares_memory(found["x"], found["y"]) and not found["x"].flags.writeable


def test_the_attributes_of_a_dict_are_ignored(tmp_path):
    """PyTorch stores the versions of modules there."""
    content = OrderedDict(x=tensor())
    content._metadata = {"": {"version": 1}}
    assert list(read_state_dict(read_content(write(tmp_path / "w.pth", content)))) == ["x"]


def pickled(*operations):
    """Return a file whose fourth pickle consists of these operations."""
    head = b"".join(pickle.dumps(part, 2) for part in (MAGIC, PROTOCOL, {}))
    return head + b"\x80\x02" + b"".join(operations) + b"." + pickle.dumps([], 2)


REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"


@pytest.mark.parametrize("operations, message", [
    ([b"}", b"r" + struct.pack("<I", 2**32 - 1), b"0"], "the operation POP"),
    ([REBUILD, b"}", b"b"], "sets attributes of an object that is no dict"),
    ([b"(" * 10**5], "not well formed"),
    ([b")\x85" + b"\x85" * 10**5], "it holds no dict"),
    ([b"})" + b"\x85" * 10**5 + b"Ns"], "not well formed"),  # a deeply nested key
    ([b"}" + REBUILD + b"]R"], "not well formed"),
    ([b"h\x00"], "not well formed"),
    ([b"}K\x01s"], "not well formed"),
    ([b"R"], "not well formed"),
    ([b"0"], "the operation POP"),
    ([b"cos\nsystem\n"], "it names os.system"),
    ([b"\x8e" + struct.pack("<Q", 2**62)], "is damaged"),
    ([b"X" + struct.pack("<I", 2**31)], "is damaged"),
    ([b"\x8b" + struct.pack("<i", 2**31 - 1)], "is damaged"),
])
def test_pickles_that_are_refused(tmp_path, operations, message):
    (tmp_path / "w.pth").write_bytes(pickled(*operations))
    with pytest.raises(ValueError, match=message) as caught:
        read_state_dict(read_content(tmp_path / "w.pth"))
    assert str(caught.value).isprintable()


def test_a_large_memo_number_allocates_nothing(tmp_path):
    """Python's own unpickler allocates room for all the numbers below it."""
    (tmp_path / "w.pth").write_bytes(pickled(b"}", b"r" + struct.pack("<I", 2**32 - 1)))
    tracemalloc.start()
    assert read_state_dict(read_content(tmp_path / "w.pth")) == {}
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()
