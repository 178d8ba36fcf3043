"""Check chains: what later classifiers see, and that it is never what was fitted on the row itself."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from twoflow.heads import CappedClassifier, ForestSelector, KernelRidgeClassifier, MultiTargetClassifier
from twoflow.heads.multi_target.chain import use_more_columns
from twoflow.heads.out_of_fold import OutOfFoldProbabilities
from twoflow.models import ChoosingClassifier, SelectingClassifier


class Recorder(ClassifierMixin, BaseEstimator):
    """Remembers what it was fitted on; its probability of a class is the share of rows with the same first feature."""

    fits: list = []

    def fit(self, X, y):
        Recorder.fits.append((X.copy(), np.asarray(y).copy()))
        self.X_, self.codes_ = X, np.unique(y, return_inverse=True)[1]
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        same = X[:, :1] == self.X_[:, 0]
        counts = np.stack([(same * (self.codes_ == code)).sum(axis=1) for code in range(len(self.classes_))], axis=1)
        return (counts + 1e-9) / (counts + 1e-9).sum(axis=1, keepdims=True)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.fixture
def fits():
    Recorder.fits.clear()
    return Recorder.fits


def test_later_targets_see_probabilities_of_held_out_groups(fits):
    """The first feature is the group; what has seen a group knows its labels; what has not, nothing."""
    rng = np.random.RandomState(0)
    groups = np.repeat(np.arange(20), 3)
    X, y = groups[:, None].astype(float), np.column_stack([rng.randint(2, size=20)[groups], rng.randint(2, size=60)])
    y = y.astype(object)
    y[::7, 0] = None  # rows without a label of the first target are held out with their group too
    y[groups == 4, 0] = None
    model = MultiTargetClassifier(Recorder(), "chain", random_state=0).fit(X, y, groups)
    seen, _ = fits[-1]
    assert seen.shape == (60, 3) and np.allclose(seen[:, 1:], np.sqrt(0.5), atol=1e-3)
    assert len(fits) == 7  # the first target, five folds of it, the second target
    knows = model.predict_proba(X[groups == 5])[0]
    assert np.allclose(knows.max(axis=1), 1)


def test_the_order_is_by_name_or_position(fits):
    X, y = np.arange(24)[:, None] % 6 * 1.0, np.column_stack([np.arange(24) % 3, np.arange(24) % 2])
    for order in (["b", "a"], [1, 0]):
        fits.clear()
        model = MultiTargetClassifier(Recorder(), "chain", order=order, target_names=["a", "b"], random_state=0)
        model.fit(X, y)
        assert model.order_ == [1, 0] and [each.X_.shape[1] for each in model.estimators_] == [3, 1]
        assert (model.predict(X) == y).all()
    with pytest.raises(ValueError, match="order: expected each target once, by name .*'a' and 'b'.* got \\['b'\\]"):
        MultiTargetClassifier(Recorder(), "chain", order=["b"], target_names=["a", "b"]).fit(X, y)


def test_a_chain_uses_what_the_first_target_says():
    """The second target is a nonlinear function of the features, and a linear one of the first target."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(300, 2))
    quadrant = 2 * (X[:, 0] > 0) + (X[:, 1] > 0)
    y = np.column_stack([quadrant, np.isin(quadrant, [1, 2]).astype(int)])
    half = slice(0, 150), slice(150, None)
    separate, chain = (
        MultiTargetClassifier(LogisticRegression(C=100), strategy, random_state=0).fit(X[half[0]], y[half[0]])
        for strategy in ("separate", "chain")
    )
    right = [(model.predict(X[half[1]]) == y[half[1]]).mean(axis=0)[1] for model in (separate, chain)]
    assert right[0] < 0.7 and right[1] > 0.9


def test_selections_get_the_new_columns():
    selecting = SelectingClassifier([("a", ForestSelector(), slice(0, 4)), ("chain_1", "passthrough", slice(4, 6))],
                                    KernelRidgeClassifier())
    assert use_more_columns(selecting, 6, []) is selecting
    wider = use_more_columns(selecting, 6, [3, 2])
    assert [(name, columns) for name, _, columns in wider.selections][2:] == [
        ("chain_1_", slice(6, 9)), ("chain_2", slice(9, 11)),
    ]
    assert [selector for _, selector, _ in wider.selections][2:] == ["passthrough"] * 2
    assert len(selecting.selections) == 2
    capped = use_more_columns(CappedClassifier(ChoosingClassifier([("only", selecting)]), 9), 6, [3])
    ((_, candidate),) = capped.classifier.candidates
    assert candidate.columns.max() == 8 and capped.max_per_class == 9
    plain = make_pipeline(StandardScaler(), GaussianNB())
    assert use_more_columns(plain, 6, [3]) is plain


def test_selectors_that_classify_or_scale_do_so_with_the_new_columns():
    for selector in (StandardScaler(), OutOfFoldProbabilities(GaussianNB())):
        selecting = SelectingClassifier([("a", selector, slice(0, 4))], GaussianNB())
        _, added = use_more_columns(selecting, 4, [2]).selections
        assert type(added[1]) is type(selector) and added[1] is not selector


def test_the_new_columns_get_a_weight_as_flows_do():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(90, 6)).astype(np.float32)
    y = np.column_stack([X[:, 0] > 0, X[:, 0] > 0]).astype(int)
    each = [(name, SelectingClassifier([(name, "passthrough", slice(0, 6))], KernelRidgeClassifier())) for name in "ab"]
    model = MultiTargetClassifier(ChoosingClassifier(each[:1], weights="leave-out"), "chain", random_state=0).fit(X, y)
    assert [*model.estimators_[1].weights_] == ["a", "chain_1"] and model.estimators_[1].weights_["chain_1"] > 0
    assert model.score(X, y) > 0.9


def test_a_head_that_takes_some_columns_behind_selectors_is_refused():
    inner = SelectingClassifier([("x", "passthrough", slice(0, 2))], GaussianNB())
    outer = SelectingClassifier([("a", StandardScaler(), slice(0, 4))], inner)
    with pytest.raises(ValueError, match="expected a head that takes all selected columns, got SelectingClassifier"):
        use_more_columns(outer, 4, [2])
    wider = use_more_columns(SelectingClassifier([("a", "passthrough", slice(0, 4))], inner), 4, [2])
    assert wider.head.selections[1][2] == slice(4, 6)
