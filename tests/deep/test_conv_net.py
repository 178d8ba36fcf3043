import inspect
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_score

from twoflow import compare, make_model, make_shop
from twoflow.deep import ConvNetClassifier
from twoflow.deep.conv_net import read_pixels
from twoflow.flows import RawPixels
from twoflow.heads.inner_folds import draw_held_out

from ..classifier_checks import CLASSIFIER_CHECKS
from ..sklearn_checks import REPLACED_FOR_CLASSIFIERS, sklearn_checks


def small(**parameters):
    return ConvNetClassifier((16, 16), **{"max_epochs": 2, "batch_size": 8, "random_state": 0, **parameters})


@pytest.fixture(scope="module")
def fitted(torch, shop):
    return small().fit(shop, shop.labels)


def test_scikit_learns_checks():
    names = set()
    for estimator, check in sklearn_checks(ConvNetClassifier(), REPLACED_FOR_CLASSIFIERS, CLASSIFIER_CHECKS):
        check(estimator)
        names.add(check.func.__name__)
    assert {"check_get_params_invariance", "check_no_attributes_set_in_init"} <= names


@pytest.mark.parametrize("check", CLASSIFIER_CHECKS, ids=lambda check: check.__name__)
def test_what_every_classifier_of_images_promises(check, shop, torch, tmp_path):
    extra = [tmp_path] if "folder" in inspect.signature(check).parameters else []
    check(small(max_epochs=12, learning_rate=1e-2, patience=None), shop, *extra)


def test_several_targets_are_refused(shop):
    with pytest.raises(ValueError, match="1d array"):
        small().fit(shop, np.stack([shop.labels, shop.labels], axis=1))


def test_groups_are_those_of_the_collection(shop, torch):
    groups = np.arange(len(shop)) // 2
    expected = small().fit(shop, groups=groups).predict_proba(shop)
    assert (small().fit(shop.grouped(groups)).predict_proba(shop) == expected).all()


def test_learns_and_predicts(torch):
    """Two kinds of product, whatever their model: better than chance on images it has not seen."""
    shop = make_shop(n_classes=4, n_per_class=20, random_state=0)
    kinds = np.array([label.split("/")[0] for label in shop.labels])
    train, test = np.arange(len(shop)) % 4 > 0, np.arange(len(shop)) % 4 == 0
    model = ConvNetClassifier((32, 32), max_epochs=15, batch_size=8, random_state=0).fit(shop[train], kinds[train])
    assert model.score(shop[test], kinds[test]) >= 0.75
    probability = model.predict_proba(shop[test])
    assert probability.shape == (20, 2) and np.allclose(probability.sum(axis=1), 1)
    assert (model.classes_[probability.argmax(axis=1)] == model.predict(shop[test])).all()


def test_history_and_training_accuracy(shop, torch):
    model = small(max_epochs=3, patience=None).fit(shop, shop.labels)
    assert [set(epoch) for epoch in model.history_] == [{"epoch", "train_loss", "seconds"}] * 3
    assert model.train_accuracy_ == model.score(shop, shop.labels)
    model = small(max_epochs=3).fit(shop, shop.labels)
    assert [epoch["epoch"] for epoch in model.history_] == [1, 2, 3]
    assert all({"valid_loss", "valid_accuracy"} < set(epoch) for epoch in model.history_)


def test_stops_early_with_the_best_weights(shop, torch):
    """So large a step that the loss on the held-out images soon grows."""
    model = small(max_epochs=40, learning_rate=0.3, patience=2, validation_fraction=0.25).fit(shop, shop.labels)
    losses = [epoch["valid_loss"] for epoch in model.history_]
    best = int(np.argmin(losses))
    assert len(losses) < 40 and len(losses) == best + 3
    held_out = draw_held_out(shop.labels, None, 0.25, np.random.RandomState(0))
    probability = model.predict_proba(shop[held_out])
    right = probability[np.arange(8), np.searchsorted(model.classes_, shop.labels[held_out])]
    assert -np.log(right).mean() == pytest.approx(losses[best], rel=1e-3)
    assert model.train_accuracy_ == model.score(shop[~held_out], shop.labels[~held_out])


def test_a_group_is_held_out_whole(shop, torch, monkeypatch):
    seen = []
    monkeypatch.setattr("twoflow.deep.training.train", lambda *given, **_: seen.append(given[3]) or [])
    for groups in (None, np.arange(32) // 4):
        small().fit(shop, shop.labels, groups=groups)
    alone, whole = seen
    assert len(set((np.arange(32) // 4)[alone]) & set((np.arange(32) // 4)[~alone])) > 0
    assert whole.reshape(8, 4).all(axis=1).sum() == 4 and not whole.reshape(8, 4).any(axis=1)[~whole[::4]].any()
    assert sorted(shop.labels[whole]) == sorted(shop.labels[~whole]), "one of the two groups of each class"


@pytest.mark.parametrize("groups, unit", [(None, "images"), ([0, 0, 1], "groups")])
def test_nothing_can_be_held_out_of_single_images(shop, groups, unit):
    y = ["a", "b", "c"] if groups is None else ["a", "a", "b"]
    with pytest.raises(ValueError, match=f"at least 2 {unit} to stop early, got 1; set patience=None"):
        small().fit(shop[:3], y, groups=groups)


def test_the_same_seed_gives_the_same_model(shop, torch, fitted):
    expected = fitted.predict_proba(shop)
    torch.manual_seed(5)
    before = torch.get_rng_state(), pickle.dumps(np.random.get_state()), torch.get_num_threads()
    assert (small().fit(shop, shop.labels).predict_proba(shop) == expected).all()
    assert (small(random_state=1).fit(shop, shop.labels).predict_proba(shop) != expected).any()
    assert (before[0] == torch.get_rng_state()).all()
    assert (pickle.dumps(np.random.get_state()), torch.get_num_threads()) == before[1:]


def test_a_pickle_holds_no_torch(shop, fitted):
    content = pickle.dumps(fitted)
    assert b"torch" not in content
    assert (pickle.loads(content).predict_proba(shop) == fitted.predict_proba(shop)).all()


def test_images_alone_and_together(shop, fitted):
    together = fitted.predict_proba(shop)
    alone = np.vstack([fitted.predict_proba([image]) for image in shop.images[:5]])
    assert alone == pytest.approx(together[:5], abs=1e-5)


def test_cross_val_score_and_grid_search(tmp_path, torch):
    files = make_shop(n_classes=2, n_per_class=6, folder=tmp_path, random_state=0)
    assert np.isfinite(cross_val_score(small(max_epochs=1), files.paths, files.labels, cv=2)).all()
    search = GridSearchCV(small(max_epochs=1), {"size": [(16, 16), (24, 16)]}, cv=2).fit(files.paths, files.labels)
    assert search.best_estimator_.size == search.best_params_["size"]


def test_images_are_kept_as_bytes(shop):
    pixels = read_pixels(shop.images, (20, 16), n_jobs=2)
    assert pixels.shape == (32, 16, 20, 3) and pixels.dtype == np.uint8
    assert (pixels.reshape(32, -1) / np.float32(255) == RawPixels((20, 16)).fit_transform(shop)).all()
    assert (read_pixels(list(pixels), (20, 16)) == pixels).all()


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"size": 64}, "'size' parameter"),
        ({"size": (64,)}, "two positive integers"),
        ({"size": (64, 15)}, "at least 16 x 16"),
        ({"max_epochs": 0}, "'max_epochs' parameter"),
        ({"batch_size": 1.5}, "'batch_size' parameter"),
        ({"learning_rate": 0}, "'learning_rate' parameter"),
        ({"patience": 0}, "'patience' parameter"),
        ({"validation_fraction": 1.0}, "'validation_fraction' parameter"),
        ({"device": 3}, "'device' parameter"),
        ({"n_jobs": "all"}, "'n_jobs' parameter"),
    ],
)
def test_bad_parameters(shop, parameters, message):
    with pytest.raises(ValueError, match=message):
        ConvNetClassifier(**parameters).fit(shop, shop.labels)
    with pytest.raises(ValueError, match=message):
        compare({"convnet": ConvNetClassifier(**parameters)}, shop, folds=2)


def test_a_device_that_is_not_there(shop, torch):
    with pytest.raises(ValueError, match="device 'abacus' cannot be used here: "):
        small(device="abacus").fit(shop, shop.labels)


def test_a_comparison_is_what_cross_val_score_gives_on_any_number_of_workers(shop, torch):
    cv = StratifiedKFold(2, shuffle=True, random_state=0)
    expected = cross_val_score(clone(small()), shop, shop.labels, cv=cv).tolist()
    pixels = make_model([("pixels", RawPixels((4, 3)), "passthrough")]).set_params(head__n_estimators=5)
    for n_jobs in (1, 2):
        convnet, forest = compare({"convnet": small(), "pixels": pixels}, shop, folds=2, n_jobs=n_jobs).methods
        assert convnet.scores["accuracy"].tolist() == expected
        assert convnet.train_accuracy.shape == forest.train_accuracy.shape == (2,)
