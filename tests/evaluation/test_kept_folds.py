"""Finished folds are found again exactly if nothing that their results depend on has changed."""

import os
import pickle
import re
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from twoflow import FlowUnion, ForestSelector, ImageCollection, RawPixels, compare, load_folder, make_model, make_shop
from twoflow.commands import cv
from twoflow.evaluation import fold_keys, make_methods, running
from twoflow.evaluation.fold_keys import describe_method
from twoflow.flows import Flow
from twoflow.flows.engine.values import UnnamedDependencyError
from twoflow.heads.random_states import seeded
from twoflow.models import take_apart
from twoflow.store import FeatureStore, StoreWarning

ROOT = Path(__file__).parents[2]
PIXELS = make_model([("pixels", RawPixels((8, 6)), ForestSelector(20, n_estimators=10))]).set_params(
    head__n_estimators=10
)


class Centered(Flow):
    """A flow that learns from data: the mean color of an image minus the mean color of the training images."""

    n_features_out = 3

    def learn(self, images, y, groups):
        self.mean_ = np.mean([image.mean(axis=(0, 1)) for image in images], axis=0)

    def extract(self, image, n_threads):
        return np.asarray(image.rgb).mean(axis=(0, 1)) - self.mean_


@pytest.fixture
def n_scored(monkeypatch):
    """The names of the methods of all folds that are computed in this process."""
    seen = []
    score = running.score_fold

    def counted(*arguments):
        seen.append(arguments[5].fold)
        return score(*arguments)

    monkeypatch.setattr(running, "score_fold", counted)
    return seen


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "store")


def methods():
    return {"pixels": PIXELS, "linear": make_pipeline(RawPixels((4, 4)), LogisticRegression(C=1e-2))}


def assert_equal_results(one, other):
    for a, b in zip(one.methods, other.methods, strict=True):
        assert {name: values.tolist() for name, values in a.scores.items()} == {
            name: values.tolist() for name, values in b.scores.items()
        }
        for p, q in zip(a.predicted, b.predicted, strict=True):
            assert p.dtype == q.dtype and np.array_equal(p, q)
        for p, q in zip(a.probabilities or (), b.probabilities or (), strict=True):
            assert p.dtype == q.dtype and p.tobytes() == q.tobytes()
        assert (a.n_features, a.importances, a.choices) == (b.n_features, b.importances, b.choices)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_second_run_computes_nothing_and_finds_the_same(shop, store, n_scored, n_jobs):
    options = {"folds": 3, "train_sizes": (0.5,), "store": store, "n_jobs": n_jobs}
    expected = compare(methods(), shop, folds=3, train_sizes=(0.5,))
    n_scored.clear()
    first = compare(methods(), shop, **options)
    assert first.n_kept == 0 and store.results().n_results == 12
    n_scored.clear()
    again = compare(methods(), shop, **options)
    assert (again.n_kept, n_scored) == (12, [])
    for other in (first, again):
        assert_equal_results(expected, other)
        for name, scores in expected.learning_curve.scores.items():
            assert scores["accuracy"].tolist() == other.learning_curve.scores[name]["accuracy"].tolist()
    assert [method.fit_seconds for method in again.methods] == [method.fit_seconds for method in first.methods]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_open_folds_are_computed_and_give_the_same(shop, store, n_scored, n_jobs):
    """The store loses some folds, as after an interruption."""
    several = {**methods(), "learns": make_pipeline(Centered(), LogisticRegression(C=1e-2))}
    first = compare(several, shop, folds=3, store=store, n_jobs=n_jobs)
    change(store, "DELETE FROM result WHERE rowid % 2 = 0")
    n_scored.clear()
    again = compare(several, shop, folds=3, store=store, n_jobs=n_jobs)
    assert again.n_kept == 5
    if n_jobs == 1:
        assert len(n_scored) == 4
    assert_equal_results(first, again)


def test_what_only_kept_folds_need_is_not_computed(shop, store, monkeypatch):
    """Flows that learn, and selectors that methods share, are fitted for the open folds only."""
    fitted = []
    monkeypatch.setattr(running, "clone", lambda flow: fitted.append("flow") or clone(flow))
    select = running.select
    monkeypatch.setattr(running, "select", lambda *arguments: fitted.append("selector") or select(*arguments))
    learns = make_pipeline(Centered(), LogisticRegression(C=1e-2))
    several = {"learns": learns, "one": PIXELS, "two": clone(PIXELS).set_params(head__n_estimators=5)}
    compare(several, shop, folds=3, store=store)
    assert sorted(fitted) == ["flow"] * 3 + ["selector"] * 3
    fitted.clear()
    change(store, "DELETE FROM result WHERE rowid IN (1, 2)")  # the first fold of "learns", and that of "one"
    assert compare(several, shop, folds=3, store=store).n_kept == 7
    assert sorted(fitted) == ["flow", "selector"]


def change(store, sql, *values):
    store.close()
    connection = sqlite3.connect(store.folder / "features.sqlite")
    with connection:
        connection.execute(sql, values)
    connection.close()


def test_a_failing_fold_leaves_the_others(shop, store, n_scored, monkeypatch):
    score = running.score_fold

    def fail(*arguments):
        if len(n_scored) == 3:
            raise ValueError("the fourth fold")
        return score(*arguments)

    monkeypatch.setattr(running, "score_fold", fail)
    with pytest.raises(ValueError, match="the fourth fold"):
        compare(methods(), shop, folds=3, store=store)
    monkeypatch.setattr(running, "score_fold", score)
    assert store.results().n_results == 3
    assert compare(methods(), shop, folds=3, store=store).n_kept == 3


def test_an_error_names_the_method_and_the_fold_and_says_what_is_kept(shop, store):
    class Fussy(LogisticRegression):
        def fit(self, X, y):
            if X[0, 0] != first:
                raise RuntimeError("the third fold")
            return super().fit(X, y)

    first = make_pipeline(RawPixels((4, 4))).fit_transform(shop)[0, 0]  # the image is tested, not trained on, in a fold
    failing = {**methods(), "fussy\n": make_pipeline(RawPixels((4, 4)), Fussy(C=1e-2))}
    with pytest.raises(RuntimeError, match="the third fold") as caught:
        compare(failing, shop, folds=3, store=store)
    named, kept = caught.value.__notes__
    assert re.fullmatch(r"this is the method 'fussy\\n' in fold \d of repeat 0", named)
    assert re.fullmatch(r"\d finished folds are kept: run the same command to continue", kept)
    assert store.results().n_results == int(kept[0]) > 0


def test_an_interruption_says_what_is_kept(shop, store, n_scored, monkeypatch):
    score = running.score_fold

    def interrupt(*arguments):
        if len(n_scored) == 3:
            raise KeyboardInterrupt
        return score(*arguments)

    monkeypatch.setattr(running, "score_fold", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        compare(methods(), shop, folds=3, store=store)
    assert caught.value.__notes__ == ["3 finished folds are kept: run the same command to continue"]
    n_scored.clear()
    with pytest.raises(KeyboardInterrupt) as caught:
        compare(methods(), shop, folds=3)
    assert not hasattr(caught.value, "__notes__")


def relabeled(shop):
    labels = shop.labels.copy()
    labels[[0, -1]] = labels[[-1, 0]]
    return ImageCollection(shop.images, labels)


def repainted(shop):
    images = [image.copy() for image in shop.images]
    images[0][0, 0] ^= 1
    return ImageCollection(images, shop.labels)


CHANGES = {
    "a label": lambda shop: (methods(), relabeled(shop), {}),
    "a pixel": lambda shop: (methods(), repainted(shop), {}),
    "groups": lambda shop: (methods(), ImageCollection(shop.images, shop.labels, np.arange(len(shop))), {}),
    "the name of the target": lambda shop: (
        methods(), ImageCollection(shop.images, shop.labels, target_names=["kind"]), {}
    ),
    "the seed": lambda shop: (methods(), shop, {"random_state": 1}),
    "other folds": lambda shop: (methods(), shop, {"folds": 4}),
    "a parameter of the head": lambda shop: (
        {name: clone(method).set_params(**values) for (name, method), values in zip(
            methods().items(), ({"head__max_depth": 3}, {"logisticregression__C": 2e-2})
        )}, shop, {},
    ),
    "a parameter of the flow": lambda shop: (
        {name: make_pipeline(RawPixels((4, 5)), LogisticRegression(C=1e-2)) for name in methods()}, shop, {}
    ),
    "another flow of the same size": lambda shop: (
        {name: make_pipeline(RawPixels((2, 8)), LogisticRegression(C=1e-2)) for name in methods()}, shop, {}
    ),
    "a step more": lambda shop: (
        {name: make_pipeline(RawPixels((4, 4)), StandardScaler(), LogisticRegression(C=1e-2)) for name in methods()},
        shop, {},
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_changes_a_result_is_computed_again(shop, store, change):
    compare(methods(), shop, folds=2, store=store)
    others, collection, options = change(shop)
    found = compare(others, collection, **{"folds": 2, **options}, store=store)
    assert found.n_kept == 0
    assert_equal_results(compare(others, collection, **{"folds": 2, **options}), found)


@pytest.mark.parametrize("name", ["_code", "versions"])
def test_other_code_and_other_versions_compute_again(shop, store, monkeypatch, name):
    compare(methods(), shop, folds=2, store=store)
    monkeypatch.setattr(fold_keys, name, lambda *arguments: "another")
    assert compare(methods(), shop, folds=2, store=store).n_kept == 0


def test_what_changes_no_result_is_found(shop, store, tmp_path):
    """Another name of the method, other methods beside it, more workers, and files that have moved."""
    make_shop(3, 6, folder=tmp_path / "here", random_state=0)
    collection = load_folder(tmp_path / "here")
    compare({"pixels": PIXELS}, collection, folds=2, store=store)
    (tmp_path / "here").rename(tmp_path / "there")
    moved = load_folder(tmp_path / "there")
    more = {"other": make_pipeline(RawPixels((2, 2)), LogisticRegression()), "renamed": clone_with_jobs(PIXELS)}
    assert compare(more, moved, folds=2, store=store).n_kept == 2


def clone_with_jobs(method):
    return pickle.loads(pickle.dumps(method)).set_params(n_jobs=2)


class Numbers(ClassifierMixin, BaseEstimator):
    """Takes the images as they are in the collection, so it sees their paths."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return self.classes_[[len(str(path)) % len(self.classes_) for path in X]]


def test_a_method_that_may_look_at_paths(store, tmp_path):
    make_shop(3, 6, folder=tmp_path / "here", random_state=0)
    collection = load_folder(tmp_path / "here")
    compare({"paths": Numbers()}, collection, folds=2, store=store)
    assert compare({"paths": Numbers()}, collection, folds=2, store=store).n_kept == 2
    (tmp_path / "here").rename(tmp_path / "longer")
    moved = load_folder(tmp_path / "longer")
    again = compare({"paths": Numbers()}, moved, folds=2, store=store)
    assert again.n_kept == 0
    assert_equal_results(again, compare({"paths": Numbers()}, moved, folds=2))


@pytest.mark.parametrize("method, reason", [
    (make_pipeline(RawPixels((2, 2)), FunctionTransformer(open(os.devnull).read), LogisticRegression()), "method of"),
    (make_pipeline(RawPixels((2, 2)), RandomForestClassifier(random_state=np.random.RandomState(0))), "RandomState"),
], ids=["a file", "a random state"])
def test_what_cannot_be_named_is_not_kept(shop, store, method, reason):
    with pytest.raises(UnnamedDependencyError, match=reason):
        describe_method(take_apart(method))
    method = make_pipeline(RawPixels((2, 2)), RandomForestClassifier(5, random_state=np.random.RandomState(0)))
    for _ in range(2):
        with pytest.warns(StoreWarning, match="the folds of random are computed, but not kept in the store: "):
            assert compare({"random": method}, shop, folds=2, store=store).n_kept == 0
    assert store.results().n_results == 0


def describe(method):
    return describe_method(take_apart(seeded(method, np.random.RandomState(0))))


def pipeline(*steps):
    return make_pipeline(RawPixels((2, 2)), *steps, LogisticRegression())


def test_functions_are_named_by_their_code():
    factor = 2

    def scaled(X):
        return X * factor

    one, other = (FunctionTransformer(function) for function in (lambda X: X * 2, lambda X: X * 3))
    assert describe(pipeline(one)) == describe(pipeline(FunctionTransformer(lambda X: X * 2)))
    assert describe(pipeline(one)) != describe(pipeline(other))
    before = describe(pipeline(FunctionTransformer(scaled)))
    factor = 3
    assert describe(pipeline(FunctionTransformer(scaled))) != before


SOURCE = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin

class Constant(ClassifierMixin, BaseEstimator):
    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[{which}])
"""


def test_a_class_of_the_users_is_named_by_its_code():
    described = []
    for which in (0, 0, 1):
        scope = {"__name__": "__main__"}
        exec(SOURCE.format(which=which), scope)
        kind = scope["Constant"]
        kind.__module__ = "__main__"
        described.append(describe(make_pipeline(RawPixels((2, 2)), kind())))
    assert described[0] == described[1] != described[2]


def test_objects_of_scikit_learn_are_named_by_what_they_hold():
    def search(n_splits):
        grid = GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=StratifiedKFold(n_splits))
        return describe(make_pipeline(RawPixels((2, 2)), grid))

    assert search(3) == search(3) != search(4)


def test_an_estimator_inside_that_nobody_seeds():
    class Ensemble(BaseEstimator):
        def __init__(self, members):
            self.members = members

    for seed, is_named in ((None, False), (0, True)):
        method = make_pipeline(RawPixels((2, 2)), Ensemble([RandomForestClassifier(random_state=seed)]))
        if is_named:
            describe(method)
        else:
            with pytest.raises(UnnamedDependencyError, match="RandomForestClassifier draws at random without a seed"):
                describe(method)


def test_a_folder_with_the_name_of_a_parameter(tmp_path, monkeypatch):
    """Names of steps, flows and classes are often names of folders too."""
    monkeypatch.chdir(tmp_path)
    union = FlowUnion([("shoes", RawPixels((2, 2)))])
    method = make_model([("shoes", union)], "lda", random_state=0)
    before = describe(method)
    (tmp_path / "shoes").mkdir()
    assert describe(method) == before


def test_every_method_with_a_name_can_be_kept():
    names = ["two-flow", "cnn", "projection", "mid-level", "fast", "best", "fast:stack", "fast:logistic", "fast:lda"]
    described = {name: describe(method) for name, method in make_methods(names).items()}
    assert len(set(described.values())) == len(names)


@pytest.mark.parametrize("content", [b"", b"PK", b"x" * 100, "text"])
def test_a_damaged_result_is_computed_again(shop, store, content):
    first = compare(methods(), shop, folds=2, store=store)
    change(store, "UPDATE result SET content = ? WHERE rowid = 2", content)
    again = compare(methods(), shop, folds=2, store=store)
    assert again.n_kept == 3
    assert_equal_results(first, again)
    assert compare(methods(), shop, folds=2, store=store).n_kept == 4


def test_a_store_that_cannot_be_used(shop, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(StoreWarning, match="cannot be used"):
        found = compare(methods(), shop, folds=2, store=tmp_path / "file")
    assert found.n_kept == 0
    assert_equal_results(found, compare(methods(), shop, folds=2))


def test_unreadable_images_before_others(shop, store):
    images = [b"no image", *shop.images]
    broken = ImageCollection(images, [shop.labels[0], *shop.labels])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compare(methods(), broken, folds=2, store=store)
        assert compare(methods(), broken, folds=2, store=store).n_kept == 4
    assert compare(methods(), shop, folds=2, store=store).n_kept == 4  # the same images, in the same order


def test_folds_of_several_targets_are_kept(shop, store):
    both = ImageCollection(shop.images, np.stack([shop.columns["kind"], shop.labels], axis=1))
    forest = {"forest": make_pipeline(RawPixels((4, 4)), RandomForestClassifier(10, random_state=0))}
    first = compare(forest, both, folds=2, store=store)
    again = compare(forest, both, folds=2, store=store)
    assert again.n_kept == 2
    for a, b in zip(first["forest"].probabilities, again["forest"].probabilities):
        assert [table.tobytes() for table in a] == [table.tobytes() for table in b]


def test_a_killed_comparison_goes_on_where_it_stopped(tmp_path, store, capsys, monkeypatch):
    """After a kill in the middle of the folds, the same command computes only the others, and writes equal bytes."""
    if not hasattr(signal, "SIGKILL"):
        pytest.skip("this system has no SIGKILL")
    monkeypatch.chdir(tmp_path)
    make_shop(3, 8, folder="shop", random_state=0)
    command = ["shop", "--methods", "projection,cnn:stage1", "--folds", "4", "--quiet"]
    keeping = ["--store", str(store.folder), "--out"]
    with subprocess.Popen(
        [sys.executable, "-m", "twoflow.cv", *command, "--jobs", "2", *keeping, "killed"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None and not (store.exists() and store.results().n_results >= 4):
            time.sleep(0.05)
        process.kill()
    n_kept = store.results().n_results
    assert 4 <= n_kept <= 8 and not Path("killed/report.json").exists()
    cv.main([*command, "--jobs", "1", *keeping, "resumed"])
    assert f" {n_kept} finished folds are from an earlier run" in capsys.readouterr().out
    cv.main([*command, "--jobs", "1", "--no-store", "--out", "expected"])
    tables = sorted(path.name for path in Path("expected").glob("*.csv"))
    assert "scores.csv" in tables
    for name in tables:
        assert Path("resumed", name).read_bytes() == Path("expected", name).read_bytes()
