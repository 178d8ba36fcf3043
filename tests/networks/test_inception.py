"""The paper's networks, recognised in a folder: the real symbol of Inception-BN with random parameters."""

import json
import shutil

import numpy as np
import pytest

from twoflow import CNNEmbedding
from twoflow.networks import NETWORKS, get_card, open_session
from twoflow.networks.mxnet_symbol import SymbolWarning

from .mxnet_files import params, record

POOLS = {"max_pool_3c_pool": (320, 14, 14), "max_pool_4e_pool": (608, 7, 7), "max_pool_5b_pool": (1024, 7, 7)}


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    """The real symbol; parameters of the shapes that its attributes and widths ask for."""
    source = data / "mxnet" / "Inception_BN-symbol.json"
    folder = tmp_path_factory.mktemp("inception")
    shutil.copy(source, folder)
    rng = np.random.default_rng(0)
    nodes = json.loads(source.read_text())["nodes"]
    arrays, widths = {}, {"data": 3}

    def put(name, *shape, low=-0.1, high=0.1):
        arrays[name] = rng.uniform(low, high, shape).astype(np.float32)

    for node in nodes:
        if node["op"] == "null":
            continue
        name, inputs = node["name"], [nodes[i]["name"] for i, *_ in node["inputs"]]
        width = widths.get(inputs[0])
        if node["op"] == "Convolution":
            kernel = json.loads(node["param"]["kernel"].replace("(", "[").replace(")", "]"))
            put(inputs[1], int(node["param"]["num_filter"]), width, *kernel)
            width = int(node["param"]["num_filter"])
            put(inputs[2], width)
        elif node["op"] == "BatchNorm":
            for parameter in (*inputs[1:], f"{name}_moving_mean", f"{name}_moving_var"):
                put(parameter, width, low=0.5, high=1.5)
        elif node["op"] == "Concat":
            width = sum(widths[each] for each in inputs)
        elif node["op"] == "FullyConnected":
            put(inputs[1], 1000, width)
            put(inputs[2], 1000)
        widths[name] = width
    (folder / "Inception_BN-0039.params").write_bytes(params([record(array) for array in arrays.values()], arrays))
    return folder


@pytest.mark.filterwarnings("ignore::twoflow.networks.mxnet_symbol.SymbolWarning")
def test_a_folder_is_enough(folder, shop):
    card = get_card(str(folder))
    assert (card.mean, card.scale, card.input_size, card.channels) == (117, 1, (224, 224), "RGB")
    assert card.stages == NETWORKS["inception-bn"].stages and card.licence == "CC0-1.0"
    for layer, expected in NETWORKS["inception-bn"].layers.items():
        assert card.layers[layer] == expected
    outputs = open_session(folder, (*POOLS, "global_pool", "softmax")).run(np.zeros((224, 224, 3), np.uint8))
    assert {layer: outputs[layer].shape for layer in POOLS} == POOLS
    assert outputs["global_pool"].shape == (1024,) and outputs["softmax"].shape == (1000,)
    assert CNNEmbedding(str(folder)).fit_transform(shop[:2]).shape == (2, 1024)
    symbol = folder / "Inception_BN-symbol.json"
    assert CNNEmbedding(symbol, "max_pool_4e_pool").fit_transform(shop[:1]).shape == (1, 608)


def test_its_age_is_announced(folder, tmp_path):
    for file in folder.iterdir():
        shutil.copy(file, tmp_path)
    with pytest.warns(SymbolWarning, match="Inception_BN-symbol.json is from before December 2015"):
        get_card(tmp_path)


@pytest.mark.parametrize("name", ["inception-bn", "inception-21k"])
def test_the_name_alone_says_where_the_files_are(name, shop):
    with pytest.raises(ValueError, match=f"{name} comes with no package: .*PREFIX-symbol.json"):
        CNNEmbedding(name).fit(shop).transform(shop[:1])
