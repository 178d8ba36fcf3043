import logging
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from twoflow import CNNEmbedding, FlowUnion, ImageReadError
from twoflow.flows import cnn
from twoflow.images import UnreadableImagesWarning
from twoflow.networks import open_session
from twoflow.store import FeatureStore


def test_pooling_is_over_positions(shop):
    outputs = open_session("efficientnet-lite0", ("stage3",))
    pixels = np.asarray(shop.pictures[0])
    size = outputs.card.input_size
    picture = np.repeat(np.repeat(pixels, 2, axis=0), 2, axis=1)[:size[1], :size[0]]  # of the network's own size
    maps = outputs.run(picture)["stage3"]
    np.testing.assert_array_equal(CNNEmbedding(layer="stage3").transform([picture])[0], maps.mean(axis=(1, 2)))
    np.testing.assert_array_equal(
        CNNEmbedding(layer="stage3", pooling="max").transform([picture])[0], maps.max(axis=(1, 2))
    )


def test_default_embedding_at_full_width(shop):
    features = CNNEmbedding(n_jobs=2).fit_transform(shop)
    assert features.shape == (len(shop), 1280)
    assert (features[:1] == CNNEmbedding().transform(shop[:1])).all()


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"network": "resnet"}, "there is no network 'resnet'; did you mean 'efficientnet-lite0'"),
        ({"layer": "stage9"}, "has no layer 'stage9'; its layers are stem, stage1"),
        ({"layer": "global_pool", "pooling": "max"}, "is a vector already"),
        ({"pooling": "median"}, "'pooling' parameter"),
        ({"network": 3}, "'network' parameter"),
        ({"precision": "int4"}, "'precision' parameter"),
    ],
)
def test_bad_parameters(parameters, message, shop):
    with pytest.raises(ValueError, match=message):
        CNNEmbedding(**parameters).fit(shop)
    with pytest.raises(ValueError, match=message):
        CNNEmbedding(**parameters).transform(shop)


def test_8_bit_integers(shop):
    """Nearly the same features, and all that a flow promises: of one picture alone, in any process."""
    handlers = list(logging.getLogger().handlers)
    flow = CNNEmbedding(layer="stage5", precision="int8").fit(shop)
    assert logging.getLogger().handlers == handlers
    features, exact = flow.transform(shop), CNNEmbedding(layer="stage5").transform(shop)
    cosines = (features * exact).sum(axis=1) / np.linalg.norm(features, axis=1) / np.linalg.norm(exact, axis=1)
    assert cosines.min() > 0.95 and cosines.mean() > 0.98 and 0.98 < flow.cosine_ < 1
    assert (pickle.loads(pickle.dumps(flow)).set_params(n_jobs=2).transform(shop[::-1]) == features[::-1]).all()
    assert (clone(flow).fit(shop).transform(shop[:1]) == features[:1]).all()
    union = FlowUnion([("int8", flow), ("float", CNNEmbedding(layer="stage5"))]).fit(shop)
    assert (union.transform(shop) == np.hstack([features, exact])).all()


def test_8_bit_integers_are_learnt_and_so_in_no_store(shop, tmp_path):
    flow = CNNEmbedding(layer="stage1", precision="int8", store=tmp_path)
    with pytest.raises(NotFittedError):
        flow.transform(shop)
    assert flow.__sklearn_tags__().learns_from_data and not CNNEmbedding().__sklearn_tags__().learns_from_data
    assert (flow.fit(shop[:8]).transform(shop) != clone(flow).fit(shop[8:]).transform(shop)).any()
    assert not FeatureStore(tmp_path).flows()


def test_8_bit_integers_that_lose_too_much_are_refused(shop, monkeypatch):
    monkeypatch.setattr(cnn, "_LEAST_COSINE", 0.9999)
    with pytest.raises(ValueError, match="stage1 of efficientnet-lite0 loses too much in 8-bit integers: .* 0.99"):
        CNNEmbedding(layer="stage1", precision="int8").fit(shop)


def test_pictures_that_cannot_be_read_do_not_count_in_8_bit_integers(shop):
    broken = [b"text", *shop.pictures[1:]]
    with pytest.raises(ImageReadError):
        CNNEmbedding(layer="stage1", precision="int8").fit(broken)
    lenient = CNNEmbedding(layer="stage1", precision="int8", on_error="nan")
    with pytest.warns(UnreadableImagesWarning, match="1 of 32 pictures cannot be read and are left out of the calibr"):
        lenient.fit(broken)
    assert (lenient.transform(shop[1:]) == clone(lenient).fit(shop[1:]).transform(shop[1:])).all()
    with pytest.raises(ValueError, match="none of the 1 pictures"), pytest.warns(UnreadableImagesWarning):
        lenient.fit([b"text"])
