import warnings

import joblib
import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer

from twoflow import (
    CNNEmbedding,
    FlowUnion,
    ForestSelector,
    ImageCollection,
    PixelProjection,
    RawPixels,
    compare,
    make_model,
    make_shop,
)
from twoflow._peak_memory import PeakMemory, peak_memory, total_peak
from twoflow.evaluation import make_methods
from twoflow.flows import Flow, cnn, union
from twoflow.images import UnreadableImagesWarning
from twoflow.images.tags import ImageTags, extend_tags
from twoflow.report import write_report

PIXELS = make_model([("pixels", RawPixels((8, 6)), ForestSelector(20, n_estimators=10))]).set_params(
    head__n_estimators=10
)


class Recorder(ClassifierMixin, BaseEstimator):
    """Take images, not features, and remember them."""

    seen = []

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.seen.append([int(image[0, 0, 0]) for image in X])
        return self

    def predict(self, X):
        self.seen.append([int(image[0, 0, 0]) for image in X])
        return np.full(len(X), self.classes_[0])


class MeanColor(Flow):
    """A flow that learns from data: the mean color of an image minus the mean color of the training images."""

    feature_prefix = "mean"
    n_features_out = 3
    n_fitted = []

    def learn(self, images, y, groups):
        self.n_fitted.append(len(images))
        self.mean_ = np.mean([image.mean(axis=(0, 1)) for image in images], axis=0)

    def extract(self, image, n_threads):
        return np.asarray(image.rgb).mean(axis=(0, 1)) - self.mean_

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.learns_from_data = True
        return tags


class Threaded(Recorder):
    """Fits the same with any number of threads, which it remembers."""

    seen_jobs = []

    def __init__(self, n_jobs=None):
        self.n_jobs = n_jobs

    def fit(self, X, y):
        self.seen_jobs.append(self.n_jobs)
        return super().fit(X, y)

    def __sklearn_tags__(self):
        tags = extend_tags(super().__sklearn_tags__(), ImageTags)
        tags.any_n_jobs = True
        return tags


def numbered(n=40):
    """Make images of two classes whose pixels are their number."""
    images = [np.full((4, 4, 3), i, np.uint8) for i in range(n)]
    return ImageCollection(images, np.arange(n) % 2)


def test_scores_equal_cross_val_score(shop):
    methods = make_methods(["two-flow", "pixels:32x24"])
    pipeline = make_pipeline(CNNEmbedding(layer="stage2"), LogisticRegression(C=1e-3))
    found = compare({**methods, "pipeline": pipeline}, shop, folds=4, random_state=5)
    cv = StratifiedKFold(4, shuffle=True, random_state=5)
    for method, model in zip(found.methods, [*methods.values(), pipeline]):
        expected = cross_val_score(model, shop, shop.labels, cv=cv)
        assert method.scores["accuracy"].tolist() == expected.tolist(), method.name
    predicted = cross_val_predict(pipeline, shop, shop.labels, cv=cv)
    expected = [f1_score(shop.labels[f.test], predicted[f.test], average="macro", zero_division=0) for f in found.folds]
    assert found.methods[-1].scores["macro_f1"] == pytest.approx(expected)
    assert found.methods[-1].means["macro_f1"] == pytest.approx(f1_score(shop.labels, predicted, average="macro"))
    assert found.methods[-1].means["accuracy"] == found.methods[-1].scores["accuracy"].mean()
    trained = [(shop[fold.train], shop.labels[fold.train]) for fold in found.folds]
    expected = [clone(pipeline).fit(*each).score(*each) for each in trained]
    assert found.methods[-1].train_accuracy.tolist() == expected
    assert [method.n_features for method in found.methods][1:] == [2304, 24] and found.methods[0].n_features <= 455


def test_n_features_counts_what_the_head_decides_on(shop):
    flows = [("pixels", RawPixels((6, 4))), ("gray", RawPixels((1, 1)))]
    methods = {head: make_model(flows, head, random_state=0) for head in ("kernel-ridge", "lda", "stack")}
    # A calibrated head counts the features before the calibration. A stack decides on probabilities.
    assert [method.n_features for method in compare(methods, shop, folds=2).methods] == [75, 75, 2 * 4]


def test_n_jobs_does_not_change_scores(shop):
    methods = {"pixels": PIXELS, "recorder": Recorder()}
    one, two = (compare(methods, shop, folds=3, n_jobs=n_jobs, random_state=0) for n_jobs in (1, 2))
    for a, b in zip(one.methods, two.methods):
        assert all((a.scores[name] == b.scores[name]).all() for name in ("accuracy", "macro_f1"))


@pytest.mark.parametrize("model, n_jobs, expected", [
    (Threaded(), 5, 2), (Threaded(), 2, None), (Threaded(n_jobs=1), 5, 1), (make_pipeline(Threaded()), 5, 2),
])
def test_a_fit_uses_the_cores_that_are_idle(model, n_jobs, expected, monkeypatch):
    monkeypatch.setattr(Threaded, "seen_jobs", [])
    with joblib.parallel_config("threading"):
        compare({"threaded": model}, numbered(), folds=2, n_jobs=n_jobs)
    assert Threaded.seen_jobs == [expected] * 2


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing", "sequential"])
def test_every_backend_gives_the_same_scores(shop, backend):
    methods = {"network": make_pipeline(CNNEmbedding(layer="stage2"), RidgeClassifier()), "learns": Recorder()}
    expected = compare(methods, shop, folds=3)
    with joblib.parallel_config(backend, n_jobs=1 if backend == "sequential" else 2):
        found = compare(methods, shop, folds=3)
    for a, b in zip(expected.methods, found.methods):
        assert (a.scores["accuracy"] == b.scores["accuracy"]).all() and np.array_equal(a.predicted[0], b.predicted[0])


@pytest.mark.parametrize("head", ["kernel-ridge", "logistic", "calibrated-forest", "stack"])
def test_metadata_routing_does_not_change_scores(shop, head):
    grouped = ImageCollection(shop.images, shop.labels, np.arange(len(shop)) // 2)
    methods = {"model": make_model([("pixels", RawPixels((8, 6)))], head, random_state=0)}
    expected = compare(methods, grouped, folds=2)
    with config_context(enable_metadata_routing=True):
        found = compare(methods, grouped, folds=2)
    assert (found.methods[0].scores["accuracy"] == expected.methods[0].scores["accuracy"]).all()
    assert np.array_equal(found.methods[0].probabilities[0], expected.methods[0].probabilities[0])


def test_all_methods_get_the_same_folds():
    Recorder.seen.clear()
    found = compare({"one": Recorder(), "two": Recorder()}, numbered(), folds=4)
    first, second = Recorder.seen[:3] + Recorder.seen[6:15], Recorder.seen[3:6] + Recorder.seen[15:]
    assert first == second, "the first fold of each method comes first"
    # Fitted, scored on the training images, and tested.
    assert first == [side.tolist() for fold in found.folds for side in (fold.train, fold.train, fold.test)]


def test_features_are_computed_once_in_one_pass(shop, monkeypatch):
    counts = {"projection": 0, "network": 0}
    for name, module, cls, method in (
        ("projection", union, PixelProjection, "extract"), ("network", cnn, CNNEmbedding, "extract_together")
    ):
        original = getattr(cls, method)

        def counted(*args, name=name, original=original):
            counts[name] += 1
            return original(*args)

        monkeypatch.setattr(cls, method, counted if method == "extract" else staticmethod(counted))
    methods = {
        "both": make_model([
            ("p", PixelProjection(random_state=1), "passthrough"), ("c", CNNEmbedding(layer="stage1"), "passthrough")
        ]),
        "union": make_pipeline(
            FlowUnion([("p", PixelProjection(random_state=1, n_jobs=2)), ("c", CNNEmbedding(layer="stage2"))]),
            RidgeClassifier(),
        ),
        "other projection": make_pipeline(PixelProjection(random_state=2), RidgeClassifier()),
    }
    compare(methods, shop, folds=2)
    assert counts == {"projection": 2 * len(shop), "network": len(shop)}


def test_flows_learn_inside_the_fold():
    MeanColor.n_fitted.clear()
    methods = {
        "flow": make_pipeline(MeanColor(), LogisticRegression()),
        "two-flow": make_model(
            [("mean", MeanColor(), "passthrough"), ("pixels", RawPixels((2, 2)), "passthrough")]
        ),
    }
    found = compare(methods, numbered(), folds=4)
    assert MeanColor.n_fitted == [30] * 4, "once a fold, for both methods"
    cv = StratifiedKFold(4, shuffle=True, random_state=0)
    expected = cross_val_score(methods["two-flow"], numbered(), numbered().labels, cv=cv)
    assert found.methods[1].scores["accuracy"].tolist() == expected.tolist()


def test_selection_is_inside_the_fold():
    """The images are noise. If features were selected outside the folds, accuracy would be far above chance."""
    rng = np.random.default_rng(0)
    noise = ImageCollection(rng.integers(0, 256, (80, 20, 17, 3), dtype=np.uint8), np.arange(80) % 2)
    select = make_model([("pixels", RawPixels((17, 20)), ForestSelector(20))], random_state=0)
    method = compare({"select": select}, noise, folds=5, repeats=3).methods[0]
    assert abs(method.scores["accuracy"].mean() - 0.5) < 0.12


def test_shared_selectors_are_fitted_once_a_fold(shop, monkeypatch):
    fits = []
    fit = ForestSelector.fit
    monkeypatch.setattr(ForestSelector, "fit", lambda self, X, y: fits.append(X.shape) or fit(self, X, y))
    pixels = ("pixels", RawPixels((8, 6)), ForestSelector(20, n_estimators=10, random_state=1))
    network = ("cnn", CNNEmbedding(layer="stage1"), ForestSelector(9, n_estimators=10, random_state=1))
    methods = {
        "pixels": make_model([pixels], random_state=0),
        "both": make_model([pixels, network], LogisticRegression(C=1e-2)),
        "other seed": make_model([(*pixels[:2], ForestSelector(20, n_estimators=10, random_state=2))]),
        "other columns": make_model([("pixels", RawPixels((4, 3)), pixels[2])], random_state=0),
    }
    together = compare(methods, shop, folds=2).methods
    assert sorted(fits) == [(16, 16)] * 2 + [(16, 36)] * 2 + [(16, 144)] * 4
    alone = [compare({name: method}, shop, folds=2).methods[0] for name, method in methods.items()]
    for one, other in zip(together, alone):
        assert one.n_features == other.n_features and (one.scores["accuracy"] == other.scores["accuracy"]).all()
        assert one.fit_seconds > 0 and one.predict_seconds > 0
    monkeypatch.undo()
    parallel = compare(methods, shop, folds=2, n_jobs=2).methods
    assert all((one.scores["accuracy"] == other.scores["accuracy"]).all() for one, other in zip(together, parallel))


def test_sparse_selections_are_stacked_like_others(shop):
    """The scores must equal those of the model fitted on images."""
    bins = KBinsDiscretizer(3, encode="onehot", subsample=None, quantile_method="averaged_inverted_cdf")
    model = make_model(
        [("pixels", RawPixels((3, 2)), bins), ("cnn", CNNEmbedding(layer="stage1"), "passthrough")],
        LogisticRegression(C=1e-2),
    )
    found = compare({"model": model}, shop, folds=2).methods[0]
    cv = StratifiedKFold(2, shuffle=True, random_state=0)
    assert found.scores["accuracy"].tolist() == cross_val_score(model, shop, shop.labels, cv=cv).tolist()


def test_given_methods_are_not_changed(shop):
    methods = {"pixels": clone(PIXELS), "pipeline": make_pipeline(RawPixels((2, 2)), LogisticRegression(C=1e-3))}
    before = {name: repr(method.get_params()) for name, method in methods.items()}
    compare(methods, shop, folds=2)
    assert {name: repr(method.get_params()) for name, method in methods.items()} == before
    assert not hasattr(methods["pixels"], "model_") and not hasattr(methods["pipeline"][-1], "coef_")


@pytest.mark.parametrize("methods", [{"pixels": PIXELS}, {"recorder": Recorder()}], ids=["flows", "images"])
def test_unreadable_images_are_left_out_before_folds_are_drawn(shop, methods):
    broken = ImageCollection(
        [b"text" if i in (3, 20) else image for i, image in enumerate(shop.images)], shop.labels
    )
    with pytest.warns(UnreadableImagesWarning, match="2 of 32 images cannot be read and are left out: image 3"):
        found = compare(methods, broken, folds=3)
    clean = compare(methods, shop[np.delete(np.arange(32), [3, 20])], folds=3)
    assert len(found.collection) == 30 and len(found.collection.unreadable) == 2
    assert (found.methods[0].scores["accuracy"] == clean.methods[0].scores["accuracy"]).all()


def test_unreadable_images_can_leave_too_few(shop):
    broken = ImageCollection([b"text" if i < 6 else image for i, image in enumerate(shop.images)], shop.labels)
    with pytest.warns(UnreadableImagesWarning), pytest.raises(ValueError, match="3 folds need 3 images"):
        compare({"pixels": PIXELS}, broken, folds=3)


def test_groups_are_honored():
    shop = make_shop(4, 8, n_duplicates=16, random_state=0)
    found = compare({"pixels": PIXELS}, shop, folds=3)
    assert found.folds.kind == "stratified group k-fold"
    for fold in found.folds:
        assert not set(shop.groups[fold.train]) & set(shop.groups[fold.test])


def test_one_split_has_tests_and_intervals(shop):
    """Equal methods are right on the same images, so there is no p; the interval counts images, or groups."""
    for groups, kind in ((None, "images"), (np.arange(len(shop)) // 2, "groups")):
        collection = with_split(shop, np.where(np.arange(len(shop)) % 4 < 2, "train", "test"))
        collection = collection if groups is None else collection.grouped(groups)
        found = compare({"one": PIXELS, "two": PIXELS}, collection, split_column="split")
        ((difference, _),) = found.pairwise
        assert difference.result.test == ("McNemar's test" if groups is None else "sign-flip test of groups")
        assert np.isnan(difference.p_holm) and difference.n_tests == 0
        interval = found.intervals["one"]["accuracy"]
        wilson = "Wilson" if groups is None else "Wilson, counted in groups"
        assert interval.kind in (f"BCa bootstrap of {kind}", wilson)
        assert 0 <= interval.ends[0] <= found["one"].scores["accuracy"][0] <= interval.ends[1] <= 1
        assert np.isnan(found.intervals["one"]["macro_f1"].ends).all()


def test_official_split(shop):
    marks = np.where(np.arange(len(shop)) % 4 == 0, "test", "train")
    collection = ImageCollection(shop.images, shop.labels, columns={"split": marks})
    found = compare({"one": PIXELS, "two": PIXELS}, collection, split_column="split")
    assert len(found.folds) == 1 and found.methods[0].scores["accuracy"].shape == (1,)
    assert all(np.isnan(difference.result.p_value) for difference in found.differences)
    assert found.answer.untested == ("two",)  # two equal methods


def test_differences_are_to_the_first_method(shop):
    cnn = make_pipeline(CNNEmbedding(layer="stage2"), LogisticRegression(C=1e-3))
    methods = {"cnn": cnn, "pixels": PIXELS, "again": PIXELS}
    found = compare(methods, shop, folds=4, random_state=0)
    assert [(d.first, d.second, d.result.test) for d in found.differences] == [
        (first, "cnn", test)
        for test in ("paired t-test", "corrected resampled t-test") for first in ("pixels", "again")
    ]
    for difference in found.differences:
        scores = {method.name: method.scores["accuracy"] for method in found.methods}
        expected = (scores[difference.first] - scores["cnn"]).mean()
        assert difference.result.mean_difference == pytest.approx(expected)
        assert difference.p_holm >= difference.result.p_value


def test_bad_comparisons_fail_before_any_work(shop, monkeypatch):
    def extract(*args):
        raise AssertionError("work was begun")

    monkeypatch.setattr("twoflow.evaluation.comparison.extract", extract)
    for arguments, message in (
        (({}, shop), "methods: expected at least one method, got none"),
        (({"pixels": PIXELS}, shop[:8]), "only one class"),
        (({"pixels": make_model([("c", CNNEmbedding(layer="x"), "passthrough")])}, shop), "no layer 'x'"),
    ):
        with pytest.raises(ValueError, match=message):
            compare(*arguments, folds=2)
    with pytest.raises(ValueError, match="9 folds need 9 images"):
        compare({"pixels": PIXELS}, shop, folds=9)
    with pytest.raises(ValueError, match="expected a column of the collection .'kind', 'color'., got 'split'"):
        compare({"pixels": PIXELS}, shop, split_column="split")


def test_predictions_and_probabilities(shop):
    found = compare({"pixels": PIXELS, "ridge": make_pipeline(RawPixels((4, 4)), RidgeClassifier())}, shop, folds=3)
    assert found["ridge"].probabilities is None and len(found["pixels"].probabilities) == 3
    for fold, predicted, probabilities, accuracy in zip(
        found.folds, found["pixels"].predicted, found["pixels"].probabilities, found["pixels"].scores["accuracy"],
        strict=True,
    ):
        assert (predicted == shop.labels[fold.test]).mean() == accuracy
        assert probabilities.shape == (len(fold.test), 4) and probabilities.dtype == np.float32
        assert probabilities.sum(axis=1) == pytest.approx(1)
        assert (found.collection.classes[probabilities.argmax(axis=1)] == predicted).all()
    assert sorted(found.tested) == list(range(len(shop)))
    with pytest.raises(KeyError):
        found["none"]


def test_a_class_missing_from_the_training_images_keeps_its_column(shop):
    split = np.where(np.arange(len(shop)) % 2, "train", "test")
    split[(shop.labels == shop.classes[1]) & (split == "train")] = "validation"
    found = compare({"pixels": PIXELS}, with_split(shop, split), split_column="split")
    (probabilities,) = found["pixels"].probabilities
    assert probabilities.shape[1] == 4
    assert (probabilities[:, 1] == 0).all() and (probabilities[:, [0, 2, 3]].sum(axis=1) > 0.99).all()


def with_split(shop, split):
    return ImageCollection(shop.images, shop.labels, columns={"split": split})


def test_shares_of_the_flows(shop):
    found = compare(make_methods(["two-flow", "cnn"]), shop, folds=2)
    assert list(found["two-flow"].importances) == ["projection", "cnn"]
    assert sum(found["two-flow"].importances.values()) == pytest.approx(1)
    assert found["cnn"].importances == {"cnn": pytest.approx(1)}


def test_learning_curve(shop):
    MeanColor.n_fitted.clear()
    methods = {"pixels": PIXELS, "mean": make_pipeline(MeanColor(), RidgeClassifier())}
    found = compare(methods, shop, folds=2, train_sizes=(1.0, 0.5, 0.25))
    curve = found.learning_curve
    assert curve.shares == (0.25, 0.5, 1.0)
    assert curve.n_train.tolist() == [[4, 4], [8, 8], [16, 16]]
    assert sorted(MeanColor.n_fitted) == [4, 4, 8, 8, 16, 16]  # flows that learn get the smaller training set too
    for method in found.methods:
        own = curve.scores[method.name]["accuracy"]
        assert own.shape == (3, 2) and (own[-1] == method.scores["accuracy"]).all()
        for name, mean in method.means.items():
            assert curve.means[method.name][name].shape == (3,) and curve.means[method.name][name][-1] == mean
        assert curve.means[method.name]["accuracy"].tolist() == own.mean(axis=1).tolist()
    alone = compare(methods, shop, folds=2)
    assert alone.learning_curve is None
    for one, other in zip(alone.methods, found.methods):
        assert (one.scores["accuracy"] == other.scores["accuracy"]).all()


@pytest.mark.parametrize("sizes", [(0.0,), (1.5,), (0.5, -1), (float("nan"),)])
def test_bad_train_sizes(shop, sizes):
    with pytest.raises(ValueError, match="train_sizes: expected shares of the training images in"):
        compare({"pixels": PIXELS}, shop, folds=2, train_sizes=sizes)


def test_the_folds_of_another_comparison(shop, tmp_path):
    methods = {"pixels": PIXELS}
    first = compare(methods, shop, folds=3, random_state=7)
    write_report(first, tmp_path)
    again = compare(methods, shop, folds_from=tmp_path / "report.json", random_state=7)
    assert (again.folds.kind, again.folds.seed) == ("stratified k-fold", 7)
    assert (again["pixels"].scores["accuracy"] == first["pixels"].scores["accuracy"]).all()
    with pytest.raises(ValueError, match="expected the images of .*report.json, got others"):
        compare(methods, shop[1:], folds_from=tmp_path / "report.json")
    with pytest.raises(ValueError, match="expected the report.json of a comparison"):
        compare(methods, shop, folds_from=tmp_path / "scores.csv")


def test_only_one_source_of_folds(shop):
    for options in ({"test_size": 0.5, "split_column": "a"}, {"split_column": "a", "folds_from": "report.json"}):
        with pytest.raises(ValueError, match=f"at most one of .*, got {' and '.join(options)}; choose one"):
            compare({"pixels": PIXELS}, shop, **options)


def test_the_folds_of_a_comparison_that_left_images_out(shop, tmp_path):
    images = [*shop.images, b"no image"]
    broken = ImageCollection(images, [*shop.labels, shop.labels[0]])
    methods = {"pixels": PIXELS}
    with pytest.warns(UnreadableImagesWarning):
        first = compare(methods, broken, folds=3)
    write_report(first, tmp_path)
    for collection in (broken, shop):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnreadableImagesWarning)
            again = compare(methods, collection, folds_from=tmp_path / "report.json")
        assert (again["pixels"].scores["accuracy"] == first["pixels"].scores["accuracy"]).all()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_peak_memory(shop, n_jobs):
    if peak_memory() is None:
        pytest.skip("this system does not report the peak memory of a process")
    found = compare({"pixels": PIXELS}, shop, folds=2, n_jobs=n_jobs)
    assert found.peak_memory >= n_jobs * 50e6


def test_total_peak_adds_one_peak_for_each_process():
    peaks = [PeakMemory(("a", 1), 5), PeakMemory(("a", 1), 7), PeakMemory(("b", 1), 2)]
    assert total_peak(peaks) == 9 and total_peak([*peaks, None]) is None


def test_images_that_are_no_collection(shop):
    with pytest.raises(TypeError, match="collection: expected an ImageCollection, got list; make one with load_folder"):
        compare(PIXELS, list(shop.images))
