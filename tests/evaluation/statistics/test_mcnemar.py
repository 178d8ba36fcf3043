import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoflow.evaluation.statistics import mcnemar_test


def predictions(both, first_only, second_only, neither):
    """Make labels with this table of who is right."""
    first = np.repeat([1, 1, 0, 0], [both, first_only, second_only, neither])
    second = np.repeat([1, 0, 1, 0], [both, first_only, second_only, neither])
    return np.ones(len(first), dtype=int), first, second


def test_golden_values():
    """Airway hyper-responsiveness before and after (Bentur et al. 2009): 1, 1, 7 and 12 of 21 pairs.

    By hand: exact p = 2 (1 + 8) / 2^8 = .0703; mid-p is less by the 8 / 2^8 of what was seen, .0391; chi-square = (7 -
    1 - 1)² / 8 = 3.125, p .0771. Fagerland, Lydersen & Laake (2013) print the same three.
    """
    labels = predictions(1, 1, 7, 12)
    exact, mid, chi2 = (mcnemar_test(*labels, method=method) for method in ("exact", "mid-p", "chi-square"))
    assert exact == mcnemar_test(*labels)
    assert exact.p_value == pytest.approx(18 / 256) and mid.p_value == pytest.approx(10 / 256)
    assert chi2.statistic == 3.125 and chi2.p_value == pytest.approx(math.erfc(math.sqrt(3.125 / 2)))
    assert chi2.p_value == pytest.approx(0.0771, abs=1e-4)
    assert (exact.statistic, exact.n_first_only, exact.n_second_only, exact.n_images) == (1, 1, 7, 21)
    assert exact.degrees_of_freedom is mid.degrees_of_freedom is None and chi2.degrees_of_freedom == 1
    assert exact.mean_difference == pytest.approx(-6 / 21)
    assert exact.confidence_interval == pytest.approx((-0.508, -0.013), abs=1e-3)


def test_golden_interval():
    """Bonett & Price by hand: (27 - 5) / 50 = .44 ± 1.959964 sqrt((32 / 50 - .44²) / 50), as in R's statpsych."""
    found = mcnemar_test(*predictions(6, 26, 4, 12))
    assert found.mean_difference == pytest.approx(22 / 48)
    assert found.confidence_interval == pytest.approx((0.2548067, 0.6251933))


counts = st.tuples(*[st.integers(0, 40)] * 4).filter(lambda table: table[1] + table[2])


@given(counts, st.sampled_from(["exact", "mid-p", "chi-square"]), st.randoms(use_true_random=False))
def test_symmetries(table, method, random):
    truth, first, second = predictions(*table)
    there, back = mcnemar_test(truth, first, second, method=method), mcnemar_test(truth, second, first, method=method)
    assert there.p_value == pytest.approx(back.p_value) and 0 <= there.p_value <= 1
    assert there.mean_difference == -back.mean_difference
    low, high = there.confidence_interval
    assert back.confidence_interval == pytest.approx((-high, -low)) and -1 <= low <= high <= 1
    order = random.sample(range(len(truth)), len(truth))
    assert mcnemar_test(truth[order], first[order], second[order], method=method) == there
    text = [np.where(labels == 1, "boot", "clog") for labels in (truth, first, second)]
    assert mcnemar_test(*text, method=method) == there


@given(counts)
def test_mid_p_is_never_above_exact(table):
    labels = predictions(*table)
    assert mcnemar_test(*labels, method="mid-p").p_value <= mcnemar_test(*labels).p_value


@pytest.mark.parametrize("method", ["exact", "mid-p", "chi-square"])
@pytest.mark.parametrize("table", [(10, 0, 0, 0), (0, 0, 0, 1), (5, 0, 0, 1)])
def test_no_discordant_image(table, method):
    found = mcnemar_test(*predictions(*table), method=method)
    assert np.isnan([found.statistic, found.p_value, *found.confidence_interval]).all() and found.mean_difference == 0
    assert str(found) == f"Both are right on the same images, of {sum(table)}; the test cannot judge."


@pytest.mark.parametrize("method", ["exact", "mid-p", "chi-square"])
def test_equal_classifiers(method):
    found = mcnemar_test(*predictions(5, 3, 3, 1), method=method)
    assert found.p_value == pytest.approx(1) and found.mean_difference == 0
    low, high = found.confidence_interval
    assert low == pytest.approx(-high) and low < 0
    assert "the two are equal in accuracy" in str(found)


def test_sentence():
    assert str(mcnemar_test(*predictions(6, 26, 4, 12))) == (
        "McNemar's test: a significant difference; the first is 0.4583 higher in accuracy on 48 images, 95% interval "
        "+0.2548 to +0.6252 (Bonett & Price); 26 that only the first gets right and 4 that only the second does, "
        "p < 0.0001 (exact, "
        "given the number of images that only one gets right)."
    )
    assert "chi2(1) = 3.125, p = 0.0771 (continuity correction)" in str(
        mcnemar_test(*predictions(1, 1, 7, 12), method="chi-square")
    )


@pytest.mark.parametrize(
    "columns, options, message",
    [
        ((["a"], ["a"], ["a", "b"]), {}, "equally long columns, got y_true 1, first_predicted 1, second_predicted 2"),
        (([], [], []), {}, "y_true: expected a 1-D sequence of labels"),
        (("a", "a", "a"), {}, "y_true: expected a sequence of labels, got 'a'"),
        ((["a"], [["a"]], ["a"]), {}, "first_predicted: expected a 1-D sequence of labels"),
        ((["a", "b"], ["a", None], ["a", "b"]), {}, "first_predicted: 1 missing"),
        (([1.0, 2.0], [1.0, 2.0], [np.nan, 2.0]), {}, "second_predicted: 1 missing"),
        ((["0", "1"], [0, 1], ["0", "1"]), {}, "labels and predictions of one type, got text and numbers"),
        ((["a"], ["a"], ["a"]), {"method": "best"}, "method: expected one of exact, mid-p, chi-square, got 'best'"),
        ((["a"], ["a"], ["a"]), {"confidence": 95}, "expected a confidence between 0 and 1"),
    ],
)
def test_bad_input(columns, options, message):
    with pytest.raises(ValueError, match=message):
        mcnemar_test(*columns, **options)
