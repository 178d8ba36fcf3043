"""Check the perceptron that stops early with groups kept together."""

import numpy as np
import pytest
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow.heads import EarlyStoppingMLPClassifier
from twoflow.heads.inner_folds import draw_held_out

RNG = np.random.RandomState(0)
X = RNG.rand(80, 4).astype(np.float32)
Y = np.array(["boot", "clog", "tee"])[(3 * X[:, 0]).astype(int)]


def small(**parameters):
    return EarlyStoppingMLPClassifier((8, 4), **{"max_epochs": 10, "random_state": 0, **parameters})


@parametrize_with_checks([EarlyStoppingMLPClassifier((16,), max_epochs=20, batch_size=32, learning_rate=0.03,
                                                     patience=None, random_state=0)])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("y", [Y, Y == "boot"])
def test_it_answers_as_scikit_learns_perceptron(y):
    model = small(patience=None, alpha=0.01).fit(X, y)
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    same = MLPClassifier((8, 4), alpha=0.8, batch_size=80, max_iter=10, random_state=seed)
    assert abs(model.scale_ - np.sqrt(X.var(axis=0).mean())) < 1e-6
    inputs = (X - model.mean_) / model.scale_
    for _ in range(10):
        same.partial_fit(inputs, y, classes=np.unique(y))
    np.testing.assert_allclose(model.predict_proba(X), same.predict_proba(inputs), rtol=1e-4, atol=1e-6)
    assert model.epochs_ == 10 and model.losses_ == []
    assert model.n_parameters_ == 4 * 8 + 8 + 8 * 4 + 4 + (4 + 1) * (3 if len(set(y)) == 3 else 1)


def test_stops_early_with_the_best_layers():
    groups = np.arange(80) // 2
    model = small(max_epochs=200, learning_rate=0.2, patience=3, validation_fraction=0.25).fit(X, Y, groups)
    best = int(np.argmin(model.losses_))
    assert model.epochs_ == len(model.losses_) == best + 4 < 200
    held_out = draw_held_out(np.unique(Y, return_inverse=True)[1], groups, 0.25, np.random.RandomState(0))
    assert held_out.reshape(-1, 2).all(axis=1).sum() * 2 == held_out.sum() > 0, "groups are held out whole"
    loss = log_loss(Y[held_out], model.predict_proba(X[held_out]))
    assert loss == pytest.approx(model.losses_[best], rel=1e-4)


def test_the_scale_of_features_has_no_effect():
    answers = [small().fit(scale * X, Y).predict_proba(scale * X) for scale in (1, 1000)]
    np.testing.assert_allclose(*answers, rtol=1e-3, atol=1e-5)


def test_the_hidden_layer():
    model = small()
    assert (model.fit_transform(X, Y) == model.transform(X)).all()
    assert model.transform(X).shape == (80, 4) and model.transform(X).min() >= 0


@pytest.mark.parametrize("sizes", [(), (0,), (8, 1.5), 8, "ab"])
def test_bad_layers(sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        EarlyStoppingMLPClassifier(sizes).fit(X, Y)


@pytest.mark.parametrize(("groups", "unit"), [(None, "rows"), ([0, 0, 1], "groups")])
def test_nothing_can_be_held_out_of_single_rows(groups, unit):
    y = ["a", "b", "c"] if groups is None else ["a", "a", "b"]
    with pytest.raises(ValueError, match=f"at least 2 {unit} to stop early, got 1; set patience=None"):
        small().fit(X[:3], y, groups=groups)
