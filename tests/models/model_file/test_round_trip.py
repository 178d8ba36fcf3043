"""A model that is saved and loaded answers as the fitted one, to the byte."""

from functools import partial

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, ExtraTreesClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_selection import RFE, SelectKBest, VarianceThreshold, f_classif
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, StratifiedKFold
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, RobustScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from twoflow import (
    CNNEmbedding,
    ColorHistogram,
    Confidence,
    FlowClassifier,
    FlowUnion,
    GISTDescriptor,
    HierarchicalClassifier,
    ImageCollection,
    LBPHistogram,
    ObjectHierarchyFeatures,
    OutOfScope,
    PixelProjection,
    RawPixels,
    Risk,
    SIFTBagOfWords,
    TwoFlowClassifier,
    load,
    make_model,
    open_model_file,
    save,
)
from twoflow.flows.image_traits import ImageTraits
from twoflow.flows.sharpness import Sharpness
from twoflow.heads import (
    CappedClassifier,
    EarlyStoppingMLPClassifier,
    KernelRidgeClassifier,
    MultiTargetClassifier,
    SequentialClassifier,
)
from twoflow.heads.table import HEADS
from twoflow.models import RECIPES, BestOf

from .tampering import change_state, find

MLP = EarlyStoppingMLPClassifier((6, 4), max_epochs=2, random_state=0)
ANSWERS = ("predict", "predict_proba", "decision_function")
SIZE = (12, 12)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


def answers(model, images):
    """All answers of a model, as bytes."""
    found = {name: getattr(model, name)(images) for name in ANSWERS if hasattr(model, name)}
    return {
        name: [to_bytes(np.asarray(each)) for each in (value if isinstance(value, list) else [value])]
        for name, value in found.items()
    }


def to_bytes(array):
    return repr(array.tolist()).encode() if array.dtype == object else array.tobytes()


def check(model, images, folder, **options):
    """Save and load a fitted model; all answers must be equal, and saving again must give the same file."""
    expected = answers(model, images)
    first, second = folder / "first.twoflow", folder / "second.twoflow"
    save(model, first, **options)
    loaded = load(first)
    assert answers(loaded, images) == expected and len(expected) > 0
    assert answers(model, images) == expected, "saving changed the model"
    save(model, second, **options)
    assert first.read_bytes() == second.read_bytes()
    return loaded


@pytest.mark.parametrize("recipe", RECIPES)
def test_recipes(recipe, shop, store, tmp_path):
    model = TwoFlowClassifier(recipe, random_state=0, store=store, n_jobs=1, verbose=True).fit(shop)
    loaded = check(model, shop, tmp_path, collection=shop)
    running = {name: loaded.get_params()[name] for name in ("store", "n_jobs", "verbose", "recipe")}
    assert running == {"store": None, "n_jobs": None, "verbose": False, "recipe": recipe}


@pytest.mark.parametrize("recipe", ["paper", "fast"])  # with another head, best is only more flows
@pytest.mark.parametrize("head", HEADS)
def test_recipes_and_heads(recipe, head, shop, store, tmp_path):
    model = make_model(recipe, head, random_state=0, store=store)
    model.set_params(**{name: 3 for name in model.get_params() if name.endswith("n_estimators")})
    check(model.fit(shop), shop, tmp_path)


FLOWS = {
    "cnn": CNNEmbedding(),
    "cnn-int8": CNNEmbedding(layer="stage3", precision="int8"),
    "cnn-size": CNNEmbedding(preprocessing={"input_size": (64, 64)}),
    "color": ColorHistogram(),
    "gist": GISTDescriptor(),
    "lbp": LBPHistogram(),
    "projection": PixelProjection(8, size=(40, 30), random_state=0),
    "projection-dense": PixelProjection(8, size=SIZE, density=1.0, random_state=np.random.RandomState(0)),
    "pixels": RawPixels(SIZE),
    "sift": SIFTBagOfWords(8, random_state=0),
    "traits": ImageTraits(),
    "sharpness": Sharpness(),
    "union": FlowUnion([("pixels", RawPixels(SIZE)), ("color", ColorHistogram())]),
}


@pytest.mark.parametrize("name", FLOWS)
def test_flows(name, shop, tmp_path):
    check(FlowClassifier([("flow", FLOWS[name], "passthrough")], GaussianNB()).fit(shop), shop, tmp_path)


CLASSIFIERS = {
    "bagging": BaggingClassifier(DecisionTreeClassifier(), 3, random_state=0, n_jobs=2),
    "calibrated": CalibratedClassifierCV(RidgeClassifier(), cv=2),
    "isotonic": CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=2),
    "capped": CappedClassifier(GaussianNB(), 5, random_state=0),
    "capped-and-weighted": CappedClassifier(KernelRidgeClassifier(class_weight="balanced"), 5, random_state=0),
    "extra-trees": ExtraTreesClassifier(5, random_state=0),
    "k-best": make_pipeline(VarianceThreshold(), SelectKBest(f_classif, k=20), RobustScaler(), LinearSVC(C=0.01)),
    "neighbors": KNeighborsClassifier(3, algorithm="brute"),
    "centroid": make_pipeline(VarianceThreshold(1e-4), NearestCentroid()),
    "one-vs-one": OneVsOneClassifier(LogisticRegression()),
    "one-vs-rest": OneVsRestClassifier(LogisticRegression()),
    "quantile": make_pipeline(QuantileTransformer(n_quantiles=10), MinMaxScaler(), GaussianNB()),
    "rfe": RFE(LogisticRegression(), n_features_to_select=5, step=0.5),
    "sgd": SGDClassifier(random_state=0),
    "stacking": StackingClassifier([("ridge", RidgeClassifier()), ("bayes", GaussianNB())], GaussianNB(), cv=2),
    "svc": make_pipeline(StandardScaler(), SVC(C=3, random_state=0)),
    "variance": make_pipeline(VarianceThreshold(), LogisticRegression()),
    "voting": VotingClassifier([("ridge", RidgeClassifier()), ("bayes", GaussianNB())]),
    "hierarchy": make_pipeline(ObjectHierarchyFeatures(random_state=0), LogisticRegression()),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers(name, shop, tmp_path):
    flows = [("color", ColorHistogram(), "passthrough")]
    check(FlowClassifier(flows, CLASSIFIERS[name]).fit(shop), shop, tmp_path)


@pytest.fixture
def small():
    return make_model([("color", ColorHistogram())], LogisticRegression(max_iter=200), random_state=0)


def test_pipelines(shop, tmp_path):
    flows = FlowUnion([("color", ColorHistogram()), ("pixels", RawPixels(SIZE))])
    for first in (ColorHistogram(), flows):
        model = make_pipeline(first, StandardScaler(), LogisticRegression()).fit(shop, shop.labels)
        check(model, shop, fresh(tmp_path))


def fresh(folder):
    number = len(list(folder.iterdir()))
    (folder / str(number)).mkdir()
    return folder / str(number)


@pytest.mark.parametrize("search", [
    lambda model: GridSearchCV(model, {"head__C": [0.1, 1], "color__space": ["hsv", "lab"]}, cv=2),
    lambda model: GridSearchCV(model, [{"head__C": [0.1, 1]}], cv=StratifiedKFold(2), scoring="f1_macro"),
    lambda model: RandomizedSearchCV(model, {"head__C": [0.1, 1]}, n_iter=2, cv=2, random_state=0),
])
def test_searches(search, small, shop, tmp_path):
    loaded = check(search(small).fit(shop, shop.labels), shop, tmp_path)
    assert len(loaded.cv_results_["params"]) == loaded.cv_results_["mean_test_score"].size >= 2


@pytest.mark.parametrize("wrap", [
    lambda model: CalibratedClassifierCV(model, cv=2),
    lambda model: CalibratedClassifierCV(model, cv=2, ensemble=False),
    lambda model: CalibratedClassifierCV(FrozenEstimator(model)),
])
def test_calibrated_models(wrap, small, shop, tmp_path):
    check(wrap(small.fit(shop)).fit(shop, shop.labels), shop, tmp_path)


@pytest.fixture(scope="module")
def two_targets(shop):
    kinds, numbers = zip(*(label.split("/") for label in shop.labels.tolist()))
    return ImageCollection(
        shop.images, np.array([kinds, [int(number) for number in numbers]], object).T, target_names=["kind", "number"]
    )


@pytest.mark.parametrize("strategy, fallback, scope, is_around", [
    ("leaves", Risk(0.8), OutOfScope("auto", cv=2, random_state=0), False),
    ("parents", Confidence(0.6), None, True),
    ("levels", 0.5, OutOfScope("mahalanobis", cv=2, random_state=0), True),
])
def test_hierarchies(strategy, fallback, scope, is_around, shop, tmp_path):
    """As head of a model, and around one; the decisions and scope scores are the same too."""
    labels = np.array([label.split("/") for label in shop.labels.tolist()])
    levels = ImageCollection(shop.images, labels, target_names=["kind", "number"], are_levels=True)
    flows = [("color", ColorHistogram(), "passthrough")]
    classifier = LogisticRegression(max_iter=1000)
    inside = FlowClassifier(flows, classifier, random_state=0) if is_around else classifier
    model = HierarchicalClassifier(inside, strategy=strategy, fallback=fallback, scope=scope, cv=2, random_state=0)
    model = (model if is_around else FlowClassifier(flows, model, random_state=0)).fit(levels)
    loaded = check(model, shop, tmp_path, collection=levels)
    assert loaded.predict_path(shop) == model.predict_path(shop)
    assert loaded.explain_fallback(shop) == model.explain_fallback(shop)
    assert (loaded.predict_node_proba(shop) == model.predict_node_proba(shop)).all()
    if scope is not None:
        assert (loaded.scope_scores(shop) == model.scope_scores(shop)).all()


def test_a_parameter_that_an_older_version_did_not_have(shop, tmp_path):
    model = FlowClassifier([("color", ColorHistogram(), "passthrough")], CappedClassifier(GaussianNB())).fit(shop)
    save(model, tmp_path / "new.twoflow")

    def forget(schema, files):
        state = find(schema, "CappedClassifier")["content"]
        del state["content"]["random_state"], state["key_types"]["content"][-1]

    with pytest.warns(UserWarning, match="before CappedClassifier had the parameter random_state; its default is used"):
        loaded = load(change_state(tmp_path / "new.twoflow", forget))
    assert loaded.head_.random_state is None and answers(loaded, shop) == answers(model, shop)


@pytest.mark.parametrize("make", [
    *(partial(MultiTargetClassifier, strategy=strategy, random_state=0) for strategy in ("separate", "joint", "chain")),
    lambda model: MultiTargetClassifier({"kind": model, "number": clone(model)}, "chain", order=["number", "kind"],
                                        target_names=["kind", "number"], random_state=0),
    lambda model: MultiTargetClassifier(clone(model).set_params(head=KernelRidgeClassifier()), "shared"),
    lambda model: clone(model).set_params(head=KernelRidgeClassifier()),
    lambda model: FlowClassifier([("color", ColorHistogram(), "passthrough")], MultiTargetClassifier(GaussianNB())),
    lambda model: MultiOutputClassifier(model),
    lambda model: FlowClassifier([("color", ColorHistogram(), "passthrough")], SequentialClassifier(estimator=MLP)),
    lambda model: FlowClassifier(
        [("color", ColorHistogram(), "passthrough")], SequentialClassifier(representation=MLP, estimator=MLP)
    ),
])
def test_several_targets(make, small, two_targets, tmp_path):
    model = make(small)
    # scikit-learn's own takes no targets of different kinds
    plain = type(model) is MultiOutputClassifier
    model.fit(two_targets.images, two_targets.labels.astype(str) if plain else two_targets.labels)
    check(model, two_targets.images, tmp_path)


@pytest.mark.parametrize("criterion", ["vim", "mahalanobis", "neighbors", "combined"])
def test_scopes(criterion, shop, tmp_path):
    head = HierarchicalClassifier(LogisticRegression(max_iter=200), scope=OutOfScope(criterion, n_components=8))
    model = make_model([("color", ColorHistogram())], head, random_state=0).fit(shop)
    loaded = check(model, shop, tmp_path)
    rows = np.random.default_rng(0).random((9, model.head_.n_features_in_), dtype=np.float32)
    assert (loaded.head_.scope_scores(rows) == model.head_.scope_scores(rows)).all()


def test_the_card_of_several_targets(small, two_targets, tmp_path):
    save(MultiTargetClassifier(small).fit(two_targets), tmp_path / "m.twoflow", collection=two_targets)
    opened = open_model_file(tmp_path / "m.twoflow")
    kind, number = opened.card.targets
    assert (kind.name, kind.classes, kind.counts) == ("kind", ("dress", "tee"), (16, 16))
    assert (number.name, number.classes) == ("number", (1, 2)) and type(number.classes[0]) is int
    assert sorted(opened.examples) == [("kind", 0), ("kind", 1), ("number", 0), ("number", 1)]


def test_candidates(small, shop, tmp_path):
    other = make_model([("pixels", RawPixels(SIZE))], "kernel-ridge")
    loaded = check(BestOf([("color", small), ("pixels", other)], random_state=0).fit(shop), shop, tmp_path)
    assert set(loaded.candidates_) == {"color", "pixels"}


def test_weights_of_flows(shop, tmp_path):
    flows = [("color", ColorHistogram()), ("pixels", RawPixels(SIZE))]
    model = BestOf([("both", make_model(flows, "kernel-ridge"))], weights="leave-out", random_state=0).fit(shop)
    assert len(set(model.weights_.values())) == 2
    assert check(model, shop, tmp_path).weights_ == model.weights_


def test_labels_of_other_kinds(shop, small, tmp_path):
    codes = np.unique(shop.labels, return_inverse=True)[1]
    for labels in (codes, codes > 1, shop.labels.astype(object)):
        folder = fresh(tmp_path)
        loaded = check(small.fit(shop.images, labels), shop.images, folder)
        assert loaded.classes_.dtype == np.unique(labels).dtype


def test_a_loaded_model_can_be_fitted_again_and_saved_again(small, shop, tmp_path):
    loaded = check(small.fit(shop), shop, tmp_path, collection=shop)
    save(loaded, tmp_path / "third.twoflow", collection=shop)
    assert (tmp_path / "third.twoflow").read_bytes() == (tmp_path / "first.twoflow").read_bytes()
    assert answers(loaded.fit(shop), shop) == answers(small, shop)
