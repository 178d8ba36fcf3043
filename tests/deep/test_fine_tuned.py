"""Check the classifier that trains a pretrained network further, by itself."""

import inspect
import pickle
import pickletools

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.multioutput import MultiOutputClassifier

from twoflow import CNNEmbedding, ImageReadError, compare, make_shop
from twoflow.deep import FineTunedClassifier
from twoflow.heads.inner_folds import draw_held_out

from ..classifier_checks import CLASSIFIER_CHECKS
from ..sklearn_checks import REPLACED_FOR_CLASSIFIERS, sklearn_checks

SIZE = (32, 32)


def small(**parameters):
    """A classifier that trains its head only, for one epoch."""
    usual = {"input_size": SIZE, "train": "head", "augment": None, "max_epochs": 1, "random_state": 0, "device": "cpu"}
    return FineTunedClassifier(**{**usual, **parameters})


@pytest.fixture(scope="module")
def fitted(torch, shop):
    return small().fit(shop)


@pytest.fixture(scope="module")
def few():
    return make_shop(n_classes=3, n_per_class=8, random_state=0)


@pytest.fixture(scope="module")
def several(torch, shop):
    """Kind and model, where some labels are missing."""
    y = np.array([[label.split("/")[0], label] for label in shop.labels], dtype=object)
    y[::5, 0], y[7, 1] = None, ""
    return small().fit(shop.images, pd.DataFrame(y, columns=["kind", "model"]))


def test_scikit_learns_checks():
    names = set()
    replaced = REPLACED_FOR_CLASSIFIERS | {
        "check_class_weight_classifiers": "test_class_weights",
        "check_classifier_multioutput": "test_several_targets_with_missing_labels",
    }
    ours = [*CLASSIFIER_CHECKS, test_class_weights, test_several_targets_with_missing_labels]
    for estimator, check in sklearn_checks(FineTunedClassifier(), replaced, ours):
        check(estimator)
        names.add(check.func.__name__)
    assert {"check_get_params_invariance", "check_no_attributes_set_in_init"} <= names


@pytest.mark.parametrize("check", CLASSIFIER_CHECKS, ids=lambda check: check.__name__)
def test_what_every_classifier_of_images_promises(check, few, torch, tmp_path):
    extra = [tmp_path] if "folder" in inspect.signature(check).parameters else []
    check(small(patience=None), few, *extra)


def test_the_whole_network_is_trained(shop, torch):
    before, after = (
        CNNEmbedding("efficientnet-lite0", preprocessing={"input_size": SIZE}).fit(shop),
        small(train="whole", max_epochs=2, augment="standard").fit(shop),
    )
    assert not np.allclose(before.transform(shop[:2]), after.flow_.transform(shop[:2]), atol=0.01)
    assert after.network_.digest != before.network_digest_
    assert after.epochs_ <= 2 and after.score(shop, shop.labels) > 0.5


def test_answers_are_those_of_the_flow_and_the_head(shop, fitted):
    features = fitted.flow_.transform(shop)
    scores = features @ fitted.head_.coef_.T + fitted.head_.intercept_
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    assert fitted.predict_proba(shop) == pytest.approx(shares / shares.sum(axis=1, keepdims=True), abs=1e-6)
    assert fitted.network_ is fitted.flow_.network
    assert fitted.target_names_ == ("class",) and fitted.flow_.network_card_.input_size == SIZE


def test_history_and_accuracy(shop, fitted):
    assert {"epoch", "train_loss", "train_accuracy", "seconds", "valid_loss", "valid_accuracy"} <= set(
        fitted.history_[-1]
    )
    training = shop[~fitted.held_out_]
    assert fitted.train_accuracy_ == fitted.score(training, training.labels)
    free = small(patience=None).fit(shop)
    assert free.held_out_ is None and "valid_loss" not in free.history_[-1]


def test_two_classes(shop, torch):
    y = np.array([label.split("/")[0] == "tee" for label in shop.labels])
    model = small().fit(shop.images, y)
    probability = model.predict_proba(shop)
    assert model.head_.coef_.shape == (1, 1280) and np.allclose(probability.sum(axis=1), 1)
    assert model.score(shop, y) > 0.9 and model.classes_.tolist() == [False, True]


def test_groups_are_held_out_whole(shop, fitted):
    assert (fitted.held_out_ == draw_held_out(shop.labels, None, 0.1, np.random.RandomState(0))).all()
    groups = np.arange(len(shop)) // 2
    expected = small().fit(shop, groups=groups)
    assert expected.held_out_.reshape(-1, 2).all(axis=1).sum() * 2 == expected.held_out_.sum() == 8
    found = small().fit(shop.grouped(groups))
    assert (found.held_out_ == expected.held_out_).all()
    assert (found.predict_proba(shop) == expected.predict_proba(shop)).all()


def test_a_class_of_one_image_is_trained_on(shop, torch):
    rows = np.r_[0, 8:32]
    model = small().fit(shop[rows])
    assert not model.held_out_[0] and model.predict([shop.images[0]]) == shop.labels[0]


def test_no_class_of_another_target_is_lost_to_the_held_out_images(shop, torch):
    """Of the target with fewer classes, one has a single image, which the finest target would hold out."""
    plain = draw_held_out(shop.labels, None, 0.4, np.random.RandomState(0))
    rare = np.flatnonzero(plain)[0]
    y = np.column_stack([np.where(np.arange(len(shop)) == rare, "rare", "usual"), shop.labels])
    model = small(validation_fraction=0.4).fit(shop.images, y)
    assert not model.held_out_[rare] and model.held_out_.sum() == plain.sum() - 1


@pytest.mark.parametrize("groups, unit", [(None, "images"), ([0, 0, 1], "groups")])
def test_nothing_can_be_held_out_of_single_images(shop, groups, unit):
    y = ["a", "b", "c"] if groups is None else ["a", "a", "b"]
    with pytest.raises(ValueError, match=f"at least 2 {unit} to stop early, got 1; set patience=None"):
        small().fit(shop[:3], y, groups=groups)


def test_several_targets_with_missing_labels(shop, several):
    kinds = np.array([label.split("/")[0] for label in shop.labels])
    assert several.target_names_ == ("kind", "model") == several.head_.target_names_
    assert [len(classes) for classes in several.classes_] == [2, 4]
    assert several.head_.n_labeled_ == {"kind": 25, "model": 31}
    probability = several.predict_proba(shop)
    assert [each.shape for each in probability] == [(32, 2), (32, 4)]
    answers = several.predict(shop)
    for column, classes, each in zip(answers.T, several.classes_, probability):
        assert (column == classes[each.argmax(axis=1)]).all()
    truth = np.column_stack([kinds, shop.labels])
    assert several.score(shop, truth) == (answers == truth).all(axis=1).mean() > 0.5
    assert (several.held_out_ == draw_held_out(
        np.where(np.arange(32) == 7, "", shop.labels), None, 0.1, np.random.RandomState(0)
    )).all(), "by the finest target"


def test_targets_are_split(shop, several, fitted):
    first, second = several.split_targets()
    for part, expected in zip((first, second), several.predict_proba(shop[:3])):
        assert (part.predict_proba(shop[:3]) == expected).all()
    assert first.target_names_ == ("kind",) and first.predict(shop[:1]).shape == (1,)
    assert fitted.split_targets() == [fitted]


@pytest.mark.parametrize("weights", [{"rare": 50.0}, [{"rare": 50.0, "usual": 1.0}, None]])
def test_class_weights(weights, shop, torch):
    y = np.where(np.arange(32) % 5 == 0, "rare", "usual")
    several = isinstance(weights, list)
    y = np.column_stack([y, shop.labels]) if several else y
    share = []
    for class_weight in (None, weights):
        model = small(class_weight=class_weight, patience=None, max_epochs=3, learning_rate=0.01).fit(shop.images, y)
        probability = model.predict_proba(shop)
        share.append((probability[0] if several else probability)[:, 0].mean())
    assert share[1] > share[0]


def test_wrong_class_weights(shop, torch):
    y = np.column_stack([shop.labels, shop.labels])
    with pytest.raises(ValueError, match="class_weight: expected positive numbers, got 0 for 'tee/01'"):
        small(class_weight={"tee/01": 0}).fit(shop)
    with pytest.raises(ValueError, match="got 'tea/01', which no image has"):
        small(class_weight={"tea/01": 2.0}).fit(shop)
    with pytest.raises(ValueError, match="expected a dict for each of 2 targets, got 1"):
        small(class_weight=["balanced"]).fit(shop.images, y)


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"backbone": "efficientnet-lite9"}, "efficientnet-lite9"),
        ({"train": "tail"}, "'train' parameter"),
        ({"train": 99}, "got 99"),
        ({"input_size": (0, 32)}, "input_size"),
        ({"augment": "wild"}, "augment"),
        ({"max_epochs": 0}, "'max_epochs' parameter"),
        ({"learning_rate": 0}, "'learning_rate' parameter"),
        ({"label_smoothing": 1}, "'label_smoothing' parameter"),
        ({"class_weight": "even"}, "'class_weight' parameter"),
        ({"precision": "int8"}, "'precision' parameter"),
        ({"n_jobs": "all"}, "'n_jobs' parameter"),
    ],
)
def test_bad_parameters_are_found_before_images_are_read(parameters, message):
    with pytest.raises(ValueError, match=message):
        small(**parameters).fit(["nowhere/1.jpg", "nowhere/2.jpg"], ["a", "b"])


def test_a_device_that_is_not_there(shop, torch):
    with pytest.raises(ValueError, match="device 'abacus' cannot be used here: "):
        small(device="abacus").fit(shop)


@pytest.mark.parametrize(
    "label, message", [("a", "all 32 labels of 'target 2' are a"), ("", "labels of target 'target 2', got none")]
)
def test_bad_labels_of_several_targets(label, message, shop):
    with pytest.raises(ValueError, match=message):
        small().fit(shop.images, np.column_stack([shop.labels, [label] * 32]))


def test_too_little_memory_for_the_pixels(shop, torch, monkeypatch):
    def extract(*given, **options):
        raise MemoryError

    monkeypatch.setattr("twoflow.deep.fitted_pixels.extract", extract)
    with pytest.raises(ValueError, match="expected 0.0 GiB of memory for the pixels of 32 images of 32 x 32, got less"):
        small().fit(shop)


def test_an_unreadable_image_of_a_path(tmp_path, torch, shop):
    (tmp_path / "broken.jpg").write_bytes(b"text")
    with pytest.raises(ImageReadError, match="broken.jpg"):
        small().fit([*shop.images[:-1], tmp_path / "broken.jpg"], shop.labels)


def test_a_pickle_holds_no_torch_and_answers_without_it(shop, fitted, monkeypatch):
    content = pickle.dumps(fitted)
    texts = [text for _, text, _ in pickletools.genops(content) if isinstance(text, str)]
    assert not any(text.partition(".")[0] == "torch" for text in texts), texts
    monkeypatch.setattr("twoflow.deep.extra._is_installed", lambda name: False)
    assert (pickle.loads(content).predict_proba(shop) == fitted.predict_proba(shop)).all()
    with pytest.raises(ModuleNotFoundError, match="^FineTunedClassifier needs torch.*: pip install"):
        small().fit(shop)


def test_the_same_seed_gives_the_same_model_whatever_n_jobs(shop, fitted, torch):
    expected = fitted.predict_proba(shop)
    torch.manual_seed(5)
    before = torch.get_rng_state(), pickle.dumps(np.random.get_state()), torch.get_num_threads()
    assert (clone(fitted).set_params(n_jobs=2).fit(shop).predict_proba(shop) == expected).all()
    assert (before[0] == torch.get_rng_state()).all()
    assert (pickle.dumps(np.random.get_state()), torch.get_num_threads()) == before[1:]


def test_a_grid_search_routes_groups(torch):
    shop = make_shop(n_classes=2, n_per_class=6, random_state=0)
    groups = np.arange(12) // 2
    grid, cv = {"learning_rate": [1e-4, 1e-2]}, StratifiedGroupKFold(2)
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(small(patience=None).set_fit_request(groups=True), grid, cv=cv)
        search.fit(shop.images, shop.labels, groups=groups)
    assert search.best_estimator_.learning_rate == search.best_params_["learning_rate"]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_comparison_gives_groups_and_measures_training(shop, torch):
    result = compare({"fine-tuned": small(patience=None)}, shop, folds=2)
    (method,) = result.methods
    assert method.train_accuracy.shape == (2,) and method.scores["accuracy"].mean() > 0.25


def test_scikit_learns_wrapper_of_several_targets(shop, torch):
    y = np.array([[label.split("/")[0], label] for label in shop.labels])
    model = MultiOutputClassifier(small(patience=None)).fit(shop.images, y)
    assert (model.predict(shop) == y).all(axis=1).mean() > 0.5
