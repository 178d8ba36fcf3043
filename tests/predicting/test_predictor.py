"""Predictor: the same answers as the model, one for each image or item, whatever cannot be read."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline

from twoflow import ColorHistogram, FlowClassifier, ImageReadError, RawPixels, make_model, make_shop
from twoflow.errors import InputError
from twoflow.flows import Flow
from twoflow.models import BestOf
from twoflow.models.fitted_parts import fitted_parts
from twoflow.models.model_file import ModelCard, ModelFile, TargetCard
from twoflow.predicting import Decision, Item, Predictor, predictor, scores
from twoflow.predicting.moderation import Rule, Rules

from .fitted import card_of, fit_pixels

BAD = b"no image"
MISSING = "/no/such/file.jpg"


class OfImages(ClassifierMixin, BaseEstimator):
    """A model that cannot be taken apart; it notes what it is given."""

    def fit(self, X, y):
        self.model_ = make_pipeline(RawPixels((8, 6)), LogisticRegression(max_iter=1000)).fit(X, y)
        self.classes_ = self.model_.classes_
        self.sizes_ = []
        return self

    def predict_proba(self, X):
        self.sizes_.append(len(X))
        return self.model_.predict_proba(X)

    def predict(self, X):
        return self.model_.predict(X)


class Broken(Flow):
    """A flow with a bug."""

    n_features_out = 1

    def extract(self, image, n_threads):
        if image.resized((2, 2))[0, 0, 0] != 255:
            return np.zeros(1)
        raise RuntimeError("a bug")


def _grid():
    model = make_pipeline(RawPixels((8, 6)), LogisticRegression(max_iter=1000))
    return GridSearchCV(model, {"logisticregression__C": [1, 2]}, cv=2)


def _best_of():
    flows = {"color": ColorHistogram(), "pixels": RawPixels((8, 6))}
    head = LogisticRegression(max_iter=1000)
    return BestOf([(name, make_model([(name, flow)], head)) for name, flow in flows.items()], cv=2)


MODELS = {
    "pipeline": (lambda: make_pipeline(RawPixels((8, 6)), LogisticRegression(max_iter=1000)), True),
    "flows": (lambda: make_model([("color", ColorHistogram())], LogisticRegression(max_iter=1000)), True),
    "two-flow": (lambda: make_model("fast"), True),
    "grid": (_grid, True),
    "best of": (_best_of, True),
    "of images": (OfImages, False),
}


@pytest.fixture(params=MODELS)
def model_file(request, shop):
    make, has_flow = MODELS[request.param]
    model = make().fit(shop, shop.labels)
    assert (fitted_parts(model).flow is not None) == has_flow
    return ModelFile(model, card_of(model))


@pytest.fixture(scope="module")
def pixels(shop):
    return fit_pixels(shop)


def test_answers_are_those_of_the_model(model_file, shop):
    predictions = Predictor(model_file, top=2).predict(shop)
    expected = model_file.model.predict_proba(shop.images)
    assert [each.answers[0].label for each in predictions] == model_file.model.predict(shop.images).tolist()
    for prediction, row in zip(predictions, expected):
        answer, = prediction.answers
        assert (answer.target, answer.level, answer.reason) == ("class", "class", "")
        assert answer.confidence == pytest.approx(row.max(), abs=1e-6)
        assert [share for _, share in answer.top] == pytest.approx(sorted(row)[:-3:-1], abs=1e-6)
    assert [each.name for each in predictions[:2]] == ["image 1", "image 2"]


def test_an_unreadable_image_costs_no_other(model_file, shop):
    alone = Predictor(model_file).predict(shop.images[:5])
    images = [BAD, *shop.images[:2], MISSING, *shop.images[2:5], BAD]
    found = Predictor(model_file).predict(images, list("abcdefgh"))
    assert [each.name for each in found] == list("abcdefgh")
    assert [i for i, each in enumerate(found) if each.error] == [0, 3, 7]
    assert found[0].error.startswith("not an image in a known format") and found[0].answers == ()
    assert found[3].error == "no such file or directory" and found[3].n_images == 0
    for one, other in zip(alone, (found[i] for i in (1, 2, 4, 5, 6))):
        assert one.answers[0].label == other.answers[0].label
        assert one.answers[0].confidence == pytest.approx(other.answers[0].confidence, abs=1e-6)


def test_no_image_can_be_read(model_file):
    predictions = Predictor(model_file).predict([BAD, MISSING])
    assert [(each.answers, bool(each.error)) for each in predictions] == [((), True)] * 2


def test_the_model_is_not_changed(pixels, shop):
    flow = fitted_parts(pixels.model).flow
    Predictor(pixels, n_jobs=2).predict([BAD])
    assert (flow.on_error, flow.n_jobs) == ("raise", None)
    with pytest.raises(ImageReadError):
        pixels.model.predict([BAD])


def test_an_image_is_read_once(pixels, shop, tmp_path, monkeypatch):
    read = []
    from twoflow.images import reading

    original = reading.read_content
    monkeypatch.setattr(reading, "read_content", lambda source: read.append(source) or original(source))
    (tmp_path / "bad.jpg").write_bytes(BAD)
    Predictor(pixels).predict([str(tmp_path / "bad.jpg"), MISSING])
    assert read == [str(tmp_path / "bad.jpg"), MISSING]


def test_images_are_halved_for_a_model_of_images(shop):
    model = OfImages().fit(shop, shop.labels)
    Predictor(ModelFile(model, card_of(model))).predict([*shop.images[:7], BAD])
    assert sorted(model.sizes_) == [1, 1, 2, 2, 4, 4, 8][:len(model.sizes_)] and sum(model.sizes_) < 30


def test_a_bug_is_no_unreadable_image(shop):
    images = [np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)]
    model = make_pipeline(Broken(), LogisticRegression(max_iter=1000)).fit([images[0]] * 4, ["a", "b"] * 2)
    with pytest.raises(RuntimeError, match="a bug"):
        Predictor(ModelFile(model, card_of(model))).predict(images)


def test_several_targets(shop):
    labels = np.array([[label, label[:1]] for label in shop.labels.tolist()])
    union = make_model([("pixels", RawPixels((8, 6)))], LogisticRegression(max_iter=1000))
    head = MultiOutputClassifier(LogisticRegression(max_iter=1000))
    model = FlowClassifier(union.flows, head).fit(shop.images, labels)
    targets = tuple(
        TargetCard(name, tuple(classes.tolist())) for name, classes in zip(("class", "letter"), model.classes_)
    )
    found = Predictor(ModelFile(model, ModelCard("both", "2025-01-31", targets))).predict([BAD, *shop.images])
    assert [[answer.target for answer in each.answers] for each in found[:2]] == [[], ["class", "letter"]]
    assert [[answer.label for answer in each.answers] for each in found[1:]] == model.predict(shop.images).tolist()


@pytest.mark.parametrize("classes", [
    ("a", "b"), (1, 2), (1.0, 2.0), (False, True), ("=1+1", "two\nlines"), ("\u202egnp", "\udcff"), (-1, 10**12),
], ids=repr)
@pytest.mark.parametrize("head", [LogisticRegression(max_iter=1000), RidgeClassifier()], ids=["probabilities", "none"])
def test_labels_of_all_kinds(classes, head):
    images = [np.full((4, 4, 3), value, np.uint8) for value in (0, 10, 240, 250)]
    labels = np.array([classes[0]] * 2 + [classes[1]] * 2)
    model = make_pipeline(RawPixels((2, 2)), head).fit(images, labels)
    found = Predictor(ModelFile(model, card_of(model))).predict(images)
    assert [each.answers[0].label for each in found] == labels.tolist()
    assert {type(each.answers[0].label) for each in found} == {type(classes[0])}


def test_a_model_without_probabilities(shop):
    model = make_pipeline(RawPixels((8, 6)), RidgeClassifier()).fit(shop, shop.labels)
    file = ModelFile(model, card_of(model, title="ridge"))
    found = Predictor(file).predict([BAD, *shop.images])
    assert [each.answers[0].label for each in found[1:]] == model.predict(shop.images).tolist()
    assert all(np.isnan(each.answers[0].confidence) and len(each.answers[0].top) == 1 for each in found[1:])
    certain = Rule("denied", "class", "every class", {"class": frozenset(model.classes_.tolist())}, 0.9)
    item, = Predictor(file).predict_items(shop.images[:3], ["x"] * 3)
    assert item.answers[0].label == shop.labels[0] and np.isnan(item.answers[0].confidence)
    for options in ({"threshold": 0.5}, {"rules": Rules("rules.toml", (certain,))}):
        name, = options
        with pytest.raises(InputError, match=f"{name}: expected a model with probabilities, got ridge, which has none"):
            Predictor(file, **options)


def test_the_threshold_is_that_of_the_card(pixels, shop):
    strict = ModelFile(pixels.model, card_of(pixels.model, threshold=1.0))
    assert {each.answers[0].label for each in Predictor(strict).predict(shop)} == {"unknown"}
    for threshold in (None, 0.0):
        found = Predictor(strict, threshold=threshold).predict(shop)
        assert [each.answers[0].label for each in found] == pixels.model.predict(shop.images).tolist()


@pytest.mark.parametrize("options, message", [
    ({"threshold": 1.5}, "threshold: expected a number from 0 to 1, got 1.5"),
    ({"threshold": "high"}, "threshold: expected a number from 0 to 1, got 'high'"),
    ({"threshold": float("nan")}, "threshold: expected a number from 0 to 1, got nan"),
    ({"top": 0}, "top: expected an integer of at least 1, got 0"),
])
def test_wrong_parameters(pixels, options, message):
    with pytest.raises(InputError, match=message):
        Predictor(pixels, **options)


def test_rules_decide_on_what_can_be_read(pixels, shop):
    tees = Rule("approved", "class", "tees", {"class": frozenset(shop.labels[:1].tolist())}, None)
    rules = Rules("rules.toml", (tees,))
    found = Predictor(pixels, rules=rules).predict([BAD, shop.images[0], shop.images[-1]])
    decisions = [None, Decision("approved", "rule 1: tees"), Decision("review", "no rule fits")]
    assert [each.decision for each in found] == decisions


def test_items_are_averaged_in_order_of_first_appearance(pixels, shop):
    images, groups = [*shop.images[:3], BAD, MISSING, shop.images[20]], ["x", 7, "x", "x", "bad", 7]
    found = Predictor(pixels, top=4).predict_items(images, groups, list("abcdef"))
    counts = [(each.name, each.n_images, each.n_unreadable) for each in found]
    assert counts == [("x", 2, 1), ("7", 2, 0), ("bad", 0, 1)]
    rows = pixels.model.predict_proba([images[i] for i in (0, 2, 1, 5)])
    for prediction, mean in zip(found, (rows[:2].mean(axis=0), rows[2:].mean(axis=0))):
        expected = dict(zip(pixels.card.targets[0].classes, mean))
        assert dict(prediction.answers[0].top) == pytest.approx(expected, abs=1e-6)
    assert found[0].error.startswith("1 of 3 images cannot be read: d: not an image")
    assert (found[1].error, found[2].error) == ("", "no such file or directory")


def test_an_item_of_one_photo_is_that_photo(pixels, shop):
    one = Predictor(pixels).predict(shop.images[:5], list("abcde"))
    assert Predictor(pixels).predict_items(shop.images[:5], list("abcde")) == one


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_streams_are_the_same_for_any_workers(pixels, shop, monkeypatch, n_jobs):
    """And for items larger than what is in memory at a time."""
    for module in (scores, predictor):
        monkeypatch.setattr(module, "BLOCK", 4)
    monkeypatch.setattr(scores, "_AT_A_TIME", 8)
    images = [BAD if i % 7 == 3 else shop.images[i % 32] for i in range(60)]
    sizes = [1, 3, 1, 20, 5, 1, 1, 1, 1, 1, 25]
    ends = np.cumsum(sizes).tolist()
    items = [Item(str(end), images[end - size:end]) for size, end in zip(sizes, ends)]
    lists = list(Predictor(pixels, n_jobs=n_jobs).stream(iter(items)))
    assert [each for found in lists for each in found] == Predictor(pixels).answer(items)
    assert len(lists) > 2
    again = Predictor(pixels, n_jobs=n_jobs).stream(items[len(lists[0]):])
    assert [each for found in again for each in found] == [each for found in lists[1:] for each in found]


def test_a_stream_takes_no_more_than_it_needs(pixels, shop, monkeypatch):
    monkeypatch.setattr(predictor, "BLOCK", 2)
    taken = []

    def items():
        for i in range(1000):
            taken.append(i)
            yield Item(str(i), (shop.images[i % 32],))

    stream = Predictor(pixels).stream(items())
    assert len(next(stream)) == len(taken) == 2
    assert len(next(stream)) == 4 and len(taken) == 6


def test_the_store_has_no_effect_on_answers(pixels, shop, tmp_path):
    make_shop(n_classes=3, n_per_class=2, folder=tmp_path / "shop", random_state=1)
    paths = sorted(map(str, (tmp_path / "shop").rglob("*.jpg")))
    expected = Predictor(pixels).predict(paths)
    for _ in range(2):
        assert Predictor(pixels, store=tmp_path / "store").predict(paths) == expected
