import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from twoflow.heads import ClassCovariance


def test_covariance_equals_ledoit_wolf():
    X = np.random.default_rng(0).normal(size=(9, 4))
    found = ClassCovariance().fit(X)
    assert (found.covariance_ == LedoitWolf().fit(X).covariance_).all() and found.covariance_.any()


@pytest.mark.filterwarnings("error")
def test_covariance_of_one_row_is_zero():
    assert (ClassCovariance().fit([[1.0, 2.0, 3.0]]).covariance_ == np.zeros((3, 3))).all()
