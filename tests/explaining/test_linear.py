"""Heads and transformers whose score is linear: its value at an image is the head's own score."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler
from sklearn.svm import LinearSVC

from twoflow.explaining import LinearScore, linearize, pull_back
from twoflow.heads import (
    CappedClassifier,
    HierarchicalClassifier,
    KernelRidgeClassifier,
    KernelSVMClassifier,
    KernelWeight,
    LogOpinionPool,
    MultiTargetClassifier,
    OutOfFoldProbabilities,
    SequentialClassifier,
)
from twoflow.heads.table import get_head
from twoflow.models.choosing_classifier import ChoosingClassifier
from twoflow.models.selecting_classifier import SelectingClassifier

N_FEATURES = 12


def draw(n_classes):
    rng = np.random.RandomState(0)
    codes = np.arange(90) % n_classes
    X = rng.rand(90, N_FEATURES) + 0.5 * np.eye(N_FEATURES)[codes]
    return X.astype(np.float32), np.array(["ankle", "boot", "clog", "derby"])[codes]


def pool(classifier, floor=1e-30):
    return make_pipeline(OutOfFoldProbabilities(classifier, floor=floor, random_state=0), LogOpinionPool())


HALVES = [
    ("one", StandardScaler(), slice(0, 7)), ("other", "passthrough", np.array([11, 8, 3])),
]
#: Heads with a decision function.
DECIDING = {
    "kernel ridge": KernelRidgeClassifier(),
    "logistic": LogisticRegression(),
    "lda": LinearDiscriminantAnalysis(),
    "ridge": RidgeClassifier(),
    "linear svc": LinearSVC(),
    "sgd": SGDClassifier(random_state=0),
    "capped": CappedClassifier(KernelRidgeClassifier(), 20, random_state=0),
    "search": GridSearchCV(RidgeClassifier(), {"alpha": [1, 2]}, cv=2),
    "normalized": make_pipeline(StandardScaler(with_std=False), Normalizer(), RidgeClassifier()),
    "l1": make_pipeline(Normalizer("l1"), RidgeClassifier()),
    "largest": make_pipeline(Normalizer("max"), RidgeClassifier()),
    "roots": make_pipeline(
        FunctionTransformer(np.sqrt), FunctionTransformer(), Normalizer(), KernelWeight(0.1), KernelRidgeClassifier()
    ),
    "whitened": make_pipeline(StandardScaler(), "passthrough", PCA(4, whiten=True), LogisticRegression()),
    "selected": make_pipeline(SelectKBest(k=4), LogisticRegression()),
    "selecting": SelectingClassifier(HALVES, KernelRidgeClassifier()),
    "choosing": ChoosingClassifier([
        ("a", SelectingClassifier(HALVES, KernelRidgeClassifier())),
        ("b", SelectingClassifier(HALVES[:1], KernelRidgeClassifier())),
    ], weights="leave-out", random_state=0),
}
#: Heads that pool opinions: their scores are logarithms of probabilities, but for the normalization of all classes.
POOLING = {
    "logistic": get_head("logistic").classifier(),
    "lda": get_head("lda").classifier(),
    "ridge": pool(RidgeClassifier()),
    "floored": pool(KernelRidgeClassifier(), floor=0.2),
    "stack": SelectingClassifier(
        [(name, OutOfFoldProbabilities(KernelRidgeClassifier(), random_state=0), place) for name, _, place in HALVES],
        LogOpinionPool(),
    ),
}


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("head", DECIDING.values(), ids=DECIDING)
def test_the_linear_score_is_the_decision_function(head, n_classes):
    X, y = draw(n_classes)
    head.fit(X, y)
    expected = head.decision_function(X[:3])
    if n_classes == 2:
        expected = np.column_stack([-expected, expected])
    for x, scores in zip(X, expected):
        for label, score in zip(head.classes_.tolist(), scores):
            assert linearize(head, x, 0, label).at(x) == pytest.approx(score, abs=1e-4)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("head", POOLING.values(), ids=POOLING)
def test_the_linear_score_of_a_pool_is_its_logarithm_of_probability(head, n_classes):
    X, y = draw(n_classes)
    head.fit(X, y)
    for x, proba in zip(X, head.predict_proba(X[:3])):
        scores = np.array([linearize(head, x, 0, label).at(x) for label in head.classes_.tolist()])
        np.testing.assert_allclose(scores - np.logaddexp.reduce(scores), np.log(proba), atol=1e-4)


def test_what_a_pool_weighs_depends_on_the_features():
    """The constant holds no more than the intercept and the normalization."""
    X, y = draw(4)
    head = pool(LogisticRegression()).fit(X, y)
    found = linearize(head, X[0], 0, "boot")
    own = head[0].classifier_
    np.testing.assert_allclose(found.weights, head[1].weights_[0] * own.coef_[1], rtol=1e-6)


def test_a_calibrated_classifier_has_the_mean_score_of_those_inside():
    X, y = draw(4)
    head = CalibratedClassifierCV(RidgeClassifier(), cv=3).fit(X, y)
    expected = np.mean([each.estimator.decision_function(X[:1])[0, 2] for each in head.calibrated_classifiers_])
    assert linearize(head, X[0], 0, "clog").at(X[0]) == pytest.approx(expected)


@pytest.mark.parametrize("head", [
    RandomForestClassifier(5), GaussianNB(), KernelSVMClassifier(), make_pipeline(StandardScaler(), GaussianNB()),
    make_pipeline(FunctionTransformer(np.square), RidgeClassifier()), pool(RandomForestClassifier(5), 1e-3),
    make_pipeline(OutOfFoldProbabilities(GaussianNB()), RidgeClassifier()),
    SelectingClassifier([("one", FunctionTransformer(np.square), slice(0, 3))], RidgeClassifier()),
], ids=lambda head: type(head).__name__)
def test_other_heads_are_not_linear(head):
    X, y = draw(4)
    assert linearize(head.fit(X, y), X[0], 0, "boot") is None


TWO = MultiTargetClassifier(KernelRidgeClassifier(), random_state=0)


@pytest.mark.parametrize("head", [
    MultiOutputClassifier(KernelRidgeClassifier()), TWO,
    MultiTargetClassifier(TWO.estimator, "chain", random_state=0, order=[1, 0]),
    MultiTargetClassifier(TWO.estimator, "shared"), MultiTargetClassifier(DECIDING["selecting"], "shared"),
    MultiTargetClassifier(DECIDING["choosing"], "shared", random_state=0),
    SequentialClassifier(estimator=LogisticRegression(), random_state=0),
], ids=lambda head: getattr(head, "strategy", type(head).__name__))
def test_the_likeliest_class_of_each_target_has_the_highest_score(head):
    X, y = draw(4)
    head.fit(X, np.column_stack([y, np.where(X[:, 0] > X[:, 1], "dark", "light")]))
    predicted = head.predict(X[:10])
    for x, labels in zip(X, predicted):
        for target, (label, classes) in enumerate(zip(labels, head.classes_)):
            scores = {each: linearize(head, x, target, each).at(x) for each in classes.tolist()}
            assert max(scores, key=scores.get) == label


def test_a_class_that_no_row_with_all_labels_has_is_not_linear():
    X, y = draw(4)
    labels = np.column_stack([y, np.where(X[:, 0] > X[:, 1], "dark", "light")]).astype(object)
    labels[y == "clog", 1] = None
    head = MultiTargetClassifier(KernelRidgeClassifier(), "shared").fit(X, labels)
    scores = [linearize(head, X[0], 0, label) for label in ("ankle", "boot", "clog", "derby")]
    assert [score is None for score in scores] == [False, False, True, False]
    own, = head.estimators_
    np.testing.assert_array_equal(scores[3].weights, own.coef_[2])


def test_of_combinations_the_likeliest_one_with_the_class_is_explained():
    X, y = draw(4)
    labels = np.column_stack([y, np.where(X[:, 0] > X[:, 1], "dark", "light")])
    head = MultiTargetClassifier(KernelRidgeClassifier(), "joint", random_state=0).fit(X, labels)
    own, = head.estimators_
    dark = np.flatnonzero(head.combinations_[:, 1] == 0)
    expected = own.decision_function(X[:1])[0, dark].max()
    assert linearize(head, X[0], 1, "dark").at(X[0]) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("strategy, names", [
    ("leaves", ["leaves", "leaves"]), ("parents", ["target 1", "shoe"]), ("levels", ["target 1", "target 2"]),
])
def test_a_hierarchy_asks_the_classifier_that_decides_on_the_class(strategy, names):
    X, y = draw(4)
    broad = np.where(np.isin(y, ["ankle", "boot"]), "shoe", "other")
    head = HierarchicalClassifier(KernelRidgeClassifier(), strategy=strategy, random_state=0)
    head.fit(X, np.column_stack([broad, y]))
    row = np.flatnonzero(y == "boot")[0]
    for target, (label, name) in enumerate(zip(["shoe", "boot"], names)):
        local = next(each for each in head.estimators_ if each.name == name)
        node = {"shoe": ("shoe",), "boot": ("shoe", "boot")}["boot" if name == "leaves" else label]
        number = head.tree_.nodes.index(node)
        expected = linearize(local.classifier, X[row], 0, number).at(X[row])
        assert linearize(head, X[row], target, label).at(X[row]) == pytest.approx(expected)


def test_a_class_of_the_user_can_be_registered():
    class Mine:
        pass

    @linearize.register
    def _(head: Mine, x, target, label):
        return LinearScore(np.ones(3), 1.0)

    assert linearize(Mine(), np.ones(3), 0, "a").at(np.ones(3)) == 4
    assert pull_back(Mine(), np.ones(3), np.ones(3)) is None
