"""Weights in other files: read if they are in the model's own folder, refused if they are elsewhere."""

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from twoflow import CNNEmbedding
from twoflow.networks import content, get_card, open_session, resolve
from twoflow.networks.onnx import external as external_weights

from .nets import constant, node, plain

PIXELS = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)


def external(name, location, **fields):
    """Return a tensor of three floats that names another file."""
    tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=[3], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": location, **fields}.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


@pytest.fixture
def path(tmp_path):
    return plain(tmp_path / "net.onnx")


@pytest.fixture
def split(path):
    """The network with its weights in "net.data", and the output that it had before they were moved there."""
    before = open_session(path, ("out",)).run(PIXELS)["out"]
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, size_threshold=0, location="net.data")
    return path, before


def test_weights_in_the_same_folder(split):
    path, before = split
    np.testing.assert_array_equal(open_session(path, ("out",)).run(PIXELS)["out"], before)
    assert len(resolve(path).digest.split()) == 2


def test_weights_are_part_of_the_digest(split):
    path, before = split
    flow = CNNEmbedding(path).fit([PIXELS])
    weights = path.with_name("net.data")
    weights.write_bytes(np.negative(np.frombuffer(weights.read_bytes(), np.float32)).tobytes())
    with pytest.raises(ValueError, match="another network than the flow was fitted with"):
        flow.transform([PIXELS])
    assert (open_session(path, ("out",)).run(PIXELS)["out"] != before).any()


def test_a_model_that_is_a_link_into_a_cache(split, tmp_path):
    """As the Hugging Face hub keeps its files."""
    path, before = split
    snapshot = tmp_path / "snapshots" / "main"
    snapshot.mkdir(parents=True)
    for name in ("net.onnx", "net.data"):
        (snapshot / name).symlink_to(tmp_path / name)
    card = {"mean": 127, "scale": 64}
    np.testing.assert_array_equal(open_session(snapshot / "net.onnx", ("out",), 1, card).run(PIXELS)["out"], before)


def in_graph(model, tensor):
    model.graph.initializer.append(tensor)


def in_subgraph(model, tensor):
    body = helper.make_graph([node("Identity", "x", "y")], "body", [], [], [tensor])
    model.graph.node.append(helper.make_node("If", ["condition"], ["z"], then_branch=body, else_branch=body))


def in_attribute(model, tensor):
    model.graph.node.append(node("Constant", "", "z", value=tensor))


def in_attribute_list(model, tensor):
    model.graph.node.append(helper.make_node("Own", [], ["z"], tensors=[tensor]))


def in_sparse_attribute(model, tensor):
    model.graph.node.append(helper.make_node("Constant", [], ["z"], sparse_value=sparse(tensor)))


def in_sparse_initializer(model, tensor):
    model.graph.sparse_initializer.append(sparse(tensor))


def in_sparse_indices(model, tensor):
    values = sparse(constant("values", [1, 2, 3]))
    values.indices.CopyFrom(tensor)
    model.graph.sparse_initializer.append(values)


def in_function(model, tensor):
    inner = node("Constant", "", "z", value=tensor)
    model.functions.append(helper.make_function("own", "Own", [], ["z"], [inner], [helper.make_opsetid("", 13)]))


def in_function_default(model, tensor):
    in_function(model, constant("value", 1))
    model.functions[0].attribute_proto.add(name="a", type=onnx.AttributeProto.TENSOR, t=tensor)


def in_training(model, tensor):
    model.training_info.add().initialization.initializer.append(tensor)


def sparse(values):
    return helper.make_sparse_tensor(values, constant("indices", [0, 1, 2], np.int64), [9])


PLACES = [
    in_graph, in_subgraph, in_attribute, in_attribute_list, in_sparse_attribute, in_sparse_initializer,
    in_sparse_indices, in_function, in_function_default, in_training,
]


@pytest.mark.parametrize("put", PLACES)
def test_files_elsewhere_are_refused_in_every_part_of_a_model(path, put):
    model = onnx.load(path)
    put(model, external("secret", "/etc/hostname"))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match="net.onnx: expected weights in a file in its own folder, got '/etc/hostname'"):
        get_card(path)


@pytest.mark.parametrize("location, message", [
    ("", "expected weights in a file in its own folder"),
    ("../secret", "expected weights in a file in its own folder"),
    ("inner/../../secret", "expected weights in a file in its own folder"),
    ("..\\secret", "expected weights in a file in its own folder"),
    ("C:\\secret", "expected weights in a file in its own folder"),
    ("link", "got 'link', a link to .*secret"),
    ("folder/secret", "got 'folder/secret', a link to .*secret"),
    ("pipe", "a named pipe, not a regular file"),
    ("inner", "cannot be read"),
    ("missing", "its weights are missing: there is no file .*missing; put the one of this name there"),
    ("a\0b", "cannot be"),
    ("*/_ORT_MEM_ADDR_/*", "its weights are missing"),
    ("round", "cannot be"),
])
def test_locations_that_are_refused(tmp_path, location, message):
    (tmp_path / "secret").write_bytes(bytes(12))
    folder = tmp_path / "own"
    (folder / "inner").mkdir(parents=True)
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "folder").symlink_to(tmp_path)
    (folder / "round").symlink_to(folder / "round")
    os.mkfifo(folder / "pipe")
    path = plain(folder / "net.onnx")
    model = onnx.load(path)
    in_training(model, external("w", location))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match=message) as caught:
        get_card(path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("fields, message", [
    ({"offset": 4}, "expected w as bytes 4 to 16 of values, got a file of 12 bytes"),
    ({"offset": 2**63 - 1, "length": 0}, "got a file of 12 bytes"),
    ({"length": 8}, "expected 12 bytes for w, got 8; download or export the network again"),
    ({"offset": -1}, "the offset of weights in another file: expected a number of bytes, got '-1'"),
    ({"length": "12x"}, "the length of weights in another file: expected a number of bytes, got '12x'"),
    ({"length": "1" * 5000}, "the length of weights in another file: expected a number of bytes, got .11111"),
])
def test_offsets_and_lengths_that_are_refused(path, fields, message):
    path.with_name("values").write_bytes(bytes(12))
    model = onnx.load(path)
    in_training(model, external("w", "values", **{"length": 12, **fields}))
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ValueError, match=message):
        get_card(path)


def test_all_files_together_have_a_limit(split, monkeypatch):
    path, _ = split
    size = path.stat().st_size + path.with_name("net.data").stat().st_size
    monkeypatch.setattr(external_weights, "MAX_BYTES", size - 1)
    with pytest.raises(ValueError, match=r"net.data: expected at most"):
        get_card(path)
    monkeypatch.setattr(external_weights, "MAX_BYTES", size)
    assert get_card(path)


def test_tensors_that_share_bytes_have_a_limit(path, monkeypatch):
    path.with_name("values").write_bytes(bytes(12))
    model = onnx.load(path)
    for _ in range(1000):
        in_training(model, external("w", "values"))
    path.write_bytes(model.SerializeToString())
    monkeypatch.setattr(external_weights, "MAX_BYTES", path.stat().st_size + 5000)
    with pytest.raises(ValueError, match="expected at most .* bytes of tensors, got more"):
        get_card(path)


def test_a_file_over_the_limit(path):
    os.truncate(path, content.MAX_BYTES + 1)
    with pytest.raises(ValueError, match="net.onnx: expected at most 2147483648 bytes, got 2147483649"):
        get_card(path)
