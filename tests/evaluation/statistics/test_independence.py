import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoflow import chi2_independence


def columns(table):
    """Make two columns of labels with this table of counts."""
    rows, values = np.indices(np.shape(table))
    return tuple(np.repeat(side.ravel(), np.ravel(table)) for side in (rows, values))


def test_golden_values():
    """By hand: expected 17.5, 12.5 in either row, chi-square = 2 (2.5² / 17.5 + 2.5² / 12.5) = 12/7.

    p = erfc(sqrt(6/7)). Bergsma: phi² = (12/7) / 60 - 1/59, over 1 - 1/59, and the root of it.
    """
    found = chi2_independence(*columns([[20, 10], [15, 15]]))
    assert found.statistic == pytest.approx(12 / 7) and found.p_value == pytest.approx(math.erfc(math.sqrt(6 / 7)))
    assert found.cramers_v == pytest.approx(math.sqrt((12 / 420 - 1 / 59) / (58 / 59)))
    assert found.cramers_v == pytest.approx(0.1087, abs=1e-4)
    assert (found.degrees_of_freedom, found.n_images, found.n_categories) == (1, 60, (2, 2))
    assert found.small_expected == 0


def test_golden_values_of_more_categories():
    """By hand: rows 30, 30, columns 20, 20, 20, expected 10 each, chi-square = (25 + 0 + 25) / 10 twice = 10.

    Of 2 degrees of freedom p = exp(-5). Bergsma: (10/60 - 2/59) / min(1 - 1/59, 2 - 4/59).
    """
    found = chi2_independence(*columns([[15, 10, 5], [5, 10, 15]]))
    assert found.statistic == pytest.approx(10) and found.p_value == pytest.approx(math.exp(-5))
    assert found.degrees_of_freedom == 2
    assert found.cramers_v == pytest.approx(math.sqrt((10 / 60 - 2 / 59) / (58 / 59)))


def test_golden_cramers_v():
    """ClickHouse's documentation of cramersVBiasCorrected prints .5305 of these columns, and .5798 uncorrected."""
    numbers = np.arange(150)
    found = chi2_independence(numbers % 10, numbers % 4)
    assert found.cramers_v == pytest.approx(0.5305112825189074)
    assert math.sqrt(found.statistic / 150 / 3) == pytest.approx(0.5798088336225178)


def test_golden_values_of_a_published_table():
    found = chi2_independence(*columns([[80, 71, 103, 131, 91], [36, 54, 59, 103, 49]]))
    assert found.statistic == pytest.approx(7.888437441816117, rel=1e-12)
    assert found.p_value == found.chi2_p_value == pytest.approx(0.09575142561857845, rel=1e-10)
    assert found.monte_carlo_p_value == pytest.approx(found.chi2_p_value, abs=0.02) and not found.is_permuted
    assert found.degrees_of_freedom == 4 and found.observed.tolist() == [
        [80, 71, 103, 131, 91], [36, 54, 59, 103, 49]
    ]
    published = [[71.063, 76.577, 99.243, 143.351, 85.766], [44.937, 48.423, 62.757, 90.649, 54.234]]
    assert found.expected == pytest.approx(np.array(published), abs=5e-4)
    assert found.conclusion.startswith("Independence is not rejected at 5 %: pairs of labels are about as frequent as")


def test_cells_that_deviate_most():
    """By hand: expected 12.5 and 17.5; the residual is 2.5 / sqrt(12.5 (1 - 1/2) (1 - 25/60)) = 1.3093 everywhere."""
    text = np.array(["boot", "clog"])
    rows, values = columns([[20, 10], [15, 15]])
    found = chi2_independence(text[rows], values, n_permutations=1)
    assert found.categories == (("boot", "clog"), (0, 1))
    assert np.abs(found.residuals) == pytest.approx(np.full((2, 2), 1.309307), abs=1e-6)
    assert [tuple(each)[:4] for each in found.deviations(2)] == [("boot", 0, 20, 17.5), ("boot", 1, 10, 12.5)]
    assert len(found.deviations(9)) == 4
    skewed = chi2_independence(*columns([[10, 0, 0], [10, 10, 10]]), n_permutations=99)
    assert skewed.deviations(1)[0][:3] == (0, 0, 10)
    assert skewed.conclusion.startswith("Independence is rejected at 5 %")
    # The squares of 2 x 2 residuals are chi-square itself.
    assert found.residuals[0, 0] ** 2 == pytest.approx(found.statistic)


def test_images_without_a_label_are_counted_and_left_out():
    first, second = columns([[20, 10], [15, 15]])
    expected = chi2_independence(first, second, np.arange(60) // 2)
    more = (
        [*first.tolist(), None, 0, np.nan, 1], [*map(str, second), "0", "", None, np.nan],
        [*np.arange(60) // 2, *[99] * 4],
    )
    found = chi2_independence(*more)
    assert (found.statistic, found.p_value, found.n_groups) == (expected.statistic, expected.p_value, 30)
    assert (found.n_images, found.n_missing) == (60, 4) and str(found).endswith("; 4 images lack a label.")


def test_fifty_by_forty_categories():
    rng = np.random.default_rng(0)
    first, second = rng.integers(50, size=3000), rng.integers(40, size=3000)
    found = chi2_independence(first, second, n_permutations=99)
    assert found.observed.shape == (50, 40) and found.observed.sum() == 3000 and found.is_permuted
    assert found.p_value > 0.05 and len(found.deviations(20)) == 20
    copy = chi2_independence(first, first, n_permutations=99)
    assert (copy.p_value, copy.cramers_v) == (0.01, pytest.approx(1))


def test_many_cells_are_permuted_in_parts(monkeypatch):
    given = (*columns([[3, 4], [4, 1]]), np.arange(12) // 2)
    whole = [chi2_independence(*given[:n]).monte_carlo_p_value for n in (2, 3)]
    monkeypatch.setattr("twoflow.evaluation.statistics.contingency._CELLS_AT_A_TIME", 30)
    assert [chi2_independence(*given[:n]).monte_carlo_p_value for n in (2, 3)] == whole


tables = st.lists(st.lists(st.integers(1, 15), min_size=3, max_size=3), min_size=2, max_size=4)


@given(tables, st.randoms(use_true_random=False))
def test_symmetries(table, random):
    first, second = columns(table)
    found = chi2_independence(first, second, n_permutations=199)
    turned = chi2_independence(second, first, n_permutations=199)
    assert turned.statistic == pytest.approx(found.statistic)
    assert turned.p_value == pytest.approx(found.p_value, abs=0.2 if found.is_permuted else 1e-9)
    assert turned.cramers_v == pytest.approx(found.cramers_v) and 0 <= found.cramers_v <= 1
    order = random.sample(range(len(first)), len(first))
    text = np.array(["boot", "clog", "pump", "mule"])[first]
    assert chi2_independence(text[order], second[order], n_permutations=1).statistic == pytest.approx(found.statistic)


def test_cramers_v_of_full_and_of_no_dependence():
    kinds = ["boot", "clog", "pump"] * 10
    assert chi2_independence(kinds, kinds).cramers_v == pytest.approx(1)
    assert chi2_independence(*columns([[10, 10], [10, 10]])).cramers_v == 0
    assert math.isnan(chi2_independence(range(6), range(6)).cramers_v)  # nothing to measure: one image a category


def test_the_correction_subtracts_what_chance_adds():
    """Independent labels in 10 x 10 small categories: Cramér's V without a correction is about sqrt(81 / 200 / 9)."""
    rng = np.random.default_rng(0)
    found = [chi2_independence(*rng.integers(10, size=(2, 200)), n_permutations=1) for _ in range(200)]
    assert np.mean([math.sqrt(result.statistic / 200 / 9) for result in found]) > 0.2
    assert np.mean([result.cramers_v for result in found]) < 0.05


def test_sentence():
    assert str(chi2_independence(*columns([[20, 10], [15, 15]]))) == (
        "chi-square test of independence: no significant dependence between 2 and 2 categories of 60 images, "
        "Cramér's V 0.109, chi2(1) = 1.714, p = 0.1904 (1,999 permutations of images: p = 0.3065)."
    )
    # Expected counts 4 and 36 in either row: two of four cells are small.
    assert str(chi2_independence(*columns([[8, 32], [0, 40]]))).endswith(
        "(1,999 permutations of images; chi-square distribution: p = 0.0029); 50% of the expected counts "
        "are below 5."
    )
    grouped = str(chi2_independence(*columns([[20, 10], [15, 15]]), np.arange(60) // 2, n_permutations=99))
    assert "categories of 60 images in 30 groups, Cramér's V" in grouped
    assert grouped.endswith("(99 permutations of groups; chi-square distribution: p = 0.1904).")
    # Rows of 50, columns of 8, 30, 30, 16 and 16: only the first column expects 4; 20 % is tolerable.
    some = chi2_independence(*columns([[4, 15, 15, 8, 8], [4, 15, 15, 8, 8]]))
    assert str(some).endswith("; 20% of the expected counts are below 5.")


def test_small_cells_get_the_exact_p():
    """Fisher's exact test by hand: 1 x 4 against 4 x 1 of 5 and 5; chi-square is as large in 52 of 252 tables."""
    found = chi2_independence(*columns([[1, 4], [4, 1]]), n_permutations=20_000)
    assert found.p_value == pytest.approx(52 / 252, abs=0.01) and found.n_permutations == 20_000
    assert found == chi2_independence(*columns([[1, 4], [4, 1]]), n_permutations=20_000)
    large = chi2_independence(*columns([[20, 10], [15, 15]]))
    assert large.p_value == large.chi2_p_value and large.n_groups is None


def test_groups_of_one_image_are_permuted_like_images():
    first, second = columns([[3, 4], [4, 1]])
    by_group, by_image = (
        chi2_independence(first, second, groups, n_permutations=20_000) for groups in (np.arange(12), None)
    )
    assert by_group.p_value == pytest.approx(by_image.p_value, abs=0.015) and by_group.n_groups == 12


def test_all_permutations_of_three_groups():
    """Groups of 1, 2 and 3 images with first labels a, b, a and second labels x, y, y.

    By hand: of the six ways to hand x, y, y to the groups, two give x to each group. With n images of x, chi-square of
    the tables is 6 (1 * 2 - 0 * 3)² / (4 * 2 * 1 * 5) = 0.6 if the first has x, as observed; 6 (0 - 4 * 2)² / (4 * 2 *
    2 * 4) = 6 if the second has it; 6 (3 * 2 - 0)² / (4 * 2 * 3 * 3) = 3 if the third has it. All are at least 0.6.
    """
    first, second, groups = list("abbaaa"), list("xyyyyy"), [0, 1, 1, 2, 2, 2]
    assert chi2_independence(first, second, groups).statistic == pytest.approx(0.6)
    assert chi2_independence(first, second, groups).p_value == 1
    in_third = chi2_independence(first, list("yyyxxx"), groups, n_permutations=20_000)
    assert in_third.statistic == pytest.approx(3) and in_third.p_value == pytest.approx(2 / 3, abs=0.015)
    in_second = chi2_independence(first, list("yxxyyy"), groups, n_permutations=20_000)
    assert in_second.statistic == pytest.approx(6) and in_second.p_value == pytest.approx(1 / 3, abs=0.015)


def test_labels_that_differ_within_groups_are_permuted_with_their_group():
    """Each group has both colors, so no permutation changes the table."""
    found = chi2_independence(np.arange(40) // 4 % 2, np.arange(40) % 2, np.arange(40) // 2)
    assert (found.statistic, found.p_value) == (0, 1)


def test_photos_of_one_product_are_no_evidence_of_their_own():
    """40 products of one to nine photos whose type and color are independent. In 2,000 experiments: 4 % and 98 %."""
    rng = np.random.default_rng(0)
    both = []
    for _ in range(150):
        groups = np.repeat(np.arange(40), rng.integers(1, 10, size=40))
        first, second = (rng.integers(4, size=40)[groups] for _ in range(2))
        both.append([
            chi2_independence(first, second, given, n_permutations=99).p_value < 0.05 for given in (groups, None)
        ])
    by_group, by_image = np.mean(both, axis=0)
    assert by_group < 0.07 and by_image > 0.9


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((["a", "b"], ["a"]), "equally long columns, got first 2, second 1"),
        (([], []), "first: expected a 1-D sequence of labels, got shape"),
        (([["a", "b"]], ["a"]), "first: expected a 1-D sequence of labels, got shape"),
        ((["a", None], [np.nan, "x"]), "expected images with both labels, got none among 2 images"),
        ((["a", "b", None], ["x", "x", "y"]), "second: expected at least two categories, got only x; nothing can"),
        ((["a", "b"], ["x", "x"]), "second: expected at least two categories, got only x"),
        ((["a", "b"], ["x", "y"], [1]), "equally long columns, got first 2, second 2, groups 1"),
        ((["a", "b"], ["x", "y"], [1, np.nan]), "groups: 1 missing"),
        ((np.array(["a", 1], dtype=object), ["x", "y"]), "first: expected labels of one type, got types"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        chi2_independence(*arguments)


def test_bad_number_of_permutations():
    with pytest.raises(ValueError, match="n_permutations: expected an integer of at least 1, got 0"):
        chi2_independence(["a", "b"], ["x", "y"], n_permutations=0)
