import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow.heads import CappedClassifier, KernelRidgeClassifier, MultiTargetClassifier


@parametrize_with_checks([CappedClassifier(LogisticRegression(), 1000, random_state=0)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def skewed():
    return make_classification(
        600, 8, n_informative=5, n_classes=3, weights=[0.85, 0.1, 0.05], class_sep=0.7, random_state=0
    )


def test_no_class_has_more_than_the_cap(skewed):
    X, y = skewed
    model = CappedClassifier(RidgeClassifier(), 40, random_state=0).fit(X, y)
    counts = np.bincount(y)
    assert np.bincount(y[model.sample_indices_]).tolist() == [min(40, count) for count in counts]
    assert (np.diff(model.sample_indices_) > 0).all()
    expected = RidgeClassifier().fit(X[model.sample_indices_], y[model.sample_indices_])
    assert (model.predict(X) == expected.predict(X)).all()
    assert not hasattr(model, "predict_proba") and not hasattr(model.classifier, "coef_")


def test_rare_classes_are_found_more_often(skewed):
    X, y = skewed
    rare = y > 0
    plain = LogisticRegression().fit(X[::2], y[::2]).predict(X[1::2])
    capped = CappedClassifier(LogisticRegression(), 20, random_state=0).fit(X[::2], y[::2]).predict(X[1::2])
    recalls = [(predicted == y[1::2])[rare[1::2]].mean() for predicted in (plain, capped)]
    assert recalls[1] > recalls[0] + 0.1


def test_other_seeds_draw_other_rows(skewed):
    models = [CappedClassifier(RidgeClassifier(), 5, random_state=seed).fit(*skewed) for seed in (0, 0, 1)]
    first, second, third = (model.sample_indices_ for model in models)
    assert (first == second).all() and (first != third).any()


def test_groups_of_drawn_rows_reach_the_classifier(skewed):
    X, y = skewed
    groups = np.arange(600) // 3
    model = CappedClassifier(KernelRidgeClassifier(), 40, random_state=0).fit(X, y, groups=groups)
    rows = model.sample_indices_
    expected = KernelRidgeClassifier().fit(X[rows], y[rows], groups=groups[rows])
    assert (model.classifier_.leave_out_probabilities_ == expected.leave_out_probabilities_).all()
    alone = CappedClassifier(KernelRidgeClassifier(), 40, random_state=0).fit(X, y)
    assert (alone.classifier_.leave_out_probabilities_ != expected.leave_out_probabilities_).any()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        model.fit(X, y, groups=groups[1:])


def test_the_smallest_classes_and_a_cap_of_one(skewed):
    X, y = skewed
    y = np.where(np.arange(600) == 7, 3, y)
    rows = CappedClassifier(RidgeClassifier(), 1, random_state=0).fit(X, y).sample_indices_
    assert sorted(y[rows]) == [0, 1, 2, 3]
    assert 7 in CappedClassifier(RidgeClassifier(), 30, random_state=0).fit(X, y).sample_indices_


def test_the_seed_reaches_what_is_inside(skewed):
    X, y = skewed
    first, again, other = (
        CappedClassifier(RandomForestClassifier(3), 20, random_state=seed).fit(X, y).predict_proba(X)
        for seed in (0, 0, 1)
    )
    assert (first == again).all() and (first != other).any()


def test_several_targets_are_learned_inside_another_classifier(skewed):
    X, y = skewed
    both = np.stack([y, np.arange(600) % 2], axis=1)
    capped = CappedClassifier(RidgeClassifier(), 25, random_state=0)
    with pytest.raises(ValueError, match="expected one target, got 2; put CappedClassifier inside .*MultiTarget"):
        capped.fit(X, both)
    each = MultiTargetClassifier(capped).fit(X, both)
    assert [len(own.sample_indices_) for own in each.estimators_] == [75, 50]


@pytest.mark.parametrize("cap", [0, 2.5, None])
def test_bad_caps(skewed, cap):
    with pytest.raises(ValueError, match="'max_per_class' parameter"):
        CappedClassifier(RidgeClassifier(), cap).fit(*skewed)
