"""Flows that learn from labels: which features of the training images heads are fitted on."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from twoflow import ColorHistogram, FlowUnion, compare, make_model, make_shop
from twoflow.flows import Flow
from twoflow.images import ImageCollection, LoadedImage
from twoflow.models import BestOf, FlowClassifier

#: The features of a training image, by a model that has not seen it.
UNSEEN = 7


class Memory(Flow):
    """1 for an image that it was fitted on, else 0; and the mean brightness."""

    n_features_out = 2

    def learn(self, images, y, groups):
        self.labels_ = list(y)
        self.groups_ = None if groups is None else list(groups)
        self.known_ = {LoadedImage(image).digest for image in images}

    def extract(self, image, n_threads):
        return np.array([float(image.digest in self.known_), image.resized((4, 4)).mean()])

    def training_features(self, images, y, groups):
        assert list(y) == self.labels_ and (None if groups is None else list(groups)) == self.groups_
        assert {LoadedImage(image).digest for image in images} == self.known_
        return np.full((len(images), 2), UNSEEN, np.float32)


class Watching(ClassifierMixin, BaseEstimator):
    """Keeps what it is fitted on, and what it answers for."""

    seen = []

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        type(self).seen.append(("fit", np.array(X)))
        return self

    def predict(self, X):
        type(self).seen.append(("predict", np.array(X)))
        return np.resize(self.classes_, len(X))


@pytest.fixture(scope="module")
def shop():
    shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    return ImageCollection(shop.images, shop.labels, groups=np.arange(len(shop)) // 2)


@pytest.fixture
def seen(monkeypatch):
    monkeypatch.setattr(Watching, "seen", [])
    return Watching.seen


def test_a_flow_learns_from_the_labels_and_groups_of_a_collection(shop):
    flow = Memory().fit(shop)
    assert flow.labels_ == shop.labels.tolist() and flow.groups_ == shop.groups.tolist()
    given = Memory().fit(shop, shop.labels[::-1], shop.groups[::-1])
    assert given.labels_ == shop.labels[::-1].tolist() and given.groups_ == shop.groups[::-1].tolist()
    assert Memory().fit(shop.images, shop.labels).groups_ is None


def test_fit_transform_gives_them_and_transform_does_not(shop):
    flow = Memory()
    assert (flow.fit_transform(shop) == UNSEEN).all()
    assert (flow.transform(shop)[:, 0] == 1).all()


def test_a_union_gives_them_for_the_flows_that_have_some(shop):
    inner = FlowUnion([("memory", Memory()), ("small", ColorHistogram())])
    union = FlowUnion([("color", ColorHistogram()), ("inner", inner)])
    found, places = union.fit_transform(shop), union.slices()
    expected = union.transform(shop)
    expected[:, places["inner"].start:places["inner"].start + 2] = UNSEEN
    assert (found == expected).all() and found.dtype == np.float32
    assert union.flows_[1][1].flows_[0][1].groups_ == shop.groups.tolist()


def test_other_flows_have_the_same_features_as_ever(shop):
    flow = ColorHistogram()
    assert flow.training_features(shop.images, shop.labels, shop.groups) is None
    assert (flow.fit_transform(shop) == flow.fit(shop).transform(shop)).all()
    union = FlowUnion([("color", flow)])
    assert (union.fit_transform(shop) == union.transform(shop)).all()


def models(head):
    flows = [("memory", Memory(), "passthrough")]
    yield FlowClassifier(flows, head)
    yield Pipeline([("flow", Memory()), ("head", head)])
    yield BestOf([("one", FlowClassifier(flows, head)), ("two", FlowClassifier(flows, clone(head)))], random_state=0)


@pytest.mark.parametrize("number", range(3), ids=["flows", "pipeline", "best of"])
def test_a_model_fits_its_head_on_them(shop, seen, number):
    model = list(models(Watching()))[number]
    given = (shop.images, shop.labels) if number == 1 else (shop,)
    model.fit(*given)
    assert all((X == UNSEEN).all() for call, X in seen if call == "fit")
    seen.clear()
    model.predict(shop.images)
    (_, X), = seen
    assert (X[:, 0] == 1).all()


def test_a_comparison_fits_heads_on_them_in_each_fold(shop, seen):
    color = ("color", ColorHistogram(), "passthrough")
    methods = {
        "memory": FlowClassifier([("memory", Memory(), "passthrough"), color], Watching()),
        "color": FlowClassifier([color], Watching()),
    }
    compare(methods, shop, folds=3)
    own = [(call, X) for call, X in seen if X.shape[1] > ColorHistogram().n_features_out]
    fitted = [X for call, X in own if call == "fit"]
    assert len(fitted) == 3 and all((X[:, :2] == UNSEEN).all() and len(X) == 12 for X in fitted)
    tested = [X for call, X in own if call == "predict" and len(X) == 6]
    assert len(tested) == 3 and all((X[:, 0] == 0).all() for X in tested), "the flow has seen a test image"


def test_the_training_accuracy_comes_from_them_too(shop):
    model = make_model([("memory", Memory(), "passthrough")], LogisticRegression())
    result = compare({"memory": model}, shop, folds=3)
    assert result["memory"].train_accuracy.mean() == pytest.approx(1 / 3)  # all rows are equal
