"""Check scores of answered paths: by hand, their symmetries, and what they say if there is nothing to score."""

import math

import numpy as np
import pytest

from twoflow import ClassTree
from twoflow.evaluation.hierarchy import path_scores
from twoflow.evaluation.hierarchy.answers import certainty_of, compare_paths
from twoflow.evaluation.scores import compute_scores, scores_for
from twoflow.evaluation.tested import Given, Targets

NAMES = ["kind", "model"]
# Each row: the true labels, the answer, and how many labels of the two paths, and in common, there are.
TABLE = [
    (("shoes", "boot"), ("shoes", "boot"), 2, 2, 2),  # right
    (("shoes", "boot"), ("shoes", "clog"), 2, 2, 1),  # wrong inside the right kind
    (("shoes", "clog"), ("bags", "tote"), 2, 2, 0),  # wrong kind
    (("shoes", "clog"), ("shoes", "unknown"), 2, 1, 1),  # stops early
    (("bags", "tote"), ("unknown", "unknown"), 2, 0, 0),  # not answered
    (("shoes", ""), ("shoes", "clog"), 1, 1, 1),  # partly labeled: right as far as is known
    (("hats", ""), ("hats", ""), 1, 1, 1),  # a path that ends early
    (("hats", ""), ("shoes", "boot"), 1, 2, 0),
    (("unknown", "unknown"), ("unknown", "unknown"), 0, 0, 0),  # out of scope, rejected
    (("unknown", "unknown"), ("bags", "tote"), 0, 2, 0),  # out of scope, answered
]
Y = np.array([row[0] for row in TABLE])
PREDICTED = np.array([row[1] for row in TABLE])
TREE = ClassTree.from_labels(Y, NAMES)
TARGETS = Targets(NAMES, TREE, has_outside=True)

#: By hand, from the table.
EXPECTED = {
    "exact_match": 4 / 10,
    "hierarchical_precision": 6 / 13,
    "hierarchical_recall": 6 / 13,
    "hierarchical_f1": 6 / 13,
    "near_errors": 1 / 4,
    "risk": 4 / 8,
    "unknown": 2 / 10,
    "stopped:kind": 1 / 10,
    "outside_rejected": 1 / 2,
    "accuracy:kind": 6 / 10,
    "accuracy:model": 2 / 7,
    "conditional_accuracy:model": 1 / 3,
}


def test_lengths_of_paths():
    found = compare_paths(TREE, Y, PREDICTED)
    for name, column in (("n_true", 2), ("n_given", 3), ("n_right", 4)):
        assert getattr(found, name).tolist() == [row[column] for row in TABLE], name


@pytest.mark.parametrize("name", EXPECTED)
def test_scores_by_hand(name):
    assert compute_scores(Y, Given(PREDICTED), TARGETS)[name] == pytest.approx(EXPECTED[name], abs=1e-12)


def test_macro_f1_has_no_class_for_what_is_not_answered():
    # boot: one of two found, one other answer; clog: none of two; tote: none of one; unknown: one of two, no other.
    found = compute_scores(Y, Given(PREDICTED), TARGETS)["macro_f1:model"]
    of_boot, of_unknown = 2 * 1 / (2 + 1), 2 * 1 / (2 + 3)
    assert found == pytest.approx((of_boot + 0 + 0 + of_unknown) / 4)


def test_every_score_that_is_listed_is_computed_and_only_scopes_need_images_out_of_scope():
    inside = Targets(NAMES, TREE)
    assert set(scores_for(TARGETS)) - set(scores_for(inside)) == {"scope_auroc", "outside_rejected"}
    assert list(compute_scores(Y, Given(PREDICTED), TARGETS)) == list(scores_for(TARGETS))
    assert next(iter(scores_for(TARGETS))) == "exact_match"
    labels = {name: score.label for name, score in scores_for(TARGETS).items()}
    assert labels["stopped:kind"] == "stopped at kind"
    assert labels["conditional_accuracy:model"] == "conditional accuracy of model"


def test_the_order_of_images_and_the_names_of_classes_do_not_matter():
    rng = np.random.default_rng(0)
    given = Given(PREDICTED, None, rng.random(10), rng.random(10))
    expected = compute_scores(Y, given, TARGETS)
    order = rng.permutation(10)
    shuffled = compute_scores(Y[order], Given(PREDICTED[order], None, given[2][order], given[3][order]), TARGETS)
    new = {label: label if label in ("", "unknown") else f"z{label[::-1]}" for label in np.unique([Y, PREDICTED])}
    y, predicted = (np.vectorize(new.get)(labels) for labels in (Y, PREDICTED))
    targets = Targets(NAMES, ClassTree.from_labels(y, NAMES), True)
    renamed = compute_scores(y, given._replace(predicted=predicted), targets)
    assert shuffled == pytest.approx(expected, nan_ok=True) and renamed == pytest.approx(expected, nan_ok=True)


def test_one_name_under_two_parents():
    y = np.array([["shoes", "basic"], ["bags", "basic"]])
    found = compute_scores(y, Given(y[::-1]), Targets(NAMES, ClassTree.from_labels(y, NAMES)))
    # The name is right, the path is not.
    assert found["accuracy:model"] == 1 and found["exact_match"] == found["hierarchical_f1"] == 0


def test_three_levels_and_numbers():
    y = np.array([["a", "b", 1], ["a", "b", 2], ["a", "c", 3]], dtype=object)
    predicted = np.array([["a", "b", 2], ["a", "unknown", "unknown"], ["a", "c", 3]], dtype=object)
    names = ["x", "y", "z"]
    found = compute_scores(y, Given(predicted), Targets(names, ClassTree.from_labels(y, names)))
    assert found["stopped:x"] == pytest.approx(1 / 3) and found["stopped:y"] == 0
    assert found["conditional_accuracy:y"] == pytest.approx(2 / 3) and found["conditional_accuracy:z"] == 0.5
    assert found["hierarchical_precision"] == pytest.approx(6 / 7)
    assert found["hierarchical_recall"] == pytest.approx(6 / 9)


def test_nothing_to_score_is_no_zero():
    nothing = np.full((3, 2), "unknown")
    y = np.array([["shoes", "boot"], ["bags", "tote"], ["shoes", "clog"]])
    found = compute_scores(y, Given(nothing), TARGETS)
    for name in ("hierarchical_precision", "hierarchical_f1", "risk", "near_errors", "conditional_accuracy:model",
                 "risk_area", "excess_risk_area", "right_auroc", "scope_auroc", "outside_rejected"):
        assert math.isnan(found[name]), name
    assert found["hierarchical_recall"] == found["exact_match"] == 0 and found["unknown"] == 1
    no_fine = compute_scores(Y[6:8], Given(PREDICTED[6:8]), TARGETS)
    assert math.isnan(no_fine["accuracy:model"]) and math.isnan(no_fine["macro_f1:model"])


def test_all_right_has_no_errors():
    found = compare_paths(TREE, Y, Y)
    assert path_scores.exact_match(found) == path_scores.hierarchical_f1(found) == 1 and path_scores.risk(found) == 0
    assert math.isnan(path_scores.near_errors(found))


def test_certainty_is_the_probability_of_the_finest_label():
    full = np.array([["shoes", "boot"], ["hats", ""], ["shoes", "none"]])
    shares = [np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), np.array([[0.6, 0.4]] * 3)]
    classes = [np.array(["hats", "shoes"]), np.array(["boot", "clog"])]
    assert certainty_of(full, shares, classes).tolist() == [0.6, 0.8, 0.7]
    assert certainty_of(full, None, classes) is None
