from pathlib import Path

import pytest

from twoflow.errors import InputError
from twoflow.networks import CarriedNetwork, list_networks, name_networks


def test_one_network_is_a_list_of_one():
    carried = CarriedNetwork("net.onnx", [("net.onnx", b"1")])
    for network in ("efficientnet-lite0", Path("net.onnx"), carried):
        assert list_networks(network) == [network]
    assert list_networks(("a.onnx", "efficientnet-lite0", carried)) == ["a.onnx", "efficientnet-lite0", carried]


@pytest.mark.parametrize("given, words", [
    ([], "expected at least one network, got none"),
    (["a.onnx", "b.onnx", "a.onnx"], "expected each network once, got 'a.onnx' twice"),
    (["a.onnx", 3], "expected names or paths of networks, got 3"),
    (None, "expected names or paths of networks, got None"),
])
def test_what_is_no_network(given, words):
    with pytest.raises(InputError, match=words):
        list_networks(given)


@pytest.mark.parametrize("network, name", [
    ("efficientnet-lite0", "efficientnet-lite0"),
    ("models/vit_s.onnx", "vit_s"),
    ("vit.onnx", "vit"),
    (Path("my folder/größe 2.onnx"), "größe_2"),
    ("models/Inception-symbol.json", "Inception"),
    ("models/Inception-0009.params", "Inception"),
    ("models/inception-21k/", "inception-21k"),
    ("hf://facebook/dinov2-small@abc123", "dinov2-small"),
    ("a__b.onnx", "a_b"),
    ("...", "..."),
    ("__.onnx", "network"),
])
def test_names_of_networks(network, name):
    assert name_networks([network]) == [name]


def test_names_of_networks_are_distinct():
    assert name_networks(["a/model.onnx", "b/model.onnx", "c/model.onnx", "d.onnx"]) == [
        "model", "model-2", "model-3", "d"
    ]
