import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow.heads import KernelRidgeClassifier, LogOpinionPool, OutOfFoldProbabilities
from twoflow.heads.inner_folds import draw_inner_folds, fit_clone, fit_transform_clone
from twoflow.heads.out_of_fold import answer_out_of_fold, ask_clone

_CROSS_FITTED = "fit_transform returns out-of-fold outputs for training rows, as documented"
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


def test_training_rows_get_out_of_fold_outputs(data):
    X, y = data
    seed = np.random.RandomState(3).randint(np.iinfo(np.int32).max)
    folds = StratifiedKFold(4, shuffle=True, random_state=seed)
    expected = cross_val_predict(GaussianNB(), X, y, cv=folds, method="predict_proba")
    outputs = OutOfFoldProbabilities(GaussianNB(), cv=4, random_state=3).fit_transform(X, y)
    assert outputs.dtype == np.float32 and outputs.min() == FLOOR
    np.testing.assert_allclose(outputs, np.log(np.maximum(expected, 1e-3)), rtol=1e-5, atol=1e-6)


def test_new_rows_get_outputs_of_the_classifier_fitted_on_all(data):
    X, y = data
    model = OutOfFoldProbabilities(GaussianNB(), random_state=0)
    model.fit_transform(X, y)
    expected = np.log(np.maximum(GaussianNB().fit(X, y).predict_proba(X), 1e-3)).astype(np.float32)
    assert (model.transform(X) == expected).all()
    assert (clone(model).fit(X, y).transform(X) == expected).all()


@pytest.mark.parametrize("floor", [1e-30, 0.1])
def test_probabilities_are_raised_to_the_floor(floor):
    X, y = np.array([[0.0], [0.1], [9.0], [9.1]]), np.array([0, 0, 1, 1])
    expected = np.log(np.maximum(GaussianNB().fit(X, y).predict_proba(X), floor))
    assert np.allclose(OutOfFoldProbabilities(GaussianNB(), floor=floor).fit(X, y).transform(X), expected)
    assert expected.min() == pytest.approx(np.log(floor))


@pytest.mark.parametrize("floor", [0, 1, -1, "low"])
def test_bad_floors(data, floor):
    with pytest.raises(ValueError, match="'floor' parameter"):
        OutOfFoldProbabilities(GaussianNB(), floor=floor).fit(*data)


def test_outputs_do_not_overfit():
    """Labels are random, and a nearest neighbor overfits them completely."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 5)), np.arange(200) % 2
    model = OutOfFoldProbabilities(KNeighborsClassifier(1), random_state=0)
    unseen = model.fit_transform(X, y)
    assert (model.transform(X).argmax(axis=1) == y).all()
    assert 0.35 < (unseen.argmax(axis=1) == y).mean() < 0.65


def test_groups_stay_together():
    """A nearest neighbor finds the copy of each row, unless the copy is held out with the row."""
    rng = np.random.default_rng(0)
    X, y, groups = rng.normal(size=(100, 5)).repeat(2, axis=0), (np.arange(100) % 2).repeat(2), np.arange(200) // 2
    model = OutOfFoldProbabilities(KNeighborsClassifier(1), random_state=0)
    assert (model.fit_transform(X, y).argmax(axis=1) == y).mean() > 0.8
    assert 0.3 < (model.fit_transform(X, y, groups).argmax(axis=1) == y).mean() < 0.7
    pooled = make_pipeline(model, LogOpinionPool())
    sure, unsure = (fit_clone(pooled, X, y, given).predict_proba(X).max() for given in (None, groups))
    assert sure > 0.9 > unsure


def test_groups_reach_the_classifier():
    X, y = make_classification(60, random_state=0)
    model = OutOfFoldProbabilities(KernelRidgeClassifier(), cv=3, random_state=0)
    own = model.fit(X, y, groups=np.arange(60) // 3).classifier_.leave_out_probabilities_
    assert (own == KernelRidgeClassifier().fit(X, y, groups=np.arange(60) // 3).leave_out_probabilities_).all()
    assert (own != model.fit(X, y).classifier_.leave_out_probabilities_).any()


def test_the_given_classifier_is_not_fitted(data):
    forest = RandomForestClassifier(5)
    model = OutOfFoldProbabilities(forest, random_state=0)
    model.fit_transform(*data)
    assert not hasattr(forest, "classes_") and forest.random_state is None
    assert model.classifier is forest and model.classifier_.n_features_in_ == 12


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_equal_seeds_give_equal_columns(data, n_jobs):
    """The classifier is seeded too, and `n_jobs` has no effect."""
    first = OutOfFoldProbabilities(RandomForestClassifier(5), random_state=1)
    second = clone(first).set_params(n_jobs=n_jobs)
    assert (first.fit_transform(*data) == second.fit_transform(*data)).all()
    assert (first.transform(data[0]) == second.transform(data[0])).all()
    assert (first.fit_transform(*data) != first.set_params(random_state=2).fit_transform(*data)).any()


def test_a_small_class_lowers_the_number_of_folds(data):
    X, y = data
    y = np.where(np.isin(np.arange(240), [3, 50, 170]), "rare", y)
    seen = []

    class Recorder(GaussianNB):
        def fit(self, X, y):
            seen.append((y == "rare").sum())
            return super().fit(X, y)

    OutOfFoldProbabilities(Recorder(), cv=10, random_state=0).fit_transform(X, y)
    assert seen == [3, 2, 2, 2]


def test_a_class_of_one_row(data):
    X, y = data
    y = np.where(np.arange(240) == 7, "rare", y)
    model = OutOfFoldProbabilities(GaussianNB(), random_state=0)
    outputs = model.fit_transform(X, y)
    assert model.classes_.tolist() == ["boot", "clog", "rare", "tee"] and outputs.shape == (240, 4)
    assert outputs[7, 2] == pytest.approx(np.log(1 / (120 + 4)))  # two folds, four classes
    assert (outputs[7, [0, 1, 3]] > np.log(0.3)).any()
    floored = OutOfFoldProbabilities(GaussianNB(), floor=0.05, random_state=0).fit_transform(X, y)
    assert floored[7, 2] == pytest.approx(np.log(0.05))


def test_a_fold_in_which_one_class_is_left():
    model = OutOfFoldProbabilities(LogisticRegression(), random_state=0)
    outputs = model.fit_transform(np.eye(6), [0, 0, 0, 0, 0, 1])
    assert outputs[5].tolist() == pytest.approx([0, np.log(1 / (3 + 2))])


def test_names(data):
    X, y = data
    model = OutOfFoldProbabilities(GaussianNB(), random_state=0).set_output(transform="pandas")
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(12)])
    assert model.fit_transform(frame, y).columns.tolist() == ["boot", "clog", "tee"]
    assert model.feature_names_in_.tolist() == list(frame)
    assert model.fit(X, y == "tee").get_feature_names_out().tolist() == ["False", "True"]


def test_pickle(data):
    model = OutOfFoldProbabilities(GaussianNB()).fit(*data)
    assert (pickle.loads(pickle.dumps(model)).transform(data[0]) == model.transform(data[0])).all()


@pytest.mark.parametrize(
    "parameters, labels, message",
    [
        ({"classifier": 3}, [0, 0, 1, 1], "'classifier' parameter"),
        ({"cv": 1}, [0, 0, 1, 1], "'cv' parameter"),
        ({}, [1, 1, 1, 1], "at least two classes"),
        ({}, [0, 1, 2, 3], "got 1 in each class"),
        ({}, [0.5, 1.5, 2.5, 0.1], "Unknown label type"),
    ],
)
def test_bad_input(parameters, labels, message):
    model = OutOfFoldProbabilities(**{"classifier": DecisionTreeClassifier(), **parameters})
    with pytest.raises(ValueError, match=message):
        model.fit_transform(np.eye(4), labels)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_answers_equal_cross_val_predict(data, n_jobs):
    X, y = data
    folds = draw_inner_folds(y, None, 3, np.random.RandomState(0))

    def ask(train, test):
        return GaussianNB().fit(X[train], y[train]).predict(X[test])

    rows, answers = answer_out_of_fold(ask, folds, n_jobs)
    assert sorted(rows) == list(range(240))
    assert (answers[rows.argsort()] == cross_val_predict(GaussianNB(), X, y, cv=folds)).all()


@pytest.mark.parametrize("classifier", [GaussianNB(), LinearSVC(), KernelRidgeClassifier()])
def test_a_class_without_training_rows_gets_the_given_probability(data, classifier):
    X, y = data
    train, test = np.flatnonzero(y != "clog"), np.flatnonzero(y == "clog")
    classes = np.unique(y)
    probabilities = ask_clone(classifier, X, y, None, train, test, classes, 0.25)
    assert (probabilities[:, 1] == 0.25).all() and np.allclose(probabilities[:, [0, 2]].sum(axis=1), 1)
    boots = np.flatnonzero(y == "boot")
    assert (ask_clone(classifier, X, y, None, boots, test, classes, 0.25) == [1, 0.25, 0.25]).all()


def make_copies(n_items, n_classes, seed):
    """Make four noisy copies of each item, with 10 features that depend on its class, and 200 only on the item."""
    rng = np.random.default_rng(seed)
    y = np.arange(n_items) % n_classes
    useful = 1.2 * np.random.default_rng(1).normal(size=(n_classes, 10))[y] + rng.normal(size=(n_items, 10))
    useless = rng.normal(size=(n_items, 200))
    copies = np.repeat(np.hstack([useful, useless]), 4, axis=0)
    return copies + 0.1 * rng.normal(size=copies.shape), np.repeat(y, 4), np.repeat(np.arange(n_items), 4)


def test_a_stack_on_near_copies_needs_the_groups():
    """Without groups, a flow that can only recognize the item looks best."""
    X, y, groups = make_copies(40, 4, seed=0)
    X_new, y_new, _ = make_copies(100, 4, seed=2)
    flows = {"useful": slice(10), "useless": slice(10, None)}
    accuracy, favorites = [], []
    for given in (groups, None):
        selectors, opinions = {}, []
        for name, columns in flows.items():
            selector = OutOfFoldProbabilities(KernelRidgeClassifier(), random_state=0)
            selectors[name], outputs = fit_transform_clone(selector, X[:, columns], y, given)
            opinions.append(outputs)
        pool = LogOpinionPool().fit(np.hstack(opinions), y)
        new = np.hstack([selectors[name].transform(X_new[:, columns]) for name, columns in flows.items()])
        accuracy.append(pool.score(new, y_new))
        favorites.append(pool.weights_.argmax())
    assert favorites == [0, 1]
    assert accuracy[0] > 0.9 and accuracy[1] < 0.5
