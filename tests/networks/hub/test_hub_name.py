"""Names of the hub, and what is said where huggingface_hub is not installed."""

import sys

import pytest

from twoflow import CNNEmbedding
from twoflow.networks import get_card
from twoflow.networks.hub_name import HubName, is_safe, parse_hub_name

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize("text, name", [
    ("hf://org/name", HubName("org/name")),
    ("hf://Org-1/name.v2_x", HubName("Org-1/name.v2_x")),
    ("hf://org/name@v1.0", HubName("org/name", "v1.0")),
    (f"hf://org/name@{COMMIT}/onnx/model.onnx", HubName("org/name", COMMIT, "onnx/model.onnx")),
    ("hf://org/name/model.onnx", HubName("org/name", None, "model.onnx")),
    ("hf://org/name@refs/pr/3", HubName("org/name", "refs/pr/3")),
    ("hf://org/name@feature%2Fnew/m.onnx", HubName("org/name", "feature/new", "m.onnx")),
])
def test_names(text, name):
    assert parse_hub_name(text) == name
    assert parse_hub_name(str(name)) == name


@pytest.mark.parametrize("text", [
    "hf://", "hf://name", "hf:///name", "hf://org/", "hf://org/name@", "hf://org/name@a b", "hf://org/../x.onnx",
    "hf://org/name/../../x.onnx", "hf://org/name//x.onnx", "hf://org/name/a\\x.onnx", "hf://org/name@%2e%2e",
    "hf://org/name@%2Fetc", "hf://org/name/C:x.onnx", "hf://org/name/a\nb.onnx", "hf://o/n@" + "x" * 300,
])
def test_names_that_are_none(text):
    with pytest.raises(ValueError, match="expected hf://ORGANIZATION/NAME, maybe with @REVISION") as error:
        get_card(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("file, safe", [
    ("model.onnx", True), ("onnx/model.onnx_data", True), ("../model.onnx", False), ("a/../../b", False),
    ("/etc/passwd", False), ("a\\b", False), ("C:/b", False), ("a//b", False), ("./a", False), ("a\x00", False),
])
def test_paths_in_a_repository(file, safe):
    assert is_safe(file) is safe


def test_the_extra_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModuleNotFoundError, match=r'need huggingface_hub, .*; pip install "twoflow\[hub\]"'):
        CNNEmbedding("hf://org/a-name-that-no-test-has").fit([])


def test_a_mistyped_name_mentions_the_hub():
    with pytest.raises(ValueError, match="or the path of a file or folder, or hf://ORGANIZATION/NAME"):
        get_card("dinov2-small")
