import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from twoflow.heads import KernelRidgeClassifier
from twoflow.heads.dual_ridge import compute_kernel, solve
from twoflow.heads.ties import TOLERANCE, credit, first_of_best
from twoflow.models import ChoosingClassifier, SelectingClassifier

ALPHAS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)


def perturbed(values, seed):
    return values + 1e-12 * np.random.default_rng(seed).normal(size=np.shape(values))


def test_first_of_best():
    assert first_of_best([0.2, 0.9, 0.9, 0.1]) == 1 and first_of_best([0.3]) == 0
    assert {first_of_best(perturbed([0.2, 0.9, 0.9, 0.9], seed)) for seed in range(20)} == {1}
    assert first_of_best([0.9 - 2 * TOLERANCE, 0.9]) == 1


def test_credit():
    scores = np.array([[0.5, 0.5, 0.0], [0.2, 0.3, 0.5], [1 / 3, 1 / 3, 1 / 3], [0.6, 0.4, 0.0]])
    assert credit(scores, np.array([1, 2, 0, 1])) == pytest.approx([1 / 2, 1, 1 / 3, 0])
    assert {tuple(credit(perturbed(scores, seed), np.array([1, 2, 0, 1]))) for seed in range(20)} == {
        (1 / 2, 1, 1 / 3, 0)
    }


def test_the_largest_ridge_wins_if_features_say_nothing():
    """Each of four rows is there once with each label, and left out with its copy: all scores are 1/2."""
    X = np.repeat(np.eye(4), 2, axis=0)
    y, groups = np.arange(8) % 2, np.arange(8) // 2
    found = [KernelRidgeClassifier(ALPHAS).fit(perturbed(X, seed), y, groups) for seed in range(20)]
    assert {model.alpha_ for model in found} == {3.0}
    assert {model.leave_out_accuracy_ for model in found} == {0.5}


def test_rounding_does_not_choose_the_ridge():
    """A third of the rows has a copy with another label, so many scores tie, and the accuracies of most ridges do."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 60)), np.arange(40) % 4
    X += 4 * rng.normal(size=(4, 60))[y]
    X, y = np.concatenate([X, X[:20]]), np.concatenate([y, (y[:20] + 1) % 4])
    groups = np.concatenate([np.arange(40), np.arange(20)])
    accuracy = {alpha: KernelRidgeClassifier((alpha,)).fit(X, y, groups).leave_out_accuracy_ for alpha in ALPHAS}
    assert len(set(np.round(list(accuracy.values()), 9))) < len(ALPHAS)
    for weight in (None, {0: 0.3, 1: 0.7, 2: 1.1, 3: 0.9}):
        found = {
            KernelRidgeClassifier(ALPHAS, class_weight=weight).fit(perturbed(X, seed), y, groups).alpha_
            for seed in range(20)
        }
        assert len(found) == 1


def test_at_a_tie_of_accuracies_the_least_squared_error_wins():
    """Two far classes: every ridge is right on all rows, and larger ones shrink the scores."""
    X = np.repeat([[0.0, 10.0], [10.0, 0.0]], 10, axis=0) + np.random.default_rng(0).normal(size=(20, 2))
    codes = np.arange(20) // 10
    kernel, share, targets = compute_kernel(X), np.full(20, 1 / 20), np.eye(2)[codes]
    each = [solve(kernel, targets, share, np.arange(20), np.array([alpha])) for alpha in ALPHAS]
    errors = [((targets - solution.scores) ** 2).sum() for solution in each]
    assert all((solution.scores.argmax(axis=1) == codes).all() for solution in each)
    assert solve(kernel, targets, share, np.arange(20), np.array(ALPHAS)).alpha == ALPHAS[int(np.argmin(errors))]


@pytest.mark.parametrize("head", [KNeighborsClassifier(1), KernelRidgeClassifier()])
def test_rounding_does_not_choose_the_candidate(head):
    """The second candidate has the same columns in another order."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 10)) + 2 * rng.normal(size=(3, 10))[np.arange(60) % 3]
    both = [(name, SelectingClassifier([("all", "passthrough", columns)], head))
            for name, columns in (("first", list(range(10))), ("turned", list(range(10))[::-1]))]
    chosen = {
        ChoosingClassifier(order, random_state=0).fit(perturbed(X, seed), np.arange(60) % 3).chosen_
        for seed in range(5) for order in (both, [("first", both[1][1]), ("turned", both[0][1])])
    }
    assert chosen == {"first"}
