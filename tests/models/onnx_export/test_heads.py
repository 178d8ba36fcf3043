import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler

from twoflow import ForestSelector, RawPixels
from twoflow.errors import InputError
from twoflow.heads import (
    BinnedForestClassifier,
    CappedClassifier,
    KernelRidgeClassifier,
    KernelSVMClassifier,
    KernelWeight,
    LogOpinionPool,
    MultiTargetClassifier,
    OutOfFoldProbabilities,
)
from twoflow.heads.multi_target.strategies import STRATEGIES
from twoflow.heads.random_states import seeded
from twoflow.heads.table import HEADS
from twoflow.models import ChoosingClassifier, SelectingClassifier
from twoflow.models.onnx_export import Graph, to_onnx

from .running import run_part, run_targets

SELECTORS = {
    "forest": ForestSelector(7, random_state=0),
    "best-k": SelectKBest(k=5),
    "scaler": StandardScaler(),
    "centered": StandardScaler(with_std=False),
    "l2": Normalizer(),
    "l1": Normalizer("l1"),
    "root": make_pipeline(FunctionTransformer(np.abs), FunctionTransformer(np.sqrt), FunctionTransformer()),
    "weight": KernelWeight(0.1),
    "pca": PCA(6),
    "whitened": PCA(6, whiten=True),
    "probabilities": OutOfFoldProbabilities(RandomForestClassifier(5, random_state=0)),
    "scores": OutOfFoldProbabilities(RidgeClassifier()),
    "pipeline": make_pipeline("passthrough", StandardScaler(), None, PCA(3)),
}
CLASSIFIERS = {
    "random-forest": RandomForestClassifier(20, random_state=0),
    "binned-forest": BinnedForestClassifier(20, random_state=0),
    "impure-leaves": RandomForestClassifier(20, max_depth=3, random_state=0),
    "extra-trees": ExtraTreesClassifier(20, random_state=0),
    "logistic": LogisticRegression(),
    "liblinear": LogisticRegression(solver="liblinear"),
    "lda": LinearDiscriminantAnalysis(),
    "ridge": KernelRidgeClassifier(),
    "layers": MLPClassifier((6, 5), solver="lbfgs", max_iter=2000, random_state=0),
    "tanh": MLPClassifier((4,), "tanh", solver="lbfgs", max_iter=2000, random_state=0),
    "pool": make_pipeline(OutOfFoldProbabilities(LogisticRegression(), random_state=0), LogOpinionPool()),
    "capped": CappedClassifier(LogisticRegression(), 10, random_state=0),
    "capped-and-weighted": CappedClassifier(KernelRidgeClassifier(class_weight="balanced"), 10, random_state=0),
    "searched": GridSearchCV(KernelRidgeClassifier(), {"label_noise": ["keep", "drop"]}, cv=2),
    "selecting": SelectingClassifier(
        [("a", StandardScaler(), slice(0, 8)), ("b", "passthrough", np.array([9, 11, 10])),
         ("c", ForestSelector(3, random_state=0), slice(12, 20))],
        KernelRidgeClassifier(),
    ),
}


def problem(n_classes, dtype=np.float32):
    X, y = make_classification(120, 20, n_informative=8, n_classes=n_classes, random_state=0)
    return X.astype(dtype), np.array([f"class {label}" for label in y])


@pytest.mark.parametrize("selector", SELECTORS.values(), ids=SELECTORS)
def test_selectors(selector):
    X, y = problem(3)
    selector = clone(selector).fit(X, y)
    rows = np.vstack([X[:20], np.zeros_like(X[:1])])
    expected, found = selector.transform(rows), run_part(selector, rows)
    assert found.shape == expected.shape and found.dtype == np.float32
    assert np.allclose(found, expected, rtol=1e-5, atol=1e-5)


# Whether the solver of a perceptron ends its line search is a matter of rounding; any weights can be exported.
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("classifier", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_probabilities(classifier, n_classes):
    if getattr(classifier, "solver", "") == "liblinear" and n_classes > 2:
        pytest.skip("scikit-learn fits liblinear for two classes only")
    X, y = problem(n_classes)
    classifier = clone(classifier).fit(X[:80], y[:80])
    expected, found = classifier.predict_proba(X), run_part(classifier, X)
    assert found.dtype == np.float64 and found.shape == (120, n_classes)
    assert np.abs(found - expected).max() < 1e-6
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("classifier", [KernelSVMClassifier(), RidgeClassifier(), SGDClassifier(random_state=0)],
                         ids=lambda each: type(each).__name__)
def test_scores(classifier, n_classes):
    X, y = problem(n_classes)
    classifier = clone(classifier).fit(X[:80], y[:80])
    expected = classifier.decision_function(X).reshape(120, -1)
    assert np.allclose(run_part(classifier, X), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", HEADS)
def test_every_head_of_the_table(name, n_classes, shop):
    X, y = problem(n_classes)
    X = np.abs(X)
    head, flow = HEADS[name], RawPixels()
    places = {"a": slice(0, 12), "b": slice(12, 20)}
    selecting = SelectingClassifier([(key, head.selector(flow), place) for key, place in places.items()],
                                    head.classifier())
    model = seeded(selecting, np.random.RandomState(0)).fit(X[:80], y[:80])
    expected, found = model.predict_proba(X), run_part(model, X)
    assert np.abs(found - expected).max() < 1e-5
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()


def test_the_chosen_candidate():
    X, y = problem(3)
    candidates = [(f"{n}", SelectingClassifier([("a", "passthrough", slice(0, n))], KernelRidgeClassifier()))
                  for n in (1, 20)]
    model = ChoosingClassifier(candidates, random_state=0).fit(X, y)
    assert np.abs(run_part(model, X) - model.predict_proba(X)).max() < 1e-6


def test_weights_of_flows():
    X, y = problem(3)
    selections = [("a", "passthrough", slice(0, 8)), ("b", StandardScaler(), slice(8, 20))]
    candidate = SelectingClassifier(selections, KernelRidgeClassifier())
    model = ChoosingClassifier([("both", candidate)], weights="leave-out").fit(X, y)
    assert len(set(model.weights_.values())) == 2
    assert np.abs(run_part(model, X) - model.predict_proba(X)).max() < 1e-6


def test_features_of_float64():
    X, y = problem(3, np.float64)
    for classifier in (LogisticRegression(), KernelRidgeClassifier(), LinearDiscriminantAnalysis()):
        classifier.fit(X, y)
        rows = X.astype(np.float32)
        assert np.abs(run_part(classifier, rows) - classifier.predict_proba(rows)).max() < 1e-6


def test_a_feature_on_a_threshold_takes_the_same_branch():
    """Thresholds lie half-way between training values: here between neighbors, so that float32 would round them."""
    rng = np.random.default_rng(0)
    X = (2**20 + rng.integers(0, 16, (400, 3)) * 2**-3).astype(np.float32)
    y = (X.sum(axis=1) > np.median(X.sum(axis=1))).astype(int)
    forest = RandomForestClassifier(30, random_state=0).fit(X, y)
    thresholds = np.concatenate([tree.tree_.threshold for tree in forest.estimators_])
    rounded = thresholds.astype(np.float32)
    assert (rounded > thresholds).any() and np.isin(rounded[rounded > thresholds], X).any()
    assert np.abs(run_part(forest, X) - forest.predict_proba(X)).max() < 1e-9


def test_two_classes_with_equally_many_votes_stay_equal():
    X, y = problem(5)
    forest = RandomForestClassifier(30, random_state=0).fit(X[:60], y[:60])
    expected, found = forest.predict_proba(X), run_part(forest, X)
    ordered = np.sort(expected, axis=1)
    is_tie = ordered[:, -1] == ordered[:, -2]
    assert is_tie.any()
    assert (found.astype(np.float32).argmax(axis=1) == expected.argmax(axis=1)).all()


def test_several_targets_give_several_outputs():
    X, y = problem(3)
    model = MultiOutputClassifier(KernelRidgeClassifier()).fit(X, np.column_stack([y, X[:, 0] > 0]))
    graph = Graph()
    assert len(to_onnx(model, graph, "rows")) == 2


@pytest.mark.parametrize("estimator, strategies", [
    (KernelRidgeClassifier(), STRATEGIES),
    (RandomForestClassifier(5, max_depth=5, random_state=0), ["shared", "chain"]),
    (ChoosingClassifier(
        [("only", SelectingClassifier([("all", "passthrough", slice(0, 20))], KernelRidgeClassifier()))],
        weights="leave-out",
    ), STRATEGIES),
], ids=["ridge", "forest", "choosing"])
def test_strategies_of_several_targets(estimator, strategies):
    X, y = problem(4)
    y = np.column_stack([y, X[:, 0] > 0, np.where(X[:, 1] > 0, "new", "old")]).astype(object)
    y[y[:, 0] == "class 3", 2] = None  # no complete row has this class
    for strategy in strategies:
        model = MultiTargetClassifier(estimator, strategy, order=[2, 0, 1], random_state=0).fit(X[:80], y[:80])
        for own, expected in zip(run_targets(model, X), model.predict_proba(X), strict=True):
            assert own.shape == expected.shape and np.allclose(own, expected, atol=2e-5)


def test_a_chain_of_classifiers_without_probabilities():
    X, y = problem(3)
    model = MultiTargetClassifier(RidgeClassifier(), "chain", random_state=0).fit(X, np.column_stack([y, y]))
    answers = [classes[own.argmax(axis=1)] for own, classes in zip(run_targets(model, X), model.classes_)]
    assert (np.column_stack(answers) == model.predict(X)).mean() > 0.99


@pytest.mark.parametrize("part, names", [
    (GaussianNB(), "GaussianNB"),
    (Normalizer("max"), "norm='max'"),
    (FunctionTransformer(np.tanh), "FunctionTransformer of tanh"),
    (FunctionTransformer(np.sqrt, kw_args={"where": True}), "FunctionTransformer of sqrt"),
    (SGDClassifier(loss="log_loss"), "SGDClassifier"),
], ids=str)
def test_a_part_that_cannot_be_exported_is_named(part, names):
    X, y = problem(3)
    with pytest.raises(InputError, match=names) as caught:
        to_onnx(part.fit(X, y), Graph(), "rows")
    assert "\n" not in str(caught.value)


def test_a_perceptron_of_several_labels_is_refused():
    X, y = problem(3)
    labels = np.column_stack([X[:, 0] > 0, X[:, 1] > 0]).astype(int)
    with pytest.raises(InputError, match="MLPClassifier of several labels"):
        to_onnx(MLPClassifier((3,), max_iter=2000, solver="lbfgs").fit(X, labels), Graph(), "rows")
