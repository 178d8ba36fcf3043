"""Check the head that learns several targets one after the other."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow.heads import DiscriminantProjection, EarlyStoppingMLPClassifier, SequentialClassifier

RNG = np.random.RandomState(0)
X = RNG.rand(90, 6).astype(np.float32)
FINE = np.array(["boot", "clog", "dress", "tee"])[(4 * X[:, 0]).astype(int)]
BROAD = np.where(np.isin(FINE, ["boot", "clog"]), "shoe", "garment")
COLOR = np.where(X[:, 1] > 0.5, "red", "blue")
Y = np.column_stack([BROAD, FINE, COLOR])
SMALL = EarlyStoppingMLPClassifier((8, 4), max_epochs=5)


def small(**parameters):
    return SequentialClassifier(**{"estimator": LogisticRegression(), "random_state": 0, **parameters})


@pytest.fixture(scope="module")
def fitted():
    return small().fit(X, Y)


_SHAPE = "y and answers have shape (n, k), and probabilities are a list, also for one target"


@parametrize_with_checks(
    [small()],
    expected_failed_checks=lambda estimator: dict.fromkeys(
        ("check_classifiers_classes", "check_classifiers_train", "check_methods_sample_order_invariance"), _SHAPE
    ),
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_the_finest_target_shapes_the_representation_by_default(fitted):
    assert fitted.order_ == [1, 0, 2]
    alone = DiscriminantProjection().fit(X, FINE)
    assert (fitted.representation_.transform(X) == alone.transform(X)).all()
    assert (fitted.predict(X)[:, 1] == alone.predict(X)).all()
    assert (fitted.predict_proba(X)[1] == alone.predict_proba(X)).all()


def test_later_targets_learn_from_outputs_for_unseen_rows_and_nothing_else(fitted):
    shared = DiscriminantProjection().fit_transform(X, FINE)
    for column in (0, 2):
        alone = LogisticRegression().fit(shared, Y[:, column])
        np.testing.assert_allclose(fitted.estimators_[column].coef_, alone.coef_, rtol=1e-5)


def test_answers_are_in_the_order_of_the_columns_of_y(fitted):
    found = fitted.predict(X)
    assert found.shape == (90, 3) and [set(column) <= set(own) for column, own in zip(found.T, Y.T)] == [True] * 3
    assert [classes.tolist() for classes in fitted.classes_] == [sorted(set(column)) for column in Y.T]
    for column, classes, probability in zip(found.T, fitted.classes_, fitted.predict_proba(X), strict=True):
        np.testing.assert_allclose(probability.sum(axis=1), 1, rtol=1e-6)
        assert (classes[probability.argmax(axis=1)] == column).all()
    assert fitted.score(X, Y) == (found == Y).all(axis=1).mean()
    assert (found[:, 0] == BROAD).mean() > 0.9 > 0.8 > (found[:, 2] == COLOR).mean()


@pytest.mark.parametrize("order", [[2, 0, 1], ["color", "broad", "fine"], ["color", 0, "fine"], np.array([2, 0, 1])])
def test_order_by_name_and_position(order):
    y = pd.DataFrame(Y, columns=["broad", "fine", "color"])
    model = small(order=order).fit(X, y)
    assert model.order_ == [2, 0, 1]
    assert (model.predict(X)[:, 2] == DiscriminantProjection().fit(X, COLOR).predict(X)).all()
    assert list(model.n_labeled_) == list(model.n_parameters_by_target_) == ["broad", "fine", "color"]


def test_columns_permute_with_the_answers():
    swapped = [2, 1, 0]
    expected = small(order=[1, 0, 2]).fit(X, Y).predict(X)
    assert (small(order=[1, 2, 0]).fit(X, Y[:, swapped]).predict(X) == expected[:, swapped]).all()


@pytest.mark.parametrize("missing", [None, np.nan, "", "  ", pd.NA])
def test_missing_labels(missing):
    y = Y.astype(object)
    y[:10, 1], y[5:30, 2] = missing, missing
    for table in (y, pd.DataFrame(y), y.tolist()):
        model = small().fit(X, table)
        assert list(model.n_labeled_.values()) == [90, 80, 65]
        projection = DiscriminantProjection()
        shared = np.empty((90, 4), np.float32)
        shared[10:] = projection.fit_transform(X[10:], FINE[10:])
        shared[:10] = projection.transform(X[:10])
        expected = LogisticRegression().fit(shared, BROAD)
        np.testing.assert_allclose(model.estimators_[0].coef_, expected.coef_, rtol=1e-5)
        known = np.r_[0:5, 30:90]
        expected = LogisticRegression().fit(shared[known], COLOR[known])
        np.testing.assert_allclose(model.estimators_[2].coef_, expected.coef_, rtol=1e-5)


def test_missing_labels_of_polars_and_numbers():
    years = np.where(X[:, 1] > 0.5, 1990, 1968)
    y = pl.DataFrame({"fine": FINE, "year": [None, *years[1:].tolist()]})
    model = small().fit(X, y)
    assert model.n_labeled_ == {"fine": 90, "year": 89}
    assert set(model.predict(X)[:, 1]) <= {1968, 1990} and model.classes_[1].dtype.kind == "f"


def test_counts(fitted):
    assert fitted.n_parameters_by_target_ == {"target 1": 5, "target 2": 4 * 7, "target 3": 5}
    assert fitted.n_parameters_ == 38 and fitted.epochs_ == {"target 1": None, "target 2": None, "target 3": None}
    model = small(representation=SMALL, estimator=SMALL).fit(X, Y)
    assert model.n_parameters_by_target_ == {"target 1": 81, "target 2": 112, "target 3": 81}
    assert model.n_parameters_ == 274 and set(model.epochs_.values()) == {5}
    uncounted = small(estimator=DecisionTreeClassifier()).fit(X, Y)
    assert uncounted.n_parameters_ is None
    assert uncounted.n_parameters_by_target_ == {"target 1": None, "target 2": 28, "target 3": None}


def test_the_representation_by_name_and_as_a_classifier():
    by_name = small(representation="lda").fit(X, Y).predict_proba(X)
    given = small(representation=DiscriminantProjection()).fit(X, Y).predict_proba(X)
    assert all((one == other).all() for one, other in zip(by_name, given))
    hidden = small(representation=SMALL).fit(X, Y)
    assert hidden.representation_.transform(X).shape == (90, 4)
    assert (hidden.predict(X)[:, 1] == hidden.representation_.predict(X)).all()


def test_groups_reach_every_part():
    groups = np.arange(90) // 3
    model = small().fit(X, Y, groups)
    alone = DiscriminantProjection().fit(X, FINE, groups)
    assert (model.representation_.ridge_.leave_out_probabilities_ == alone.ridge_.leave_out_probabilities_).all()
    later = small(estimator=SMALL, order=[1, 2, 0]).fit(X, Y, groups).estimators_[2]
    ungrouped = small(estimator=SMALL, order=[1, 2, 0]).fit(X, Y).estimators_[2]
    assert later.losses_ != ungrouped.losses_


def test_the_same_seed_gives_the_same_model_and_the_estimator_is_not_fitted():
    model = small(representation=SMALL, estimator=SMALL)
    first = model.fit(X, Y).predict_proba(X)
    again = clone(model).fit(X, Y).predict_proba(X)
    assert all((one == other).all() for one, other in zip(first, again))
    other = clone(model).set_params(random_state=1).fit(X, Y).predict_proba(X)
    assert any((one != two).any() for one, two in zip(first, other))
    assert not hasattr(SMALL, "coefs_")
    assert all((one == two).all() for one, two in zip(first, pickle.loads(pickle.dumps(model)).predict_proba(X)))


def test_a_search_finds_parameters_of_the_estimator():
    search = GridSearchCV(small(), {"estimator__C": [0.1, 10]}, cv=2).fit(X, Y)
    assert len(search.cv_results_["params"]) == 2 and search.predict(X).shape == (90, 3)


def columns(*given):
    return np.array(given, dtype=object).T


@pytest.mark.parametrize(
    ("y", "order", "message"),
    [
        (FINE, None, r"y: expected shape \(n, n_targets\), got \(90,\); pass a column for each target"),
        (None, None, "requires y to be passed"),
        (columns(FINE, [None] * 90), None, "expected labels of target 'target 2', got none; leave the target out"),
        (columns(FINE, ["a"] * 88 + [None] * 2), None, "all 88 labels of 'target 2' are a"),
        (columns(X[:, 0], FINE), None, "continuous"),
        (Y[:80], None, "inconsistent numbers of samples"),
        ([*Y.tolist()[:-1], ["boot"]], None, "labels: expected 3 labels in each row as in row 0"),
        (Y, [0, 1], r"order: expected each target once, by name .* or by position \(0 to 2\), got \[0, 1\]"),
        (Y, [0, 1, 1], "order: expected each target once"),
        (Y, ["fine", "broad", "color"], "names need a y that has them"),
        (Y, [0, 1, 3], "order: expected each target once"),
        (Y, [0.0, 1.0, 2.0], "order: expected each target once"),
        (Y, [True, False, 2], "order: expected each target once"),
    ],
)
def test_bad_targets(y, order, message):
    with pytest.raises(ValueError, match=message):
        small(order=order).fit(X, y)


@pytest.mark.parametrize("parameters", [{"representation": "pca"}, {"representation": LogisticRegression()},
                                        {"estimator": "mlp"}, {"order": "fine"}])
def test_bad_parameters(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        small(**parameters).fit(X, Y)
