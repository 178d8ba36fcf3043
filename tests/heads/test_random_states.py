import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from twoflow.errors import UserError
from twoflow.heads.random_states import seeded


def test_a_class_in_place_of_an_estimator_is_refused():
    with pytest.raises(UserError, match=r"got the class LogisticRegression; write LogisticRegression\(\)"):
        seeded(LogisticRegression, np.random.RandomState(0))
