import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from twoflow.heads import ClassCovariance


def test_it_is_that_of_ledoit_and_wolf():
    X = np.random.default_rng(0).normal(size=(9, 4))
    found = ClassCovariance().fit(X)
    assert (found.covariance_ == LedoitWolf().fit(X).covariance_).all() and found.covariance_.any()


@pytest.mark.filterwarnings("error")
def test_a_single_row_has_none():
    assert (ClassCovariance().fit([[1.0, 2.0, 3.0]]).covariance_ == np.zeros((3, 3))).all()
