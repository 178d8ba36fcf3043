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

from ..networks.mxnet.files import network, write


def test_pooling_is_over_positions(shop):
    outputs = open_session("efficientnet-lite0", ("stage3",))
    pixels = np.asarray(shop.images[0])
    size = outputs.card.input_size
    image = np.repeat(np.repeat(pixels, 2, axis=0), 2, axis=1)[:size[1], :size[0]]  # of the network's own size
    maps = outputs.run(image)["stage3"]
    np.testing.assert_array_equal(CNNEmbedding(layer="stage3").transform([image])[0], maps.mean(axis=(1, 2)))
    np.testing.assert_array_equal(
        CNNEmbedding(layer="stage3", pooling="max").transform([image])[0], maps.max(axis=(1, 2))
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
        ({"layer": "logits", "pooling": "covariance"}, "'logits' is a vector already; pooling='covariance' needs a"),
        ({"grid": 2}, "layer 'global_pool' is a vector already; grid=2 needs a map"),
        ({"center_prior": 0.3}, "layer 'global_pool' is a vector already; center_prior=0.3 needs a map"),
        ({"layer": "head", "center_prior": 0.01}, "'center_prior' parameter"),
        ({"layer": "head", "center_prior": 0.3, "pooling": "max"}, 'center_prior needs another pooling than "max"'),
        ({"layer": "head", "grid": 0}, "'grid' parameter"),
        ({"layer": "head", "grid": 1.5}, "'grid' parameter"),
        ({"layer": "head", "grid": 8}, r"has 7 x 7 positions at an input_size of \(224, 224\), too few for grid=8"),
        ({"layer": "head", "grid": 2, "views": "five-crop"}, 'views="five-crop" needs grid=1'),
        ({"layer": "head", "grid": 3, "preprocessing": {"input_size": (320, 33)}}, "has 2 x 10 positions .* grid=3"),
        ({"layer": "head", "grid": 7, "pooling": "covariance"}, "covariance\" needs more than one in each cell"),
        ({"layer": "stage6", "pooling": "covariance", "preprocessing": {"input_size": (32, 32)}}, "has 1 x 1 posit"),
        ({"views": "ten-crop"}, "'views' parameter"),
        ({"layer": "stage5", "n_channels": 16}, 'n_channels needs pooling="covariance"'),
        ({"layer": "stage5", "n_channels": 0, "pooling": "covariance"}, "'n_channels' parameter"),
        ({"layer": "stage5", "n_channels": 113, "pooling": "covariance"}, "n_channels=113 is more than .* has, 112"),
        ({"preprocessing": {"input_size": (16, 16)}}, "with sides of 32 to 4096, got"),
        ({"preprocessing": {"input_size": 320}}, "input_size: expected .*, got 320"),
        ({"preprocessing": {"mean": 0}}, "with input_size, .* only, .* got mean"),
        ({"preprocessing": {"fit": "crop", "resize_size": (200, 256)}}, "expected a resize_size of at least 224 x 224"),
        ({"preprocessing": {"pad_color": (255, 255, 255), "fit": "crop"}}, 'expected fit "pad" with a pad_color'),
        ({"network": "inception-21k", "preprocessing": {"input_size": (320, 320)}}, "expected no preprocessing"),
        ({"preprocessing": {"fit": "area"}, "views": "five-crop"}, 'views="five-crop" takes images of one size only'),
        ({"preprocessing": {"fit": "area", "resize_size": (256, 256)}}, 'expected no resize_size with fit "area"'),
        ({"network": 3}, "'network' parameter"),
        ({"precision": "int4"}, "'precision' parameter"),
    ],
)
def test_bad_parameters(parameters, message, shop):
    with pytest.raises(ValueError, match=message):
        CNNEmbedding(**parameters).fit(shop)
    with pytest.raises(ValueError, match=message):
        CNNEmbedding(**parameters).transform(shop)


@pytest.mark.parametrize("parameters, width", [
    ({"pooling": "gem"}, 112),
    ({"grid": 3}, 9 * 112),
    ({"views": "five-crop"}, 112),
    ({"pooling": "covariance"}, 112 * 113 // 2),
    ({"pooling": "covariance", "n_channels": 112, "grid": 2, "views": "mirror"}, 4 * 112 * 113 // 2),
    ({"pooling": "covariance", "n_channels": 8, "preprocessing": {"input_size": (80, 48)}}, 36),
])
def test_width(parameters, width, shop):
    flow = CNNEmbedding(layer="stage5", **parameters).fit(shop)
    assert flow.transform(shop[:1]).shape == (1, width) and len(flow.get_feature_names_out()) == width


def test_integers_need_images_of_one_size(shop):
    with pytest.raises(ValueError, match='precision="int8" takes images of one size only, got the fit "area"'):
        CNNEmbedding(preprocessing={"fit": "area"}, precision="int8").fit(shop)


def test_an_area_is_what_the_network_computes_for_images_of_that_size():
    images = [np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8) for shape in ((90, 120), (70, 40))]
    options = {"layer": "stage5", "pooling": "covariance", "n_channels": 8, "views": "mirror", "center_prior": 0.3}
    flow = CNNEmbedding(preprocessing={"input_size": (96, 96), "fit": "area"}, n_jobs=2, **options)
    found = flow.fit_transform(images)
    for row, image, size in zip(found, images, ((96, 96), (64, 128))):
        alone = CNNEmbedding(preprocessing={"input_size": size}, **options).fit_transform([image])
        np.testing.assert_allclose(row, alone[0], atol=1e-3)


def test_golden_values(shop):
    """Of the first image, at three places."""
    for parameters, expected in GOLDEN:
        flow = CNNEmbedding(layer="stage5", **parameters)
        np.testing.assert_allclose(flow.transform(shop[:1])[0, [0, 50, -1]], expected, rtol=2e-3)


GOLDEN = [
    ({"pooling": "mean"}, [0.679649, 0.0965624, -0.359975]),
    ({"pooling": "gem"}, [4.51084, 3.83294, 2.78696]),
    ({"pooling": "max", "grid": 2}, [11.558, 7.12242, 7.58434]),
    ({"pooling": "covariance"}, [0.0673828, 0.00166607, 0.0621033]),
    ({"pooling": "covariance", "n_channels": 16, "grid": 2, "views": "mirror"}, [0.205566, 0.00771331, 0.224609]),
    ({"views": "five-crop"}, [0.332498, 0.421451, -0.637269]),
    ({"pooling": "covariance", "preprocessing": {"input_size": (320, 256)}}, [0.0656738, 0.00529099, 0.0640259]),
]


def test_a_constant_map_has_no_covariance(tmp_path):
    """A network of one pixel sees none in an image of one color."""
    weights = {"w": np.random.default_rng(0).normal(size=(7, 3, 1, 1)).astype(np.float32)}
    convolution = ("Convolution", "conv", {"kernel": (1, 1), "num_filter": 7, "no_bias": True}, ["data", "w"])
    path = write(tmp_path, network(convolution), weights, card={"input_size": [9, 5], "mean": 117.3, "scale": 58.4})
    plain, colored = np.full((5, 9, 3), (200, 30, 77), np.uint8), np.arange(135, dtype=np.uint8).reshape(5, 9, 3)
    flow = CNNEmbedding(path, "conv", pooling="covariance", grid=2, views="mirror")
    features = flow.fit_transform([plain, colored])
    assert features.shape == (2, 4 * 28) and not features[0].any()
    np.testing.assert_allclose(np.linalg.norm(features[1].reshape(4, 28), axis=1), 1, rtol=1e-3)
    with pytest.raises(ValueError, match=r"has 5 x 9 positions at an input_size of \(9, 5\), too few for grid=6"):
        flow.set_params(grid=6).fit([plain])


def test_8_bit_integers(shop):
    """Nearly the same features, and all that a flow promises: of one image alone, in any process."""
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


def test_8_bit_integers_are_learned_and_so_in_no_store(shop, tmp_path):
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


def test_images_that_cannot_be_read_do_not_count_in_8_bit_integers(shop):
    broken = [b"text", *shop.images[1:]]
    with pytest.raises(ImageReadError):
        CNNEmbedding(layer="stage1", precision="int8").fit(broken)
    lenient = CNNEmbedding(layer="stage1", precision="int8", on_error="nan")
    with pytest.warns(UnreadableImagesWarning, match="1 of 32 images cannot be read and are left out of the calibr"):
        lenient.fit(broken)
    assert (lenient.transform(shop[1:]) == clone(lenient).fit(shop[1:]).transform(shop[1:])).all()
    with pytest.raises(ValueError, match="none of the 1 images"), pytest.warns(UnreadableImagesWarning):
        lenient.fit([b"text"])
