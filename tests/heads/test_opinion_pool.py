import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import check_grad
from scipy.special import log_softmax, softmax
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline

from twoflow import RawPixels, make_model
from twoflow.heads import KernelRidgeClassifier, LogOpinionPool, OutOfFoldProbabilities
from twoflow.heads.calibration import fit_temperature, smooth_targets
from twoflow.heads.opinion_pool import _log_loss


def draw(weights, n=6000, n_classes=4, seed=0):
    """Draw opinions, pool them with given weights, and draw classes from the pool."""
    rng = np.random.default_rng(seed)
    blocks = log_softmax(rng.normal(size=(n, len(weights), n_classes)) * 2, axis=2)
    p = softmax(np.einsum("b,ibk->ik", weights, blocks), axis=1)
    y = (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return blocks.reshape(n, -1), y, p


class TestLogOpinionPool:
    @pytest.mark.parametrize("weights", [(0.7,), (0.3, 1.1), (1.0, 0.0, 0.5), (0.0, 0.9)])
    def test_weights_are_recovered(self, weights):
        X, y, p = draw(weights)
        pool = LogOpinionPool().fit(X, y)
        np.testing.assert_allclose(pool.weights_, weights, atol=0.06)
        np.testing.assert_allclose(pool.predict_proba(X), p, atol=0.05)
        assert (pool.predict(X) == pool.classes_[pool.predict_proba(X).argmax(axis=1)]).all()

    def test_probabilities_are_the_weighted_geometric_mean(self):
        X, y, _ = draw((0.6, 0.8), n=300)
        pool = LogOpinionPool().fit(X, y)
        mean = np.exp(X[:, :4]) ** pool.weights_[0] * np.exp(X[:, 4:]) ** pool.weights_[1]
        np.testing.assert_allclose(pool.predict_proba(X), mean / mean.sum(axis=1, keepdims=True))

    def test_an_opinion_against_the_truth_gets_no_weight(self):
        """Its best weight would be negative."""
        X, y, _ = draw((1.0, -0.5))
        assert LogOpinionPool().fit(X, y).weights_[1] == 0

    def test_a_constant_opinion_changes_nothing(self):
        X, y, _ = draw((0.8,), n=500)
        nothing = np.log(np.full((500, 4), 0.25))
        alone, beside = LogOpinionPool().fit(X, y), LogOpinionPool().fit(np.hstack([nothing, X]), y)
        assert beside.weights_[1] == pytest.approx(alone.weights_[0], rel=1e-4)

    def test_the_weight_of_one_opinion_is_the_inverse_temperature(self):
        X, y, _ = draw((0.4,), n=500)
        temperature = fit_temperature(X, y, np.ones(500))
        assert LogOpinionPool().fit(X, y).weights_ == pytest.approx([1 / temperature], rel=1e-3)

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, 1000), st.integers(1, 4), st.integers(2, 5))
    def test_gradient(self, seed, n_opinions, n_classes):
        rng = np.random.default_rng(seed)
        blocks = rng.normal(size=(30, n_opinions, n_classes))
        targets = smooth_targets(rng.integers(0, n_classes, 30), n_classes)
        loss, gradient = (lambda weights, i=i: _log_loss(weights, blocks, targets)[i] for i in (0, 1))
        assert check_grad(loss, gradient, rng.random(n_opinions) * 3) < 1e-5

    def test_no_other_weights_are_better(self):
        X, y, _ = draw((0.5, 0.5, 0.2), n=400)
        pool = LogOpinionPool().fit(X, y)
        blocks, targets = X.reshape(400, 3, 4), smooth_targets(y, 4)
        rng = np.random.default_rng(0)
        others = [np.maximum(pool.weights_ + rng.normal(size=3) * 0.02, 0) for _ in range(50)]
        assert _log_loss(pool.weights_, blocks, targets)[0] < min(_log_loss(w, blocks, targets)[0] for w in others)

    def test_probabilities_stay_below_1_if_all_opinions_are_right(self):
        y = np.arange(60) % 3
        pool = LogOpinionPool().fit(np.log(np.eye(3)[y] * 0.8 + 0.1), y)
        assert 0.95 < pool.predict_proba(np.log(np.eye(3) * 0.8 + 0.1)).max() < 0.999

    def test_order_of_rows_and_opinions_does_not_matter(self):
        X, y, _ = draw((0.3, 1.1), n=500)
        weights = LogOpinionPool().fit(X, y).weights_
        order = np.random.default_rng(0).permutation(500)
        np.testing.assert_allclose(LogOpinionPool().fit(X[order], y[order]).weights_, weights, rtol=1e-4)
        np.testing.assert_allclose(LogOpinionPool().fit(np.roll(X, 4, axis=1), y).weights_, weights[::-1], rtol=1e-4)

    def test_labels_and_names_and_pickle(self):
        X, y, _ = draw((0.3, 1.1), n=300)
        labels, names = np.array(list("abcd")), [f"{flow}__{label}" for flow in ("cnn", "pixels") for label in "abcd"]
        frame = pd.DataFrame(X, columns=names)
        pool = LogOpinionPool().fit(frame, labels[y])
        assert pool.classes_.tolist() == labels.tolist() and pool.feature_names_in_.tolist() == names
        again = pickle.loads(pickle.dumps(pool))
        assert (again.predict(frame) == labels[LogOpinionPool().fit(X, y).predict(X)]).all()

    @pytest.mark.parametrize(
        "X, y, message",
        [
            (np.zeros((4, 5)), [0, 0, 1, 1], "expected 2 columns, one for each class, for each opinion, got 5 in all"),
            (np.zeros((4, 2)), [0, 1, 2, 2], "expected 3 columns, one for each class, for each opinion, got 2 in all"),
            (np.zeros((4, 2)), [1, 1, 1, 1], "at least two classes"),
            (np.array([[-np.inf, 0], [0, 0], [0, 0], [0, 0]]), [0, 0, 1, 1], "infinity"),
        ],
    )
    def test_bad_input(self, X, y, message):
        with pytest.raises(ValueError, match=message):
            LogOpinionPool().fit(X, y)
        with pytest.raises(ValueError, match="features"):
            LogOpinionPool().fit(np.zeros((4, 4)), [0, 0, 1, 1]).predict(np.zeros((4, 2)))


def test_pool_of_two_halves_of_digits_beats_either_half():
    X, y = load_digits(return_X_y=True)
    train, test = np.arange(len(y)) % 4 == 0, np.arange(len(y)) % 4 > 0
    opinions = [
        ("top", OutOfFoldProbabilities(RandomForestClassifier(30), random_state=0), slice(32)),
        ("bottom", OutOfFoldProbabilities(KernelRidgeClassifier(), random_state=0), slice(32, 64)),
    ]
    loss, accuracy = [], []
    for parts in (opinions, opinions[:1], opinions[1:]):
        model = make_pipeline(ColumnTransformer(parts), LogOpinionPool()).fit(X[train], y[train])
        loss.append(log_loss(y[test], model.predict_proba(X[test])))
        accuracy.append(model.score(X[test], y[test]))
    assert loss[0] < 0.7 * min(loss[1:]) and accuracy[0] > max(accuracy[1:]) + 0.03


def test_pool_as_the_head_of_a_model(shop):
    """Each flow has a classifier in place of a selector, and the pool is the head."""
    forest = OutOfFoldProbabilities(RandomForestClassifier(10), cv=3)
    model = make_model(
        [("small", RawPixels((4, 3)), forest), ("large", RawPixels((8, 6)), forest)], LogOpinionPool(), random_state=0
    ).fit(shop, shop.labels)
    assert model.head_.weights_.shape == (2,)
    again = clone(model).fit(shop, shop.labels)
    assert (model.predict_proba(shop) == again.predict_proba(shop)).all()
