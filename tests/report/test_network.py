"""What is said of a network: the words for how an image enters, and which layers are listed."""

import json
from dataclasses import replace

import pytest

from twoflow.networks import Layer, NetworkCard
from twoflow.networks.facts import NetworkFacts
from twoflow.report.network import format_network, network_document

CARD = NetworkCard(
    "vit.onnx", "MIT", "hf://a/b@1", (224, 224), "RGB",
    (123.675, 116.28, 103.53), (58.395, 57.12, 57.375),
    {"block1": Layer(8, True, (16, 16)), "cls": Layer(8, False), "out": Layer(4, False)}, "cls", ("block1",),
    reasons={
        "embedding": "cls: the class token", "tokens": "tokens: a grid of 16 x 16", "file": "onnx/model.onnx",
        "odd": "x",
    },
)
FACTS = NetworkFacts(CARD, "in files", 2_500_000, {"float16": 1_200, "float32": 3}, ("out",), "cpu")


def test_the_whole_text():
    assert format_network(FACTS).split("\n") == [
        "vit.onnx (in files, 2 MB)",
        "  embedding  cls: the class token; 8 values",
        "  image      stretched to 224 x 224 pixels; bicubic filter",
        "  values     RGB; a value v from 0 to 255 enters as (v - (123.675, 116.28, 103.53)) / (58.395, 57.12, 57.375)"
        ", from -2.12 to 2.64",
        "  license    MIT",
        "  source     hf://a/b@1",
        "  file       onnx/model.onnx",
        "  weights    1,200 in float16 and 3 in float32, up to the embedding",
        "  runs on    cpu",
        "  stages     1: block1",
        "  tokens     a grid of 16 x 16",
        "  odd        x",
        "",
        "  layer   values  positions",
        "  ------------------------------------",
        "  block1       8    16 x 16  stage",
        "  cls          8             embedding",
        "  out          4             output",
    ]


@pytest.mark.parametrize("fields, words", [
    ({"fit": "crop"}, "resized in its proportions until it covers 224 x 224 pixels, then the middle 224 x 224 is cut "),
    ({"fit": "crop", "resize_size": (256, 256)}, "until it covers 256 x 256 pixels, then the middle 224 x 224 is cut"),
    ({"fit": "area"}, "resized in its proportions to about as many pixels as 224 x 224, with sides that are multiples"),
    ({"fit": "pad"}, "until it lies inside 224 x 224 pixels, with black around it; bicubic"),
    ({"fit": "pad", "pad_color": (1, 2, 3)}, "with the color 1, 2, 3 around it"),
    ({"resize_size": (248, 248)}, "stretched to 248 x 248 pixels, then the middle 224 x 224 is cut out"),
    ({"filter": "bilinear"}, "bilinear filter"),
    ({"channels": "BGR", "mean": 127, "scale": 128.0},
     "BGR; a value v from 0 to 255 enters as (v - 127) / 128, from -"),
    ({"embedding": None, "reasons": {}}, "embedding  none; name a layer\n  image"),
    ({"name": "a\n\x1b[31mb"}, "a \\x1b[31mb (in files"),
])
def test_words(fields, words):
    assert words in format_network(FACTS._replace(card=replace(CARD, **fields)))


def test_of_many_layers_those_with_a_meaning_are_listed():
    others = {f"/layer.{i}/Add": Layer(8, False) for i in range(30)}
    blocks = {f"block{i}": Layer(8, True, (2, 2)) for i in range(1, 13)}
    layers = {**others, **blocks, **CARD.layers}
    many = FACTS._replace(card=replace(CARD, layers=layers, stages=tuple(blocks)))
    text = format_network(many)
    assert "stages     12: block1, block2, ..., block12\n" in text
    assert text.endswith("\n  and 30 more tensors of the graph; --all lists them") and "/layer" not in text
    assert all(f"\n  {name} " in format_network(many, with_all=True) for name in many.card.layers)
    unknown = FACTS._replace(card=replace(CARD, layers=others, embedding=None, stages=()), outputs=())
    assert "/layer.29/Add" in format_network(unknown) and "/layer.9/Add" not in format_network(unknown)


def test_a_network_that_is_not_installed():
    text = format_network(FACTS._replace(state="not installed", n_bytes=None, weights=None))
    assert text.startswith("vit.onnx (not installed)\n") and "weights" not in text


def test_the_document_is_json():
    document = json.loads(json.dumps(network_document(FACTS)))
    assert (document["name"], document["embedding"], document["provider"]) == ("vit.onnx", "cls", "cpu")
    assert document["layers"][0] == {"name": "block1", "width": 8, "is_map": True, "positions": [16, 16]}
    assert document["reasons"]["embedding"] == "cls: the class token" and document["weights"]["float16"] == 1_200
