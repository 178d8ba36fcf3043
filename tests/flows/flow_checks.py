"""What every flow promises, as checks that take a flow and a small collection of images as arrays."""

import pickle
import random
import re
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline, make_union

from twoflow import ImageReadError
from twoflow.flows import Flow
from twoflow.flows.engine.extraction import extract
from twoflow.images import LoadedImage, UnreadableImagesWarning

from ..image_kinds import kinds_of_images


def check_shape_and_dtype(flow, shop):
    features = flow.fit_transform(shop, shop.labels)
    assert features.shape == (len(shop), len(flow.get_feature_names_out()))
    assert features.dtype == np.float32 and np.isfinite(features).all()
    assert len(np.unique(features, axis=0)) == len(shop), "different images, equal features"


def check_batch_of_one(flow, shop):
    together = flow.fit(shop, shop.labels).transform(shop)
    alone = np.vstack([flow.transform([image]) for image in shop.images])
    assert (together == alone).all()


def check_permutation(flow, shop):
    order = np.random.default_rng(0).permutation(len(shop))
    flow.fit(shop, shop.labels)
    assert (flow.transform(shop)[order] == flow.transform(shop[order])).all()


def check_workers(flow, shop):
    expected = flow.fit(shop, shop.labels).transform(shop)
    assert (clone(flow).set_params(n_jobs=2).fit(shop, shop.labels).transform(shop) == expected).all()
    for backend in ("loky", "multiprocessing"):
        with joblib.parallel_config(backend, n_jobs=2):
            assert (flow.transform(shop) == expected).all(), backend


def check_store(flow, shop, folder):
    """The same bytes with a store as without, cold and warm; what learns from data is computed every time."""
    expected = flow.fit(shop, shop.labels).transform(shop)
    flow.set_params(store=folder / "store").fit(shop, shop.labels)
    for n_left in (len(shop), len(shop) if flow.__sklearn_tags__().learns_from_data else 0):
        found = extract(flow, shop.images)
        assert found.features.dtype == np.float32 and (found.features == expected).all()
        assert found.n_computed == n_left
    found = pickle.loads(pickle.dumps(clone(flow).set_params(n_jobs=2).fit(shop, shop.labels))).transform(shop[::-1])
    assert (found == expected[::-1]).all()


def check_fit_twice(flow, shop):
    first = flow.fit(shop, shop.labels).transform(shop)
    assert (flow.fit(shop, shop.labels).transform(shop) == first).all()


def check_learns_from_data_as_tagged(flow, shop):
    same = flow.fit(shop[:10]).transform(shop) == clone(flow).fit(shop[10:]).transform(shop)
    assert same.all() != flow.__sklearn_tags__().learns_from_data


def check_kinds_of_images(flow, shop, folder):
    expected = flow.fit(shop, shop.labels).transform(shop)
    for kind, X in kinds_of_images(shop.images, folder).items():
        assert (flow.transform(X) == expected).all(), kind


def check_extreme_images(flow, shop):
    flow.fit(shop, shop.labels)
    extremes = [
        np.zeros((1, 1, 3), np.uint8), np.full((9, 7), 255, np.uint8), np.zeros((10, 3000, 3), np.uint8),
        np.full((500, 2, 4), 9, np.uint8), np.full((3, 3), 40_000, np.uint16),
        np.random.default_rng(0).integers(0, 256, (10_000, 10, 3), dtype=np.uint8),
    ]
    assert np.isfinite(flow.transform(extremes)).all()


def check_numbers_are_refused(flow, shop):
    tables = (np.zeros((4, 3)), np.full((4, 1), np.nan), sparse.csr_matrix((4, 3)), np.ones((4, 3), complex), [1, 2])
    for X in tables:
        with pytest.raises((ValueError, TypeError), match="Expected a 1-D sequence of images"):
            clone(flow).fit(X)
        with pytest.raises((ValueError, TypeError), match="Expected a 1-D sequence of images"):
            flow.fit(shop, shop.labels).transform(X)


def check_an_unreadable_image_raises(flow, shop):
    flow.fit(shop, shop.labels)
    with pytest.raises(ImageReadError, match=r"cannot read image 20 \(an image of 4 bytes\): not an image"):
        flow.transform([*shop.images[:20], b"text", *shop.images[21:]])
    for n_jobs in (1, 2):  # the first in the order of the images, whichever worker is faster
        with pytest.raises(ImageReadError, match="cannot read none.jpg: no such file"):
            flow.set_params(n_jobs=n_jobs).transform([*shop.images[:17], "none.jpg", *shop.images[18:], b"text"])


def check_an_unreadable_image_is_a_row_of_nan(flow, shop):
    clean = flow.fit(shop, shop.labels).transform(shop)
    broken = {3: b"text", 4: "none.jpg", 20: np.zeros((0, 3), np.uint8), 21: b""}
    X = [broken.get(i, image) for i, image in enumerate(shop.images)]
    for n_jobs in (1, 2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = flow.set_params(on_error="nan", n_jobs=n_jobs).transform(X)
        assert [warning.category for warning in caught] == [UnreadableImagesWarning]
        message = str(caught[0].message)
        assert message.startswith(f"4 of {len(shop)} images cannot be read and are rows of NaN: image 3")
        assert "none.jpg" in message and message.endswith("...")
        assert np.isnan(found[list(broken)]).all()
        others = np.delete(np.arange(len(shop)), list(broken))
        assert (found[others] == clean[others]).all()


def check_fit_changes_no_parameter(flow, shop):
    before = {name: value for name, value in flow.get_params().items()}
    assert flow.fit(shop, shop.labels) is flow
    after = flow.get_params()
    assert all(after[name] is value for name, value in before.items())
    members = [member for member in before.values() if isinstance(member, Flow)]
    assert not any(vars(member).keys() - member.get_params().keys() for member in members), "a member was fitted"


def check_transform_changes_nothing(flow, shop):
    images = [image.copy() for image in shop.images]
    flow.fit(images, shop.labels)
    before = pickle.dumps(flow)
    states = random.getstate(), pickle.dumps(np.random.get_state())
    flow.transform(images)
    assert pickle.dumps(flow) == before
    assert (random.getstate(), pickle.dumps(np.random.get_state())) == states
    assert all((mine == theirs).all() for mine, theirs in zip(images, shop.images))


def check_pickle(flow, shop):
    expected = flow.fit(shop, shop.labels).transform(shop)
    content = pickle.dumps(flow)
    assert len(content) < 4_000_000, "weights, or images, in the pickle"
    assert (pickle.loads(content).transform(shop) == expected).all()


def check_not_fitted(flow, shop):
    flow = clone(flow)
    if flow.__sklearn_tags__().requires_fit:
        with pytest.raises(NotFittedError):
            flow.transform(shop)
        with pytest.raises(NotFittedError):
            flow.get_feature_names_out()
    else:
        assert (flow.transform(shop) == clone(flow).fit(shop).transform(shop)).all()


def check_names_and_frames(flow, shop):
    names = flow.fit(shop, shop.labels).get_feature_names_out()
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[\w]+_\d{3,}", name) for name in names)
    frame = flow.set_output(transform="pandas").transform(pd.Series(shop.images, index=range(100, 100 + len(shop))))
    assert list(frame.columns) == list(names)
    assert (frame.to_numpy() == flow.set_output(transform="default").transform(shop)).all()


def check_pipelines(flow, shop):
    model = make_pipeline(make_union(flow, clone(flow)), LogisticRegression(C=1e-3))
    scores = cross_val_score(model, shop, shop.labels, cv=2)
    assert np.isfinite(scores).all()
    assert not vars(flow).keys() - flow.get_params().keys() - {"_sklearn_output_config"}, "the given flow was fitted"


def check_bad_parameters(flow, shop):
    for bad in ({"n_jobs": "two"}, {"on_error": "skip"}, {"verbose": "yes"}):
        with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter"):
            clone(flow).set_params(**bad).fit(shop)


def check_located_values_sum_to_the_function(flow, shop):
    """What a flow says of places must add up to its own features; a flow that has no places says None."""
    features = flow.fit(shop, shop.labels).transform(shop[:1])[0].astype(np.float64)
    weights = np.random.default_rng(0).normal(size=(2, len(features)))
    placed = flow.locate(LoadedImage(shop.images[0]), weights)
    if placed is None:
        return
    assert all(each.values.shape[0] == 2 and each.values.ndim == 3 for each in placed)
    found = sum(each.values.sum(axis=(1, 2)) for each in placed)
    np.testing.assert_allclose(found, weights @ features, atol=1e-3 * np.linalg.norm(features))


FLOW_CHECKS = [check for name, check in sorted(globals().items()) if name.startswith("check_")]
