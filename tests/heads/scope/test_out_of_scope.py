"""Check the estimator that recognizes images of none of the classes."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow import HierarchicalClassifier
from twoflow.errors import UserError
from twoflow.heads import UNKNOWN, KernelRidgeClassifier, OutOfScope
from twoflow.heads.scope import SCORES

CENTERS = np.random.default_rng(1).normal(size=(9, 40))
N_KNOWN = 6


def draw(classes, n, seed):
    """Draw rows of some classes; they come in pairs, the groups, that are nearly the same."""
    rng = np.random.default_rng(seed)
    y = rng.choice(classes, n // 2).repeat(2)
    items = 0.8 * rng.normal(size=(n // 2, 40)).repeat(2, axis=0)
    return (CENTERS[y] + items + 0.1 * rng.normal(size=(n, 40))).astype(np.float32), y, np.arange(n) // 2


@pytest.fixture(scope="module")
def known():
    return draw(range(N_KNOWN), 240, seed=2)


@pytest.fixture(scope="module")
def new():
    """Rows of the known classes, of classes that are like them, and of nothing like them."""
    far = np.random.default_rng(3).normal(size=(60, 40)).astype(np.float32) + 3
    return draw(range(N_KNOWN), 300, seed=4)[0], draw(range(N_KNOWN, 9), 100, seed=5)[0], far


@pytest.fixture(scope="module")
def asked(known):
    """A function from rows to probabilities, and those of the known rows from models without their groups."""
    X, y, groups = known
    model = KernelRidgeClassifier().fit(X, y, groups)
    return model.predict_proba, model.leave_out_probabilities_


@pytest.fixture(scope="module")
def fitted(known, asked):
    X, y, groups = known
    return {
        name: OutOfScope(name, n_components=20, random_state=0).fit(X, y, groups, probabilities=asked[1])
        for name in (*SCORES, "auto")
    }


@parametrize_with_checks([OutOfScope("mahalanobis", cv=2, random_state=0)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("name", SCORES)
def test_known_classes_are_answered_and_others_are_not(name, fitted, new, asked):
    scope, (inside, near, far) = fitted[name], new
    shares = [(scope.score_samples(X, asked[0](X)) >= scope.threshold_).mean() for X in (inside, near, far)]
    assert shares[0] > 0.9 and scope.answered_ >= 0.95 and scope.score_ == name
    assert shares[1] < shares[0] - 0.25 and shares[2] < shares[0] - 0.4


@pytest.mark.parametrize("name", ["mahalanobis", "neighbors", "combined"])
def test_what_is_far_is_rejected_whatever_its_class_looks_like(name, fitted, known):
    X = known[0][:20].copy()
    X[:, ::2] *= -5
    assert (fitted[name].score_samples(X) < fitted[name].threshold_).all()


def test_auto_takes_the_score_that_is_best_on_held_out_classes(fitted):
    scope = fitted["auto"]
    assert set(scope.auroc_) == set(SCORES)
    assert scope.auroc_[scope.score_] >= max(scope.auroc_.values()) - 1e-6
    assert scope.auroc_[scope.score_] > 0.9
    assert fitted["combined"].auroc_.keys() == {"combined"} and fitted["vim"].auroc_ == {}


def test_auto_without_probabilities_tries_the_other_scores(known):
    scope = OutOfScope(n_components=5, random_state=0).fit(*known)
    assert set(scope.auroc_) == {name for name, score in SCORES.items() if not score.uses_probabilities}


def test_the_score_of_rows_does_not_depend_on_others_or_on_their_norm(fitted, new):
    X = new[0][:10]
    for name in ("indicator", "energy", "vim", "mahalanobis", "neighbors", "combined"):
        together = fitted[name].score_samples(X)
        alone = np.concatenate([fitted[name].score_samples(row[None]) for row in X])
        assert together == pytest.approx(alone, abs=1e-4), name
        assert together == pytest.approx(fitted[name].score_samples(X * 7), abs=1e-4), name


@pytest.mark.parametrize("name", ["probability", "entropy"])
def test_scores_of_probabilities(name, fitted, new):
    logits = np.array([[9.0, 0, 0], [1, 0, 0], [0, 0, 0]])
    scores = fitted[name].score_samples(new[0][:3], softmax(logits, axis=1))
    assert (np.diff(scores) < 0).all()
    with pytest.raises(ValueError, match="expected probabilities of the classifier for this score, got none"):
        fitted[name].score_samples(new[0])


def test_the_same_seed_gives_the_same_scores_and_rows_may_come_in_any_order(known, new, fitted):
    X, y, groups = known
    again = clone(fitted["combined"]).fit(X, y, groups)
    assert (again.score_samples(new[1]) == fitted["combined"].score_samples(new[1])).all()
    order = np.random.default_rng(0).permutation(len(X))
    shuffled = OutOfScope("mahalanobis", n_components=20, random_state=0).fit(X[order], y[order], groups[order])
    assert shuffled.score_samples(new[0]) == pytest.approx(fitted["mahalanobis"].score_samples(new[0]), rel=0.05)


def test_groups_stay_together_where_rows_are_held_out(known):
    """Each row has a near copy, which makes held-out rows look nearer than new ones are."""
    X, y, groups = known
    kept, split = (OutOfScope("neighbors", random_state=0).fit(X, y, own).threshold_ for own in (groups, None))
    assert kept < split


@pytest.mark.parametrize("answered", [0.8, 0.95, 1.0])
def test_the_share_that_is_answered(known, answered):
    scope = OutOfScope("indicator", answered=answered, random_state=0).fit(*known)
    assert answered <= scope.answered_ <= answered + 2 / len(known[1])


def test_given_images_set_and_test_the_threshold(known, new, asked):
    X, y, groups = known
    scope = OutOfScope("neighbors", random_state=0)
    plain = clone(scope).fit(X, y, groups)
    assert plain.outside_rejected_ is None and plain.n_outside_tested_ == 0
    given = scope.fit(X, y, groups, outside=new[2], outside_groups=np.arange(60) // 3)
    assert given.threshold_ <= plain.threshold_ and given.answered_ >= plain.answered_
    assert given.n_outside_tested_ == 30 and given.outside_rejected_ > 0.9
    by_proba = OutOfScope("probability", random_state=0).fit(
        X, y, groups, probabilities=asked[1], outside=new[2], outside_probabilities=asked[0](new[2])
    )
    assert 0 <= by_proba.outside_rejected_ <= 1


def test_auto_looks_at_the_given_images_too(known):
    X, y, groups = known
    far = np.abs(X[:40]) * 3
    scope = OutOfScope(n_components=20, random_state=0).fit(X, y, groups, outside=far)
    assert scope.outside_rejected_ > 0.9 and scope.auroc_.keys() >= {"indicator", "combined"}


def test_a_class_of_one_row_does_not_lower_the_threshold(known):
    X, y, groups = known
    odd = np.append(X, 4 * np.ones((1, 40), np.float32), axis=0), np.append(y, 99), np.append(groups, 999)
    plain, more = (OutOfScope("mahalanobis", answered=1.0, random_state=0).fit(*each) for each in (known, odd))
    assert more.threshold_ > plain.threshold_ - 3 and more.score_samples(odd[0][-1:])[0] >= more.threshold_


def test_many_rows_are_drawn(known):
    scope = OutOfScope("combined", max_samples=100, n_components=10, random_state=0).fit(*known)
    assert scope.n_samples_ == 100 == len(scope.parameters_["rows"])


def test_columns_that_are_constant_and_rows_of_zeros(known):
    X, y, groups = known
    X = np.hstack([X, np.ones_like(X[:, :3])])
    X[0] = 0
    scope = OutOfScope("combined", n_components=10, random_state=0).fit(X, y, groups)
    assert np.isfinite(scope.score_samples(X)).all()


ERRORS = {
    "at least 3 classes to hold some out, got 2": lambda X, y, g: OutOfScope().fit(X[y < 2], y[y < 2]),
    "at least two classes": lambda X, y, g: OutOfScope("energy").fit(X, np.ones(len(X))),
    "at least 4 out-of-scope images, got 3": lambda X, y, g: OutOfScope("energy").fit(X, y, outside=X[:3]),
    "of at least 2 groups, got 1": lambda X, y, g: OutOfScope("energy").fit(
        X, y, outside=X[:5], outside_groups=np.zeros(5)
    ),
    "expected probabilities for criterion='entropy', got none": lambda X, y, g: OutOfScope("entropy").fit(X, y),
    "inconsistent numbers of samples": lambda X, y, g: OutOfScope("energy").fit(X, y, g[1:]),
    "X has 39 features": lambda X, y, g: OutOfScope("energy").fit(X, y, outside=X[:9, 1:]),
    "at least 2 groups, got 1": lambda X, y, g: OutOfScope("energy").fit(X, y, np.zeros(len(X))),
    "'criterion' parameter": lambda X, y, g: OutOfScope("best").fit(X, y),
    "'answered' parameter": lambda X, y, g: OutOfScope(answered=0).fit(X, y),
}


@pytest.mark.parametrize("message", ERRORS)
def test_errors_say_what_to_do(message, known):
    with pytest.raises(ValueError, match=message):
        ERRORS[message](*known)


def test_a_hierarchy_answers_unknown_before_it_falls_back(known, new):
    X, y, groups = known
    labels = [(f"kind {code // 2}", f"class {code}") for code in y]
    far, n = new[2], len(new[2])
    model = HierarchicalClassifier(
        KernelRidgeClassifier(), fallback=0.5, scope=OutOfScope("neighbors"), cv=2, random_state=0
    )
    given = [*labels, *[(UNKNOWN, "")] * n]
    model.fit(np.vstack([X, far]), given, np.concatenate([groups, groups.max() + 1 + np.arange(n)]))
    assert model.scope_.n_outside_tested_ == n // 2 and model.scope_.outside_rejected_ > 0.9
    is_out = model.scope_scores(far) < model.scope_.threshold_
    assert is_out.mean() > 0.9
    paths, reasons = model.predict_path(far), model.explain_fallback(far)
    assert {paths[row] for row in np.flatnonzero(is_out)} == {()}
    assert all("looks like nothing in the training images" in reasons[row] for row in np.flatnonzero(is_out))
    assert (model.predict(new[0])[:, 0] != UNKNOWN).mean() > 0.85


@pytest.mark.parametrize("X", [np.ones((12, 5)), np.zeros((12, 5)), np.arange(1.0, 13.0)[:, None]])
def test_rows_that_are_equal_but_for_their_norm_are_refused(X):
    """Otherwise the threshold is above the score of every image."""
    with pytest.raises(UserError, match="got 12 rows that are equal after scaling to unit norm .n_features"):
        OutOfScope(random_state=0).fit(X, np.arange(12) % 3)
