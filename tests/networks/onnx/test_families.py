"""Networks of every family give the embedding, the tokens and the stages that numpy computes."""

import numpy as np
import pytest

from twoflow import CNNEmbedding
from twoflow.networks import get_card, open_session

from .builder import Builder
from .families import FAMILIES

#: Rows and columns of the input differ, so that a turned map is found.
SIDES = (16, 24)
PIXELS = np.random.default_rng(0).integers(0, 256, (2, *SIDES, 3), np.uint8)
#: A covering design: every family at every opset, while axes, layouts and kinds take turns.
AXES = ("fixed", "batch", "all")
OPSETS = (11, 14, 17, 20)
DESIGN = [
    (family, opset, AXES[(number + turn) % 3], "nhwc" if (number + turn) % 4 == 3 else "nchw",
     "float16" if (number + 2 * turn) % 5 == 4 else "float32")
    for number, family in enumerate(FAMILIES) for turn, opset in enumerate(OPSETS)
]
INSIDE = [(family, 13 + 5 * (number % 2), AXES[number % 3], "inside", "float32")
          for number, family in enumerate(("mobile", "efficient", "resnet", "regnet"))]


def build(path, pixels, family, opset, axes, layout, kind):
    """Write the network; return the builder with what it computes for these pixels, and what that means."""
    builder = Builder(pixels, opset, axes, kind, layout)
    made = FAMILIES[family](builder)
    builder.write(path, *made.outputs)
    return builder, made


def is_close(value, expected, kind):
    limit = {"float32": 1e-4, "float16": 1e-2}[kind]
    return value.shape == expected.shape and np.abs(value - expected).max() <= limit * np.abs(expected).max()


@pytest.mark.parametrize("family, opset, axes, layout, kind", DESIGN + INSIDE)
def test_embedding_tokens_and_stages(tmp_path, family, opset, axes, layout, kind):
    path = tmp_path / "net.onnx"
    for pixels in PIXELS:
        builder, made = build(path, pixels, family, opset, axes, layout, kind)
        embedding = CNNEmbedding(path).fit_transform([pixels])[0]
        assert is_close(embedding, builder.values[made.embedding][0].ravel(), kind)
    card = get_card(path)
    assert card.reasons["embedding"]
    outputs = open_session(path, tuple({*card.stages, *(["tokens"] if made.tokens is not None else [])})).run(pixels)
    assert made.tokens is None or is_close(outputs["tokens"], made.tokens, kind)
    stages = (outputs[name] for name in card.stages)
    for expected in made.stages:  # in this order; there may be others between them
        assert any(is_close(stage, expected, kind) for stage in stages)
