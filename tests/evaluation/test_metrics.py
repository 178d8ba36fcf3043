"""Compare the metrics of pooled predictions with scikit-learn, and with values computed by hand."""

import numpy as np
import pytest
from sklearn.metrics import auc, classification_report, confusion_matrix, roc_auc_score

from twoflow.evaluation.folds import draw_folds
from twoflow.evaluation.metrics import (
    FALSE_POSITIVE_RATES,
    Confusion,
    Pooled,
    average_roc,
    calibrate,
    count_confusions,
    find_confused,
    score_classes,
)

from ..report.made import LABELS, comparison


def pooled(true, predicted, probabilities=None, n_classes=3):
    true, predicted = np.array(true), np.array(predicted)
    if probabilities is not None:
        probabilities = np.array(probabilities, dtype=np.float32)
    return Pooled(np.arange(n_classes), np.arange(len(true)) + 100, true, predicted, probabilities)


@pytest.fixture
def guessed():
    """Make 400 noisy predictions of three classes, with probabilities."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 400)
    probabilities = rng.dirichlet(np.ones(3), 400)
    probabilities[np.arange(400), true] += 0.4
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return pooled(true, probabilities.argmax(axis=1), probabilities)


def test_folds_are_pooled_in_their_order_with_every_repeat():
    found = comparison(draw_folds(LABELS, n_splits=3, repeats=2))
    each = found.pooled("method0")
    assert len(each.true) == len(each.predicted) == len(each.probabilities) == 120
    assert (each.classes[each.true] == LABELS[each.images]).all()
    assert (each.classes[each.predicted] == np.concatenate(found.methods[0].predicted)).all()
    assert (each.probabilities.argmax(axis=1) == each.predicted).all()


def test_classes_are_scored_as_scikit_learn_does(guessed):
    found = score_classes(guessed)
    expected = classification_report(guessed.true, guessed.predicted, output_dict=True)
    for k in range(3):
        assert found.precision[k] == expected[str(k)]["precision"] and found.recall[k] == expected[str(k)]["recall"]
        assert found.f1[k] == pytest.approx(expected[str(k)]["f1-score"])
        assert found.support[k] == expected[str(k)]["support"]


def test_undefined_scores_are_nan():
    found = score_classes(pooled([0, 0, 1], [0, 3, 0], n_classes=4))
    assert np.isnan(found.recall[2:]).all()  # never tested
    assert np.isnan(found.precision[[1, 2]]).all()  # never given
    assert np.isnan(found.f1[2]) and found.f1[1] == found.f1[3] == 0
    assert found.support.tolist() == [2, 1, 0, 0]


def test_confusions_are_the_cells_of_the_matrix(guessed):
    matrix = np.zeros((3, 3), dtype=int)
    for true, predicted, count in count_confusions(guessed):
        matrix[true, predicted] = count
    assert (matrix == confusion_matrix(guessed.true, guessed.predicted)).all()
    assert count_confusions(pooled([0, 0, 1], [0, -1, 0])) == [
        Confusion(0, -1, 1), Confusion(0, 0, 1), Confusion(1, 0, 1)
    ]


def test_most_confident_confusions_come_first_and_once():
    probabilities = [[0.4, 0.6, 0], [0.1, 0.9, 0], [0.3, 0.7, 0], [0.8, 0.2, 0], [0.2, 0.8, 0]]
    each = pooled([0, 0, 0, 0, 0], [1, 1, 1, 0, 1], probabilities)
    each.images[4] = each.images[1]  # tested again
    wrong = Confusion(0, 1, 4)
    assert find_confused(each, wrong, 2) == [(101, np.float32(0.9)), (102, np.float32(0.7))]
    assert [image for image, _ in find_confused(each, wrong, 9)] == [101, 102, 100]
    each = pooled([0, 0, 0], [1, 1, -1])
    assert find_confused(each, Confusion(0, 1, 2), 9) == [(100, None), (101, None)]
    assert find_confused(each, Confusion(0, -1, 1), 9) == [(102, None)]


def test_areas_equal_scikit_learn(guessed):
    found = average_roc(guessed)
    for average, area in (("macro", found.macro_auc), ("micro", found.micro_auc)):
        given = np.eye(3)[guessed.true]
        assert area == pytest.approx(roc_auc_score(given, guessed.probabilities, average=average), abs=1e-12)
    for curve, area in ((found.macro, found.macro_auc), (found.micro, found.micro_auc)):
        assert curve[0] == 0 and curve[-1] == 1 and (np.diff(curve) >= 0).all()
        assert auc(FALSE_POSITIVE_RATES, curve) == pytest.approx(area, abs=0.005)


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
