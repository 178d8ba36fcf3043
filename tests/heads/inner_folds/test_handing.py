import warnings

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import RFECV, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, RidgeClassifier, RidgeClassifierCV
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    RandomizedSearchCV,
    ShuffleSplit,
    StratifiedKFold,
    TunedThresholdClassifierCV,
)
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.utils.metadata_routing import get_routing_for_object

from twoflow.heads import CappedClassifier, GroupsNotUsedWarning, KernelRidgeClassifier, OutOfFoldProbabilities
from twoflow.heads.inner_folds import draw_inner_folds, fit_clone, fit_transform_clone
from twoflow.heads.inner_folds.handing import _tell

ROUTING = pytest.mark.parametrize("routing", [False, True], ids=["plain", "metadata routing"])
GROUPS = np.random.RandomState(0).permutation(np.repeat(np.arange(30), 4))
Y = GROUPS % 2
#: All columns of a row contain its group.
X = GROUPS[:, None] + 0.01 * np.random.RandomState(0).normal(size=(120, 3))


@pytest.fixture(autouse=True)
def forget_warnings():
    """Let each test get its own warnings."""
    _tell.cache_clear()


class Spy(ClassifierMixin, BaseEstimator):
    """A classifier that counts the groups that it predicts after it was fitted on them."""

    asked: list[int] = []

    def __init__(self, depth=1):
        self.depth = depth

    def fit(self, X, y):
        self.classes_, self.n_features_in_ = np.unique(y), X.shape[1]
        self.groups_ = set(X[:, 0].round())
        self.feature_importances_ = np.arange(X.shape[1])
        return self

    def predict_proba(self, X):
        Spy.asked.append(len(self.groups_ & set(X[:, 0].round())))
        first = 0.5 + 0.4 * np.sin(X[:, 0] * self.depth)
        return np.stack([first, 1 - first], axis=1)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1).clip(max=len(self.classes_) - 1)]


def count_leaks(fit):
    """Count the predictions of a spy for groups that it was fitted on, and all its predictions."""
    Spy.asked = []
    fit()
    return np.count_nonzero(Spy.asked), len(Spy.asked)


def search(**parameters):
    return GridSearchCV(Spy(), {"depth": [1, 2]}, **parameters)


WRAPPERS = [
    search(), search(cv=3), search(cv=GroupKFold(3)), RandomizedSearchCV(Spy(), {"depth": [1, 2]}, n_iter=2),
    CalibratedClassifierCV(Spy()), CalibratedClassifierCV(Spy(), ensemble=False, cv=3),
    StackingClassifier([("spy", Spy())], LogisticRegression(), cv=4),
    TunedThresholdClassifierCV(Spy()), TunedThresholdClassifierCV(Spy(), cv=0.2, refit=False),
    make_pipeline(RFECV(Spy()), LogisticRegression()),
    make_pipeline(SequentialFeatureSelector(Spy(), n_features_to_select=1), LogisticRegression()),
    VotingClassifier([("calibrated", CalibratedClassifierCV(Spy()))]),
    make_pipeline(ColumnTransformer([("some", RFECV(Spy()), [0, 1])]), LogisticRegression()),
    make_pipeline(FeatureUnion([("some", RFECV(Spy()))]), LogisticRegression()),
    CappedClassifier(search(), 40, random_state=0), OutOfFoldProbabilities(search(), random_state=0),
]


@ROUTING
@pytest.mark.parametrize("wrapper", WRAPPERS, ids=lambda wrapper: " ".join(repr(wrapper).split()))
def test_every_cross_validation_keeps_groups_together(wrapper, routing):
    with config_context(enable_metadata_routing=routing):
        leaks, asked = count_leaks(lambda: fit_clone(wrapper, X, Y, GROUPS))
        assert leaks == 0 and asked > 0
        if "GroupKFold" not in repr(wrapper):
            assert count_leaks(lambda: fit_clone(wrapper, X, Y, None))[0] > 0


@ROUTING
@pytest.mark.parametrize("selector", [RFECV(Spy()), make_pipeline(SequentialFeatureSelector(Spy()))])
def test_selectors_keep_groups_together(selector, routing):
    with config_context(enable_metadata_routing=routing):
        outputs = []
        leaks, asked = count_leaks(lambda: outputs.append(fit_transform_clone(selector, X, Y, GROUPS)))
    (fitted, transformed), = outputs
    assert leaks == 0 and asked > 0
    assert (fitted.transform(X) == transformed).all()


def test_a_selector_without_fit_transform():
    class Doubled(BaseEstimator):
        def fit(self, X, y):
            return self

        def transform(self, X):
            return 2 * X

    fitted, outputs = fit_transform_clone(Doubled(), X, Y, GROUPS)
    assert isinstance(fitted, Doubled) and (outputs == 2 * X).all()


@ROUTING
@pytest.mark.filterwarnings("ignore::FutureWarning")  # about defaults that will change
@pytest.mark.parametrize("number", [None, 3])
@pytest.mark.parametrize("kind", [LogisticRegressionCV, RidgeClassifierCV])
def test_a_number_of_folds_becomes_grouped_folds(kind, number, routing):
    rng = np.random.RandomState(1)
    X, scale = rng.normal(size=(120, 40)), {"Cs": 3} if kind is LogisticRegressionCV else {"alphas": (0.01, 1.0, 100.0)}
    with config_context(enable_metadata_routing=routing):
        fitted = fit_clone(kind(cv=number, **scale), X, Y, GROUPS)
    folds = draw_inner_folds(Y, GROUPS, number or 5, np.random.RandomState(0))
    expected = kind(cv=folds, **scale).fit(X, Y)
    assert (fitted.coef_ == expected.coef_).all()
    assert fitted.cv == number, "the parameter must not change"
    clone(fitted).fit(X[:100], Y[:100])


def test_parameters_are_restored_after_an_error():
    class Breaks(ClassifierMixin, BaseEstimator):
        def fit(self, X, y):
            raise RuntimeError("no")

    model = Pipeline([("search", GridSearchCV(Breaks(), {}, cv=4, error_score="raise"))])
    before = model.get_params()
    with pytest.raises(RuntimeError):
        fit_clone(model, X, Y, GROUPS)
    assert model.get_params() == before


def test_groups_reach_the_classifiers_of_several_outputs():
    y = np.stack([Y, GROUPS % 3], axis=1)
    fitted = fit_clone(MultiOutputClassifier(KernelRidgeClassifier()), X, y, GROUPS)
    for own, model in zip(y.T, fitted.estimators_):
        expected = KernelRidgeClassifier().fit(X, own, groups=GROUPS)
        assert (model.leave_out_probabilities_ == expected.leave_out_probabilities_).all()


@ROUTING
@pytest.mark.parametrize(
    "model",
    [
        CalibratedClassifierCV(KernelRidgeClassifier(), ensemble=False),
        GridSearchCV(make_pipeline(StandardScaler(), KernelRidgeClassifier()), {}),
    ],
)
def test_groups_reach_classifiers_inside_a_cross_validation(model, routing):
    """There is no warning, and the classifier that is fitted on all rows leaves out whole groups."""
    with config_context(enable_metadata_routing=routing):
        fitted = fit_clone(model, X, Y, GROUPS)
    searched = hasattr(fitted, "best_estimator_")
    inner = fitted.best_estimator_[-1] if searched else fitted.calibrated_classifiers_[0].estimator
    scaled = StandardScaler().fit_transform(X) if searched else X
    grouped, ungrouped = (KernelRidgeClassifier().fit(scaled, Y, groups=groups) for groups in (GROUPS, None))
    assert inner.leave_out_probabilities_ == pytest.approx(grouped.leave_out_probabilities_)
    assert inner.leave_out_probabilities_ != pytest.approx(ungrouped.leave_out_probabilities_)


NESTED = [
    GridSearchCV(CalibratedClassifierCV(Spy(), cv=2), {}, cv=3),
    ColumnTransformer([("all", OutOfFoldProbabilities(Spy(), cv=3), slice(3))]),
    RandomizedSearchCV(make_pipeline(search(cv=2)), {}, n_iter=1, cv=3),
]


@pytest.mark.parametrize("model", NESTED, ids=lambda model: type(model).__name__)
def test_deeper_parts_need_metadata_routing(model):
    fit = fit_transform_clone if hasattr(model, "transformers") else fit_clone
    with pytest.warns(GroupsNotUsedWarning, match="inside .*enable_metadata_routing=True"):
        assert count_leaks(lambda: fit(model, X, Y, GROUPS))[0] > 0
    with config_context(enable_metadata_routing=True):
        leaks, asked = count_leaks(lambda: fit(model, X, Y, GROUPS))
    assert leaks == 0 and asked > 0


def test_a_deeper_splitter_of_groups_needs_metadata_routing():
    with config_context(enable_metadata_routing=True):
        leaks, asked = count_leaks(lambda: fit_clone(GridSearchCV(search(cv=GroupKFold(2)), {}, cv=3), X, Y, GROUPS))
    assert leaks == 0 and asked > 0


class Unrouted(ClassifierMixin, BaseEstimator):
    """A meta-estimator without metadata routing."""

    def __init__(self, estimator):
        self.estimator = estimator

    def fit(self, X, y):
        self.estimator_ = clone(self.estimator).fit(X[::2], y[::2])
        return self


NOT_USED = [
    (StackingClassifier([("search", search(cv=2))], RidgeClassifier(), cv=3), "GridSearchCV inside StackingClassifier"),
    (search(cv=ShuffleSplit(3, random_state=0)), "got ShuffleSplit in GridSearchCV; set cv to"),
    (search(cv=[(np.arange(60), np.arange(60, 120))]), "got list in GridSearchCV; set cv to"),
    (make_pipeline(search(cv=StratifiedKFold(3, shuffle=True, random_state=0))), "got StratifiedKFold in GridSearchCV"),
    (GridSearchCV(KernelRidgeClassifier(), {}), "got KernelRidgeClassifier inside GridSearchCV"),
    (BaggingClassifier(KernelRidgeClassifier(), 2), "got KernelRidgeClassifier inside BaggingClassifier"),
    (Unrouted(search()), "got GridSearchCV inside Unrouted"),
    (make_pipeline(Unrouted(KernelRidgeClassifier())), "got KernelRidgeClassifier inside Unrouted"),
    (MLPClassifier(max_iter=5, early_stopping=True), "early stopping of MLPClassifier"),
    (GradientBoostingClassifier(n_estimators=3, n_iter_no_change=2), "early stopping of GradientBoostingClassifier"),
    (SVC(probability=True), "got probability=True in SVC"),
]


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("model, message", NOT_USED, ids=[message for _, message in NOT_USED])
def test_estimators_that_cannot_use_groups_warn_once(model, message):
    """They also warn with metadata routing. Only the search then hands groups to its estimator."""
    with pytest.warns(GroupsNotUsedWarning, match=message) as told:
        for routing in (False, False, "KernelRidgeClassifier inside" not in message):
            with config_context(enable_metadata_routing=routing):
                fit_clone(model, X, Y, GROUPS)
    assert len([each for each in told if each.category is GroupsNotUsedWarning]) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error", GroupsNotUsedWarning)
        _tell.cache_clear()
        fit_clone(model, X, Y, None)


QUIET = [
    RandomForestClassifier(2), MLPClassifier(max_iter=5), GradientBoostingClassifier(n_estimators=2),
    HistGradientBoostingClassifier(max_iter=2), HistGradientBoostingClassifier(
        max_iter=2, early_stopping=True, validation_fraction=None
    ),
    SVC(), make_pipeline(FunctionTransformer(), "passthrough", LogisticRegression()),
    BaggingClassifier(LogisticRegression(), 2), AdaBoostClassifier(n_estimators=1),
    BaggingClassifier(FrozenEstimator(KernelRidgeClassifier().fit(X, Y)), 2),
    TunedThresholdClassifierCV(FrozenEstimator(KernelRidgeClassifier().fit(X, Y)), cv="prefit", refit=False),
    search(cv=[(np.flatnonzero(GROUPS < 15), np.flatnonzero(GROUPS >= 15))]),
]


@ROUTING
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("model", QUIET, ids=lambda model: " ".join(repr(model).split())[:60])
def test_no_warning_if_groups_have_no_effect(model, routing):
    with config_context(enable_metadata_routing=routing), warnings.catch_warnings():
        warnings.simplefilter("error", GroupsNotUsedWarning)
        fit_clone(model, X, Y, GROUPS)


def test_a_chain_without_folds_gets_none():
    """A chain with cv=None uses the true labels of the previous targets."""
    y = np.stack([Y, (GROUPS // 2) % 2], axis=1)
    chain = ClassifierChain(LogisticRegression(), random_state=0)
    assert (fit_clone(chain, X, y, GROUPS).estimators_[1].coef_ == clone(chain).fit(X, y).estimators_[1].coef_).all()
    spying = ClassifierChain(Spy(), cv=3)
    assert count_leaks(lambda: fit_clone(spying, X, y, GROUPS))[0] == 0


def test_one_group_is_an_error():
    with pytest.raises(ValueError, match="need at least 2 groups, got 1"):
        fit_clone(search(), X, Y, np.zeros(120))


@ROUTING
@pytest.mark.parametrize("nested", [False, True], ids=["step", "step of a step"])
def test_groups_reach_the_steps_of_a_pipeline(routing, nested):
    """The given estimator is not changed."""
    rng = np.random.RandomState(0)
    X, y, groups = rng.normal(size=(60, 8)), np.arange(60) // 20, np.arange(60) // 4
    last = KernelRidgeClassifier(alphas=[1e-2, 1.0])
    model = make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), last) if nested else last)
    with config_context(enable_metadata_routing=routing):
        fitted, ungrouped = (fit_clone(model, X, y, each) for each in (groups, None))
        assert not get_routing_for_object(last).consumes("fit", ["groups"])
    inner = fitted[-1][-1] if nested else fitted[-1]
    expected = KernelRidgeClassifier(alphas=[1e-2, 1.0]).fit(fitted[:-1].transform(X), y, groups=groups)
    assert inner.leave_out_accuracy_ == expected.leave_out_accuracy_
    assert inner.leave_out_accuracy_ != (ungrouped[-1][-1] if nested else ungrouped[-1]).leave_out_accuracy_


def test_a_step_that_declines_groups_gets_none():
    with config_context(enable_metadata_routing=True):
        model = make_pipeline(KernelRidgeClassifier().set_fit_request(groups=False))
        fit_clone(model, X, Y, np.zeros(120))  # one group alone would be an error
