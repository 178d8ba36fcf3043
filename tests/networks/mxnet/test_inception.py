"""Recognize the paper's networks in a folder: the real symbol of Inception-BN with random parameters."""

import shutil

import numpy as np
import pytest

from twoflow import CNNEmbedding
from twoflow.networks import NETWORKS, get_card, open_session
from twoflow.networks.mxnet.symbol import SymbolWarning

POOLS = {"max_pool_3c_pool": (320, 14, 14), "max_pool_4e_pool": (608, 7, 7), "max_pool_5b_pool": (1024, 7, 7)}


@pytest.mark.filterwarnings("ignore::twoflow.networks.mxnet.symbol.SymbolWarning")
def test_a_folder_is_enough(inception_bn, shop):
    card = get_card(str(inception_bn))
    assert (card.mean, card.scale, card.input_size, card.channels) == (117, 1, (224, 224), "RGB")
    assert card.stages == NETWORKS["inception-bn"].stages and card.license == "CC0-1.0"
    for layer, expected in NETWORKS["inception-bn"].layers.items():
        assert card.layers[layer][:2] == expected[:2]  # only the files say how many positions
    for layer, shape in POOLS.items():
        assert card.layers[layer].positions == shape[1:]
    outputs = open_session(inception_bn, (*POOLS, "global_pool", "softmax")).run(np.zeros((224, 224, 3), np.uint8))
    assert {layer: outputs[layer].shape for layer in POOLS} == POOLS
    assert outputs["global_pool"].shape == (1024,) and outputs["softmax"].shape == (1000,)
    assert CNNEmbedding(str(inception_bn)).fit_transform(shop[:2]).shape == (2, 1024)
    symbol = inception_bn / "Inception_BN-symbol.json"
    assert CNNEmbedding(symbol, "max_pool_4e_pool").fit_transform(shop[:1]).shape == (1, 608)


def test_a_file_from_before_december_2015_warns(inception_bn, tmp_path):
    for file in inception_bn.iterdir():
        shutil.copy(file, tmp_path)
    with pytest.warns(SymbolWarning, match="Inception_BN-symbol.json is from before December 2015"):
        get_card(tmp_path)


@pytest.mark.parametrize("name", ["inception-bn", "inception-21k"])
def test_the_error_for_a_name_says_where_the_files_are(name, shop):
    with pytest.raises(ValueError, match=f"{name}: no package has its weights; .*PREFIX-symbol.json"):
        CNNEmbedding(name).fit(shop).transform(shop[:1])
