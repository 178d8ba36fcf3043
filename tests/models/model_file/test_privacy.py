"""A model file says nothing of the machine that made it."""

import getpass
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from twoflow import CNNEmbedding, ColorHistogram, FlowClassifier, ImageCollection, TwoFlowClassifier, load, save
from twoflow.errors import UserError
from twoflow.models.model_file.archive import unpack
from twoflow.models.model_file.loading import open_model_file
from twoflow.store import FeatureStore

from ...networks.onnx import nets
from .test_hostile import Edges


def contents(path):
    """Yield every member of a model file, and of the archives in it, decompressed; and the file itself."""
    yield path.name, path.read_bytes()
    for name, content in unpack(path.read_bytes()).items():
        yield name, content
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as inside:
                yield from ((f"{name}/{each}", inside.read(each)) for each in inside.namelist())


def check(path, *folders):
    words = {str(folder) for folder in (*folders, Path.home(), Path(__file__).parents[3])} | {getpass.getuser()}
    words = {word for word in words if len(word) > 4} | {"pytest-of", "/tmp"}
    for name, content in contents(path):
        for word in words:
            assert word.encode() not in content, (word, name)
            assert word.encode("utf-32-le") not in content, (word, name)


@pytest.fixture
def files(shop, tmp_path):
    """The shop as files on disk."""
    (tmp_path / "photos").mkdir()
    paths = []
    for number, image in enumerate(shop.images):
        paths.append(tmp_path / "photos" / f"{number}.png")
        Image.fromarray(np.asarray(image)).save(paths[-1])
    return ImageCollection(paths, shop.labels, columns={"path": [str(path) for path in paths]})


@pytest.mark.parametrize("networks", ["inside", "elsewhere"])
@pytest.mark.parametrize("make_store", [str, Path, FeatureStore])
def test_no_path_travels(networks, make_store, files, tmp_path):
    (tmp_path / "nets").mkdir()
    network = nets.plain(tmp_path / "nets" / "net.onnx")
    store = make_store(tmp_path / "store")
    flow = CNNEmbedding(str(network), "out", store=store, n_jobs=2, verbose=True)
    model = FlowClassifier([("cnn", flow, "passthrough")], RidgeClassifier(), store=store, n_jobs=2).fit(files)
    save(model, tmp_path / "m.twoflow", collection=files, networks=networks)
    check(tmp_path / "m.twoflow", tmp_path)
    opened = open_model_file(tmp_path / "m.twoflow", networks=[network])
    assert opened.card.networks[0].source == "file net.onnx" and len(opened.examples) == 4
    for part in (opened.model, opened.model.union_, opened.model.union_.flows_[0][1], opened.model.flows[0][1]):
        assert (part.store, part.n_jobs, part.verbose) == (None, None, False)
    assert model.store is store and model.flows[0][1].verbose  # the model itself is as it was


def test_no_path_of_a_search_travels(files, tmp_path):
    nets.plain(tmp_path / "net.onnx")
    inner = FlowClassifier([("cnn", CNNEmbedding(tmp_path / "net.onnx", "out"), "passthrough")], RidgeClassifier())
    grid = {
        "cnn__network": [tmp_path / "net.onnx", str(tmp_path / "net.onnx")], "store": [str(tmp_path / "store")],
        "cnn__store": [FeatureStore(tmp_path / "store")],
    }
    search = GridSearchCV(inner, grid, cv=2).fit(files, files.labels)
    save(search, tmp_path / "m.twoflow")
    check(tmp_path / "m.twoflow", tmp_path)
    pipeline = Pipeline([("color", ColorHistogram()), ("ridge", RidgeClassifier())], memory=str(tmp_path / "memory"))
    save(pipeline.fit(files, files.labels), tmp_path / "p.twoflow")
    check(tmp_path / "p.twoflow", tmp_path)
    assert load(tmp_path / "p.twoflow").memory is None


def test_a_path_in_a_part_of_ones_own_is_refused(files, tmp_path):
    for path in (str(tmp_path), tmp_path):
        model = FlowClassifier([("own", Edges(4), "passthrough")], RidgeClassifier()).fit(files)
        model.union_.flows_[0][1].path_ = path
        with pytest.raises(UserError, match="path"):
            save(model, tmp_path / "m.twoflow")


def test_thumbnails_have_no_metadata(shop, tmp_path):
    exif = Image.Exif()
    exif[0x010F] = "the camera of " + "x" * 40
    Image.fromarray(np.asarray(shop.images[0])).save(tmp_path / "0.jpg", exif=exif)
    collection = ImageCollection([tmp_path / "0.jpg", *shop.images[1:]], shop.labels)
    model = FlowClassifier([("color", ColorHistogram(), "passthrough")], RidgeClassifier()).fit(collection)
    save(model, tmp_path / "m.twoflow", collection=collection)
    assert all(b"camera" not in content for _, content in contents(tmp_path / "m.twoflow"))
    save(model, tmp_path / "n.twoflow", collection=collection, examples=False)
    assert open_model_file(tmp_path / "n.twoflow").examples == {}
    assert not [name for name in unpack((tmp_path / "n.twoflow").read_bytes()) if name.startswith("examples")]


def test_a_recipe_with_a_store(shop, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = TwoFlowClassifier("fast", random_state=0, store="features", n_jobs=2, verbose=False).fit(shop)
    save(model, "m.twoflow", title="shoes")
    check(tmp_path / "m.twoflow", tmp_path)
    assert b"features" not in b"".join(
        content for name, content in contents(tmp_path / "m.twoflow") if "schema" in name
    ).replace(b"n_features", b"").replace(b"_features", b"")
    assert load("m.twoflow").get_params()["store"] is None
