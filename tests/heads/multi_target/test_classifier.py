"""Check the head that learns each target by a classifier of its own."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.tree import DecisionTreeClassifier

from twoflow.heads import MultiTargetClassifier, KernelRidgeClassifier

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
