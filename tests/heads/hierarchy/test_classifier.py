import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow import ColorHistogram, make_model, make_shop
from twoflow.errors import UserError
from twoflow.heads import UNKNOWN, CappedClassifier, ClassTree, Confidence, HierarchicalClassifier, Risk
from twoflow.heads.hierarchy.strategies import STRATEGIES, level_proba
from twoflow.images import ImageCollection
from twoflow.models import take_apart
from twoflow.models.fitted_parts import fitted_parts

PATHS = [("shoes", "boots"), ("shoes", "heels"), ("bags", "tote"), ("bags", "clutch"), ("hats", "")]
_FAILING = {"check_classifier_multioutput": "the levels of an answer are those of one path, not the likeliest of each"}


@parametrize_with_checks(
    [HierarchicalClassifier(LogisticRegression(), strategy=strategy) for strategy in STRATEGIES],
    expected_failed_checks=lambda model: {} if model.strategy == "parents" else _FAILING,
)
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def rows():
    """Features around a center for each path, with two rows of each group, and their labels."""
    rng = np.random.default_rng(0)
    codes = np.repeat(np.arange(len(PATHS)), 24)
    centers = rng.normal(size=(len(PATHS), 6)) * 1.5
    y = np.array(PATHS, dtype=object)[codes]
    return centers[codes] + rng.normal(size=(len(codes), 6)), y, np.arange(len(codes)) // 2


@pytest.fixture(scope="module", params=sorted(STRATEGIES))
def fitted(request, rows):
    X, y, _ = rows
    return HierarchicalClassifier(GaussianNB(), strategy=request.param, fallback=0.8).fit(X, y)


def test_probabilities_of_nodes(fitted, rows):
    X, y, _ = rows
    node_proba, tree = fitted.predict_node_proba(X), fitted.tree_
    assert np.allclose(node_proba[:, tree.depths == 0].sum(axis=1), 1)
    if fitted.strategy != "levels":
        assert np.allclose(node_proba, node_proba[:, tree.leaves] @ tree.membership.T.astype(float))
    for level, shares in enumerate(fitted.predict_proba(X)):
        assert shares.shape == (len(X), len(fitted.classes_[level])) and np.allclose(shares.sum(axis=1), 1)
    assert [classes.tolist() for classes in fitted.classes_] == [
        ["bags", "hats", "shoes"], ["", "boots", "clutch", "heels", "tote"],
    ]


def test_it_learns_and_answers_paths(fitted, rows):
    X, y, _ = rows
    full, answered = fitted.predict_full(X), fitted.predict(X)
    assert (full == y).all(axis=1).mean() > 0.75
    assert fitted.score(X, y) == (answered == y).all(axis=1).mean()
    is_unknown = answered == UNKNOWN
    assert is_unknown.any() and not is_unknown.all(axis=0).any()
    assert not (is_unknown[:, 0] & ~is_unknown[:, 1]).any(), "a class below an unknown one"
    assert (~is_unknown[:, 0]).mean() >= (~is_unknown[:, 1]).mean()
    for path, labels, reason in zip(fitted.predict_path(X), answered.tolist(), fitted.explain_fallback(X)):
        assert path == tuple(label for label in labels if label not in ("", UNKNOWN))
        assert (reason == "") == (UNKNOWN not in labels)


def test_batches_and_permutations(fitted, rows):
    X, y, _ = rows
    order = np.random.default_rng(1).permutation(len(X))
    together = fitted.predict_node_proba(X)
    assert np.allclose(np.vstack([fitted.predict_node_proba(row[None]) for row in X[:20]]), together[:20])
    assert np.allclose(clone(fitted).fit(X[order], y[order]).predict_node_proba(X), together)


def test_other_names_of_classes_change_only_names(fitted, rows):
    X, y, _ = rows
    names = {label: f"z{99 - i}" for i, label in enumerate(sorted(set(y.ravel()) - {""}))} | {"": ""}
    renamed = clone(fitted).fit(X, [[names[label] for label in row] for row in y])
    expected = [tuple(names[label] for label in path) for path in fitted.predict_path(X)]
    assert renamed.predict_path(X) == expected


def test_pickle_and_predict_changes_nothing(fitted, rows):
    before = pickle.dumps(fitted)
    expected = fitted.predict(rows[0])
    assert pickle.dumps(fitted) == before and (pickle.loads(before).predict(rows[0]) == expected).all()


def test_what_each_strategy_fits(rows):
    X, y, _ = rows
    models = {strategy: HierarchicalClassifier(GaussianNB(), strategy=strategy).fit(X, y) for strategy in STRATEGIES}
    names = {strategy: [each.name for each in model.estimators_] for strategy, model in models.items()}
    assert names == {
        "leaves": ["leaves"], "levels": ["target 1", "target 2"], "parents": ["target 1", "bags", "shoes"],
    }


def test_a_parent_with_one_child_needs_no_classifier():
    X, y = np.arange(8.0)[:, None], [["bags", "tote"]] * 4 + [["shoes", "boots"]] * 2 + [["shoes", "heels"]] * 2
    model = HierarchicalClassifier(GaussianNB(), strategy="parents").fit(X, y)
    assert {each.name: each.classifier is None for each in model.estimators_} == {
        "target 1": False, "bags": True, "shoes": False,
    }
    assert np.allclose(model.predict_node_proba(X)[:, 2], model.predict_node_proba(X)[:, 0])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_level_that_is_constant(strategy):
    y = [["all", "a"]] * 4 + [["all", "b"]] * 4
    model = HierarchicalClassifier(GaussianNB(), strategy=strategy, fallback=0.99).fit(np.arange(8.0)[:, None], y)
    assert np.allclose(model.predict_node_proba([[3.5]])[:, 0], 1)
    assert model.predict([[3.5]]).tolist() == [["all", UNKNOWN]]


def test_rows_that_are_partly_labeled_teach_the_levels_that_they_have(rows):
    X, y, _ = rows
    y = y.copy()
    y[:20, 1] = None  # of boots
    models = {strategy: HierarchicalClassifier(GaussianNB(), strategy=strategy).fit(X, y) for strategy in STRATEGIES}
    assert {model.n_partly_labeled_ for model in models.values()} == {20}
    used = {
        name: [int(each.classifier.class_count_.sum()) for each in model.estimators_] for name, model in models.items()
    }
    assert used == {"leaves": [100], "levels": [120, 100], "parents": [120, 48, 28]}
    assert models["leaves"].tree_.counts == (48, 24, 48, 24, 24, 4, 24)


def test_a_class_of_the_tree_that_does_not_occur_has_no_probability(rows):
    X, y, _ = rows
    tree = ClassTree([*PATHS[:4], ("hats",), ("shoes", "clogs"), ("gloves",)], ["kind", "article"])
    for strategy in STRATEGIES:
        model = HierarchicalClassifier(GaussianNB(), tree, strategy=strategy).fit(X, y)
        absent = [model.tree_.nodes.index(node) for node in (("gloves",), ("shoes", "clogs"))]
        assert not model.predict_node_proba(X)[:, absent].any() and model.tree_.counts[absent[0]] == 0
        assert model.tree_.levels == ("kind", "article") and "clogs" in model.classes_[1]


def test_one_level(rows):
    X, y, _ = rows
    leaves = np.where(y[:, 1] == "", y[:, 0], y[:, 1]).astype(str)
    model = HierarchicalClassifier(GaussianNB(), fallback=0.9).fit(X, leaves)
    plain = GaussianNB().fit(X, leaves)
    assert (model.predict_proba(X) == plain.predict_proba(X)).all() and (model.classes_ == plain.classes_).all()
    is_sure = plain.predict_proba(X).max(axis=1).astype(np.float32) >= np.float32(0.9)
    expected = np.where(is_sure, plain.predict(X), UNKNOWN)
    assert (model.predict(X) == expected).all() and model.predict_full(X).tolist() == plain.predict(X).tolist()


def test_groups_reach_every_classifier_and_every_fold(rows):
    X, y, groups = rows
    seen = []

    class Spy(GaussianNB):
        def fit(self, X, y, groups=None):
            seen.append((len(X), groups))
            return super().fit(X, y)

    HierarchicalClassifier(Spy(), strategy="parents", fallback=Risk(0.4), cv=3, random_state=0).fit(X, y, groups)
    assert len(seen) == 12 and all(len(own) == n for n, own in seen)
    held_out = [set(own.tolist()) for n, own in seen if n == 80]
    assert len(held_out) == 3 and set.intersection(*held_out) == set()


def test_parameters_of_a_grid_and_scores_of_folds(rows):
    X, y, groups = rows
    model = HierarchicalClassifier(GaussianNB(), fallback=Confidence())
    grid = {"fallback__threshold": [0.5, 0.9], "strategy": ["leaves", "levels"], "estimator__var_smoothing": [1e-9]}
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(X[::2], y[::2])
    assert search.best_estimator_.fallback_.threshold in (0.5, 0.9) and model.fallback.threshold == 0.7
    scores = cross_val_score(HierarchicalClassifier(GaussianNB()), X, y, groups=groups, cv=GroupKFold(3))
    assert scores.mean() > 0.7
    jobs = [HierarchicalClassifier(GaussianNB(), strategy="parents", n_jobs=n).fit(X, y).predict(X) for n in (1, 2)]
    assert (jobs[0] == jobs[1]).all()


def test_a_head_without_probabilities_and_one_that_draws(rows):
    X, y, _ = rows
    assert HierarchicalClassifier(RidgeClassifier()).fit(X, y).score(X, y) > 0.7
    drawing = CappedClassifier(GaussianNB(), 10)
    first, second = (HierarchicalClassifier(drawing, random_state=0).fit(X, y).predict_node_proba(X) for _ in range(2))
    assert (first == second).all()


@pytest.mark.parametrize("parameters, message", [
    ({"strategy": "nodes"}, "'strategy' parameter"), ({"fallback": 1.5}, "'fallback' parameter"),
    ({"fallback": "sure"}, "'fallback' parameter"), ({"tree": {}}, "'tree' parameter"), ({"cv": 1}, "'cv' parameter"),
    ({"fallback": Confidence(2)}, "'threshold' parameter"), ({"fallback": Risk(0)}, "'error' parameter"),
    ({"fallback": Risk(0.001)}, "at least 3,688 independent held-out answers.*got 120 that count as 120; give"),
    ({"fallback": True}, "a rule such as Risk\\(0.02\\), got True; pass one"),
    ({"fallback": Risk}, "got <class '.*Risk'>; pass one"),
    ({"tree": ClassTree.from_dict({"shoes": ["boots"]})}, "row 24: expected labels of the tree, got shoes > heels"),
])
def test_bad_parameters(parameters, message, rows):
    with pytest.raises(ValueError, match=message):
        HierarchicalClassifier(GaussianNB(), **parameters).fit(*rows[:2])


def test_bad_labels(rows):
    X, y, _ = rows
    with pytest.raises(UserError, match="at least 2 finest classes, got 1: 120 of 120 rows have one, 0 are partly"):
        HierarchicalClassifier(GaussianNB()).fit(X, [["a", "b"]] * 120)
    with pytest.raises(UserError, match="got 0: 0 of 120 rows have one, 120 are partly labeled, and 0 are 'unknown'"):
        HierarchicalClassifier(GaussianNB(), ClassTree([("a", "b"), ("a", "c")])).fit(X, [["a", ""]] * 120)
    with pytest.raises(UserError, match=r"y: expected 3 columns of labels.*\(a, b and c\), got 2; pass the labels"):
        HierarchicalClassifier(GaussianNB(), ClassTree(PATHS[:2], ["a", "b", "c"])).fit(X, y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        HierarchicalClassifier(GaussianNB()).fit(X, y[:-1])
    with pytest.raises(UserError, match="2 different names"):
        HierarchicalClassifier(GaussianNB()).fit(X, y).name_levels(["kind"])


def test_decide_with_another_rule(fitted, rows):
    node_proba = fitted.predict_node_proba(rows[0])
    full = fitted.decide(node_proba, fallback=None)
    assert fitted.tree_.is_leaf[full.node].all() and set(full.reason) == {""}
    assert (fitted.decide(node_proba).node == fitted.decide(node_proba, fallback=0.8).node).all()
    assert (fitted.decide(node_proba, fallback=Confidence(1.0)).node == -1).any()
    node_proba[0] = np.nan
    nothing = fitted.decide(node_proba)
    assert nothing.node[0] == -1 and nothing.reason[0] == "the model gives no probabilities"
    with pytest.raises(UserError, match="which is not fitted; fit the classifier with it"):
        fitted.decide(node_proba, fallback=Risk(0.1))
    with pytest.raises(UserError, match=r"a column for each of 7 nodes, got shape \(1, 2\)"):
        fitted.decide([[0.5, 0.5]])
    with pytest.raises(UserError, match="None, a number from 0 to 1, 'confidence' or a rule.*, got 'sure'"):
        fitted.decide(node_proba, fallback="sure")


def test_score_of_labels_of_another_shape(fitted, rows):
    X, y, _ = rows
    for labels in (y[:3], y[:, 0]):
        with pytest.raises(UserError, match=r"y: expected labels of shape \(120, 2\), as the answers, got"):
            fitted.score(X, labels)


class Recognizer:
    """A scope that needs no other file: the first feature must be small."""

    def __init__(self, limit=3.0):
        self.limit = limit

    def get_params(self, deep=True):
        return {"limit": self.limit}

    def fit(self, X, y, groups=None, *, probabilities=None, outside=None, outside_probabilities=None):
        self.threshold_, self.score_ = -self.limit, "first feature"
        self.given_ = len(X), probabilities.shape, np.isfinite(probabilities).all(), len(outside)
        return self

    def score_samples(self, X, probabilities=None):
        return -np.abs(X[:, 0])


def test_scope(rows):
    X, y, groups = rows
    X = np.vstack([X, np.full((6, 6), 50.0)])
    y = np.vstack([y, [[UNKNOWN, None]] * 6])
    model = HierarchicalClassifier(GaussianNB(), scope=Recognizer(20.0), random_state=0).fit(X, y)
    assert model.scope_.given_ == (120, (120, 5), True, 6) and sum(model.tree_.counts[:3]) == 120
    assert (model.predict(X[-6:]) == UNKNOWN).all() and model.predict_path(X[-6:]) == [()] * 6
    assert model.explain_fallback(X[-1:]) == [
        "looks like nothing in the training images: its first feature score -50 is below -20"
    ]
    assert (model.predict(X[:-6]) == model.predict_full(X[:-6])).all()
    assert (model.decide(model.predict_node_proba(X), np.full(len(X), np.nan)).node == -1).all()
    with pytest.raises(UserError, match=r"one score for each of 126 rows, got shape \(3,\)"):
        model.decide(model.predict_node_proba(X), np.zeros(3))
    decisions = model.decide(model.predict_node_proba(X), model.scope_scores(X))
    assert (decisions.node[-6:] == -1).all() and (decisions.node[:-6] >= 0).all()


@pytest.fixture(scope="module")
def collection():
    shop = make_shop(n_classes=4, n_per_class=6, random_state=0)
    return ImageCollection(
        shop.images, [label.split("/") for label in shop.labels.tolist()], shop.groups, target_names=["kind", "number"]
    )


@pytest.mark.parametrize("wrap", [
    lambda head: HierarchicalClassifier(make_model([("color", ColorHistogram())], head), fallback=0.9, random_state=0),
    lambda head: make_model([("color", ColorHistogram())], HierarchicalClassifier(head, fallback=0.9), random_state=0),
])
def test_images(wrap, collection):
    model = wrap(GaussianNB())
    assert len(take_apart(model).flows) == 1
    model.fit(collection)
    parts = fitted_parts(model)
    features = parts.flow.transform(collection.images)
    assert (parts.head.predict(features) == model.predict(collection)).all()
    assert model.predict_path(collection) == parts.head.predict_path(features)
    assert model.explain_fallback(collection) == parts.head.explain_fallback(features)
    assert parts.head.tree_.levels == ("kind", "number") and len(model.classes_) == 2
    assert (model.predict_node_proba(collection) == parts.head.predict_node_proba(features)).all()
    assert model.decide(model.predict_node_proba(collection)).node.tolist() == parts.head.decide(
        parts.head.predict_node_proba(features)
    ).node.tolist()
    assert model.scope_scores(collection) is None and model.predict_full(collection).shape == (24, 2)
    with_gaps = collection.labels.astype(object)
    with_gaps[0, 1] = None
    assert fitted_parts(wrap(GaussianNB()).fit(collection.images, with_gaps)).head.n_partly_labeled_ == 1


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([("a", "c"), ("a", "d"), ("b", "c"), ("b", "")]), min_size=4, max_size=12), st.data())
def test_sums_are_consistent_and_a_higher_threshold_never_answers_deeper(labels, data):
    n = len(labels)
    X = np.array(data.draw(st.lists(st.integers(0, 5), min_size=n, max_size=n)), dtype=float)[:, None]
    labels = [*labels, ("a", "c"), ("b", "")]
    X = np.vstack([X, [[0.0], [5.0]]])
    model = HierarchicalClassifier(KNeighborsClassifier(2)).fit(X, labels)
    node_proba, tree = model.predict_node_proba(X), model.tree_
    assert np.allclose(node_proba, node_proba[:, tree.leaves] @ tree.membership.T.astype(float))
    lower, higher = (
        model.decide(node_proba, fallback=threshold).node
        for threshold in sorted(data.draw(st.tuples(st.floats(0, 1), st.floats(0, 1))))
    )
    assert not ((lower < 0) & (higher >= 0)).any()
    is_leaf, depth = tree.is_leaf, tree.depths
    both = (lower >= 0) & (higher >= 0)
    assert not (both & is_leaf[higher] & ~is_leaf[lower]).any()
    assert (depth[higher] <= depth[lower])[both & ~is_leaf[higher]].all()


def test_levels_that_contradict_each_other_entirely():
    """One classifier is sure that the path has ended, the other that it goes on."""
    tree = ClassTree([("hats",), ("shoes", "boots"), ("shoes", "heels")])
    node_proba = np.array([[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.25, 0.25]])
    assert level_proba(tree, node_proba)[1].tolist() == [[1 / 3] * 3, [1.0, 0.0, 0.0], [0.5, 0.25, 0.25]]
