"""Nothing is computed twice, and nothing comes out of a store that would not have been computed."""

import importlib
import signal
import subprocess
import sys
import time
import weakref
from contextlib import suppress

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from twoflow import (
    CNNEmbedding,
    FlowUnion,
    GISTDescriptor,
    ImageReadError,
    PixelProjection,
    RawPixels,
    SIFTBagOfWords,
    compare,
    make_model,
    make_shop,
)
from twoflow.flows.engine import extraction
from twoflow.flows.engine.extraction import extract
from twoflow.flows.engine.fingerprint import fingerprint
from twoflow.store import FeatureStore, StoreWarning

from ...networks.mxnet.files import network, write


@pytest.fixture
def folder(tmp_path):
    make_shop(n_classes=4, n_per_class=5, folder=tmp_path / "shop", random_state=0)
    return tmp_path / "shop"


@pytest.fixture
def paths(folder):
    return sorted(folder.rglob("*.jpg"))


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "store")


def test_an_image_is_known_by_its_content(paths, store, tmp_path):
    flow = RawPixels((8, 6), store=store).fit(paths)
    expected = flow.transform(paths)
    renamed = paths[3].rename(tmp_path / "other name.png")
    found = extract(flow, [renamed, paths[5].read_bytes(), *paths[6:]])
    assert found.n_computed == 0 and (found.features == expected[[3, *range(5, len(paths))]]).all()
    paths[5].write_bytes(paths[6].read_bytes())
    assert (flow.transform(paths[5:6]) == expected[6]).all()
    Image.new("RGB", (9, 9), "red").save(paths[5])
    assert extract(flow, paths[5:]).n_computed == 1
    assert (flow.transform(paths[5:6]) == RawPixels((8, 6)).transform(paths[5:6])).all()


def test_one_image_more_is_one_computed(paths, store):
    flow = FlowUnion([("pixels", RawPixels((8, 6))), ("cnn", CNNEmbedding(layer="stage1"))], store=store).fit(paths)
    assert extract(flow, paths[:-1]).n_computed == len(paths) - 1
    assert extract(flow, paths).n_computed == 1
    assert extract(flow, paths[::-1] + paths).n_computed == 0


def test_flows_are_kept_apart_and_shared(paths, store, monkeypatch):
    """A union finds what another flow, or another union, has left; only the rest is computed."""
    CNNEmbedding(layer="stage1", store=store).fit(paths).transform(paths[:7])
    members = [("gist", GISTDescriptor((4, 2), size=32)), ("stage1", CNNEmbedding(layer="stage1"))]
    union = FlowUnion([*members, ("projection", PixelProjection(8, random_state=0))], store=store).fit(paths)
    computed = []
    begin = extraction.begin
    monkeypatch.setattr(extraction, "begin", lambda flows, *rest: computed.append(len(flows)) or begin(flows, *rest))
    found = union.transform(paths)
    assert computed.count(2) == 7 and computed.count(3) == len(paths) - 7
    assert (found == clone(union).set_params(store=None).fit(paths).transform(paths)).all()
    assert {flow.name for flow in store.flows()} == {
        "CNNEmbedding(layer='stage1')", "GISTDescriptor(orientations=(4, 2), size=32)",
        "PixelProjection(n_components=8, random_state=0)",
    }


def test_unreadable_images_are_not_kept(paths, store):
    paths[4].write_bytes(paths[4].read_bytes()[:900])
    flow = RawPixels((8, 6), on_error="nan", store=store).fit(paths)
    for n_computed in (len(paths), 1):
        found = extract(flow, paths)
        assert found.n_computed == n_computed and [position for position, _ in found.errors] == [4]
        assert np.isnan(found.features[4]).all() and np.isnan(found.features).sum() == found.features.shape[1]
    with pytest.raises(ImageReadError, match=paths[4].name):
        clone(flow).set_params(on_error="raise").fit_transform(paths)
    paths[5].unlink()
    assert [position for position, _ in extract(flow, paths).errors] == [4, 5]


def test_grid_search_and_cross_validation_extract_once(folder, store, monkeypatch):
    shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    computed = []
    begin = extraction.begin
    monkeypatch.setattr(extraction, "begin", lambda *arguments: computed.append(1) or begin(*arguments))
    pipeline = make_pipeline(CNNEmbedding(layer="stage1", store=store), RidgeClassifier())
    search = GridSearchCV(pipeline, {"ridgeclassifier__alpha": [1, 10, 100]}, cv=3).fit(shop, shop.labels)
    assert len(computed) == len(shop)
    assert (search.cv_results_["mean_test_score"]
            == GridSearchCV(pipeline.set_params(cnnembedding__store=None), search.param_grid, cv=3)
            .fit(shop, shop.labels).cv_results_["mean_test_score"]).all()
    computed.clear()
    model = make_model([("cnn", CNNEmbedding(layer="stage1"), "passthrough")], RidgeClassifier(), store=store)
    scores = cross_val_score(model, shop, shop.labels, cv=3)
    assert computed == []
    assert (scores == cross_val_score(clone(model).set_params(store=None), shop, shop.labels, cv=3)).all()


def test_a_comparison_extracts_once(store):
    shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    rows = {"gist": make_pipeline(GISTDescriptor((4, 2), size=32), RidgeClassifier()),
            "sift": make_pipeline(SIFTBagOfWords(6, size=48, random_state=0), RidgeClassifier())}
    cold, warm, plain = (compare(rows, shop, folds=3, store=each) for each in (store, store, None))
    assert (cold.n_computed, warm.n_computed, plain.n_computed) == (len(shop), 0, len(shop))
    for one, two, three in zip(cold.methods, warm.methods, plain.methods):
        accuracy = [method.scores["accuracy"] for method in (one, two, three)]
        assert (accuracy[0] == accuracy[1]).all() and (accuracy[1] == accuracy[2]).all()
    kept = {flow.name for flow in store.flows()}  # not the words
    assert kept == {"GISTDescriptor(orientations=(4, 2), size=32)", "ImageTraits()"}


@pytest.mark.parametrize("one, other", [
    (RawPixels((8, 6)), RawPixels((6, 8))), (RawPixels((8, 6)), GISTDescriptor()),
    (CNNEmbedding(), CNNEmbedding(preprocessing={"input_size": (320, 224)})),
    (CNNEmbedding(), CNNEmbedding(views="mirror")), (CNNEmbedding(views="five-crop"), CNNEmbedding(views="mirror")),
    (CNNEmbedding(layer="head"), CNNEmbedding(layer="head", grid=2)),
    (CNNEmbedding(layer="head", pooling="gem"), CNNEmbedding(layer="head", pooling="covariance")),
    *((CNNEmbedding(layer="head", pooling="covariance", n_channels=n),
       CNNEmbedding(layer="head", pooling="covariance", n_channels=8)) for n in (None, 9)),
    (CNNEmbedding(), CNNEmbedding(layer="stage1")), (CNNEmbedding(), CNNEmbedding("efficientnet-lite1")),
    (PixelProjection(random_state=0), PixelProjection(random_state=1)),
])
def test_fingerprints_differ(one, other):
    assert None not in (fingerprint(one), fingerprint(other)) and fingerprint(one) != fingerprint(other)
    running = {"n_jobs": 2, "on_error": "nan", "verbose": True, "store": "somewhere"}
    assert fingerprint(clone(one).set_params(**running)) == fingerprint(one)


def test_the_size_that_a_network_has_by_itself_is_no_other():
    assert fingerprint(CNNEmbedding(preprocessing={"input_size": [224, 224]})) == fingerprint(CNNEmbedding())


def test_covariances_take_half_the_space(paths, store):
    """They are what float16 holds, so they come back as they were."""
    flow = CNNEmbedding(layer="stage2", pooling="covariance", preprocessing={"input_size": (64, 64)}, store=store)
    union = FlowUnion([("covariance", flow), ("mean", clone(flow).set_params(pooling="mean"))], store=store).fit(paths)
    expected = union.transform(paths)
    found = extract(union, paths)
    assert found.n_computed == 0 and found.features.dtype == np.float32 and (found.features == expected).all()
    n_bytes = {"covariance" in each.name: each.n_bytes for each in store.flows()}
    assert n_bytes == {True: len(paths) * 2 * (24 * 25 // 2), False: len(paths) * 4 * 24}


def test_fingerprints_are_the_same_on_another_day():
    script = """
from twoflow import CNNEmbedding, PixelProjection
from twoflow.flows.engine.fingerprint import fingerprint
print(fingerprint(CNNEmbedding()), fingerprint(PixelProjection(random_state=0)))
"""
    printed = [subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
               for _ in range(2)]
    assert printed[0] == printed[1] == f"{fingerprint(CNNEmbedding())} {fingerprint(PixelProjection(random_state=0))}\n"


def test_what_is_no_function_of_its_parameters_has_no_fingerprint():
    assert fingerprint(PixelProjection()) is None
    assert fingerprint(PixelProjection(random_state=np.random.RandomState(0))) is None
    assert fingerprint(SIFTBagOfWords(random_state=0)) is None
    made = type("Made", (RawPixels,), {"__module__": "nowhere"})
    with pytest.warns(StoreWarning, match="nowhere.Made are computed, but not kept.*: the code of Made cannot"):
        assert fingerprint(made()) is None


def test_another_version_of_a_package_or_of_the_code_computes_anew(monkeypatch):
    before = fingerprint(RawPixels())
    monkeypatch.setattr("twoflow.flows.engine.fingerprint.versions", lambda: {"pillow": "99"})
    assert fingerprint(RawPixels()) != before
    monkeypatch.undo()
    monkeypatch.setattr("twoflow.flows.engine.fingerprint.our_code", lambda: "changed")
    assert fingerprint(RawPixels()) != before
    monkeypatch.undo()
    assert fingerprint(RawPixels()) == before


def test_a_flow_of_one_s_own_is_kept_as_long_as_its_code_is_the_same(paths, store, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    code = (
        "from twoflow.flows import Flow\n"
        "class Corner(Flow):\n"
        "    n_features_out, feature_prefix = 3, 'corner'\n"
        "    def extract(self, image, n_threads): return image.resized((4, 4))[0, 0] * 1.0\n"
        "    def __sklearn_is_fitted__(self): return True\n"
    )
    for factor in ("1.0", "2.0"):
        (tmp_path / "corner.py").write_text(code.replace("1.0", factor))
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, "corner", raising=False)
        flow = importlib.import_module("corner").Corner(store=store)
        expected = [np.asarray(Image.open(path).resize((4, 4)))[0, 0] * float(factor) for path in paths]
        for n_computed in (len(paths), 0):
            found = extract(flow, paths)
            assert found.n_computed == n_computed and np.abs(found.features - expected).max() <= float(factor)


def test_another_network_under_the_same_name_computes_anew(tmp_path, store, shop):
    operators = [("Pooling", "embedding", {"global_pool": True, "kernel": (1, 1), "pool_type": "avg"}, ["conv"])]
    operators.insert(0, ("Convolution", "conv", {"kernel": (1, 1), "num_filter": 4, "no_bias": True}, ["data", "w"]))
    weight = np.random.default_rng(0).normal(size=(4, 3, 1, 1)).astype(np.float32)
    card = {"input_size": [8, 8], "mean": 0, "scale": 255}
    write(tmp_path, network(*operators), {"w": weight}, card=card)
    flow = CNNEmbedding(tmp_path, store=store).fit(shop)
    before = flow.transform(shop)
    write(tmp_path, network(*operators), {"w": 2 * weight}, card=card)
    np.testing.assert_allclose(flow.fit_transform(shop), 2 * before, rtol=1e-5)
    write(tmp_path, network(*operators), {"w": 2 * weight}, card={**card, "scale": 510})
    np.testing.assert_allclose(flow.fit_transform(shop), before, rtol=1e-5)
    (tmp_path / "moved").mkdir()
    for file in tmp_path.glob("net*"):
        file.rename(tmp_path / "moved" / file.name)
    assert extract(CNNEmbedding(tmp_path / "moved", store=store), shop.images).n_computed == 0


def test_without_a_store_that_works_the_features_are_the_same(paths, tmp_path):
    (tmp_path / "file").write_text("")
    flow = RawPixels((8, 6), store=tmp_path / "file")
    with pytest.warns(StoreWarning, match="cannot be used") as caught:
        found = flow.fit_transform(paths)
    assert len(caught) == 1 and (found == RawPixels((8, 6)).transform(paths)).all()


def test_many_features_lie_in_a_file(paths, monkeypatch, tmp_path):
    expected = RawPixels((8, 6)).transform(paths)
    monkeypatch.setattr(extraction, "_IN_MEMORY", 1000)
    monkeypatch.setattr(extraction.tempfile, "tempdir", str(tmp_path / "large"))
    (tmp_path / "large").mkdir()
    found = RawPixels((8, 6)).transform(paths)
    assert isinstance(found, np.memmap) and (found == expected).all()
    part = found[3:5]
    map_ = weakref.ref(found.base)
    del found
    assert len(list((tmp_path / "large").iterdir())) == 1 and (part == expected[3:5]).all()
    del part
    assert map_() is None and list((tmp_path / "large").iterdir()) == []
    shop = make_shop(n_classes=2, n_per_class=6, random_state=0)
    rows = {"pixels": make_pipeline(RawPixels((8, 6)), RidgeClassifier())}
    large = compare(rows, shop, folds=3, n_jobs=2)
    monkeypatch.undo()
    assert (large.methods[0].scores["accuracy"] == compare(rows, shop, folds=3).methods[0].scores["accuracy"]).all()


INTERRUPTED = """
import sys
from twoflow import CNNEmbedding, FlowUnion, PixelProjection, load_folder
flow = FlowUnion([("cnn", CNNEmbedding()), ("projection", PixelProjection(random_state=0))])
features = flow.set_params(n_jobs=2, store=sys.argv[1]).fit_transform(load_folder(sys.argv[2]))
open(sys.argv[3], "wb").write(features.tobytes())
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_at_any_moment_it_resumes(folder, tmp_path):
    """The work of each run that was killed is found by the next; an undisturbed run says how long one takes here."""
    result, store = tmp_path / "features", FeatureStore(tmp_path / "store")

    def start(store_folder):
        return subprocess.Popen([sys.executable, "-W", "error", "-c", INTERRUPTED, store_folder, folder, result])

    begun = time.monotonic()
    assert start(tmp_path / "undisturbed").wait() == 0
    seconds, expected = time.monotonic() - begun, result.read_bytes()
    result.unlink()
    n_known = n_killed = 0
    for share in np.linspace(0.1, 1.2, 8):
        process = start(store.folder)
        with suppress(subprocess.TimeoutExpired):
            process.wait(share * seconds)
        process.kill()
        n_killed += process.wait() == -signal.SIGKILL
        n_before, n_known = n_known, max((flow.n_images for flow in store.flows()), default=0)
        assert n_known >= n_before
    assert n_killed, "it was never interrupted, not even in a tenth of the time"
    assert start(store.folder).wait() == 0
    assert result.read_bytes() == expected and {flow.n_images for flow in store.flows()} == {20}
