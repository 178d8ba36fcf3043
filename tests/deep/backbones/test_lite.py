"""EfficientNet-Lite in torch: the same network as the one that onnxruntime runs."""

import copy
import json

import numpy as np
import pytest

from twoflow import CNNEmbedding
from twoflow.networks import CarriedNetwork
from twoflow.networks.card_file import check_fields

from .tiny import perturb


@pytest.fixture(scope="module")
def load(torch):
    from twoflow.deep.backbones.loading import load_trunk
    return load_trunk


def compute(torch, trunk, pixels):
    with torch.inference_mode():
        return trunk(torch.from_numpy(pixels)).numpy()


def carried(trunk):
    graph, card = trunk.to_onnx()
    text = json.dumps(card)
    check_fields(json.loads(text), "card")
    return CarriedNetwork("network.onnx", [("network.onnx", graph), ("network.card.json", text.encode())])


@pytest.mark.parametrize("size", [(64, 64), (45, 70)])
def test_it_computes_what_the_named_network_computes(torch, load, pixels, size):
    images = pixels(*size)
    expected = CNNEmbedding("efficientnet-lite0", preprocessing={"input_size": size}).fit_transform(list(images))
    found = compute(torch, load("efficientnet-lite0", input_size=size), images)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_a_trained_trunk_as_an_onnx_file(torch, load, pixels):
    trunk, images = load("efficientnet-lite0", input_size=(64, 64)), pixels(64, 64)
    perturb(trunk)
    network = carried(trunk)
    flow = CNNEmbedding(network)
    found, expected = flow.fit_transform(list(images)), compute(torch, trunk, images)
    assert np.abs(found - expected).max() < 1e-4 < 0.1 < np.abs(expected).max()
    card = flow.open_network().card
    assert (card.embedding, card.stages) == ("global_pool", trunk.info.stages[:-1])
    assert (card.source, card.license) == (f"fine-tuned from {trunk.info.source}", "Apache-2.0")
    with torch.inference_mode():
        stage5 = trunk.run(trunk.enter(torch.from_numpy(images)), 0, 6).mean(dim=(2, 3)).numpy()
    pooled = CNNEmbedding(network, layer="stage5").fit_transform(list(images))
    np.testing.assert_allclose(pooled, stage5, rtol=0, atol=1e-4)
    assert CNNEmbedding(network, layer="stage5", pooling="covariance", n_channels=8).fit_transform([images[0]]).any()


def test_an_export_leaves_the_trunk_as_it_is(load):
    trunk = load("efficientnet-lite0", input_size=(32, 32)).train()
    trunk.stages[0][1].eval()
    modes = [module.training for module in trunk.modules()]
    trunk.to_onnx()
    assert modes == [module.training for module in trunk.modules()] and len({*modes}) == 2


def test_stages_and_pool_make_the_whole(torch, load, pixels):
    trunk = load("efficientnet-lite0", input_size=(32, 32))
    with torch.inference_mode():
        x = trunk.enter(torch.from_numpy(pixels(32, 32)))
        assert x.is_contiguous(memory_format=torch.channels_last)
        parts = trunk.pool(trunk.run(trunk.run(x, 0, 4), 4))
    np.testing.assert_allclose(parts.numpy(), compute(torch, trunk, pixels(32, 32)), rtol=0, atol=1e-6)
    owned = {id(each) for _, stage in trunk.stages for each in stage.parameters()}
    assert owned == {id(each) for each in trunk.parameters()}


def test_a_copy_has_its_own_weights(torch, load, pixels):
    trunk = load("efficientnet-lite0", input_size=(32, 32))
    before, other = compute(torch, trunk, pixels(32, 32)), copy.deepcopy(trunk)
    perturb(other)
    np.testing.assert_array_equal(compute(torch, trunk, pixels(32, 32)), before)
    assert np.abs(compute(torch, other, pixels(32, 32)) - before).max() > 0.1


def test_random_weights_come_from_the_seed_only(torch, load):
    state = torch.get_rng_state()
    first, again, other = (
        load("efficientnet-lite1", pretrained=False, input_size=(32, 32), seed=seed).state_dict() for seed in (0, 0, 1)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["network._conv_stem.weight"], other["network._conv_stem.weight"])
    assert torch.equal(state, torch.get_rng_state())
