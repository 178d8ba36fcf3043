"""Networks of transformers: loaded by the library's own code, run stage by stage, exported."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest

from twoflow import CNNEmbedding
from twoflow.errors import InputError

from . import tiny
from .test_lite import carried, compute, load  # noqa: F401


def reference(torch, folder, pixels):
    """Return what transformers itself computes for values from -1 to 1."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folder).eval()
    values = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.inference_mode():
        return model(pixel_values=values)


@pytest.mark.parametrize("kind, embed", [
    ("resnet", lambda found: found.pooler_output.flatten(1)),
    ("efficientnet", lambda found: found.pooler_output),
    ("convnext", lambda found: found.pooler_output),
    ("convnextv2", lambda found: found.pooler_output),
    ("vit", lambda found: found.last_hidden_state[:, 0]),
    ("deit", lambda found: found.last_hidden_state[:, 0]),
    ("dinov2", lambda found: found.pooler_output),
    ("regnet", lambda found: found.pooler_output.flatten(1)),
    ("swin", lambda found: found.pooler_output),
])
def test_it_computes_what_the_library_computes(torch, load, pixels, tiny_folder, kind, embed):  # noqa: F811
    images, folder = pixels(32, 32), tiny_folder(kind)
    trunk = load(folder)
    found = compute(torch, trunk, images)
    np.testing.assert_allclose(found, embed(reference(torch, folder, images)).numpy(), rtol=0, atol=1e-5)
    assert found.shape == (3, trunk.info.width) and np.ptp(found, axis=0).max() > 0
    assert [name for name, _ in trunk.stages] == [*(trunk.info.stages or ("network",))]


@pytest.mark.parametrize("kind, size, stage", [
    ("resnet", (32, 64), "stage2"), ("efficientnet", (64, 64), "stage2"), ("deit", (48, 32), "block1"),
])
def test_a_trained_trunk_as_an_onnx_file(torch, load, pixels, tiny_folder, kind, size, stage):  # noqa: F811
    trunk, images = load(tiny_folder(kind), input_size=size), pixels(*size)
    tiny.perturb(trunk)
    network = carried(trunk)
    flow = CNNEmbedding(network)
    expected = compute(torch, trunk, images)
    assert np.abs(flow.fit_transform(list(images)) - expected).max() < 1e-4 * max(1, np.abs(expected).max())
    card = flow.open_network().card
    assert (card.embedding, card.input_size) == (trunk.info.embedding, size) and stage in card.stages
    with torch.inference_mode():
        x = trunk.run(trunk.enter(torch.from_numpy(images)), 0, trunk.info.stages.index(stage) + 1).numpy()
    n_patches = card.layers[stage].positions[0] * card.layers[stage].positions[1]
    mean = x.mean(axis=(2, 3)) if x.ndim == 4 else x[:, -n_patches:].mean(axis=1)
    pooled = CNNEmbedding(network, layer=stage).fit_transform(list(images))
    np.testing.assert_allclose(pooled, mean, rtol=0, atol=1e-4)
    covariances = CNNEmbedding(network, layer=stage, pooling="covariance", n_channels=4).fit_transform(list(images))
    assert covariances.shape == (3, 10) and covariances.any()
    check_file(torch, trunk, network.files[0][1], images)


def check_file(torch, trunk, graph, images):
    """Check that a file is valid, takes any number of images, and says nothing about this machine."""
    onnx.checker.check_model(onnx.load_from_string(graph))
    assert b"site-packages" not in graph
    session = onnxruntime.InferenceSession(graph)
    assert [each.name for each in session.get_outputs()] == [*trunk.info.stages, trunk.info.embedding]
    values, expected = trunk.enter(torch.from_numpy(images)).numpy(), compute(torch, trunk, images)
    for n in (1, 3):
        found = session.run([trunk.info.embedding], {"pixel_values": values[:n]})[0]
        np.testing.assert_allclose(found, expected[:n], rtol=1e-4, atol=1e-5)


def test_position_encodings_are_interpolated(torch, load, tiny_folder):  # noqa: F811
    own, wide = (load(tiny_folder("deit"), input_size=size) for size in (None, (64, 32)))
    small, large = (trunk.network.embeddings.position_embeddings.detach() for trunk in (own, wide))
    assert small.shape == (1, 2 + 4 * 4, 16) and large.shape == (1, 2 + 4 * 8, 16)
    assert torch.equal(small[:, :2], large[:, :2])
    rows = small[:, 2:].reshape(4, 4, 16), large[:, 2:].reshape(4, 8, 16)
    for column in (0, 1):  # of the two that one column becomes
        similar = torch.corrcoef(torch.stack([rows[0].flatten(), rows[1][:, column::2].flatten()]))[0, 1]
        assert similar > 0.9 > torch.corrcoef(torch.stack([rows[0].flatten(), rows[1][:, :4].flatten()]))[0, 1]


def test_statistics_of_an_efficientnet_move_slowly(torch, load, tiny_folder):  # noqa: F811
    trunk = load(tiny_folder("efficientnet"))
    norms = [module for module in trunk.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    assert {round(each.momentum, 6) for each in norms} == {0.01}


def test_channels_in_the_other_order(torch, transformers, load, pixels, tmp_path):  # noqa: F811
    processor = {**tiny.PROCESSOR, "do_flip_channel_order": True}
    turned, plain = (
        load(tiny.write(tmp_path / name, "resnet", each))
        for name, each in (("turned", processor), ("plain", tiny.PROCESSOR))
    )
    images = pixels(32, 32)
    assert turned.info.entry["channels"] == "BGR"
    np.testing.assert_array_equal(compute(torch, turned, images), compute(torch, plain, images[..., ::-1].copy()))


@pytest.mark.parametrize("kind", ["resnet", "efficientnet"])
def test_random_weights_come_from_the_seed_only(torch, load, pixels, tiny_folder, kind):  # noqa: F811
    folder, state = tiny_folder(kind), torch.get_rng_state()
    first, again, other = (load(folder, pretrained=False, input_size=(32, 32), seed=seed) for seed in (0, 0, 1))
    assert torch.equal(state, torch.get_rng_state())
    images = pixels(32, 32)
    found = compute(torch, first, images)
    np.testing.assert_array_equal(found, compute(torch, again, images))
    assert np.abs(found - compute(torch, other, images)).max() > 1e-3 < np.ptp(found, axis=0).max()


def test_weights_that_do_not_belong_to_the_network(torch, load, tiny_folder, tmp_path):  # noqa: F811
    def make(name, weights, config):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "preprocessor_config.json").write_text(json.dumps(tiny.PROCESSOR))
        (folder / "model.safetensors").write_bytes(weights)
        return folder

    config = json.loads((tiny_folder("vit") / "config.json").read_text())
    weights = (tiny_folder("vit") / "model.safetensors").read_bytes()
    for folder, message in (
        (make("other", (tiny_folder("resnet") / "model.safetensors").read_bytes(), config),
         "expected weights of a vit network, got none for .* and [0-9]+ more; put the model.safetensors that belongs"),
        (make("deeper", weights, {**config, "num_hidden_layers": 3}), "got none for .*layers?.2"),
        (make("wider", weights, {**config, "hidden_size": 32}), "transformers cannot load its weights"),
        (make("damaged", weights[:200], config), "transformers cannot load its weights"),
    ):
        with pytest.raises(InputError, match=message) as error:
            load(folder)
        assert "\n" not in str(error.value)


def test_a_size_that_an_unknown_family_does_not_take(transformers, load, tmp_path):  # noqa: F811
    folder = tiny.write(tmp_path / "net", "ijepa")
    with pytest.raises(InputError, match="net: it cannot take images of 64 x 64 pixels .*; choose another input_size"):
        load(folder, input_size=(64, 64))
