"""Check the choice among candidates on features: all are judged in the same way, and groups stay together."""

import tracemalloc

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from twoflow.heads import KernelRidgeClassifier
from twoflow.heads.dual_ridge import compute_kernel
from twoflow.models import ChoosingClassifier, SelectingClassifier, choosing_classifier


@pytest.fixture(scope="module")
def data():
    """Make six columns that separate the classes, then fourteen columns of noise."""
    return make_classification(
        240, 20, n_informative=6, n_redundant=0, n_classes=3, n_clusters_per_class=1, shuffle=False, random_state=0
    )


def candidate(head, *columns, selector="passthrough"):
    return SelectingClassifier([(str(i), selector, place) for i, place in enumerate(columns)], head)


def candidates(head=None):
    head = LogisticRegression() if head is None else head
    return [("noise", candidate(head, slice(6, 20))), ("signal", candidate(head, slice(0, 6)))]


class Recorder(ClassifierMixin, BaseEstimator):
    """Remember the rows that each clone was fitted on and predicted."""

    seen = []

    def fit(self, X, y, groups=None):
        self.classes_, self.X_ = np.unique(y), X
        self.seen.append(("fit", X[:, 0].tolist(), groups))
        return self

    def predict(self, X):
        self.seen.append(("predict", X[:, 0].tolist(), None))
        return np.repeat(self.classes_[:1], len(X))


@pytest.mark.parametrize("head", [LogisticRegression(), KernelRidgeClassifier()])
def test_the_better_candidate_is_chosen(data, head):
    X, y = data
    model = ChoosingClassifier(candidates(head), random_state=0).fit(X[::2], y[::2])
    assert model.chosen_ == "signal" and model.candidates_["signal"] > model.candidates_["noise"]
    alone = clone(head).fit(X[::2, :6].astype(np.float32), y[::2])
    assert (model.predict(X) == alone.predict(X[:, :6])).all()
    assert np.allclose(model.predict_proba(X), alone.predict_proba(X[:, :6]), atol=1e-5)
    assert not hasattr(model.candidates[1][1].head, "classes_")


def test_accuracy_is_cross_validated(data):
    X, y = data
    found = ChoosingClassifier(candidates(), cv=3, random_state=0).fit(X, y).candidates_["signal"]
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    expected = cross_val_score(LogisticRegression(), X[:, :6].astype(np.float32), y, cv=folds)
    assert found == pytest.approx(expected.mean())


def test_accuracy_of_kernel_ridge_is_its_leave_out_accuracy(data):
    found = ChoosingClassifier(candidates(KernelRidgeClassifier())).fit(*data)
    assert found.candidates_["signal"] == found.best_.head_.leave_out_accuracy_


def test_all_candidates_are_judged_in_the_same_way(data):
    """Kernel ridge is cross-validated too if another head must be."""
    X, y = data
    mixed = [("ridge", candidate(KernelRidgeClassifier(), slice(0, 6))), *candidates()]
    found = ChoosingClassifier(mixed, cv=3, random_state=0).fit(X, y).candidates_["ridge"]
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    folds = StratifiedKFold(3, shuffle=True, random_state=seed)
    expected = cross_val_score(KernelRidgeClassifier(), X[:, :6].astype(np.float32), y, cv=folds)
    assert found == pytest.approx(expected.mean())


def test_the_kernel_of_a_selection_is_computed_once(data, monkeypatch):
    X, y = data
    asked = []

    def watched(values):
        asked.append(values.shape[1])
        return compute_kernel(values)

    monkeypatch.setattr(choosing_classifier, "compute_kernel", watched)
    scaled = ("scaled", make_pipeline(StandardScaler(), Normalizer()), slice(2, 9))
    rest, noise = ("rest", "passthrough", slice(0, 2)), ("noise", "passthrough", np.arange(9, 20))
    several = {
        "noise": SelectingClassifier([noise], KernelRidgeClassifier()),
        "all": SelectingClassifier([noise, scaled, rest], KernelRidgeClassifier()),
        "signal": SelectingClassifier([rest, scaled], KernelRidgeClassifier(label_noise="drop")),
    }
    groups = np.arange(len(y)) // 3
    model = ChoosingClassifier([*several.items()]).fit(X, y, groups=groups)
    assert sorted(asked) == [2, 7, 11]
    for name, each in several.items():
        alone = clone(each).fit(X.astype(np.float32), y, groups=groups)
        assert model.candidates_[name] == pytest.approx(alone.head_.leave_out_accuracy_, abs=0.005)
        if name == model.chosen_:
            assert np.allclose(model.predict_proba(X), alone.predict_proba(X), atol=1e-4)
    assert model.chosen_ == "signal" and model.best_.columns.tolist() == list(range(9))


def test_without_other_columns_keeps_predictions(data):
    X, y = data
    model = ChoosingClassifier([("middle", candidate(KernelRidgeClassifier(), [9, 4], slice(5, 8)))])
    model.candidates[0][1].selections[0] = ("0", "passthrough", np.array([9, 4]))
    best = model.fit(X, y).best_
    smaller = best.without_other_columns()
    kept = np.unique(best.columns)
    assert kept.tolist() == [4, 5, 6, 7, 9] and smaller.n_features_in_ == 5
    assert (smaller.predict_proba(X[:, kept]) == best.predict_proba(X)).all()


def test_weights_are_those_of_left_out_rows(data):
    X, y = (each[::2] for each in data)
    noise, signal = ("noise", StandardScaler(), slice(6, 20)), ("signal", "passthrough", slice(0, 6))
    both = SelectingClassifier([noise, signal], KernelRidgeClassifier())
    model = ChoosingClassifier([("both", both)], weights="leave-out").fit(X, y)
    assert [*model.weights_] == ["noise", "signal"] and model.weights_["signal"] > model.weights_["noise"] > 0
    assert sum(model.weights_.values()) == pytest.approx(2, abs=0.02)
    assert [selector[-1].weight for selector in model.best_.selectors_.values()] == [*model.weights_.values()]
    equal = ChoosingClassifier([("both", both)]).fit(X, y)
    assert set(equal.weights_.values()) == {1} and equal.best_.selectors_["signal"] == "passthrough"
    assert model.candidates_["both"] > equal.candidates_["both"]


def test_predictions_are_those_of_weighted_features(data):
    X, y = data
    parts = [("noise", "passthrough", slice(6, 20)), ("signal", "passthrough", slice(0, 6))]
    model = ChoosingClassifier([("both", SelectingClassifier(parts, KernelRidgeClassifier()))], weights="leave-out")
    model.fit(X[::2], y[::2])
    scale = np.sqrt(np.repeat([model.weights_["signal"], model.weights_["noise"]], [6, 14]))
    alone = KernelRidgeClassifier().fit(X[::2] * scale, y[::2])
    assert np.allclose(model.predict_proba(X), alone.predict_proba(X * scale), atol=1e-4)
    assert model.candidates_["both"] == pytest.approx(alone.leave_out_accuracy_)


def test_a_selection_of_weight_zero_is_left_out(data, monkeypatch):
    X, y = data
    weights = {2: np.array([0, 2])}
    monkeypatch.setattr(KernelRidgeClassifier, "weigh_kernels", lambda head, parts, y, groups: weights[len(parts)])
    parts = [("noise", "passthrough", slice(6, 20)), ("signal", "passthrough", slice(0, 6))]
    model = ChoosingClassifier([("both", SelectingClassifier(parts, KernelRidgeClassifier()))], weights="leave-out")
    best = model.fit(X, y).best_
    assert model.weights_ == {"noise": 0, "signal": 2} and [*best.selectors_] == ["signal"]
    assert best.columns.tolist() == list(range(6)) and (model.predict(X) == best.predict(X)).all()


def test_fitting_makes_no_copy_of_the_features(monkeypatch):
    weights = np.array([0.5, 1.5, 0.75, 1.25])
    monkeypatch.setattr(KernelRidgeClassifier, "weigh_kernels", lambda *_: weights)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 200_000)).astype(np.float32), np.arange(60) % 3
    parts = [(str(start), "passthrough", slice(start, start + 50_000)) for start in range(0, 200_000, 50_000)]
    model = ChoosingClassifier([("all", SelectingClassifier(parts, KernelRidgeClassifier()))], weights="leave-out")
    tracemalloc.start()
    try:
        model.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < X.nbytes / 2, f"{peak / 1e6:.0f} MB for features of {X.nbytes / 1e6:.0f} MB"


def test_each_selector_is_fitted_once(data, monkeypatch):
    fitted, fit = [], StandardScaler.fit
    monkeypatch.setattr(
        StandardScaler, "fit", lambda scaler, X, *others: fitted.append(X.shape[1]) or fit(scaler, X, *others)
    )
    parts = [("noise", StandardScaler(), slice(6, 20)), ("signal", StandardScaler(), slice(0, 6))]
    both = SelectingClassifier(parts, KernelRidgeClassifier())
    model = ChoosingClassifier([("both", both), ("again", clone(both))], weights="leave-out").fit(*data)
    assert sorted(fitted) == [6, 14] and model.predict(data[0]).shape == data[1].shape


def test_weights_need_a_head_that_is_fitted_from_the_kernel(data):
    X, y = data
    model = ChoosingClassifier(candidates(), weights="leave-out", random_state=0).fit(X, y)
    assert model.weights_ == {"0": 1} and model.best_.selectors_ == {"0": "passthrough"}
    with pytest.raises(ValueError, match="'weights' parameter"):
        ChoosingClassifier(candidates(), weights="some").fit(X, y)


def test_no_candidates(data):
    with pytest.raises(ValueError, match="candidates: expected at least one candidate, got none"):
        ChoosingClassifier([]).fit(*data)


def test_groups_stay_together(data):
    X, y = data
    order = np.arange(len(X), dtype=float)[:, None]
    groups = np.arange(len(X)) // 2 + 1000 * y
    Recorder.seen.clear()
    ChoosingClassifier([("only", candidate(Recorder(), slice(0, 1)))], cv=4).fit(order, y, groups=groups)
    *trials, last = Recorder.seen
    assert len(trials) == 8 and last[0] == "fit" and len(last[1]) == len(X) and (last[2] == groups).all()
    for fitted, asked in zip(trials[::2], trials[1::2]):
        train, test = (np.array(side[1], dtype=int) for side in (fitted, asked))
        assert not set(groups[train]) & set(groups[test]) and len(train) + len(test) == len(X)
        assert (fitted[2] == groups[train]).all()


def test_groups_change_the_choice():
    """A nearest neighbor finds the copy of each row, unless the copy is held out with the row."""
    rng = np.random.RandomState(0)
    y = np.repeat(np.arange(3), 40)
    copied, honest = np.repeat(rng.randn(60, 5), 2, axis=0), rng.randn(120, 5) + y[:, None] * 0.6
    X = np.hstack([copied, honest])
    models = [
        ("copies", candidate(KNeighborsClassifier(1), slice(0, 5))),
        ("honest", candidate(KNeighborsClassifier(1), slice(5, 10))),
    ]
    assert ChoosingClassifier(models, random_state=0).fit(X, y).chosen_ == "copies"
    assert ChoosingClassifier(models, random_state=0).fit(X, y, groups=np.arange(120) // 2).chosen_ == "honest"


@pytest.mark.parametrize("head", [LogisticRegression(), KernelRidgeClassifier()])
def test_the_first_is_chosen_at_a_tie(data, head):
    same = [(name, candidates(head)[1][1]) for name in ("first", "second")]
    assert ChoosingClassifier(same, random_state=0).fit(*data).chosen_ == "first"


def test_a_class_of_two_rows(data):
    X, y = data
    y = np.where(np.arange(len(y)) < 2, 3, y)
    assert set(ChoosingClassifier(candidates(), random_state=0).fit(X, y).predict(X)) <= {0, 1, 2, 3}
