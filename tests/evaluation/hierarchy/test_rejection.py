"""Check how well certainty separates right from wrong answers: by hand, with ties, and against scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from twoflow import ClassTree
from twoflow.evaluation.hierarchy import rejection
from twoflow.evaluation.hierarchy.answers import compare_paths

Y = np.array([["a", "x"], ["a", "y"], ["b", "z"], ["b", "z"]])
TREE = ClassTree.from_labels(Y)
WRONG = np.array([["a", "x"], ["a", "x"], ["b", "z"], ["a", "x"]])  # the second and the fourth are wrong


def answers(certainty, y=Y, predicted=WRONG, full=None, scope=None, tree=TREE):
    return compare_paths(tree, y, predicted, full, certainty, scope)


def test_risk_by_hand():
    found = answers(np.array([0.9, 0.8, 0.7, 0.6]))  # right, wrong, right, wrong
    risks = [0, 1 / 2, 1 / 3, 2 / 4]
    assert rejection.risk_area(found) == pytest.approx(np.mean(risks))
    assert rejection.excess_risk_area(found) == pytest.approx(np.mean(risks) - np.mean([0, 0, 1 / 3, 2 / 4]))
    assert rejection.right_auroc(found) == 3 / 4
    curve = rejection.draw_risk(found)
    assert curve.risk[[4, 9, 14, 19]].tolist() == pytest.approx(risks) and curve.area == pytest.approx(np.mean(risks))


def test_equal_certainties_have_no_order():
    for certainty in (np.ones(4), np.array([0.5, 0.5, 0.5, 0.5])):
        found = answers(certainty)
        assert rejection.risk_area(found) == pytest.approx(0.5) and rejection.right_auroc(found) == 0.5
    tied = np.array([0.9, 0.9, 0.1, 0.1])
    assert rejection.risk_by_coverage(tied, np.array([False, True, True, True])).tolist() == [1/2, 1/2, 2/3, 3/4]


def test_answers_before_fallback_count():
    stopped = WRONG.copy()
    stopped[:, 1] = "unknown"
    certainty = np.array([0.9, 0.8, 0.7, 0.6])
    after, before = answers(certainty, predicted=stopped, full=WRONG), answers(certainty)
    assert rejection.risk_area(after) == rejection.risk_area(before) and not after.is_right.any()


def test_the_scope_s_own_score_comes_first():
    y = np.array([["a", "x"], ["b", "z"], ["unknown", "unknown"]])
    certainty = np.array([0.5, 0.9, 0.7])
    plain = answers(certainty, y, y)
    assert rejection.scope_auroc(plain) == 0.5
    assert rejection.scope_auroc(answers(certainty, y, y, scope=np.array([2.0, 3.0, 1.0]))) == 1
    assert math.isnan(rejection.right_auroc(plain))  # of the images in scope none is wrong


def test_nothing_to_compare():
    found = answers(None)
    assert rejection.draw_risk(found) is None
    scores = (rejection.risk_area, rejection.excess_risk_area, rejection.right_auroc, rejection.scope_auroc)
    assert all(math.isnan(score(found)) for score in scores)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=30))
def test_bounds_and_scikit_learn(rows):
    certainty = np.array([row[0] / 3 for row in rows])
    is_right = np.array([row[1] for row in rows])
    y = np.array([["a", "x"]] * len(rows))
    predicted = np.where(is_right[:, None], y, [["b", "z"]])
    found = answers(certainty, y, predicted)
    assert -1e-12 <= rejection.excess_risk_area(found) <= rejection.risk_area(found) + 1e-12 <= 1 + 2e-12
    assert rejection.risk_by_coverage(certainty, ~is_right)[-1] == pytest.approx(1 - is_right.mean())
    if len(set(is_right.tolist())) == 2:
        assert rejection.right_auroc(found) == pytest.approx(roc_auc_score(is_right, certainty))
