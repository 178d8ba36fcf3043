"""``twoflow export --triton`` writes a model repository too, and checks its name and its folder before the work."""

import onnx
import pytest

from twoflow import make_model, make_shop, save
from twoflow.commands import export
from twoflow.commands.program import run

from .calling import call_with


@pytest.fixture(scope="module")
def model_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    shop = make_shop(n_classes=3, n_per_class=4, folder=folder / "shop", random_state=0)
    path = folder / "shoes.twoflow"
    save(make_model("fast", random_state=0).fit(shop), path, collection=shop)
    return path


def call(capsys, *arguments):
    return call_with(capsys, lambda words: run(export.main, words), *arguments)


def test_the_repository_has_the_exported_graph(model_file, tmp_path, capsys):
    status, out, err = call(capsys, model_file, tmp_path / "shoes.onnx", "--triton", tmp_path / "repository")
    assert status == 0, err
    made = tmp_path / "repository/shoes"
    assert f"wrote {made}, a model of Triton, and {made}.yaml for KServe" in out
    graph = onnx.load(tmp_path / "shoes.onnx")
    assert onnx.load(made / "1/model.onnx") == graph
    [output] = graph.graph.output
    config = (made / "config.pbtxt").read_text()
    assert f'name: "{output.name}"' in config and "dims: [ 3 ]" in config
    assert len((made / "labels.txt").read_text().splitlines()) == 3


@pytest.mark.parametrize("graph, said", [
    ("My_Shoes.onnx", "lowercase letters, digits and hyphens, with a letter first and no hyphen last, got 'My_Shoes'"),
    ("shoes.onnx", "expected no such file or folder; name another folder, or remove it"),
])
def test_wrong_names_are_found_before_the_work(graph, said, model_file, tmp_path, capsys):
    (tmp_path / "shoes").mkdir()
    status, _, err = call(capsys, model_file, tmp_path / graph, "--triton", tmp_path)
    assert status == 2 and said in err.replace("\n", " ")
    assert not (tmp_path / graph).exists()
