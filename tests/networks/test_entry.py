"""Pixels enter a network as the library that it comes from makes them; `golden/make_entry.py` ran the libraries."""

import json
from pathlib import Path

import numpy as np
import pytest

from twoflow.images import LoadedImage
from twoflow.networks.card import NetworkCard
from twoflow.networks.hub.preprocessing import read_preprocessing

from .golden.entry_photos import make_photo, summarize

GOLDEN = json.loads(Path(__file__).with_name("golden").joinpath("entry.json").read_text())
CASES = [name for name in GOLDEN if name != "versions"]


def make_card(fields):
    return NetworkCard("net", "unknown", "a test", layers={}, embedding=None, **fields)


def to_gray_levels(planes, config):
    """Undo what a configuration says about mean and deviation; return an array (height, width, 3)."""
    own = config.get("pretrained_cfg") or config.get("preprocess_cfg") or config
    mean, std = (own.get(key, own.get(f"image_{key}", default)) for key, default in (("mean", 0), ("std", 1)))
    return 255 * (planes.transpose(1, 2, 0).astype(float) * std + np.array(mean))


@pytest.mark.parametrize("name", CASES)
def test_pixels_are_those_of_the_reference_library(name):
    config = GOLDEN[name]["config"]
    card = make_card(read_preprocessing(config))
    for size, expected in GOLDEN[name]["results"].items():
        photo = make_photo(*map(int, size.split("x")))
        planes = card.preprocess(LoadedImage(photo).fitted(card.fitting))[0]
        assert list(planes.shape[1:]) == expected["shape"]
        found = summarize(to_gray_levels(planes, config))
        assert np.abs(found["sampled"] - expected["sampled"]).mean() < 0.5
        assert np.abs(found["grid"].ravel() - expected["grid"]).max() < 0.2
        one, other = found["embedding"], np.array(expected["embedding"])
        assert one @ other > (1 - 1e-5) * np.linalg.norm(one) * np.linalg.norm(other)


@pytest.mark.parametrize("name, field, value", [
    ("timm-center-0.95", "rounding", "down"),
    ("transformers-deit-pil", "rounding", "even"),
    ("transformers-dinov2-pil", "fit", "stretch"),
    ("transformers-dinov2-torchvision", "resize_size", (252, 252)),
    ("timm-border-1.0", "filter", "bicubic"),
    ("open-clip-longest", "pad_color", (128, 128, 128)),
])
def test_each_field_is_seen_in_the_golden_values(name, field, value):
    config = GOLDEN[name]["config"]
    fields = read_preprocessing(config)
    assert fields.get(field) != value
    card = make_card({**fields, field: value})
    differences = []
    for size, expected in GOLDEN[name]["results"].items():
        planes = card.preprocess(LoadedImage(make_photo(*map(int, size.split("x")))).fitted(card.fitting))[0]
        differences.append(np.abs(summarize(to_gray_levels(planes, config))["sampled"] - expected["sampled"]).mean())
    assert max(differences) > 0.5
