import numpy as np
import pytest

from twoflow import CNNEmbedding
from twoflow.networks import open_session


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
    ],
)
def test_bad_parameters(parameters, message, shop):
    with pytest.raises(ValueError, match=message):
        CNNEmbedding(**parameters).fit(shop)
    with pytest.raises(ValueError, match=message):
        CNNEmbedding(**parameters).transform(shop)
