import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoflow.heads import UNKNOWN
from twoflow.models.model_file import TargetCard
from twoflow.predicting.fallback import fall_back

SHOES = TargetCard(
    "model", ("boot/black", "boot/red", "clog/red", "bag/red"),
    levels={"group": ("shoe", "shoe", "shoe", "bag"), "kind": ("boot", "boot", "clog", "bag")},
)


def answer(*probabilities, threshold=0.7, target=SHOES, top=3):
    found, = fall_back(np.array([probabilities]), target, threshold, top)
    return found


@pytest.mark.parametrize("probabilities, threshold, label, level, confidence", [
    ((0.8, 0.1, 0.1, 0.0), 0.7, "boot/black", "model", 0.8),
    ((0.4, 0.4, 0.1, 0.1), 0.7, "boot", "kind", 0.8),
    ((0.4, 0.2, 0.3, 0.1), 0.7, "shoe", "group", 0.9),
    ((0.3, 0.2, 0.0, 0.5), 0.7, UNKNOWN, "", 0.5),
    ((0.4, 0.2, 0.3, 0.1), 0.0, "boot/black", "model", 0.4),
    ((0.4, 0.2, 0.3, 0.1), None, "boot/black", "model", 0.4),
    ((0.5, 0.5, 0.0, 0.0), 1.0, "boot", "kind", 1.0),
    ((1.0, 0.0, 0.0, 0.0), 1.0, "boot/black", "model", 1.0),
])
def test_the_finest_level_that_reaches_the_threshold_answers(probabilities, threshold, label, level, confidence):
    found = answer(*probabilities, threshold=threshold)
    assert found[:3] == ("model", label, level)
    assert found.confidence == pytest.approx(confidence)
    assert (found.reason == "") == (level == "model")


def test_the_likeliest_class_need_not_be_in_the_broader_class():
    """The bag is the likeliest class, and the boots together are likelier."""
    assert answer(0.28, 0.27, 0.05, 0.4, threshold=0.5)[1:3] == ("boot", "kind")


def test_the_reason_has_the_digits_that_show_the_difference():
    assert answer(0.41, 0.09, 0.1, 0.4).reason == "no class reaches 0.70: the likeliest, boot/black, has 0.41"
    assert answer(0.6996, 0.0, 0.0, 0.3004).reason == "no class reaches 0.7000: the likeliest, boot/black, has 0.6996"


def test_the_top_is_sorted_and_the_first_of_equal_classes_comes_first():
    found = answer(0.2, 0.3, 0.3, 0.2, threshold=None, top=3)
    assert found.top == (("boot/red", 0.3), ("clog/red", 0.3), ("boot/black", 0.2))
    assert found.label == "boot/red"
    assert len(answer(0.2, 0.3, 0.3, 0.2, top=9).top) == 4


def test_a_threshold_is_compared_in_float32():
    confidence = np.float32(0.9)
    rest = 1 - float(confidence)
    assert answer(float(confidence), rest, 0, 0, threshold=0.9).label == "boot/black"
    assert answer(float(np.nextafter(confidence, np.float32(0))), rest, 0, 0, threshold=0.9).label == "boot"


def test_one_class():
    assert answer(1.0, target=TargetCard("kind", ("boot",))).label == "boot"


@pytest.mark.parametrize("threshold", [None, 0.0, 0.7])
def test_no_probabilities_are_unknown(threshold):
    found = answer(0.5, math.nan, 0.2, 0.3, threshold=threshold)
    assert (found.label, found.level, found.reason) == (UNKNOWN, "", "the model gives no probabilities")
    assert math.isnan(found.confidence)


def test_labels_are_not_changed():
    target = TargetCard("size", (36, 37), levels={"group": (True, False)})
    assert answer(0.2, 0.8, target=target).label == 37


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 0.0, 0.5, 0.9, 1.0]), st.permutations(range(6)))
def test_rows_are_answered_alone(seed, threshold, order):
    probabilities = np.random.default_rng(seed).dirichlet(np.full(4, 0.5), size=6).astype(np.float32)
    expected = [answer(*row, threshold=threshold, top=2) for row in probabilities]
    assert fall_back(probabilities[order], SHOES, threshold, 2) == [expected[row] for row in order]


@given(st.integers(0, 2**32 - 1))
def test_a_higher_threshold_never_gives_a_finer_answer(seed):
    fineness = {"": 0, "group": 1, "kind": 2, "model": 3}
    row = np.random.default_rng(seed).dirichlet(np.full(4, 0.5))
    levels = [fineness[answer(*row, threshold=threshold, top=1).level] for threshold in np.linspace(0, 1, 21)]
    assert levels == sorted(levels, reverse=True)


def test_no_rows():
    assert fall_back(np.empty((0, 4)), SHOES, 0.5, 3) == []


@pytest.mark.parametrize("probabilities, threshold, top, message", [
    ((0.9, 0.9, 0.1, 0.1), 0.7, 1, "expected probabilities from 0 to 1 that sum to 1, got a sum of 2 .*; use a head"),
    ((0.1, 0.1, 0.1, 0.1), None, 1, "got a sum of 0.4"),
    ((1.5, -0.5, 0.0, 0.0), 0.7, 1, "a smallest one of -0.5"),
    ((0.5, 0.5), 0.7, 1, r"model: expected a column of probabilities for each of 4 classes, got shape \(1, 2\)"),
    ((1.0, 0, 0, 0), 1.1, 1, "threshold: expected a number from 0 to 1, or None, got 1.1"),
    ((1.0, 0, 0, 0), math.nan, 1, "threshold: expected"),
    ((1.0, 0, 0, 0), 0.7, 0, "top: expected an integer of at least 1, got 0"),
])
def test_bad_input(probabilities, threshold, top, message):
    with pytest.raises(ValueError, match=message):
        answer(*probabilities, threshold=threshold, top=top)
