"""Networks with weights and no graph: which files of a folder or repository are taken."""

import json
import os

import pytest

from twoflow.errors import InputError, UnreachableError
from twoflow.networks import content
from twoflow.networks.hub.checkpoint import find_checkpoint
from twoflow.networks.hub_name import parse_hub_name

CONFIG = json.dumps({"model_type": "resnet"}).encode()
FILES = {
    "config.json": CONFIG, "model.safetensors": b"0", "preprocessor_config.json": b"{}", "README.md": b"# A model\n",
}
OTHERS = dict.fromkeys(("pytorch_model.bin", "model.onnx", "other.safetensors", "code.py", "tf_model.h5"), b"0")


def write(folder, files):
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_a_folder_is_itself(tmp_path):
    folder = write(tmp_path / "net", FILES)
    found = find_checkpoint(folder)
    assert (found.folder, found.name, found.title) == (folder, None, str(folder))


def test_only_what_is_needed_is_downloaded(hub):
    commit = hub.push("org/net", {**FILES, **OTHERS})
    found = find_checkpoint(parse_hub_name("org/net"))
    assert sorted(path.name for path in found.folder.iterdir()) == sorted(FILES)
    assert str(found.name) == found.title == f"hf://org/net@{commit}"
    hub.asked.clear()
    assert find_checkpoint(parse_hub_name("org/net")) is found and hub.asked == []


def test_without_weights(hub):
    hub.push("org/net", FILES)
    found = find_checkpoint(parse_hub_name("org/net"), with_weights=False)
    assert "model.safetensors" not in {path.name for path in found.folder.iterdir()}


def test_weights_in_several_files(hub):
    shards = {f"model-0000{i}-of-00002.safetensors": b"0" for i in (1, 2)}
    files = {"config.json": CONFIG, "model.safetensors.index.json": b"{}", **shards}
    hub.push("org/net", files)
    assert {path.name for path in find_checkpoint(parse_hub_name("org/net")).folder.iterdir()} == {*files}


def test_a_revision(hub):
    first = hub.push("org/net", FILES)
    hub.push("org/net", {**FILES, "README.md": b"# Another\n"})
    assert find_checkpoint(parse_hub_name(f"org/net@{first}")).folder.name == first


@pytest.mark.parametrize("files, message", [
    ({}, "expected a network of transformers with config.json, got none; name a folder that save_pretrained wrote"),
    ({"model.onnx": b"0"}, "got model.onnx, which cannot be trained; name a folder"),
    ({"config.json": CONFIG}, "expected its weights in model.safetensors, got no weights; load it with transformers"),
    ({"config.json": CONFIG, "pytorch_model.bin": b"0"}, "got pytorch_model.bin; load it with transformers where you"),
    ({"config.json": CONFIG, "model-1.safetensors": b"0"}, "model.safetensors, got model-1.safetensors; load it with"),
])
def test_a_file_is_missing(tmp_path, hub, files, message):
    hub.push("org/net", files)
    for network in (write(tmp_path / "net", files), parse_hub_name("org/net")):
        with pytest.raises(InputError, match=message):
            find_checkpoint(network)


def test_names_that_lead_nowhere(tmp_path, hub):
    hub.push("org/net", FILES)
    for network, message in (
        (tmp_path / "none", "expected a folder with config.json, got .*none, which is none; correct the path"),
        (parse_hub_name("org/none"), "the hub has no repository org/none, or it is private"),
        (parse_hub_name("org/net@v9"), "org/net has no revision 'v9'"),
        (parse_hub_name("org/net/a/b.onnx"), "expected a repository, .* with the path of a file; leave /a/b.onnx out"),
    ):
        with pytest.raises(InputError, match=message) as error:
            find_checkpoint(network)
        assert "\n" not in str(error.value)


def test_weights_that_are_too_large_are_not_downloaded(hub):
    hub.push("org/net", FILES)
    hub.sizes["model.safetensors"] = content.MAX_BYTES + 1
    with pytest.raises(InputError, match=r"expected at most .* bytes, got .* \(model.safetensors\)"):
        find_checkpoint(parse_hub_name("org/net"))
    assert not [each for each in hub.asked if each.startswith("GET /org/")]


def test_from_the_cache(hub, offline):
    commit = hub.push("org/net", FILES)
    folder = find_checkpoint(parse_hub_name("org/net")).folder
    offline()
    found = find_checkpoint(parse_hub_name("org/net"))
    assert (found.folder, found.name.revision) == (folder, commit)
    remedy = "hf download org/other --local-dir other, then use the path of that folder"
    with pytest.raises(UnreachableError, match=f"HF_HUB_OFFLINE is set.*does not have this revision; .*{remedy}"):
        find_checkpoint(parse_hub_name("org/other"))
    os.unlink(folder / "model.safetensors")
    offline()
    with pytest.raises(UnreachableError, match="the cache does not have the network .*hf download org/net"):
        find_checkpoint(parse_hub_name("org/net"))
