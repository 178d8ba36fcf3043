import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad
from scipy.special import log_softmax, softmax
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow import RawPixels, make_model
from twoflow.heads import KernelRidgeClassifier, LogOpinionPool, OutOfFoldProbabilities
from twoflow.heads.calibration import fit_temperature, smooth_targets
from twoflow.heads.inner_folds import fit_clone
from twoflow.heads.opinion_pool import _log_loss

_CROSS_FITTED = "fit_transform gives training rows the outputs of classifiers that have not seen them, as documented"
FLOOR = np.float32(np.log(1e-3))


@parametrize_with_checks(
    [OutOfFoldProbabilities(LogisticRegression())],
    expected_failed_checks=lambda estimator: {
        "check_transformer_general": _CROSS_FITTED, "check_transformer_data_not_an_array": _CROSS_FITTED
    },
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def data():
    X, y = make_classification(240, 12, n_informative=6, n_classes=3, n_clusters_per_class=1, random_state=0)
    return X, np.array(["boot", "clog", "tee"])[y]


class TestOutOfFoldProbabilities:
    def test_training_rows_are_asked_of_classifiers_that_have_not_seen_them(self, data):
        X, y = data
        seed = np.random.RandomState(3).randint(np.iinfo(np.int32).max)
        folds = StratifiedKFold(4, shuffle=True, random_state=seed)
        expected = cross_val_predict(GaussianNB(), X, y, cv=folds, method="predict_proba")
        outputs = OutOfFoldProbabilities(GaussianNB(), cv=4, random_state=3).fit_transform(X, y)
        assert outputs.dtype == np.float32 and outputs.min() == FLOOR
        np.testing.assert_allclose(outputs, np.log(np.maximum(expected, 1e-3)), rtol=1e-5, atol=1e-6)

    def test_other_rows_are_asked_of_one_that_has_seen_all(self, data):
        X, y = data
        model = OutOfFoldProbabilities(GaussianNB(), random_state=0)
        model.fit_transform(X, y)
        expected = np.log(np.maximum(GaussianNB().fit(X, y).predict_proba(X), 1e-3)).astype(np.float32)
        assert (model.transform(X) == expected).all()
        assert (clone(model).fit(X, y).transform(X) == expected).all()

    @pytest.mark.parametrize("floor", [1e-30, 0.1])
    def test_probabilities_below_the_floor_count_as_it(self, floor):
        X, y = np.array([[0.0], [0.1], [9.0], [9.1]]), np.array([0, 0, 1, 1])
        expected = np.log(np.maximum(GaussianNB().fit(X, y).predict_proba(X), floor))
        assert np.allclose(OutOfFoldProbabilities(GaussianNB(), floor=floor).fit(X, y).transform(X), expected)
        assert expected.min() == pytest.approx(np.log(floor))

    @pytest.mark.parametrize("floor", [0, 1, -1, "low"])
    def test_bad_floors(self, data, floor):
        with pytest.raises(ValueError, match="'floor' parameter"):
            OutOfFoldProbabilities(GaussianNB(), floor=floor).fit(*data)

    def test_memory_is_no_knowledge(self):
        """Random labels, which a nearest neighbor knows by heart."""
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(200, 5)), np.arange(200) % 2
        model = OutOfFoldProbabilities(KNeighborsClassifier(1), random_state=0)
        unseen = model.fit_transform(X, y)
        assert (model.transform(X).argmax(axis=1) == y).all()
        assert 0.35 < (unseen.argmax(axis=1) == y).mean() < 0.65

    def test_groups_stay_together(self):
        """A nearest neighbor knows each row by its copy; left out with it, it does not."""
        rng = np.random.default_rng(0)
        X, y, groups = rng.normal(size=(100, 5)).repeat(2, axis=0), (np.arange(100) % 2).repeat(2), np.arange(200) // 2
        model = OutOfFoldProbabilities(KNeighborsClassifier(1), random_state=0)
        assert (model.fit_transform(X, y).argmax(axis=1) == y).mean() > 0.8
        assert 0.3 < (model.fit_transform(X, y, groups).argmax(axis=1) == y).mean() < 0.7
        pooled = make_pipeline(model, LogOpinionPool())
        sure, unsure = (fit_clone(pooled, X, y, given).predict_proba(X).max() for given in (None, groups))
        assert sure > 0.9 > unsure

    def test_a_classifier_that_takes_groups_is_given_them(self):
        X, y = make_classification(60, random_state=0)
        model = OutOfFoldProbabilities(KernelRidgeClassifier(), cv=3, random_state=0)
        own = model.fit(X, y, groups=np.arange(60) // 3).classifier_.leave_out_probabilities_
        assert (own == KernelRidgeClassifier().fit(X, y, groups=np.arange(60) // 3).leave_out_probabilities_).all()
        assert (own != model.fit(X, y).classifier_.leave_out_probabilities_).any()

    def test_the_given_classifier_is_not_fitted(self, data):
        forest = RandomForestClassifier(5)
        model = OutOfFoldProbabilities(forest, random_state=0)
        model.fit_transform(*data)
        assert not hasattr(forest, "classes_") and forest.random_state is None
        assert model.classifier is forest and model.classifier_.n_features_in_ == 12

    @pytest.mark.parametrize("n_jobs", [1, 3])
    def test_equal_seeds_give_equal_columns(self, data, n_jobs):
        """The classifier is seeded as well, and however many folds are fitted at a time."""
        first = OutOfFoldProbabilities(RandomForestClassifier(5), random_state=1)
        second = clone(first).set_params(n_jobs=n_jobs)
        assert (first.fit_transform(*data) == second.fit_transform(*data)).all()
        assert (first.transform(data[0]) == second.transform(data[0])).all()
        assert (first.fit_transform(*data) != first.set_params(random_state=2).fit_transform(*data)).any()

    def test_a_small_class_lowers_the_number_of_folds(self, data):
        X, y = data
        y = np.where(np.isin(np.arange(240), [3, 50, 170]), "rare", y)
        seen = []

        class Recorder(GaussianNB):
            def fit(self, X, y):
                seen.append((y == "rare").sum())
                return super().fit(X, y)

        OutOfFoldProbabilities(Recorder(), cv=10, random_state=0).fit_transform(X, y)
        assert seen == [3, 2, 2, 2]

    def test_a_class_of_one_row(self, data):
        X, y = data
        y = np.where(np.arange(240) == 7, "rare", y)
        model = OutOfFoldProbabilities(GaussianNB(), random_state=0)
        outputs = model.fit_transform(X, y)
        assert model.classes_.tolist() == ["boot", "clog", "rare", "tee"] and outputs.shape == (240, 4)
        assert outputs[7, 2] == pytest.approx(np.log(1 / (120 + 4)))  # two folds, four classes
        assert (outputs[7, [0, 1, 3]] > np.log(0.3)).any()
        floored = OutOfFoldProbabilities(GaussianNB(), floor=0.05, random_state=0).fit_transform(X, y)
        assert floored[7, 2] == pytest.approx(np.log(0.05))

    def test_a_fold_in_which_one_class_is_left(self):
        model = OutOfFoldProbabilities(LogisticRegression(), random_state=0)
        outputs = model.fit_transform(np.eye(6), [0, 0, 0, 0, 0, 1])
        assert outputs[5].tolist() == pytest.approx([0, np.log(1 / (3 + 2))])

    def test_names(self, data):
        X, y = data
        model = OutOfFoldProbabilities(GaussianNB(), random_state=0).set_output(transform="pandas")
        frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(12)])
        assert model.fit_transform(frame, y).columns.tolist() == ["boot", "clog", "tee"]
        assert model.feature_names_in_.tolist() == list(frame)
        assert model.fit(X, y == "tee").get_feature_names_out().tolist() == ["False", "True"]

    def test_pickle(self, data):
        model = OutOfFoldProbabilities(GaussianNB()).fit(*data)
        assert (pickle.loads(pickle.dumps(model)).transform(data[0]) == model.transform(data[0])).all()

    @pytest.mark.parametrize(
        "parameters, labels, message",
        [
            ({"classifier": 3}, [0, 0, 1, 1], "'classifier' parameter"),
            ({"cv": 1}, [0, 0, 1, 1], "'cv' parameter"),
            ({}, [1, 1, 1, 1], "at least two classes"),
            ({}, [0, 1, 2, 3], "each class has one"),
            ({}, [0.5, 1.5, 2.5, 0.1], "Unknown label type"),
        ],
    )
    def test_what_is_refused(self, parameters, labels, message):
        model = OutOfFoldProbabilities(**{"classifier": DecisionTreeClassifier(), **parameters})
        with pytest.raises(ValueError, match=message):
            model.fit_transform(np.eye(4), labels)


def draw(weights, n=6000, n_classes=4, seed=0):
    """Opinions, and classes drawn from their pool."""
    rng = np.random.default_rng(seed)
    blocks = log_softmax(rng.normal(size=(n, len(weights), n_classes)) * 2, axis=2)
    p = softmax(np.einsum("b,ibk->ik", weights, blocks), axis=1)
    y = (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return blocks.reshape(n, -1), y, p


class TestLogOpinionPool:
    @pytest.mark.parametrize("weights", [(0.7,), (0.3, 1.1), (1.0, 0.0, 0.5), (0.0, 0.9)])
    def test_weights_are_recovered(self, weights):
        X, y, p = draw(weights)
        pool = LogOpinionPool().fit(X, y)
        np.testing.assert_allclose(pool.weights_, weights, atol=0.06)
        np.testing.assert_allclose(pool.predict_proba(X), p, atol=0.05)
        assert (pool.predict(X) == pool.classes_[pool.predict_proba(X).argmax(axis=1)]).all()

    def test_probabilities_are_the_weighted_geometric_mean(self):
        X, y, _ = draw((0.6, 0.8), n=300)
        pool = LogOpinionPool().fit(X, y)
        mean = np.exp(X[:, :4]) ** pool.weights_[0] * np.exp(X[:, 4:]) ** pool.weights_[1]
        np.testing.assert_allclose(pool.predict_proba(X), mean / mean.sum(axis=1, keepdims=True))

    def test_an_opinion_against_the_truth_has_no_weight(self):
        """Its best weight would be negative."""
        X, y, _ = draw((1.0, -0.5))
        assert LogOpinionPool().fit(X, y).weights_[1] == 0

    def test_what_says_nothing_changes_nothing(self):
        X, y, _ = draw((0.8,), n=500)
        nothing = np.log(np.full((500, 4), 0.25))
        alone, beside = LogOpinionPool().fit(X, y), LogOpinionPool().fit(np.hstack([nothing, X]), y)
        assert beside.weights_[1] == pytest.approx(alone.weights_[0], rel=1e-4)

    def test_one_opinion_is_given_a_temperature(self):
        X, y, _ = draw((0.4,), n=500)
        temperature = fit_temperature(X, y, np.ones(500))
        assert LogOpinionPool().fit(X, y).weights_ == pytest.approx([1 / temperature], rel=1e-3)

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 1000), st.integers(1, 4), st.integers(2, 5))
    def test_gradient(self, seed, n_opinions, n_classes):
        rng = np.random.default_rng(seed)
        blocks = rng.normal(size=(30, n_opinions, n_classes))
        targets = smooth_targets(rng.integers(0, n_classes, 30), n_classes)
        loss, gradient = (lambda weights, i=i: _log_loss(weights, blocks, targets)[i] for i in (0, 1))
        assert check_grad(loss, gradient, rng.random(n_opinions) * 3) < 1e-5

    def test_no_other_weights_are_better(self):
        X, y, _ = draw((0.5, 0.5, 0.2), n=400)
        pool = LogOpinionPool().fit(X, y)
        blocks, targets = X.reshape(400, 3, 4), smooth_targets(y, 4)
        rng = np.random.default_rng(0)
        others = [np.maximum(pool.weights_ + rng.normal(size=3) * 0.02, 0) for _ in range(50)]
        assert _log_loss(pool.weights_, blocks, targets)[0] < min(_log_loss(w, blocks, targets)[0] for w in others)

    def test_opinions_that_are_always_right_leave_a_doubt(self):
        y = np.arange(60) % 3
        pool = LogOpinionPool().fit(np.log(np.eye(3)[y] * 0.8 + 0.1), y)
        assert 0.95 < pool.predict_proba(np.log(np.eye(3) * 0.8 + 0.1)).max() < 0.999

    def test_order_of_rows_and_of_opinions(self):
        X, y, _ = draw((0.3, 1.1), n=500)
        weights = LogOpinionPool().fit(X, y).weights_
        order = np.random.default_rng(0).permutation(500)
        np.testing.assert_allclose(LogOpinionPool().fit(X[order], y[order]).weights_, weights, rtol=1e-4)
        np.testing.assert_allclose(LogOpinionPool().fit(np.roll(X, 4, axis=1), y).weights_, weights[::-1], rtol=1e-4)

    def test_labels_and_names_and_pickle(self):
        X, y, _ = draw((0.3, 1.1), n=300)
        labels, names = np.array(list("abcd")), [f"{flow}__{label}" for flow in ("cnn", "pixels") for label in "abcd"]
        frame = pd.DataFrame(X, columns=names)
        pool = LogOpinionPool().fit(frame, labels[y])
        assert pool.classes_.tolist() == labels.tolist() and pool.feature_names_in_.tolist() == names
        again = pickle.loads(pickle.dumps(pool))
        assert (again.predict(frame) == labels[LogOpinionPool().fit(X, y).predict(X)]).all()

    @pytest.mark.parametrize(
        "X, y, message",
        [
            (np.zeros((4, 5)), [0, 0, 1, 1], "one column a class, 2, for each opinion; it has 5"),
            (np.zeros((4, 2)), [0, 1, 2, 2], "one column a class, 3, for each opinion; it has 2"),
            (np.zeros((4, 2)), [1, 1, 1, 1], "at least two classes"),
            (np.array([[-np.inf, 0], [0, 0], [0, 0], [0, 0]]), [0, 0, 1, 1], "infinity"),
        ],
    )
    def test_what_is_refused(self, X, y, message):
        with pytest.raises(ValueError, match=message):
            LogOpinionPool().fit(X, y)
        with pytest.raises(ValueError, match="features"):
            LogOpinionPool().fit(np.zeros((4, 4)), [0, 0, 1, 1]).predict(np.zeros((4, 2)))


def test_two_halves_of_a_digit_know_more_than_either():
    X, y = load_digits(return_X_y=True)
    train, test = np.arange(len(y)) % 4 == 0, np.arange(len(y)) % 4 > 0
    opinions = [
        ("top", OutOfFoldProbabilities(RandomForestClassifier(30), random_state=0), slice(32)),
        ("bottom", OutOfFoldProbabilities(KernelRidgeClassifier(), random_state=0), slice(32, 64)),
    ]
    loss, accuracy = [], []
    for parts in (opinions, opinions[:1], opinions[1:]):
        model = make_pipeline(ColumnTransformer(parts), LogOpinionPool()).fit(X[train], y[train])
        loss.append(log_loss(y[test], model.predict_proba(X[test])))
        accuracy.append(model.score(X[test], y[test]))
    assert loss[0] < 0.7 * min(loss[1:]) and accuracy[0] > max(accuracy[1:]) + 0.03


def test_flows_of_a_two_flow_classifier(shop):
    """Each flow has its classifier where a selector stands, and the pool decides."""
    forest = OutOfFoldProbabilities(RandomForestClassifier(10), cv=3)
    model = make_model(
        [("small", RawPixels((4, 3)), forest), ("large", RawPixels((8, 6)), forest)], LogOpinionPool(), random_state=0
    ).fit(shop, shop.labels)
    assert model.head_.weights_.shape == (2,)
    again = clone(model).fit(shop, shop.labels)
    assert (model.predict_proba(shop) == again.predict_proba(shop)).all()
