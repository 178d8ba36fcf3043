"""Check the table of scores: which scores apply, and their values."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from twoflow.evaluation.folds import draw_folds
from twoflow.evaluation.scores import SCORES, Score, compute_means, compute_scores, exact_match, scores_for
from twoflow.evaluation.tested import Given, Targets
from twoflow.images.targets import all_right

Y = np.array([["nike", "air"], ["nike", "dunk"], ["puma", "suede"], ["puma", "suede"]])
PREDICTED = np.array([["nike", "dunk"], ["nike", "dunk"], ["nike", "suede"], ["puma", "suede"]])


def test_scores_of_one_target():
    found = compute_scores(Y[:, 1], Given(PREDICTED[:, 1]), Targets(["model"]))
    expected = f1_score(Y[:, 1], PREDICTED[:, 1], average="macro", zero_division=0)
    assert found == {"accuracy": 0.75, "macro_f1": expected}
    assert all(type(value) is float for value in found.values())


def test_scores_of_several_targets():
    found = compute_scores(Y, Given(PREDICTED), Targets(["brand", "model"]))
    assert list(found) == [
        "exact_match", "hamming_loss", "accuracy:brand", "macro_f1:brand", "accuracy:model", "macro_f1:model",
    ]
    assert found["exact_match"] == 0.5
    for position, name in enumerate(("brand", "model")):
        assert found[f"accuracy:{name}"] == accuracy_score(Y[:, position], PREDICTED[:, position])
        assert found[f"macro_f1:{name}"] == f1_score(Y[:, position], PREDICTED[:, position], average="macro")
    labels = [score.label for score in scores_for(Targets(["brand", "model"])).values()]
    assert labels[:3] == ["exact match", "Hamming loss", "accuracy of brand"]


def test_targets_of_different_kinds():
    y = np.array([["a", 1], ["b", 2], ["b", 3]], dtype=object)
    assert exact_match(y, y[[0, 1, 1]]) == pytest.approx(2 / 3)
    found = compute_scores(y, Given(y[[0, 1, 1]]), Targets(["letter", "number"]))
    assert found["accuracy:number"] == pytest.approx(2 / 3)


def test_a_score_is_one_line_of_the_table(monkeypatch):
    monkeypatch.setitem(SCORES, "error", Score("error", lambda y, given: np.mean(y != given), True, False))
    assert compute_scores(Y[:, 1], Given(PREDICTED[:, 1]), Targets(["model"]))["error"] == 0.25
    assert compute_scores(Y, Given(PREDICTED), Targets(["brand", "model"]))["error:model"] == 0.25
    assert list(scores_for(Targets(["model"])))[0] == "accuracy"


def test_predictions_of_one_target_for_several():
    with pytest.raises(ValueError, match=r"expected predictions of shape \(4, 2\).*got \(4,\)"):
        compute_scores(Y, Given(PREDICTED[:, 0]), Targets(["brand", "model"]))


def test_all_targets_must_be_right():
    assert all_right(Y, PREDICTED).tolist() == [False, True, False, True]
    assert all_right(Y[:, 1], PREDICTED[:, 1]).tolist() == [False, True, True, True]


def guess(y, folds, skill=0.8):
    """Predict right with a probability, otherwise a random class."""
    rng = np.random.default_rng(0)
    classes = np.unique(y)
    return [
        np.where(rng.random(len(fold.test)) < skill, y[fold.test], rng.choice(classes, len(fold.test)))
        for fold in folds
    ]


def means_of(y, folds, predicted):
    found = [compute_scores(y[fold.test], Given(own), Targets(["class"])) for fold, own in zip(folds, predicted)]
    scores = {name: np.array([each[name] for each in found]) for name in found[0]}
    return scores, compute_means(scores, y, folds, list(map(Given, predicted)), Targets(["class"]))


@pytest.mark.parametrize("repeats", [1, 3])
def test_macro_f1_is_that_of_all_predictions_of_a_repeat(repeats):
    y = np.repeat([f"class {k}" for k in range(20)], 10)
    folds = draw_folds(y, n_splits=10, repeats=repeats)
    predicted = guess(y, folds)
    scores, means = means_of(y, folds, predicted)
    assert means["accuracy"] == scores["accuracy"].mean()
    expected = [
        f1_score(
            np.concatenate([y[fold.test] for fold in folds if fold.repeat == repeat]),
            np.concatenate([own for fold, own in zip(folds, predicted) if fold.repeat == repeat]), average="macro",
        )
        for repeat in range(repeats)
    ]
    assert means["macro_f1"] == pytest.approx(np.mean(expected))
    assert scores["macro_f1"].mean() < means["macro_f1"] - 0.03  # a mean over small folds is too low


def test_macro_f1_of_random_splits_is_that_of_all_splits():
    y = np.repeat([f"class {k}" for k in range(5)], 20)
    folds = draw_folds(y, test_size=0.1, repeats=8)
    predicted = guess(y, folds)
    expected = f1_score(np.concatenate([y[fold.test] for fold in folds]), np.concatenate(predicted), average="macro")
    assert means_of(y, folds, predicted)[1]["macro_f1"] == expected
