import numpy as np
import pytest
from sklearn import config_context
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.metadata_routing import get_routing_for_object

from twoflow.heads import KernelRidgeClassifier
from twoflow.heads.inner_folds import fit_clone, split_groups


def split(y, groups, n_splits=3):
    return split_groups(np.array(y), None if groups is None else np.array(groups), n_splits, np.random.RandomState(0))


@pytest.mark.parametrize("groups", [None, np.arange(30) // 2])
def test_each_row_is_tried_once(groups):
    folds = split(np.arange(30) // 10, groups)
    assert len(folds) == 3 and sorted(np.concatenate([test for _, test in folds])) == list(range(30))
    for train, test in folds:
        assert sorted([*train, *test]) == list(range(30))
        assert groups is None or not set(groups[train]) & set(groups[test])


def test_folds_are_no_more_than_the_groups_of_a_class():
    y, groups = np.arange(24) // 12, np.arange(24) // 6
    assert len(split(y, None, 5)) == 5 and len(split(y, groups, 5)) == 2


def test_a_side_is_never_empty():
    """Three groups of one class and one of another."""
    for train, test in split([0, 0, 0, 0, 0, 0, 1], [0, 0, 1, 1, 2, 2, 3], 2):
        assert len(train) and len(test)


@pytest.mark.parametrize(
    "y, groups, message",
    [
        ([0, 1, 2], None, "two rows at least; each class has one"),
        ([0, 0, 1, 1], [0, 0, 1, 1], "two groups at least; each class has one"),
        ([0, 0, 1, 1], [7, 7, 7, 7], "all 4 rows are of one"),
        ([0, 0, 1, 1], [7, 7, 8], "inconsistent numbers of samples"),
    ],
)
def test_what_cannot_be_folded(y, groups, message):
    with pytest.raises(ValueError, match=message):
        split(y, groups)


@pytest.mark.parametrize("routing", [False, True], ids=["plain", "metadata routing"])
@pytest.mark.parametrize("nested", [False, True], ids=["step", "step of a step"])
def test_steps_are_given_the_groups_that_they_take(routing, nested):
    """The same model with scikit-learn's metadata routing switched on, and the estimator given stays as it was."""
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
    X, y = np.random.RandomState(0).normal(size=(60, 8)), np.arange(60) // 20
    with config_context(enable_metadata_routing=True):
        model = make_pipeline(KernelRidgeClassifier().set_fit_request(groups=False))
        fit_clone(model, X, y, np.zeros(60))  # one group alone would be an error


def test_groups_reach_a_search_that_routes_them():
    X, y, groups = np.random.RandomState(0).normal(size=(60, 8)), np.arange(60) // 20, np.arange(60) // 4
    search = GridSearchCV(RidgeClassifier(), {"alpha": [1.0]}, cv=GroupKFold(3))
    with config_context(enable_metadata_routing=True):
        fitted = fit_clone(search, X, y, groups)
    expected = search.fit(X, y, groups=groups)
    assert fitted.cv_results_["mean_test_score"] == expected.cv_results_["mean_test_score"]
