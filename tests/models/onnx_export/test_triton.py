"""The model repository of Triton holds the graph, its configuration and its labels, and replaces nothing.

`tests/serving/test_engines.py` reads the configuration with the server's own message.
"""

import json
import re

import onnx
import pytest
from onnx import TensorProto, helper

from twoflow.errors import InputError, OutsideError
from twoflow.models.onnx_export import check_triton, write_triton


def graph(labels, **more):
    """Return a graph with the interface of an export: an output for each target."""
    names = ["probabilities"] if len(labels) == 1 else [f"probabilities_{name}" for name in labels]
    value = helper.make_tensor_value_info
    model = helper.make_model(helper.make_graph(
        [helper.make_node("Identity", ["image"], [name]) for name in names], "graph",
        [value("image", TensorProto.UINT8, ["height", "width", 3])],
        [value(name, TensorProto.FLOAT, [len(classes)]) for name, classes in zip(names, labels.values())],
    ))
    outputs = dict(zip(labels, names))
    helper.set_model_props(model, {"labels": json.dumps(labels), "card": json.dumps({"outputs": outputs}), **more})
    return model


def test_what_is_written(tmp_path):
    model = graph({"class": ["boot", "müle"]})
    made, service = write_triton(model, tmp_path / "deep/repository", "shoes-2")
    assert sorted(path.relative_to(tmp_path / "deep/repository").as_posix()
                  for path in (tmp_path / "deep/repository").rglob("*") if path.is_file()) == [
        "shoes-2.yaml", "shoes-2/1/model.onnx", "shoes-2/config.pbtxt", "shoes-2/labels.txt",
    ]
    assert onnx.load(made / "1/model.onnx") == model
    assert (made / "labels.txt").read_text("utf-8") == "boot\nmüle\n"
    config = " ".join((made / "config.pbtxt").read_text("ascii").split())
    assert 'name: "image" data_type: TYPE_UINT8 dims: [ -1, -1, 3 ] }' in config
    assert 'name: "probabilities" data_type: TYPE_FP32 dims: [ 2 ] label_filename: "labels.txt" }' in config
    assert "\n  name: shoes-2\n" in service.read_text("ascii")


def test_several_targets_have_a_file_of_labels_each(tmp_path):
    made, _ = write_triton(graph({"kind": ["a", "b"], 'color "é"': [1, 2.5, True]}), tmp_path, "shoes")
    assert (made / "labels.txt").read_text() == "a\nb\n" and (made / "labels-2.txt").read_text() == "1\n2.5\nTrue\n"
    config = (made / "config.pbtxt").read_text("ascii")
    assert r'"probabilities_color \"\303\251\""' in config
    assert re.findall(r"dims: \[ (\d)", config) == ["2", "3"]


def test_the_answer_of_a_tree_has_no_labels(tmp_path):
    model = graph({"kind": ["a", "b"], "style": ["", "c"]}, tree="{}")
    for name, kind in (("node", TensorProto.INT64), ("confidence", TensorProto.FLOAT), ("in_scope", TensorProto.BOOL)):
        model.graph.output.append(helper.make_tensor_value_info(name, kind, [1]))
    made, _ = write_triton(model, tmp_path, "shoes")
    config = " ".join((made / "config.pbtxt").read_text("ascii").split())
    assert 'name: "node" data_type: TYPE_INT64 dims: [ 1 ] }' in config
    assert 'name: "confidence" data_type: TYPE_FP32 dims: [ 1 ] }' in config
    assert 'name: "in_scope" data_type: TYPE_BOOL dims: [ 1 ] }' in config
    assert (made / "labels-2.txt").read_text() == "\nc\n"


def test_a_second_model_in_the_same_repository(tmp_path):
    write_triton(graph({"class": ["a", "b"]}), tmp_path, "one")
    write_triton(graph({"class": ["a", "b"]}), tmp_path, "two")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "one.yaml", "two", "two.yaml"]


@pytest.mark.parametrize("earlier", ["shoes", "shoes.yaml"])
def test_nothing_is_replaced(earlier, tmp_path):
    (tmp_path / earlier).write_text("kept")
    with pytest.raises(OutsideError, match="expected no such file or folder; name another folder, or remove it"):
        write_triton(graph({"class": ["a", "b"]}), tmp_path, "shoes")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("name", ["", "Shoes", "2shoes", "shoes-", "shoes.2", "a/b", "..", "é", "a" * 64, "a\n"])
def test_a_name_that_kubernetes_does_not_allow(name, tmp_path):
    with pytest.raises(InputError, match="needs a name of 1 to 63 lowercase letters"):
        check_triton(tmp_path, name)


@pytest.mark.parametrize("label", ["", "two\nlines", "two\u2028lines", "end\r"])
def test_a_class_that_is_no_line(label, tmp_path):
    with pytest.raises(InputError, match="a class on each line, got .* for the target class"):
        write_triton(graph({"class": ["a", label]}), tmp_path, "shoes")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutsideError, match="cannot write to .*: .*; make room, or name another folder"):
        write_triton(graph({"class": ["a", "b"]}), tmp_path / "file/repository", "shoes")
