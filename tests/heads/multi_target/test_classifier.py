"""Check `MultiTargetClassifier`: parameters, names, checks of scikit-learn, and models of images inside."""

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow import ColorHistogram, ImageCollection, RawPixels, make_model
from twoflow.heads import KernelRidgeClassifier, MultiTargetClassifier
from twoflow.heads.multi_target.strategies import STRATEGIES
from twoflow.images.tags import ImageTags, extend_tags
from twoflow.models import BestOf
from twoflow.models.fitted_parts import fitted_parts


class MeanColor(ClassifierMixin, BaseEstimator):
    """A classifier of images that is not made of flows."""

    def fit(self, X, y):
        self.inner_ = KNeighborsClassifier(1).fit([np.mean(image, axis=(0, 1)) for image in X], y)
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, X):
        return self.inner_.predict([np.mean(image, axis=(0, 1)) for image in X])

    def __sklearn_tags__(self):
        return extend_tags(super().__sklearn_tags__(), ImageTags)


RNG = np.random.RandomState(0)
X = RNG.rand(60, 5).astype(np.float32)
Y = np.column_stack([np.where(X[:, 0] > 0.5, "boot", "clog"), np.array(["a", "b", "c"])[(3 * X[:, 1]).astype(int)]])


def test_it_equals_scikit_learn():
    found, same = (kind(LogisticRegression()).fit(X, Y) for kind in (MultiTargetClassifier, MultiOutputClassifier))
    assert (found.predict(X) == same.predict(X)).all() and found.score(X, Y) == same.score(X, Y)
    for ours, theirs in zip(found.predict_proba(X), same.predict_proba(X), strict=True):
        assert (ours == theirs).all()
    assert [classes.tolist() for classes in found.classes_] == [["boot", "clog"], ["a", "b", "c"]]
    assert found.n_features_in_ == 5


def test_text_and_numbers_keep_their_kinds():
    mixed = np.column_stack([Y[:, 0].astype(object), np.arange(60) % 2])
    model = MultiTargetClassifier(DecisionTreeClassifier(random_state=0)).fit(X, mixed)
    assert model.predict(X).tolist() == mixed.tolist()
    assert [classes.tolist() for classes in model.classes_] == [["boot", "clog"], [0, 1]]
    assert model.score(X, mixed) == 1


def test_groups_reach_every_classifier():
    groups = np.arange(60) // 3
    model = MultiTargetClassifier(KernelRidgeClassifier()).fit(X, Y, groups)
    for classifier, target in zip(model.estimators_, Y.T, strict=True):
        alone = KernelRidgeClassifier().fit(X, target, groups)
        assert (classifier.leave_out_probabilities_ == alone.leave_out_probabilities_).all()


def test_the_number_of_jobs_has_no_effect():
    one, two = (MultiTargetClassifier(KernelRidgeClassifier(), n_jobs=n).fit(X, Y) for n in (1, 2))
    assert (one.predict(X) == two.predict(X)).all()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_answers_do_not_depend_on_how_rows_are_given(strategy):
    """Permuted rows, a batch of one, another precision, a copy in a pickle, and a second fit."""
    model = MultiTargetClassifier(KernelRidgeClassifier(), strategy, random_state=0).fit(X, Y, np.arange(60) // 3)
    expected, order = model.predict_proba(X), np.random.RandomState(1).permutation(60)
    again = clone(model).fit(X, Y, np.arange(60) // 3)
    wider = clone(model).fit(X.astype(np.float64), Y, np.arange(60) // 3)
    for target, proba in enumerate(expected):
        np.testing.assert_allclose(model.predict_proba(X[order])[target], proba[order], atol=1e-6)
        np.testing.assert_allclose(model.predict_proba(X[7:8])[target], proba[7:8], atol=1e-6)
        np.testing.assert_allclose(wider.predict_proba(X.astype(np.float64))[target], proba, atol=1e-4)
        for same in (again, pickle.loads(pickle.dumps(model))):
            assert (same.predict_proba(X)[target] == proba).all()


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_groups_change_what_is_learned(strategy):
    """Rows of a group are near copies: a ridge that is chosen without groups is as small as it can be."""
    copies, labels, groups = np.repeat(X[:30], 2, axis=0), np.repeat(Y[:30], 2, axis=0), np.arange(60) // 2
    with_groups, without = (
        MultiTargetClassifier(KernelRidgeClassifier(), strategy, random_state=0).fit(copies, labels, given)
        for given in (groups, None)
    )
    for one, other in zip(with_groups.estimators_, without.estimators_, strict=True):
        assert one.leave_out_accuracy_ < other.leave_out_accuracy_


def test_without_probabilities():
    assert not hasattr(MultiTargetClassifier(RidgeClassifier()), "predict_proba")


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (Y[:, 0], r"expected shape \(n, n_targets\), got \(60,\)"),
        (np.column_stack([Y[:, 0], ["a"] * 60]), "at least two classes; all 60 labels of 'target 2' are a"),
    ],
)
def test_bad_targets(y, message):
    with pytest.raises(ValueError, match=message):
        MultiTargetClassifier(RidgeClassifier()).fit(X, y)


def test_a_missing_label_may_be_a_class():
    y = Y.astype(object)
    y[:20, 1] = None
    model = MultiTargetClassifier(DecisionTreeClassifier(random_state=0), missing="class").fit(X, y)
    assert model.classes_[1].tolist() == ["", "a", "b", "c"] and (model.predict(X)[:20, 1] == "").all()
    with pytest.raises(ValueError, match="expected no label '!\N{EMPTY SET}'"):
        model.fit(X, np.column_stack([Y[:, 0], ["a", "!\N{EMPTY SET}"] * 30]))


_SHAPE = "y and answers have shape (n, k), and probabilities are a list, also for one target"


@parametrize_with_checks(
    [MultiTargetClassifier(KNeighborsClassifier(), strategy, random_state=0) for strategy in STRATEGIES],
    expected_failed_checks=lambda estimator: dict.fromkeys(
        ("check_classifiers_classes", "check_classifiers_train", "check_methods_sample_order_invariance"), _SHAPE
    ),
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_names_are_those_of_a_table(kind):
    frame = pytest.importorskip(kind).DataFrame({"kind": Y[:, 0].tolist(), "number": [*Y[:59, 1].tolist(), None]})
    model = MultiTargetClassifier({"number": GaussianNB(), "kind": RidgeClassifier()}).fit(X, frame)
    assert model.target_names_ == ("kind", "number") and model.n_labeled_ == {"kind": 60, "number": 59}
    assert [type(each) for each in model.estimators_] == [RidgeClassifier, GaussianNB]


def test_an_estimator_for_each_target_by_position_or_name():
    given = {1: LogisticRegression(C=3), 0: RidgeClassifier()}
    model = MultiTargetClassifier(given).fit(X, Y)
    assert [type(each) for each in model.estimators_] == [RidgeClassifier, LogisticRegression]
    assert not hasattr(model, "predict_proba")
    assert (model.predict(X)[:, 1] == clone(given[1]).fit(X, Y[:, 1]).predict(X)).all()
    named = MultiTargetClassifier({"b": given[1], "a": given[0]}, target_names=["a", "b"]).fit(X, Y)
    assert (named.predict(X) == model.predict(X)).all()
    for wrong in ({0: given[1]}, {0: given[1], "b": given[0]}, {0: given[1], 1: given[1], 2: given[0]}):
        with pytest.raises(ValueError, match="estimator: expected each target once, by name .* or by position"):
            MultiTargetClassifier(wrong).fit(X, Y)
    for strategy in ("shared", "joint"):
        with pytest.raises(ValueError, match=f"expected one classifier for strategy='{strategy}', got a dict"):
            MultiTargetClassifier(given, strategy).fit(X, Y)


def test_parameters_of_each_estimator_have_its_name():
    given = {"kind": LogisticRegression(), "number": LogisticRegression()}
    model = MultiTargetClassifier(given, target_names=["kind", "number"])
    search = GridSearchCV(model, {"kind__C": [1e-9, 10.0], "strategy": ["separate", "chain"]}, cv=2).fit(X, Y)
    assert search.best_params_["kind__C"] == 10 and search.best_estimator_.estimator["number"].C == 1
    assert model.estimator is given and given["kind"].C == 1
    copy = clone(model).set_params(number=RidgeClassifier())
    assert type(copy.estimator["number"]) is RidgeClassifier and "number" in repr(copy.get_params(deep=False))


@pytest.mark.parametrize("wrong, got", [
    ({}, "an empty dict"), ({0: RidgeClassifier(), 1: 3}, "something else for '1'"),
])
def test_a_dict_without_classifiers(wrong, got):
    with pytest.raises(ValueError, match=f"expected a model or a classifier for each target, got {got}"):
        MultiTargetClassifier(wrong).fit(X, Y)


def test_the_score_needs_labels_of_each_target():
    model = MultiTargetClassifier(DecisionTreeClassifier(random_state=0)).fit(X, Y)
    for few in (Y[:, :1], Y[:, 0], np.hstack([Y, Y])):
        with pytest.raises(ValueError, match=r"y: expected shape \(n, 2\), got \(60"):
            model.score(X, few)


@pytest.mark.parametrize("names", [["a"], ["a", "a"]])
def test_wrong_names(names):
    with pytest.raises(ValueError, match="target_names: expected 2 different names"):
        MultiTargetClassifier(GaussianNB(), target_names=names).fit(X, Y)


@pytest.mark.parametrize("missing", [None, np.nan, ""])
def test_a_target_without_labels_is_named(missing):
    y = np.column_stack([Y[:, 0], np.full(60, None)]).astype(object)
    y[:, 1] = missing
    with pytest.raises(ValueError, match="expected labels of target 'target 2', got none"):
        MultiTargetClassifier(GaussianNB()).fit(X, y)


@pytest.fixture(scope="module")
def both(shop):
    kinds, numbers = zip(*(label.split("/") for label in shop.labels.tolist()))
    return ImageCollection(shop.images, np.column_stack([kinds, numbers]), target_names=["kind", "number"])


def test_models_of_images_compute_equal_flows_once(both):
    color, pixels = ("color", ColorHistogram()), ("pixels", RawPixels((6, 6)))
    models = {
        "number": make_model([pixels, color], "logistic", random_state=0), "kind": make_model([color], "kernel-ridge"),
    }
    model = MultiTargetClassifier(models, "chain", order=["number", "kind"], random_state=0).fit(both)
    assert [name for name, _ in model.model_.union_.flows_] == ["pixels", "color"]
    assert model.order_ == [1, 0] and model.target_names_ == ("kind", "number")
    flow, head = fitted_parts(model)
    assert (head.predict(flow.transform(both)) == model.predict(both)).all()
    alone = MultiTargetClassifier(models, random_state=0).fit(both).predict(both)
    for position, name in enumerate(both.target_names):
        own = clone(models[name]).fit(both.images, both.target(name))
        assert (own.predict(both) == alone[:, position]).all()


def test_candidates_of_one_target(both):
    flows = [("color", ColorHistogram()), ("pixels", RawPixels((6, 6)))]
    best = BestOf([(name, make_model([(name, flow)], "kernel-ridge")) for name, flow in flows], random_state=0)
    model = MultiTargetClassifier({"kind": best, "number": make_model(flows[:1], "kernel-ridge")}, random_state=0)
    chosen = model.fit(both).estimators_[0].head_.chosen_
    assert chosen == best.fit(both.images, both.target("kind")).chosen_


def test_a_classifier_of_images_that_is_not_made_of_flows(both):
    model = MultiTargetClassifier(MeanColor()).fit(both)
    assert model.model_ is None and model.target_names_ == ("kind", "number") and model.predict(both).shape == (32, 2)
    with pytest.raises(ValueError, match="strategy='chain': expected models made of flows, or classifiers of features"):
        MultiTargetClassifier(MeanColor(), "chain").fit(both)


def test_missing_labels_of_a_collection(both):
    labels = both.labels.astype(object)
    labels[::5, 1] = ""
    model = MultiTargetClassifier(make_model([("color", ColorHistogram())], "kernel-ridge"), target_names=["a", "b"])
    assert model.fit(both.images, labels).n_labeled_ == {"a": 32, "b": 25}
