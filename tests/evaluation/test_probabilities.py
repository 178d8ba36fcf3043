"""Compare the metrics of probabilities with scikit-learn, and with values computed by hand."""

import math

import numpy as np
import pytest
from sklearn.metrics import auc, brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss
from sklearn.metrics import roc_auc_score

from twoflow.evaluation.probabilities import (
    COVERAGES,
    FALSE_POSITIVE_RATES,
    average_roc,
    brier_score,
    calibrate,
    cover,
    log_loss,
)

from .test_metrics import guessed, pooled

__all__ = ["guessed"]  # a fixture


def test_areas_equal_scikit_learn(guessed):
    found = average_roc(guessed)
    given = np.eye(3)[guessed.true]
    expected = roc_auc_score(given, guessed.probabilities, average="macro")
    assert found.macro_auc == pytest.approx(expected, abs=1e-12)
    assert found.macro[0] == 0 and found.macro[-1] == 1 and (np.diff(found.macro) >= 0).all()
    assert auc(FALSE_POSITIVE_RATES, found.macro) == pytest.approx(found.macro_auc, abs=0.005)


def test_classes_without_both_sides_are_not_averaged():
    probabilities = [[0.9, 0.1, 0], [0.2, 0.8, 0], [0.6, 0.4, 0]]
    assert average_roc(pooled([0, 1, 1], [0, 1, 0], probabilities)).n_classes == 2
    assert average_roc(pooled([1, 1, 1], [0, 1, 0], probabilities)) is None
    assert average_roc(pooled([0, 1, 1], [0, 1, 0])) is None


def test_calibration_worked_out_by_hand():
    probabilities = [[0.95, 0.05, 0], [0.95, 0.05, 0], [0.35, 0.34, 0.31], [0.5, 0.3, 0.2], [1, 0, 0], [0.4, 0.3, 0.3]]
    found = calibrate(pooled([0, 1, 0, 1, 0, 0], [0, 0, 0, 0, 0, -1], probabilities))
    # A probability on an edge belongs to the bin below. Predictions of an unknown class are left out.
    assert found.n.tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 0, 3]
    assert found.accuracy[[3, 4, 9]].tolist() == pytest.approx([1, 0, 2 / 3])
    assert found.confidence[[3, 4, 9]].tolist() == pytest.approx([0.35, 0.5, 2.9 / 3])
    assert np.isnan(found.accuracy[[0, 5]]).all()
    assert found.expected_error == pytest.approx((0.65 + 0.5 + 0.9) / 5)
    assert calibrate(pooled([0, 1], [0, 1])) is None
    assert calibrate(pooled([0], [-1], [[1, 0, 0]])) is None


def test_true_probabilities_are_calibrated():
    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), 50_000)
    true = (probabilities.cumsum(axis=1) > rng.random((50_000, 1))).argmax(axis=1)
    assert calibrate(pooled(true, probabilities.argmax(axis=1), probabilities)).expected_error < 0.01


def calibrated(n, rng, n_classes=3):
    """Make predictions that are right exactly as often as their probabilities say."""
    probabilities = rng.dirichlet(np.ones(n_classes), n)
    true = (probabilities.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return pooled(true, probabilities.argmax(axis=1), probabilities, n_classes)


def test_the_floor_is_the_error_of_calibrated_predictions():
    rng = np.random.default_rng(1)
    found = [calibrate(calibrated(200, rng)) for _ in range(60)]
    errors, floors = (np.array([getattr(each, name) for each in found]) for name in ("expected_error", "floor"))
    assert abs(errors.mean() - floors.mean()) < 0.003 < 0.03 < floors.mean()
    assert calibrate(calibrated(20_000, rng)).floor < 0.01


def test_the_floor_of_one_bin_by_hand():
    """Two predictions of 0.5: the share that is right is 0, 1/2 or 1, so the expected error is 1/4."""
    each = pooled([0, 1], [0, 0], [[0.5, 0.25, 0.25]] * 2)
    assert calibrate(each, n_draws=20_000).floor == pytest.approx(0.25, abs=0.005)
    assert calibrate(each).floor == calibrate(each).floor
    # The same image twice is right twice or wrong twice: the error is always 1/2.
    each.images[:] = 7
    assert calibrate(each).floor == pytest.approx(0.5)


def test_log_loss_and_brier_score_equal_scikit_learn(guessed):
    assert log_loss(guessed) == pytest.approx(sklearn_log_loss(guessed.true, guessed.probabilities), abs=1e-6)
    binary = pooled([0, 1, 1, 0], [0, 1, 0, 0], [[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.5, 0.5]], 2)
    # scikit-learn counts one of two classes.
    expected = 2 * brier_score_loss(binary.true, binary.probabilities[:, 1])
    assert brier_score(binary) == pytest.approx(expected, abs=1e-6)


def test_brier_score_and_log_loss_by_hand():
    each = pooled([0, 2], [0, 0], [[0.5, 0.25, 0.25], [1, 0, 0]])
    assert brier_score(each) == pytest.approx(((0.25 + 0.0625 + 0.0625) + (1 + 0 + 1)) / 2)
    assert log_loss(each) == pytest.approx((math.log(2) + 15.942385) / 2)
    assert brier_score(pooled([0], [0])) is log_loss(pooled([0], [0])) is cover(pooled([0], [0])) is None


def test_accuracy_of_the_most_certain_by_hand():
    probabilities = [[0.9, 0.1, 0], [0.8, 0.2, 0], [0.7, 0.3, 0], [0.6, 0.4, 0]]
    found = cover(pooled([0, 1, 0, 1], [0, 0, 0, 0], probabilities))
    assert found.coverage.tolist() == COVERAGES.tolist() and found.coverage[[4, 9, 14, 19]].tolist() == [
        0.25, 0.5, 0.75, 1
    ]
    assert found.accuracy[[4, 9, 14, 19]].tolist() == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2])
    assert found.area == pytest.approx((1 + 1 / 2 + 2 / 3 + 1 / 2) / 4)


def test_equally_certain_predictions_have_no_order():
    right = [0, 1, 1, 0]
    for _ in range(2):
        found = cover(pooled(right, [0] * 4, [[0.5, 0.3, 0.2]] * 4))
        assert found.accuracy.tolist() == pytest.approx([0.5] * 20) and found.area == pytest.approx(0.5)
        right = right[::-1]


def test_a_prediction_of_no_class_is_the_least_certain():
    found = cover(pooled([0, 0, 1], [-1, 0, 1], [[0.9, 0, 0.1], [0.4, 0.3, 0.3], [0.3, 0.4, 0.3]]))
    assert found.accuracy[[0, 9, 19]].tolist() == pytest.approx([1, 1, 2 / 3])
