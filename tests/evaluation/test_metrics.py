"""Compare the metrics of pooled predictions with scikit-learn, and with values computed by hand."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import classification_report, confusion_matrix

from twoflow.evaluation.folds import draw_folds
from twoflow.evaluation.metrics import (
    Confusion,
    Pooled,
    count_confusions,
    find_certain,
    find_confused,
    level_accuracy,
    order_classes,
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


def test_recalls_have_the_interval_of_wilson(guessed):
    found = score_classes(guessed)
    for k in range(3):
        n = int(found.support[k])
        expected = binomtest(round(found.recall[k] * n), n).proportion_ci(method="wilson")
        assert found.recall_interval[k] == pytest.approx([expected.low, expected.high])


def test_an_image_tested_twice_counts_once_in_an_interval():
    once, twice = pooled([0, 0, 0, 1], [0, 0, 1, 1]), pooled([0, 0, 0, 1] * 2, [0, 0, 1, 1] * 2)
    twice.images[4:] = twice.images[:4]
    assert score_classes(twice).support.tolist() == [6, 2, 0]
    assert score_classes(twice).recall_interval[:2].tolist() == score_classes(once).recall_interval[:2].tolist()
    assert np.isnan(score_classes(once).recall_interval[2]).all()  # never tested


def test_the_most_certain_right_image_of_each_class():
    probabilities = [[0.6, 0.4, 0], [0.9, 0.1, 0], [0.4, 0.6, 0], [0.1, 0.9, 0]]
    assert find_certain(pooled([0, 0, 1, 0], [0, 0, 1, 1], probabilities)) == [101, 102, None]
    assert find_certain(pooled([0, 0, 1, 0], [0, 0, 1, 1])) == [100, 102, None]


def test_confused_classes_are_neighbors():
    pairs = [(0, 5), (5, 0), (1, 4), (2, 3), (3, 2)]
    confusions = [Confusion(k, k, 8) for k in range(6)] + [Confusion(true, given, 2) for true, given in pairs]
    order = order_classes([*confusions, Confusion(0, -1, 50)], 6)
    assert sorted(order) == list(range(6))
    neighbors = {frozenset(pair) for pair in zip(order, order[1:])}
    assert {frozenset(pair) for pair in pairs} <= neighbors
    # A chain of classes, each confused with the next, comes out as the chain.
    rng = np.random.default_rng(0)
    names = rng.permutation(30)
    chain = [Confusion(int(k), int(k), 5) for k in names]
    chain += [Confusion(int(a), int(b), 5) for a, b in zip(names, names[1:])]
    assert order_classes(chain, 30) in (names.tolist(), names[::-1].tolist())


def test_few_classes_keep_their_order():
    assert order_classes([Confusion(0, 1, 4)], 2) == [0, 1] and order_classes([], 1) == [0]
    assert sorted(order_classes([], 3)) == [0, 1, 2]  # nothing was confused


def test_a_prediction_is_right_at_a_level_if_its_class_lies_in_the_same_broader_class():
    found = pooled([0, 0, 1, 2], [0, 1, 2, -1])
    assert level_accuracy(found, {0: "shoe", 1: "shoe", 2: "top"}) == 0.5
