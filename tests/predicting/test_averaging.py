import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoflow.predicting.averaging import average


def test_each_photo_counts_the_same():
    assert average(np.array([[0.9, 0.1, 0.0], [0.3, 0.3, 0.4]])).tolist() == pytest.approx([0.6, 0.2, 0.2])


def test_one_photo_is_itself():
    assert average(np.array([[0.25, 0.75]], dtype=np.float32)).tolist() == [0.25, 0.75]


@given(st.integers(0, 2**32 - 1), st.permutations(range(7)))
def test_the_order_of_the_photos_has_no_effect(seed, order):
    probabilities = np.random.default_rng(seed).dirichlet(np.full(5, 0.3), size=7).astype(np.float32)
    assert average(probabilities).tobytes() == average(probabilities[order]).tobytes()
    assert average(probabilities).sum() == pytest.approx(1)


def test_a_photo_without_probabilities_is_not_ignored():
    assert np.isnan(average(np.array([[math.nan, math.nan], [0.5, 0.5]]))).all()


@pytest.mark.parametrize("probabilities", [np.empty((0, 3)), np.array([0.5, 0.5])])
def test_bad_input(probabilities):
    with pytest.raises(ValueError, match="expected probabilities of at least one image, got shape"):
        average(probabilities)
