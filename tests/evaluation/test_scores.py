"""Check the table of scores: which scores apply, and their values."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from twoflow.evaluation.scores import SCORES, Score, compute_scores, exact_match, scores_for

Y = np.array([["nike", "air"], ["nike", "dunk"], ["puma", "suede"], ["puma", "suede"]])
PREDICTED = np.array([["nike", "dunk"], ["nike", "dunk"], ["nike", "suede"], ["puma", "suede"]])


def test_scores_of_one_target():
    found = compute_scores(Y[:, 1], PREDICTED[:, 1], ["model"])
    expected = f1_score(Y[:, 1], PREDICTED[:, 1], average="macro", zero_division=0)
    assert found == {"accuracy": 0.75, "macro_f1": expected}
    assert all(type(value) is float for value in found.values())


def test_scores_of_several_targets():
    found = compute_scores(Y, PREDICTED, ["brand", "model"])
    assert list(found) == ["exact_match", "accuracy:brand", "macro_f1:brand", "accuracy:model", "macro_f1:model"]
    assert found["exact_match"] == 0.5
    for position, name in enumerate(("brand", "model")):
        assert found[f"accuracy:{name}"] == accuracy_score(Y[:, position], PREDICTED[:, position])
        assert found[f"macro_f1:{name}"] == f1_score(Y[:, position], PREDICTED[:, position], average="macro")
    labels = [score.label for score in scores_for(["brand", "model"]).values()]
    assert labels[:2] == ["exact match", "accuracy of brand"]


def test_targets_of_different_kinds():
    y = np.array([["a", 1], ["b", 2], ["b", 3]], dtype=object)
    assert exact_match(y, y[[0, 1, 1]]) == pytest.approx(2 / 3)
    assert compute_scores(y, y[[0, 1, 1]], ["letter", "number"])["accuracy:number"] == pytest.approx(2 / 3)


def test_a_score_is_one_line_of_the_table(monkeypatch):
    monkeypatch.setitem(SCORES, "error", Score("error", lambda y, given: np.mean(y != given), True, False))
    assert compute_scores(Y[:, 1], PREDICTED[:, 1], ["model"])["error"] == 0.25
    assert compute_scores(Y, PREDICTED, ["brand", "model"])["error:model"] == 0.25
    assert list(scores_for(["model"]))[0] == "accuracy"


def test_predictions_of_one_target_for_several():
    with pytest.raises(ValueError, match=r"expected predictions of shape \(4, 2\).*got \(4,\)"):
        compute_scores(Y, PREDICTED[:, 0], ["brand", "model"])
