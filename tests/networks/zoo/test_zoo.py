"""Networks that torch exports give the embedding, the tokens and the stages that torch gives.

The design covers, it does not cross: every family is exported with all outputs of its library, while opsets and dynamic
axes take turns. What changes where the embedding is found has lines of its own: a head for classes, no pooled output,
the layout of the input, float16, and the newer exporter.
"""

import numpy as np
import pytest

from tests.lanes import unavailable

for package in ("torch", "transformers", "onnxscript"):
    try:
        __import__(package)
    except ImportError:
        unavailable(f"needs {package}, of the extra torch")

import torch  # noqa: E402

from twoflow import CNNEmbedding  # noqa: E402
from twoflow.images import LoadedImage  # noqa: E402
from twoflow.networks import get_card, open_session  # noqa: E402

from .exports import Variant, expect, export  # noqa: E402
from .families import FAMILIES  # noqa: E402

#: What the trace of torch does not write at opset 11, and with a dynamic height and width.
NOT_AT_11, NOT_ALL = ("dinov3", "siglip-vision", "siglip"), ("vgg",)
OPSETS, AXES = (17, 14, 11, 20), ("batch", "all", "fixed")

PLAIN = [
    (name, Variant(
        14 if OPSETS[i % 4] == 11 and name in NOT_AT_11 else OPSETS[i % 4],
        "logits" if name == "siglip-classes" else "model",
        "fixed" if name in NOT_ALL else AXES[i % 3],
    ))
    for i, name in enumerate(FAMILIES)
]
LOGITS = ("vit", "deit", "beit", "dinov2", "ijepa", "swin", "convnext", "resnet", "mobilenetv3", "densenet", "vgg",
          "segformer", "efficientnet", "mobilevit")
OTHERS = [
    *((name, Variant(OPSETS[i % 4], "logits", "fixed" if name in NOT_ALL else AXES[i % 3]))
      for i, name in enumerate(LOGITS)),
    *((name, Variant(14, "last", "all")) for name in ("dinov2-registers", "ijepa", "clip-vision", "swin")),
    *((name, Variant(17, kind="float16")) for name in ("vit", "clip-vision", "resnet")),
    *((name, Variant(17, layout="nhwc")) for name in ("swin", "efficientnet")),
    ("vit", Variant(18, "logits", "fixed", dynamo=True)),
    ("convnext", Variant(20, "model", "batch", dynamo=True)),
]
ENTRY = {"mean": (120.0, 110.0, 100.0), "scale": (60.0, 58.0, 56.0)}
#: Behind float16, more than 1e-4 of the largest value is lost by rounding alone.
LIMITS = {"float32": 1e-4, "float16": 2e-2}


def is_close(value, expected, kind="float32"):
    limit = LIMITS[kind] * np.abs(expected).max()
    return value.shape == expected.shape and np.abs(value - expected).max() <= limit


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Tiny networks are slower on several threads."""
    n = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n)


@pytest.mark.parametrize("name, variant", [
    pytest.param(name, variant, id="-".join(map(str, (name, *variant)))) for name, variant in PLAIN + OTHERS
])
@pytest.mark.filterwarnings("ignore:::torch", "ignore:::transformers")
def test_embedding_tokens_and_blocks(tmp_path, name, variant):
    path = tmp_path / "net.onnx"
    model = export(path, name, variant)
    height, width = FAMILIES[name].side
    entry = {**ENTRY, "input_size": (width, height)}
    card = get_card(path, entry)
    embedding = CNNEmbedding(path, preprocessing=entry)
    rng = np.random.default_rng(1)
    for size in ((height, width), (50, 37)):
        image = rng.integers(0, 256, (*size, 3), np.uint8)
        pixels = LoadedImage(image).fitted(card.fitting)
        expected = expect(name, model, card.preprocess(pixels), variant.outputs)
        value = embedding.fit_transform([image])[0]
        assert is_close(value, expected.embedding, variant.kind), card.reasons["embedding"]
    has_tokens = FAMILIES[name].prefix is not None and expected.tokens is not None
    layers = tuple({*card.stages, *(["tokens"] if has_tokens else [])})
    outputs = open_session(path, layers, preprocessing=entry).run(pixels)
    if has_tokens:
        assert is_close(outputs["tokens"], expected.tokens, variant.kind)
    stages = (outputs[stage] for stage in card.stages)
    for block in expected.blocks:
        assert any(is_close(stage, block, variant.kind) for stage in stages)
