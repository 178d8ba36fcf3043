"""Check the strategies: what they have in common, and what each promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import make_blobs
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from twoflow.heads import CappedClassifier, KernelRidgeClassifier, MultiTargetClassifier
from twoflow.heads.multi_target import LargeForestWarning
from twoflow.heads.multi_target.strategies import STRATEGIES
from twoflow.heads.table import HEADS

TREE = DecisionTreeClassifier(random_state=0)
RIDGE = KernelRidgeClassifier((0.03,))


@pytest.fixture(scope="module")
def problem():
    """Rows of five clusters: two targets with 3 and 2 classes, all but one of whose combinations occur."""
    X, cluster = make_blobs(120, 4, centers=5, cluster_std=2, random_state=0)
    kinds, ages = ["boot", "boot", "clog", "clog", "pump"], ["old", "new", "old", "new", "old"]
    y = np.column_stack([np.array(kinds)[cluster], np.array(ages)[cluster]])
    return X.astype(np.float32), y.astype(object)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_answers_in_the_same_form(strategy, problem):
    X, y = problem
    model = MultiTargetClassifier(RIDGE, strategy, random_state=0).fit(X, y)
    proba, answers = model.predict_proba(X), model.predict(X)
    assert answers.shape == (120, 2) and model.score(X, y) == (answers == y).all(axis=1).mean() > 0.7
    for own, classes, column in zip(proba, model.classes_, answers.T, strict=True):
        assert own.shape == (120, len(classes)) and np.allclose(own.sum(axis=1), 1)
        assert (classes[own.argmax(axis=1)] == column).all()
    assert [classes.tolist() for classes in model.classes_] == [["boot", "clog", "pump"], ["new", "old"]]
    assert model.target_names_ == ("target 1", "target 2") and model.n_labeled_ == {"target 1": 120, "target 2": 120}
    alone = [model.predict_proba(X[[row]]) for row in range(3)]
    for target, own in enumerate(proba):
        assert np.allclose([each[target][0] for each in alone], own[:3], atol=1e-6)
    again = clone(model).fit(X, y)
    assert all((a == b).all() for a, b in zip(proba, again.predict_proba(X)))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("estimator", [RIDGE, TREE], ids=["ridge", "tree"])
def test_a_copy_of_a_target_is_answered_alike(strategy, estimator, problem):
    X, y = problem
    model = MultiTargetClassifier(estimator, strategy, random_state=0).fit(X, y[:, [0, 0]])
    answers = model.predict(X)
    assert (answers[:, 0] == answers[:, 1]).mean() > 0.9 and model.score(X, y[:, [0, 0]]) > 0.8


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_one_target_of_width_one(strategy, problem):
    X, y = problem
    model = MultiTargetClassifier(RIDGE, strategy, random_state=0).fit(X, y[:, :1])
    assert model.predict(X).shape == (120, 1) and len(model.predict_proba(X)) == 1
    assert (model.predict(X)[:, 0] == clone(RIDGE).fit(X, y[:, 0]).predict(X)).all()


@settings(deadline=None, max_examples=15)
@given(order=st.permutations(range(3)), names=st.lists(st.integers(-9, 9), min_size=3, max_size=3, unique=True))
def test_separate_does_not_depend_on_the_order_or_the_names_of_classes(order, names):
    rng = np.random.RandomState(0)
    X = rng.rand(40, 3)
    y = (3 * X).astype(int) % 3
    plain = MultiTargetClassifier(GaussianNB()).fit(X, y).predict(X)
    assert (MultiTargetClassifier(GaussianNB()).fit(X, y[:, order]).predict(X) == plain[:, order]).all()
    renamed = np.array(names)[y]
    assert (MultiTargetClassifier(GaussianNB()).fit(X, renamed).predict(X) == np.array(names)[plain]).all()


def test_joint_sums_the_probabilities_of_combinations(problem):
    X, y = problem
    model = MultiTargetClassifier(GaussianNB(), "joint").fit(X, y)
    assert len(model.combinations_) == 5 < 3 * 2 and model.estimators_[0].classes_.tolist() == [0, 1, 2, 3, 4]
    proba = model.estimators_[0].predict_proba(X)
    for position, (own, classes) in enumerate(zip(model.predict_proba(X), model.classes_)):
        for code in range(len(classes)):
            assert np.allclose(own[:, code], proba[:, model.combinations_[:, position] == code].sum(axis=1))


class Opinion(ClassifierMixin, BaseEstimator):
    """Answers the same probabilities for every row."""

    def __init__(self, proba):
        self.proba = proba

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.tile(self.proba, (len(X), 1))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def test_joint_may_answer_a_combination_that_never_occurred():
    y = [["a", "y"], ["b", "x"], ["c", "x"], ["c", "y"]] * 2  # "a" with "x" never occurs
    model = MultiTargetClassifier(Opinion((0.4, 0.3, 0.25, 0.05)), "joint").fit(np.zeros((8, 1)), y)
    assert model.predict(np.zeros((1, 1))).tolist() == [["a", "x"]]
    first, second = model.predict_proba(np.zeros((1, 1)))
    assert first.round(2).tolist() == [[0.4, 0.3, 0.3]] and second.round(2).tolist() == [[0.55, 0.45]]


def test_joint_without_probabilities_answers_a_combination(problem):
    X, y = problem
    model = MultiTargetClassifier(RidgeClassifier(), "joint").fit(X, y)
    known = {tuple(row) for row in y.astype(str).tolist()}
    assert {tuple(row) for row in model.predict(X).tolist()} <= known and not hasattr(model, "predict_proba")


def test_joint_of_many_combinations():
    """50 x 40 classes: it fits what occurs, and its memory grows with what occurs, not with 2,000 combinations."""
    rng = np.random.RandomState(0)
    kind, color = rng.randint(50, size=600), rng.randint(40, size=600)
    X = np.hstack([np.eye(50)[kind], np.eye(40)[color]]) + rng.normal(0, 0.05, (600, 90))
    y = np.column_stack([kind, color])
    model = MultiTargetClassifier(KernelRidgeClassifier((0.01,)), "joint").fit(X, y)
    n_found = len(np.unique(y, axis=0))
    assert model.estimators_[0].coef_.shape == (n_found, 90) and n_found < 600
    assert model.score(X, y) > 0.95 and [own.shape[1] for own in model.predict_proba(X)] == [50, 40]


class Forest(GaussianNB):
    """As large as it says, but without trees."""

    def __init__(self, n_estimators=200):
        super().__init__()
        self.n_estimators = n_estimators


def test_joint_forests_of_many_combinations_say_what_they_need():
    y = np.tile(np.array([(kind, color) for kind in range(50) for color in range(40)]), (2, 1))
    X = y + np.random.RandomState(0).rand(4000, 2)
    message = "200 trees that learn 2,000 combinations from 4,000 rows need up to 16 GB; choose 'separate', 'chain' or"
    for forest in (Forest(), make_pipeline(Forest())):
        with pytest.warns(LargeForestWarning, match=message):
            MultiTargetClassifier(forest, "joint").fit(X, y)
    MultiTargetClassifier(Forest(40), "joint").fit(X, y)


def test_joint_ignores_that_nearly_every_row_is_a_class():
    """Also in the threads in which a forest grows its trees; warnings are errors in tests."""
    X = np.random.RandomState(0).rand(60, 3)
    y = np.column_stack([np.arange(60) % 7, np.arange(60) % 8])
    y[-1] = y[0]
    forest = RandomForestClassifier(4, n_jobs=2, random_state=0)
    assert len(MultiTargetClassifier(forest, "joint").fit(X, y).combinations_) > 30


@pytest.mark.parametrize("head", [name for name, head in HEADS.items() if not head.selectors_classify])
def test_a_combination_that_occurs_once(head, problem):
    X, y = problem
    y = y.copy()
    y[np.flatnonzero(y[:, 0] == "pump")[0], 1] = "new"  # the only new pump
    classifier = HEADS[head].classifier()
    trees = {name: 3 for name in classifier.get_params() if name.endswith("n_estimators")}
    model = MultiTargetClassifier(classifier.set_params(**trees), "joint", random_state=0)
    assert model.fit(X, y, np.arange(120) // 2).score(X, y) > 0.5


def test_a_shared_ridge_is_one_ridge(problem):
    X, y = problem
    model = MultiTargetClassifier(KernelRidgeClassifier(), "shared").fit(X, y)
    (ridge,) = model.estimators_
    assert isinstance(ridge.alpha_, float) and len(ridge.temperature_) == 2 and ridge.coef_.shape == (5, 4)
    alone = [KernelRidgeClassifier((ridge.alpha_,)).fit(X, target) for target in y.T]
    for own, each in zip(model.predict_proba(X), alone):
        assert np.allclose(own, each.predict_proba(X), atol=1e-5)
    for own, each in zip(ridge.leave_out_probabilities_, alone):
        assert np.allclose(own, each.leave_out_probabilities_, atol=1e-8)


@pytest.mark.parametrize("estimator", [
    RandomForestClassifier(5, random_state=0), KNeighborsClassifier(3), RIDGE, TREE,
], ids=["forest", "neighbors", "ridge", "tree"])
def test_what_learns_several_targets_is_shared(estimator, problem):
    X, y = problem
    assert MultiTargetClassifier(estimator, "shared").fit(X, y).score(X, y) > 0.7


@pytest.mark.parametrize("estimator", [LogisticRegression(), CappedClassifier(RIDGE)], ids=["logistic", "capped"])
def test_what_learns_one_target_is_not_shared(estimator, problem):
    message = f"learns several targets at once, .* got {type(estimator).__name__}; .*'separate', 'joint' or 'chain'"
    with pytest.raises(ValueError, match=message):
        MultiTargetClassifier(estimator, "shared").fit(*problem)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_class_weights_have_the_names_of_classes(strategy, problem):
    X, y = problem
    weights = {"boot": 1, "clog": 1, "pump": 50, "old": 1, "new": 1}
    plain, weighed = (
        MultiTargetClassifier(KernelRidgeClassifier((1.0,), class_weight=given), strategy, random_state=0).fit(X, y)
        for given in (None, weights)
    )
    assert (weighed.predict(X)[:, 0] == "pump").sum() > (plain.predict(X)[:, 0] == "pump").sum()
    missing = KernelRidgeClassifier(class_weight={"boot": 2})
    with pytest.raises(ValueError, match="weight"):
        MultiTargetClassifier(missing, strategy, random_state=0).fit(X, y)


@pytest.mark.parametrize("strategy", ["separate", "chain"])
def test_missing_labels_are_left_out_for_their_target(strategy, problem):
    X, y = problem
    y = y.copy()
    y[:10, 0], y[5:20, 1] = np.nan, ""
    model = MultiTargetClassifier(RIDGE, strategy, random_state=0).fit(X, y)
    assert model.n_labeled_ == {"target 1": 110, "target 2": 105} and model.n_partly_labeled_ == 20
    assert [len(each.kept_) for each in model.estimators_] == [110, 105]


@pytest.mark.parametrize("strategy", ["shared", "joint"])
def test_one_classifier_learns_from_complete_rows(strategy, problem):
    X, y = problem
    y = y.copy()
    y[y[:, 0] == "pump", 1] = None
    model = MultiTargetClassifier(RIDGE, strategy).fit(X, y)
    assert model.n_partly_labeled_ == (y[:, 0] == "pump").sum() == 120 - len(model.estimators_[0].kept_)
    assert model.classes_[0].tolist() == ["boot", "clog", "pump"] and (model.predict_proba(X)[0][:, 2] == 0).all()
    assert (model.predict(X)[:, 0] != "pump").all()
    y[60:, 0], y[:60, 1] = None, None
    with pytest.raises(ValueError, match=f"strategy='{strategy}': expected rows that have all labels, got 0 of 120"):
        model.fit(X, y)


def test_shared_needs_two_classes_in_complete_rows(problem):
    X, y = problem
    y = y.copy()
    y[y[:, 1] == "new", 0] = None
    with pytest.raises(ValueError, match="two classes of 'target 2' in the .* rows that have all labels, got only old"):
        MultiTargetClassifier(RIDGE, "shared").fit(X, y)


def test_joint_needs_a_combination_that_occurs_twice():
    y = np.column_stack([np.arange(6), np.arange(6)])
    with pytest.raises(ValueError, match="one that occurs twice, got 6 in 6 rows"):
        MultiTargetClassifier(TREE, "joint").fit(np.eye(6), y)
