"""What every classifier of images promises: checks that take a classifier and a small collection of images as arrays.

The classifier must be small, seeded, and have `predict_proba`.
"""

import pickle
import random

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

from twoflow import ImageReadError

from .image_kinds import kinds_of_images


def check_learns_and_predicts(model, shop):
    labels = shop.labels
    probability = model.fit(shop, labels).predict_proba(shop)
    assert model.classes_.tolist() == shop.classes.tolist() and probability.shape == (len(shop), len(shop.classes))
    assert np.isfinite(probability).all() and np.allclose(probability.sum(axis=1), 1, atol=1e-5)
    assert (model.classes_[probability.argmax(axis=1)] == model.predict(shop)).all()
    assert model.score(shop, labels) > 2 / len(shop.classes)
    assert (clone(model).fit(shop).predict_proba(shop) == probability).all(), "other labels than the collection's"


def check_labels_of_any_kind(model, shop):
    kinds = [
        shop.labels.tolist(), shop.labels.astype(object), pd.Series(shop.labels),
        np.unique(shop.labels, return_inverse=True)[1], (shop.labels == shop.classes[0]).tolist(),
    ]
    for y in kinds:
        assert clone(model).fit(shop, y).classes_.tolist() == sorted(set(y))


def check_bad_labels(model, shop):
    n = len(shop)
    wrong = {
        "inconsistent numbers of samples": shop.labels[:-1],
        f"at least (two|2) classes.*{n} labels are boot|boot": ["boot"] * n,
        "labels?: 1 missing|missing": [np.nan, *shop.labels[1:]],
        "missing": [None, *shop.labels[1:]],
        "Unknown label type: continuous": np.linspace(0, 1, n),
    }
    for message, y in wrong.items():
        with pytest.raises(ValueError, match=message):
            clone(model).fit(shop, y)
    with pytest.raises(ValueError, match="requires y to be passed"):
        clone(model).fit(shop.images)


def check_numbers_are_refused(model, shop):
    tables = (np.zeros((4, 3)), np.full((4, 1), np.nan), sparse.csr_matrix((4, 3)), np.ones((4, 3), complex), [1, 2])
    fitted = clone(model).fit(shop)
    for X in tables:
        for refuse in (lambda: clone(model).fit(X, ["a", "b"]), lambda: fitted.predict(X)):
            with pytest.raises((ValueError, TypeError), match="Expected a 1-D sequence of images"):
                refuse()


def check_kinds_of_images(model, shop, folder):
    expected = model.fit(shop).predict_proba(shop)
    for kind, X in kinds_of_images(shop.images, folder).items():
        assert (model.predict_proba(X) == expected).all(), kind


def check_an_unreadable_image_raises(model, shop):
    broken = [*shop.images[:9], b"text", *shop.images[10:]]
    with pytest.raises(ImageReadError, match=r"cannot read image 9 \(an image of 4 bytes\): not an image"):
        clone(model).fit(broken, shop.labels)
    with pytest.raises(ImageReadError, match=r"cannot read image 9 \(an image of 4 bytes\): not an image"):
        model.fit(shop).predict(broken)


def check_batch_of_one(model, shop):
    together = model.fit(shop).predict_proba(shop)
    alone = np.vstack([model.predict_proba([image]) for image in shop.images])
    assert np.allclose(together, alone, atol=1e-6)


def check_permutation(model, shop):
    order = np.random.default_rng(0).permutation(len(shop))
    model.fit(shop)
    assert np.allclose(model.predict_proba(shop)[order], model.predict_proba(shop[order]), atol=1e-6)


def check_fit_twice(model, shop):
    first = model.fit(shop).predict_proba(shop)
    assert (model.fit(shop).predict_proba(shop) == first).all()


def check_fit_changes_no_parameter(model, shop):
    before = model.get_params()
    parts = [part for part in before.values() if isinstance(part, BaseEstimator)]
    attributes = [set(vars(part)) for part in parts]
    assert model.fit(shop, shop.labels) is model
    after = model.get_params()
    assert before.keys() == after.keys() and all(after[name] is value for name, value in before.items())
    assert [set(vars(part)) for part in parts] == attributes, "a part was fitted"


def check_predict_changes_nothing(model, shop):
    images = [image.copy() for image in shop.images]
    model.fit(images, shop.labels)
    before = pickle.dumps(model)
    states = random.getstate(), pickle.dumps(np.random.get_state())
    model.predict_proba(images)
    assert pickle.dumps(model) == before
    assert (random.getstate(), pickle.dumps(np.random.get_state())) == states
    assert all((mine == theirs).all() for mine, theirs in zip(images, shop.images))


def check_pickle(model, shop):
    expected = model.fit(shop).predict_proba(shop)
    content = pickle.dumps(model)
    assert len(content) < 20_000_000, "images, or the weights of a pretrained network, in the pickle"
    assert (pickle.loads(content).predict_proba(shop) == expected).all()


def check_not_fitted(model, shop):
    for method in ("predict", "predict_proba"):
        with pytest.raises(NotFittedError):
            getattr(clone(model), method)(shop)


def check_pipelines(model, shop):
    scores = cross_val_score(make_pipeline(model), shop, shop.labels, cv=2)
    assert np.isfinite(scores).all() and scores.mean() > 1 / len(shop.classes)


CLASSIFIER_CHECKS = [check for name, check in sorted(globals().items()) if name.startswith("check_")]
