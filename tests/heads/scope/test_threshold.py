"""Check how the threshold is chosen."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from twoflow.heads.scope.threshold import choose_threshold, split_outside

SCORES = st.integers(1, 40).flatmap(lambda n: arrays(float, n, elements=st.integers(-5, 5).map(float)))


@given(SCORES, SCORES, st.sampled_from([0.5, 0.8, 0.9, 0.95, 1.0]))
def test_enough_is_answered_and_no_higher_threshold_would_do(inside, outside, answered):
    alone, balanced = choose_threshold(inside, answered), choose_threshold(inside, answered, outside)
    assert (inside >= alone).mean() >= answered - 1e-9
    assert (inside > alone).mean() < answered + 1e-9 or alone == inside.max()
    assert balanced <= alone

    def worth(threshold):
        return (inside >= threshold).mean() + (outside < threshold).mean()

    assert worth(balanced) >= max(worth(each) for each in inside[inside <= alone]) - 1e-9


def test_outside_images_that_are_well_separated_cost_no_image():
    inside, outside = np.linspace(0, 1, 101), np.linspace(-9, -8, 50)
    assert choose_threshold(inside, 0.95) == pytest.approx(0.05)
    assert choose_threshold(inside, 0.95, outside) == 0


@given(st.integers(4, 40), st.integers(1, 6), st.integers(0, 9))
def test_halves_keep_groups_together(n_rows, size, seed):
    groups = np.arange(n_rows) // size
    if len(np.unique(groups)) < 2:
        with pytest.raises(ValueError, match="at least 2 groups, got 1"):
            split_outside(n_rows, groups, np.random.RandomState(seed))
        return
    sets = split_outside(n_rows, groups, np.random.RandomState(seed))
    assert 0 < sets.sum() < n_rows and abs(sets.sum() - n_rows / 2) <= size
    assert not set(groups[sets]) & set(groups[~sets])
