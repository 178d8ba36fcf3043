import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow.heads import KernelSVMClassifier


@parametrize_with_checks([KernelSVMClassifier(), KernelSVMClassifier(class_weight="balanced")])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:500] / 16, y[:500], X[500:] / 16, y[500:]


def reference(X, gamma, **options):
    return SVC(gamma=gamma / X.var(axis=0).sum(), **options)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("C, gamma", [(10, 0.3), (0.5, 2)])
def test_decisions_equal_one_vs_rest_svc(digits, dtype, C, gamma):
    X, y, X_test, y_test = digits
    expected = OneVsRestClassifier(reference(X, gamma, C=C, tol=1e-6)).fit(X, y).decision_function(X_test)
    model = KernelSVMClassifier(C, gamma=gamma).fit(X.astype(dtype), y)
    assert np.abs(model.decision_function(X_test.astype(dtype)) - expected).max() < 0.01  # both solvers stop early
    assert model.score(X_test.astype(dtype), y_test) > 0.9
    assert model.support_vectors_.dtype == dtype and len(model.support_vectors_) < len(X)


def test_two_classes_with_weights(digits):
    X, y, X_test, _ = digits
    names = np.where(y > 6, "late", "early")
    model = KernelSVMClassifier(0.5, class_weight={"late": 9.0, "early": 1.0}).fit(X, names)
    expected = reference(X, 0.3, C=0.5, class_weight={"late": 9.0, "early": 1.0}).fit(X, names)
    assert np.abs(model.decision_function(X_test) - expected.decision_function(X_test)).max() < 0.01
    assert (model.predict(X_test) == expected.predict(X_test)).mean() > 0.995
    unweighted = KernelSVMClassifier(0.5).fit(X, names)
    assert (model.predict(X_test) == "late").sum() > (unweighted.predict(X_test) == "late").sum()


def test_equal_rows_predict_the_largest_class():
    model = KernelSVMClassifier().fit(np.ones((6, 3)), [0, 0, 0, 0, 1, 2])
    assert (model.predict(np.ones((2, 3))) == 0).all()


@pytest.mark.parametrize("labels, message", [([0, 0, 0], "at least two classes"), ([0, 1], "inconsistent numbers")])
def test_bad_labels(labels, message):
    with pytest.raises(ValueError, match=message):
        KernelSVMClassifier().fit(np.eye(3), labels)


def test_bad_weights():
    with pytest.raises(ValueError, match="class_weight"):
        KernelSVMClassifier(class_weight="none").fit(np.eye(3), [0, 1, 1])
