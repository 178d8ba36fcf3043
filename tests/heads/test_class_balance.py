"""Class weights and limits, given to what learns the classes."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from twoflow import ColorHistogram
from twoflow.heads import CappedClassifier, KernelRidgeClassifier, KernelSVMClassifier, OutOfFoldProbabilities
from twoflow.heads.class_balance import balance, check_balance, complete_class_weights, takes_class_weight
from twoflow.heads.dual_ridge import compute_kernel, fits_from_kernel
from twoflow.heads.feature_kernel import FeatureKernel
from twoflow.heads.table import HEADS

LABELS = np.array(["boot"] * 6 + ["clog"] * 3 + ["pump"])


def test_every_part_with_class_weights_gets_them():
    given = make_pipeline(StandardScaler(), OutOfFoldProbabilities(LogisticRegression()), RandomForestClassifier())
    found = balance(given, "balanced", None)
    assert takes_class_weight(given) and not takes_class_weight(GaussianNB())
    assert found[1].classifier.class_weight == found[2].class_weight == "balanced" and given[2].class_weight is None
    capped = balance(given, {"boot": 2.0}, 7)
    assert isinstance(capped, CappedClassifier) and capped.max_per_class == 7
    assert capped.classifier[2].class_weight == {"boot": 2.0}
    assert balance(GaussianNB(), None, 7).classifier.get_params() == GaussianNB().get_params()
    with pytest.raises(ValueError, match="without class weights of its own, got class_weight='balanced'"):
        balance(RandomForestClassifier(class_weight="balanced"), {"boot": 2.0}, None)


@pytest.mark.parametrize("class_weight, cap, message", [
    ("even", None, "class_weight: expected 'balanced', a weight for each class, or None, got 'even'"),
    ({"boot": 0}, None, "class_weight: expected positive numbers, got 0 for 'boot'"),
    ({"boot": float("nan")}, None, "expected positive numbers, got nan"),
    ({"boot": "2"}, None, "expected positive numbers, got '2'"),
    (None, 0, "max_per_class: expected an integer of at least 1, or None, got 0"),
    (None, 2.5, "max_per_class: expected an integer .*, got 2.5"),
])
def test_wrong_balances(class_weight, cap, message):
    with pytest.raises(ValueError, match=message):
        check_balance(class_weight, cap)


def test_weights_are_completed_so_that_a_class_may_be_missing_in_a_fold():
    given = make_pipeline(StandardScaler(), LogisticRegression(class_weight={"pump": 9.0}))
    found = complete_class_weights(given, LABELS)
    assert found[1].class_weight == {"pump": 9.0, "boot": 1.0, "clog": 1.0} and len(given[1].class_weight) == 1
    X = np.random.default_rng(0).normal(size=(10, 2))
    assert found.fit(X[:9], LABELS[:9]).classes_.tolist() == ["boot", "clog"]
    both = np.stack([LABELS, np.repeat(["red", "blue"], 5)], axis=1)
    assert sorted(complete_class_weights(given, both)[1].class_weight) == ["blue", "boot", "clog", "pump", "red"]
    balanced = LogisticRegression(class_weight="balanced")
    assert complete_class_weights(balanced, LABELS) is balanced
    with pytest.raises(ValueError, match="expected classes such as 'clog', 'pump', got 'boots', which no image has"):
        complete_class_weights(LogisticRegression(class_weight={"boots": 2.0, "boot": 2.0}), LABELS)


@pytest.mark.parametrize("classifier", [
    KernelRidgeClassifier(), KernelSVMClassifier(), LogisticRegression(), RandomForestClassifier(5, random_state=0),
], ids=lambda classifier: type(classifier).__name__)
def test_labels_that_read_as_numbers_are_weighed(classifier):
    rng = np.random.RandomState(0)
    X, codes = rng.rand(60, 3), rng.randint(3, size=60)
    number, text = ({kind(code): 1.0 + 4 * code for code in range(3)} for kind in (int, str))
    as_text = balance(classifier, text, None).fit(X, codes.astype(str))
    as_numbers = balance(classifier, number, None).fit(X, codes)
    assert (as_text.predict(X) == as_numbers.predict(X).astype(str)).all()
    completed = complete_class_weights(balance(classifier, {"2": 9.0}, None), codes.astype(str))
    same = balance(classifier, {0: 1.0, 1: 1.0, 2: 9.0}, None).fit(X, codes)
    assert (completed.fit(X, codes.astype(str)).predict(X) == same.predict(X).astype(str)).all()


def test_labels_that_are_the_same_number():
    assert balance(LogisticRegression(), {"1": 2.0, "01": 2.0}, None).class_weight[1] == 2
    with pytest.raises(ValueError, match="same weight for all labels that read as the number 1, got 3 for '01', and 2"):
        balance(LogisticRegression(), {"1": 2.0, "01": 3.0}, None)


def test_unknown_names_of_classes():
    for classifier in (KernelRidgeClassifier, KernelSVMClassifier):
        with pytest.raises(ValueError, match="expected classes such as 'clog', 'pump', got 'boots'"):
            classifier(class_weight={"boots": 2.0, "boot": 2.0}).fit(np.eye(10), LABELS)


@pytest.mark.parametrize("name", [name for name in HEADS if name != "lda"])
def test_heads_pass_the_balance_to_what_learns_the_classes(name):
    """A head that combines what its selectors say leaves the balance to them."""
    head = HEADS[name].balanced(name, "balanced", 5)
    learner = head.selector(ColorHistogram()).classifier if head.selectors_classify else head.classifier()
    assert learner.max_per_class == 5 and HEADS[name].balanced(name, None, None) is HEADS[name]
    weights = [value for key, value in learner.get_params().items() if key.endswith("class_weight")]
    assert weights == ["balanced"]


def test_a_head_without_class_weights_names_those_that_have_them():
    others = "forest, calibrated-forest, logistic, kernel-ridge, kernel-svm or stack"
    with pytest.raises(ValueError, match=f"a head that weighs classes, got lda; choose {others}, or limit"):
        HEADS["lda"].balanced("lda", "balanced", None)
    assert HEADS["lda"].balanced("lda", None, 5).classifier().max_per_class == 5


def test_a_capped_classifier_is_fitted_from_the_kernel_as_from_features():
    rng = np.random.default_rng(0)
    y = rng.choice(["boot", "clog", "pump"], 60, p=[0.7, 0.2, 0.1])
    X = rng.normal(size=(60, 12)) + (y == "pump")[:, None]
    groups = np.arange(60) // 2
    capped = CappedClassifier(KernelRidgeClassifier((0.1,), class_weight="balanced"), 12, random_state=3)
    expected = CappedClassifier(KernelRidgeClassifier((0.1,), class_weight="balanced"), 12, random_state=3)
    expected.fit(X, y, groups)
    assert fits_from_kernel(capped) and not fits_from_kernel(CappedClassifier(GaussianNB()))
    kernels = [compute_kernel(part) for part in (X[:, :6], X[:, 6:])]
    weights = capped.weigh_kernels(kernels, y, groups)
    assert weights.shape == (2,) and not hasattr(CappedClassifier(GaussianNB()), "weigh_kernels")
    rows = expected.sample_indices_
    own = expected.classifier.weigh_kernels([kernel.take(rows) for kernel in kernels], y[rows], groups[rows])
    assert (weights == own).all()
    capped.fit_primal(FeatureKernel([X]), capped.fit_dual(compute_kernel(X), y, groups))
    assert (capped.sample_indices_ == rows).all() and capped.leave_out_accuracy_ == expected.leave_out_accuracy_
    assert np.allclose(capped.predict_proba(X), expected.predict_proba(X), atol=1e-6)
