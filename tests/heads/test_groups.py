import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from twoflow.errors import UserError
from twoflow.heads import HierarchicalClassifier, OutOfScope, SequentialClassifier
from twoflow.heads.groups import read_groups

X = np.random.default_rng(0).normal(size=(12, 3))
CODES = np.arange(12) % 3


def test_groups_of_any_kind_of_table():
    assert read_groups(None) is None and read_groups(["a", "b"]).tolist() == ["a", "b"]
    assert read_groups(np.array([[1], [2]])).tolist() == [1, 2]


@pytest.mark.parametrize("groups, message", [
    (np.array([None, *"abcdefghijk"], dtype=object), "groups: 1 missing .* the first at 0; fill or drop them"),
    (np.where(CODES > 0, CODES, np.nan), "groups: 4 missing"),
    (np.zeros((12, 2)), r"groups: expected shape \(n,\), got \(12, 2\); pass one group for each row"),
])
@pytest.mark.parametrize("fit", [
    lambda groups: HierarchicalClassifier(GaussianNB()).fit(X, CODES, groups),
    lambda groups: OutOfScope("mahalanobis").fit(X, CODES, groups),
    lambda groups: SequentialClassifier().fit(X, np.column_stack([CODES, CODES]), groups),
])
def test_groups_that_are_missing_are_not_guessed(fit, groups, message):
    with pytest.raises(UserError, match=message):
        fit(groups)
