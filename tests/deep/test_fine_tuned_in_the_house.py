"""Check what the rest of the package does with a classifier that has trained its network."""

import io
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from twoflow import (
    Confidence,
    HierarchicalClassifier,
    MultiTargetClassifier,
    OutOfScope,
    Risk,
    SimilarImages,
    explain,
    export_onnx,
    load,
    open_model_file,
    save,
)
from twoflow.deep import DropoutMLPClassifier, FineTunedClassifier
from twoflow.flows import RawPixels
from twoflow.models.fitted_parts import fitted_parts
from twoflow.networks.runtime import load_onnxruntime

#: Answers with torch and skorch out of reach.
WITHOUT_TORCH = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "skorch", "transformers"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
import numpy as np
from twoflow import load
images = np.load(sys.argv[2])
found = load(sys.argv[1]).predict_proba(list(images))
np.savez(sys.argv[3], *(found if isinstance(found, list) else [found]))
"""


def small(**parameters):
    """A classifier whose last map still has several positions, which reasons need."""
    usual = {
        "input_size": (64, 64), "train": "head", "augment": None, "max_epochs": 1, "random_state": 0, "device": "cpu",
    }
    return FineTunedClassifier(**{**usual, **parameters})


@pytest.fixture(scope="module")
def y(shop):
    return np.array([[label.split("/")[0], label] for label in shop.labels])


MODELS = {
    "one": small(),
    "several": small(),
    "levels": HierarchicalClassifier(small(), strategy="levels", fallback="confidence", random_state=0),
    "parents": HierarchicalClassifier(small(), strategy="parents", fallback=0.5, random_state=0),
    "shared": MultiTargetClassifier(small(), "shared", random_state=0),
    "joint": MultiTargetClassifier(small(), "joint", random_state=0),
    "separate": MultiTargetClassifier(small(), "separate", random_state=0),
}


@pytest.fixture(scope="module")
def fitted(torch, shop, y):
    """Fit each model once, when it is first asked for."""
    found = {}

    def fit(name):
        if name not in found:
            found[name] = MODELS[name].fit(shop.images, shop.labels if name == "one" else y)
        return found[name]

    return fit


def as_list(found):
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("name", ["one", "several", "levels", "parents", "shared", "joint", "separate"])
def test_a_model_file_answers_the_same_and_is_exported(name, fitted, shop, tmp_path):
    model = fitted(name)
    expected = as_list(model.predict_proba(shop))
    save(model, tmp_path / "model.twoflow")
    loaded = load(tmp_path / "model.twoflow")
    assert all((one == other).all() for one, other in zip(expected, as_list(loaded.predict_proba(shop)), strict=True))
    assert (loaded.predict(shop) == model.predict(shop)).all()
    graph = export_onnx(loaded)
    session = load_onnxruntime().InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    outputs = session.run(None, {"image": np.asarray(shop.images[0])})
    for one, other in zip(expected, outputs):
        assert other == pytest.approx(one[0], abs=1e-5)


@pytest.mark.parametrize("name", ["levels", "shared", "separate"])
def test_reasons_are_exact(name, fitted, shop):
    assert {reason.method for reason in explain(fitted(name), shop.images[0]).reasons} == {"exact"}


@pytest.mark.parametrize(
    "name, n_networks", [("one", 1), ("several", 1), ("levels", 1), ("shared", 1), ("separate", 2)]
)
def test_parts(name, n_networks, fitted, shop):
    model = fitted(name)
    flow, head = fitted_parts(model)
    assert flow.n_features_out == n_networks * 1280
    for one, other in zip(as_list(head.predict_proba(flow.transform(shop))), as_list(model.predict_proba(shop))):
        assert one == pytest.approx(other, abs=1e-9)


def test_a_model_file_answers_without_torch(fitted, shop, tmp_path):
    save(fitted("levels"), tmp_path / "model.twoflow")
    np.save(tmp_path / "images.npy", np.stack(shop.images[:2]))
    paths = [str(tmp_path / name) for name in ("model.twoflow", "images.npy", "answers.npz")]
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *paths], check=True)
    answers = np.load(paths[-1])
    for one, other in zip(answers.values(), fitted("levels").predict_proba(shop[:2]), strict=True):
        assert (one == other).all()


def test_a_model_file_has_no_path_of_this_machine(shop, torch, tmp_path):
    model = small(patience=None, checkpoint=str(tmp_path / "states")).fit(shop)
    save(model, tmp_path / "model.twoflow")
    loaded = load(tmp_path / "model.twoflow")
    assert loaded.checkpoint is None and loaded.device == "auto" and loaded.backbone == "efficientnet-lite0"
    folder = small(backbone=str(tmp_path / "backbone"))
    folder.__dict__.update({name: value for name, value in vars(model).items() if name.endswith("_")})
    save(folder, tmp_path / "folder.twoflow")
    assert load(tmp_path / "folder.twoflow").backbone == "backbone"


def test_levels_share_one_training(shop, torch, y, monkeypatch):
    fits = []
    fit = FineTunedClassifier.fit
    monkeypatch.setattr(FineTunedClassifier, "fit", lambda self, *given: fits.append(given[1]) or fit(self, *given))
    for strategy in ("levels", "parents"):
        fits.clear()
        model = HierarchicalClassifier(small(), strategy=strategy, random_state=0).fit(shop.images, y)
        assert len(fits) == 1 and np.ndim(fits[0]) == 2
        assert all(local.classifier.coef_.shape[1] == 1280 for local in model.estimators_ if local.classifier)
        assert model.score(shop.images, y) > 0.5


def test_the_levels_are_those_of_a_classifier_of_both(fitted, shop):
    hierarchy, several = fitted("levels"), fitted("several")
    assert [classes.tolist() for classes in hierarchy.classes_] == [classes.tolist() for classes in several.classes_]
    assert hierarchy.flow_.network.digest == several.network_.digest
    for one, other in zip(hierarchy.predict_proba(shop), several.predict_proba(shop)):
        assert one == pytest.approx(other, abs=1e-6)


def test_paths_that_end_early(shop, torch, y):
    partly = y.astype(object)
    partly[::4, 1] = None
    model = HierarchicalClassifier(small(), strategy="levels", random_state=0).fit(shop.images, partly)
    assert model.n_partly_labeled_ == 8 and model.score(shop.images, y) > 0.5


def test_fallback_and_scope_learn_from_held_out_images(shop, torch, y, monkeypatch):
    """They do not train again, and see only images that the network was not trained on."""
    seen, fits = [], []
    fit, fit_rule, fit_scope = FineTunedClassifier.fit, Risk.fit, OutOfScope.fit
    monkeypatch.setattr(FineTunedClassifier, "fit", lambda self, *given: fits.append(self) or fit(self, *given))
    monkeypatch.setattr(Risk, "fit", lambda self, *given: seen.append(given[2]) or fit_rule(self, *given))
    monkeypatch.setattr(
        OutOfScope, "fit", lambda self, X, y, *given, **more: seen.append(X) or fit_scope(self, X, y, *given, **more)
    )
    outside = [np.full((160, 160, 3), value, np.uint8) for value in range(0, 250, 50)]
    images, labels = [*shop.images, *outside], np.vstack([y, [["unknown", ""]] * len(outside)])
    model = HierarchicalClassifier(
        small(validation_fraction=0.5), strategy="leaves", fallback=Risk(0.7),
        scope=OutOfScope("mahalanobis", n_components=4, random_state=0), random_state=0,
    ).fit(images, labels)
    assert len(fits) == 1
    nodes, features = seen
    assert len(nodes) == len(features) == 16 and features.shape[1] == 1280
    assert model.scope_scores(shop.images[:2]).shape == (2,) and len(model.predict_path(outside)) == 5


def test_without_held_out_images_inner_folds_train(shop, torch, y, monkeypatch):
    fits = []
    fit = FineTunedClassifier.fit
    monkeypatch.setattr(FineTunedClassifier, "fit", lambda self, *given: fits.append(self) or fit(self, *given))
    rule = Confidence(0.3)
    model = HierarchicalClassifier(small(patience=None), fallback=rule, random_state=0).fit(shop.images, y)
    assert len(fits) == 1 and model.flow_ is not None
    HierarchicalClassifier(small(patience=None), fallback=Risk(0.7), cv=2, random_state=0).fit(shop.images, y)
    assert len(fits) == 1 + 1 + 2


def test_shared_learns_from_partly_labeled_images(shop, torch, y):
    partly = y.astype(object)
    partly[::3, 0] = None
    partly[1::3, 1] = None
    model = MultiTargetClassifier(small(), "shared", random_state=0).fit(shop.images, partly)
    assert model.n_partly_labeled_ == 22 and model.n_labeled_ == {"target 1": 21, "target 2": 21}
    assert model.score(shop.images, y) > 0.5


def test_other_classifiers_of_several_targets_share_one_training_too(torch, shop, y):
    X = RawPixels((4, 3)).fit_transform(shop)
    mlp = DropoutMLPClassifier((8, 4), max_epochs=20, random_state=0, device="cpu")
    model = HierarchicalClassifier(mlp, strategy="levels", random_state=0).fit(X, y)
    first, second = [local.classifier for local in model.estimators_]
    assert first.coefs_[0] is second.coefs_[0] and [len(each.classes_) for each in (first, second)] == [2, 4]
    partly = y.astype(object)
    partly[::2, 0], partly[1::2, 1] = None, None
    shared = MultiTargetClassifier(mlp, "shared").fit(X, partly)
    assert shared.n_partly_labeled_ == 32 and [len(each) for each in shared.predict_proba(X)] == [32, 32]


def test_class_weights_of_a_shared_network(shop, torch, y):
    weights = dict.fromkeys(np.unique(y).tolist(), 1.0)
    model = MultiTargetClassifier(small(class_weight={**weights, "tee": 3.0}), "shared").fit(shop.images, y)
    assert model.score(shop.images, y) > 0.5


def test_the_search_finds_an_image_itself(fitted, shop):
    index = SimilarImages(fitted("one")).fit(shop)
    assert index.nearest(shop[:3], k=1).positions.ravel().tolist() == [0, 1, 2]


def test_the_service_answers_and_explains(fitted, shop, tmp_path):
    from ..serving.serving import serving  # isort: skip; skips where the extra is missing
    import httpx

    save(fitted("levels"), tmp_path / "model.twoflow")
    content = io.BytesIO()
    Image.fromarray(shop.images[0]).save(content, "PNG")
    with serving(file=open_model_file(tmp_path / "model.twoflow")) as running:
        answers = [
            httpx.post(f"{running.url}/{route}", files=[(field, ("0.png", content.getvalue()))], timeout=60)
            for route, field in (("predict", "images"), ("explain", "image"))
        ]
    assert [each.status_code for each in answers] == [200, 200]
    assert {reason["method"] for reason in answers[1].json()["reasons"]} == {"exact"}
