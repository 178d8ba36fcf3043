"""Check the perceptron with dropout, for one target and for several."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks

from twoflow import ColorHistogram, FlowClassifier, SequentialClassifier, load, save
from twoflow.deep import DropoutMLPClassifier
from twoflow.heads.inner_folds import draw_held_out

RNG = np.random.RandomState(0)
X = RNG.rand(80, 5).astype(np.float32)
FINE = np.array(["boot", "clog", "dress", "tee"])[(4 * X[:, 0]).astype(int)]
Y = np.column_stack([np.where(np.isin(FINE, ["boot", "clog"]), "shoe", "garment"), FINE])


def small(**parameters):
    usual = {"hidden_layer_sizes": (8, 4), "max_epochs": 5, "random_state": 0, "device": "cpu"}
    return DropoutMLPClassifier(**{**usual, **parameters})


@pytest.fixture(scope="module")
def joint(torch):
    return small().fit(X, Y)


@parametrize_with_checks(
    [DropoutMLPClassifier((16,), max_epochs=20, dropout=0.1, batch_size=32, learning_rate=0.03, patience=None,
                          random_state=0)],
)
def test_scikit_learns_checks(torch, estimator, check):
    check(estimator)


def log_losses(model, y, rows):
    probability, classes = model.predict_proba(X[rows]), model.classes_
    pairs = zip(probability, classes, y.T) if y.ndim == 2 else [(probability, classes, y)]
    return sum(-np.log(p[np.arange(rows.sum()), np.searchsorted(c, own[rows])]).mean() for p, c, own in pairs)


@pytest.mark.parametrize("y", [FINE, Y], ids=["one", "several"])
def test_stops_early_with_the_best_layers(y, torch):
    groups = np.arange(80) // 2
    model = small(max_epochs=200, learning_rate=0.1, patience=3, validation_fraction=0.25).fit(X, y, groups)
    best = int(np.argmin(model.losses_))
    assert model.epochs_ == len(model.losses_) == best + 4 < 200
    held_out = draw_held_out(FINE, groups, 0.25, np.random.RandomState(0))
    assert held_out.reshape(-1, 2).all(axis=1).sum() * 2 == held_out.sum() > 0, "groups are held out whole"
    assert log_losses(model, y, held_out) == pytest.approx(model.losses_[best], rel=1e-4)


def test_several_targets_share_all_layers_but_the_last(joint):
    assert [classes.tolist() for classes in joint.classes_] == [["garment", "shoe"], ["boot", "clog", "dress", "tee"]]
    assert joint.n_parameters_ == 5 * 8 + 8 + 8 * 4 + 4 + (4 + 1) * 6
    first, second = joint.predict_proba(X)
    assert np.allclose(first.sum(axis=1), 1) and np.allclose(second.sum(axis=1), 1)
    expected = np.column_stack([joint.classes_[0][first.argmax(axis=1)], joint.classes_[1][second.argmax(axis=1)]])
    assert (joint.predict(X) == expected).all()
    assert joint.score(X, Y) == (joint.predict(X) == Y).all(axis=1).mean()


def test_missing_labels_have_no_part_in_the_loss(torch):
    y = Y.astype(object)
    y[:20, 0], y[70:, 1] = None, ""
    model = small(patience=None).fit(X, y)
    assert model.n_labeled_ == {"target 1": 60, "target 2": 70}
    nothing = small(patience=None, max_epochs=1, batch_size=10)
    nothing.fit(X[:30], y[:30])  # two batches without any label of the first target
    assert all(np.isfinite(coef).all() for coef in nothing.coefs_)


def test_dropout_and_weight_decay_change_the_layers(torch):
    base = small(dropout=0, weight_decay=0, patience=None, max_epochs=30, learning_rate=0.03).fit(X, FINE)
    assert (small(dropout=0.5, patience=None, weight_decay=0, max_epochs=30, learning_rate=0.03).fit(X, FINE).coefs_[0]
            != base.coefs_[0]).any()
    decayed = small(dropout=0, weight_decay=10.0, patience=None, max_epochs=30, learning_rate=0.03).fit(X, FINE)
    assert sum(np.square(coef).sum() for coef in decayed.coefs_) < 0.5 * sum(
        np.square(coef).sum() for coef in base.coefs_
    )


def test_the_same_seed_gives_the_same_model(torch):
    expected = small().fit(X, Y).predict_proba(X)
    torch.manual_seed(5)
    before = torch.get_rng_state(), pickle.dumps(np.random.get_state()), torch.get_num_threads()
    again = clone(small()).fit(X, Y).predict_proba(X)
    assert all((one == other).all() for one, other in zip(expected, again))
    assert (before[0] == torch.get_rng_state()).all()
    assert (pickle.dumps(np.random.get_state()), torch.get_num_threads()) == before[1:]
    other = small(random_state=1).fit(X, Y).predict_proba(X)
    assert (other[0] != expected[0]).any()


def test_a_pickle_holds_no_torch_and_answers_without_it(joint, monkeypatch):
    content = pickle.dumps(joint)
    assert b"torch" not in content
    monkeypatch.setattr("twoflow.deep.extra._is_installed", lambda name: False)
    assert (pickle.loads(content).predict(X) == joint.predict(X)).all()
    with pytest.raises(ModuleNotFoundError, match="^DropoutMLPClassifier needs torch and skorch: pip install"):
        small().fit(X, Y)


def test_it_learns_the_later_targets_of_a_sequence(torch):
    model = SequentialClassifier(representation=small(), estimator=small(), random_state=0).fit(X, Y)
    assert model.n_parameters_by_target_ == {"target 1": 4 * 8 + 8 + 36 + 10, "target 2": 48 + 36 + 20}
    assert set(model.epochs_.values()) == {5} and model.predict(X).shape == (80, 2)


def test_a_model_file(shop, torch, tmp_path):
    y = np.array([label.split("/") for label in shop.labels])
    model = FlowClassifier([("color", ColorHistogram(), "passthrough")], small()).fit(shop.images, y)
    save(model, tmp_path / "joint.twoflow")
    loaded = load(tmp_path / "joint.twoflow")
    for found, expected in zip(loaded.predict_proba(shop), model.predict_proba(shop), strict=True):
        assert (found == expected).all()


@pytest.mark.parametrize("parameters", [{"dropout": 1}, {"hidden_layer_sizes": ()}, {"weight_decay": -1}])
def test_bad_parameters(parameters):
    with pytest.raises(ValueError, match=next(iter(parameters))):
        small(**parameters).fit(X, Y)


def test_bad_targets(torch):
    with pytest.raises(ValueError, match="all 80 labels of 'target 2' are a"):
        small().fit(X, np.column_stack([FINE, ["a"] * 80]))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        small().fit(X, Y[:70])
