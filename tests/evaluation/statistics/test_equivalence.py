import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from twoflow.evaluation.statistics import corrected_resampled_ttest, probability_of_equivalence

D = np.array([0.02, 0.01, 0.03, 0.0, 0.02])
ZERO = np.zeros(5)


def student_t4(x):
    """Compute the distribution function of Student's t with 4 degrees of freedom, in closed form."""
    u = x / math.sqrt(4 + x * x)
    return 0.5 + u * (3 - u * u) / 4


def test_golden_values():
    """By hand: mean .016, variance .00013, rho .2, so the scale is sqrt((1/5 + .25) .00013) = .0076485.

    The margins are (-.01 - .016) / .0076485 = -3.39935 and (.01 - .016) / .0076485 = -.784465 scales from the mean.
    """
    found = probability_of_equivalence(D, ZERO, n_train=80, n_test=20)
    assert (found.mean_difference, found.scale) == (pytest.approx(0.016), pytest.approx(math.sqrt(0.45 * 0.00013)))
    assert found.worse == pytest.approx(student_t4(-3.39935), abs=1e-6) == pytest.approx(0.013647, abs=1e-6)
    assert found.better == pytest.approx(1 - student_t4(-0.784465), abs=1e-6) == pytest.approx(0.761690, abs=1e-6)
    assert found.equivalent == pytest.approx(0.224663, abs=1e-6)
    assert found.degrees_of_freedom == 4 and found.n_differences == 5


scores = arrays(float, st.integers(2, 20), elements=st.floats(0, 1, width=16))


@given(scores, st.floats(0.001, 0.5))
def test_symmetries(first, margin):
    second = np.linspace(0.2, 0.7, len(first)) ** 2
    there = probability_of_equivalence(first, second, 90, 10, margin)
    back = probability_of_equivalence(second, first, 90, 10, margin)
    assert there.worse + there.equivalent + there.better == pytest.approx(1)
    assert (there.worse, there.equivalent) == pytest.approx((back.better, back.equivalent))
    assert probability_of_equivalence(first, second, 90, 10, 2 * margin).equivalent >= there.equivalent


def test_with_a_tiny_margin_it_agrees_with_the_corrected_test():
    """The posterior probability of the other sign is half the two-sided p."""
    found = probability_of_equivalence(D, ZERO, [80, 80, 90, 75, 80], [20, 20, 10, 25, 20], margin=1e-12)
    test = corrected_resampled_ttest(D, ZERO, [80, 80, 90, 75, 80], [20, 20, 10, 25, 20])
    assert found.worse == pytest.approx(test.p_value / 2) and found.equivalent == pytest.approx(0, abs=1e-6)
    assert found.correction == test.correction


@pytest.mark.parametrize("difference, sentence", [
    (0.0, "All 3 pairs are equal; the test cannot judge."),
    (0.1, "All 3 differences are +0.1000; without any spread the test cannot judge."),
])
def test_equal_differences_give_no_probability(difference, sentence):
    found = probability_of_equivalence(np.array([0.9, 0.8, 0.7]) + difference, [0.9, 0.8, 0.7], 90, 10)
    assert np.isnan([found.worse, found.equivalent, found.better, found.scale]).all() and str(found) == sentence


def test_one_difference_gives_no_probability():
    found = probability_of_equivalence([0.9], [0.8], 90, 10)
    assert all(math.isnan(value) for value in (found.worse, found.equivalent, found.better, found.scale))
    assert str(found) == "The only pair differs by +0.1000; a probability needs at least two pairs."


def test_sentence():
    assert str(probability_of_equivalence(D, ZERO, 80, 20)) == (
        "The first is better by more than 0.01 with probability 0.762, worse by more than that with 0.014, and "
        "equivalent with 0.225 (mean difference +0.0160 over 5 pairs, corrected for overlapping training sets, n_test "
        "/ n_train = 0.2500)."
    )


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((D, ZERO[:4], 80, 20), "expected two equally long"),
        ((D, ZERO * np.nan, 80, 20), "finite"),
        ((D, ZERO, 0, 20), "n_train: expected one positive number"),
        ((D, ZERO, 80, [20] * 4), "n_test: expected one positive number, or 5, one a fold"),
        *(((D, ZERO, 80, 20, margin), "margin: expected a number above 0") for margin in (0, -0.01, np.nan, np.inf)),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        probability_of_equivalence(*arguments)
