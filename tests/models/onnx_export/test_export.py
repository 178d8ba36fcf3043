import json
import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
from PIL import Image
from sklearn.linear_model import RidgeClassifier
from sklearn.multioutput import MultiOutputClassifier

from twoflow import ColorHistogram, FlowClassifier, RawPixels, TwoFlowClassifier, make_model
from twoflow.errors import InputError
from twoflow.flows import Flow
from twoflow.heads import KernelRidgeClassifier
from twoflow.models.model_file import ModelCard, ModelFile, TargetCard
from twoflow.models.onnx_export import compare
from twoflow.models.onnx_export import export as module
from twoflow.models.onnx_export import export_onnx, output_files, to_onnx

from .running import pixels_of, run, start

SMALL = [("pixels", RawPixels((4, 4))), ("color", ColorHistogram("lab", (2, 2, 2), size=16))]


@pytest.fixture(scope="module")
def small(shop):
    return make_model(SMALL, "kernel-ridge", random_state=0).fit(shop)


@pytest.mark.parametrize("recipe", ["paper", "fast"])
def test_a_recipe_gives_the_same_answers(recipe, shop):
    model = TwoFlowClassifier(recipe, random_state=0).fit(shop[::2])
    found, expected = run(export_onnx(model), shop), model.predict_proba(shop)
    # In a forest, rounding can move a feature across a threshold: one vote of 200.
    assert np.abs(found - expected).max() < (0.006 if recipe == "paper" else 1e-4)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()


def test_best_is_exported_as_it_was_chosen(shop):
    model = TwoFlowClassifier("best", random_state=0).fit(shop[::2])
    found, expected = run(export_onnx(model), shop), model.predict_proba(shop)
    assert np.abs(found - expected).max() < 1e-3
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()


def test_the_interface_of_the_graph(small, shop):
    model = export_onnx(small)
    [image], [output] = model.graph.input, model.graph.output
    assert image.name == "image" and image.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [dim.dim_value or dim.dim_param for dim in image.type.tensor_type.shape.dim] == ["height", "width", 3]
    assert output.name == "probabilities" and output.type.tensor_type.shape.dim[0].dim_value == 4
    assert {each.domain: each.version for each in model.opset_import} == {"": 18, "ai.onnx.ml": 3}
    assert model.ir_version == 8
    found = start(model).run(None, {"image": pixels_of(shop[:1])[0]})[0]
    assert found.dtype == np.float32 and found.shape == (4,) and found.sum() == pytest.approx(1, abs=1e-6)


def test_images_of_any_size_and_one_after_the_other(small):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (*size, 3), np.uint8) for size in ((1, 1), (300, 2), (7, 500), (33, 41), (1, 1))]
    found = run(export_onnx(small), images)
    assert np.abs(found - small.predict_proba(images)).max() < 1e-6
    assert np.array_equal(found[0], run(export_onnx(small), images[:1])[0])


def test_equal_models_give_equal_files(small):
    assert export_onnx(small).SerializeToString() == export_onnx(small).SerializeToString()


def test_the_metadata_and_the_card(small, tmp_path):
    targets = (TargetCard("class", tuple(small.classes_.tolist())),)
    card = ModelCard("Schuhe, größer", "2025-01-31", targets, threshold=0.7)
    model = export_onnx(ModelFile(small, card, digest="ab" * 32), tmp_path / "shoes.onnx")
    metadata = {each.key: each.value for each in model.metadata_props}
    assert json.loads(metadata["labels"]) == {"class": small.classes_.tolist()}
    assert metadata["model_digest"] == "ab" * 32
    written = json.loads((tmp_path / "shoes.card.json").read_text("utf-8"))
    assert written == json.loads(metadata["card"])
    assert written["title"] == "Schuhe, größer" and written["threshold"] == 0.7
    assert written["model_digest"] == "ab" * 32 and written["outputs"] == {"class": "probabilities"}
    assert onnx.load(tmp_path / "shoes.onnx") == model
    assert sorted(os.listdir(tmp_path)) == ["shoes.card.json", "shoes.onnx"]


def test_several_targets(shop):
    y = np.column_stack([shop.labels, np.arange(len(shop)) % 3 == 0])
    head = MultiOutputClassifier(KernelRidgeClassifier())
    model = FlowClassifier([("pixels", RawPixels((4, 4)), "passthrough")], head).fit(shop.images, y)
    graph = export_onnx(model)
    assert [value.name for value in graph.graph.output] == ["probabilities_target 1", "probabilities_target 2"]
    outputs = zip(*(start(graph).run(None, {"image": pixels}) for pixels in pixels_of(shop)))
    for found, expected in zip(map(np.stack, outputs), model.predict_proba(shop.images)):
        assert np.abs(found - expected).max() < 1e-6
    found = compare(graph, model, shop[:5])
    assert (found.n_answers, found.n_same) == (10, 10) and found.largest < 1e-6


def test_a_comparison_counts_what_differs(small, shop):
    other = make_model(SMALL, "kernel-ridge", random_state=0).fit(shop, np.roll(shop.labels, 8))
    same, differs = compare(export_onnx(small), small, shop), compare(export_onnx(other), small, shop)
    assert same.n_same == len(shop) and same.mean <= same.largest < 1e-6
    assert differs.n_same < len(shop) // 2 and differs.largest > 0.1


def test_a_flow_of_your_own(shop):
    class Brightness(Flow):
        n_features_out = 1

        def extract(self, image, n_threads):
            return image.resized((8, 8)).mean(keepdims=True)[0, 0]

    model = make_model([("own", Brightness())], "kernel-ridge").fit(shop)
    with pytest.raises(InputError, match="Brightness cannot be exported"):
        export_onnx(model)

    @to_onnx.register
    def _(flow: Brightness, graph, source):
        values = graph.cast(source.resized((8, 8)), np.float32)
        return graph.add("Reshape", graph.add("ReduceMean", values), np.array([1, 1]))

    found = run(export_onnx(model), shop)
    assert np.abs(found - model.predict_proba(shop)).max() < 1e-5


def test_models_that_cannot_be_exported(shop):
    model = make_model(SMALL, RidgeClassifier()).fit(shop)
    with pytest.raises(InputError, match="with probabilities"):
        export_onnx(model)
    with pytest.raises(InputError, match="not made of flows"):
        export_onnx(KernelRidgeClassifier().fit(np.eye(4), list("aabb")))


def test_more_than_two_gigabytes_are_refused(small, monkeypatch):
    monkeypatch.setattr(module, "_MOST_CONSTANTS", 100)
    with pytest.raises(InputError, match="2 GB"):
        export_onnx(small)


def test_files_are_not_overwritten_unasked(small, tmp_path):
    path = tmp_path / "shoes.onnx"
    (tmp_path / "shoes.card.json").write_text("mine")
    with pytest.raises(OSError, match="expected no such file"):
        export_onnx(small, path)
    assert not path.exists() and (tmp_path / "shoes.card.json").read_text() == "mine"
    export_onnx(small, path, overwrite=True)
    assert path.exists() and json.loads((tmp_path / "shoes.card.json").read_text())
    with pytest.raises(OSError, match="cannot write"):
        export_onnx(small, tmp_path / "missing" / "shoes.onnx")


def test_the_names_of_the_files(tmp_path):
    assert [file.name for file in output_files(tmp_path / "a.b.onnx")] == ["a.b.onnx", "a.b.card.json"]
    assert [file.name for file in output_files(tmp_path / "a")] == ["a", "a.card.json"]


ALONE = """
import sys
for name in ("twoflow", "sklearn", "scipy", "cv2", "onnx"):
    sys.modules[name] = None  # importing it is an error

import json, numpy, onnxruntime
from PIL import Image
session = onnxruntime.InferenceSession("shoes.onnx")
image = numpy.asarray(Image.open("new.png").convert("RGB"))
[probabilities] = session.run(None, {"image": image})
labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])["class"]
print(json.dumps([labels[probabilities.argmax()], probabilities.tolist()]))
"""


def test_it_runs_in_onnxruntime_alone(small, shop, tmp_path):
    export_onnx(small, tmp_path / "shoes.onnx")
    Image.fromarray(pixels_of(shop[:1])[0]).save(tmp_path / "new.png")
    environment = {**os.environ, "ORT_DISABLE_TELEMETRY": "1"}
    done = subprocess.run([sys.executable, "-c", ALONE], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    label, probabilities = json.loads(done.stdout)
    assert label == small.predict(shop[:1])[0]
    assert np.allclose(probabilities, small.predict_proba(shop[:1])[0], atol=1e-6)


@pytest.mark.parametrize("recipe", ["paper", "fast"])
@pytest.mark.parametrize("folder", ["sneakers", "clothing"])
def test_real_photographs(recipe, folder, data):
    """Experiment: the same classes for 500 of each; here for a few, because the fit takes its time."""
    import csv

    with open(data / folder / "labels.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    rows = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))[:160]]
    images, labels = [str(data / folder / row["path"]) for row in rows], [row["class"] for row in rows]
    model = TwoFlowClassifier(recipe, random_state=0, n_jobs=2).fit(images[:100], labels[:100])
    found = compare(export_onnx(model), model, images[100:])
    assert found.n_same == found.n_answers and found.mean < 1e-4
    assert found.largest < (0.011 if recipe == "paper" else 1e-3)
