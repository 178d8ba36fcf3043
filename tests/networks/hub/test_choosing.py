"""Which of several ONNX files is the network."""

import pytest

from twoflow.networks.hub.choosing import choose_file

CASES = {
    "the only one": (["net.onnx"], "net.onnx", "net.onnx: the only model in float32"),
    "a library's files": (
        ["config.json", "model.safetensors", "onnx/model.onnx", "onnx/model.onnx_data", "onnx/model_fp16.onnx"],
        "onnx/model.onnx", "onnx/model.onnx: a whole model in float32; passed over: onnx/model_fp16.onnx",
    ),
    "an image tower before the whole": (
        ["onnx/model.onnx", "onnx/text_model.onnx", "onnx/vision_model.onnx", "onnx/vision_model_q4f16.onnx"],
        "onnx/vision_model.onnx", "an image tower in float32",
    ),
    "a quantized image tower before the whole": (
        ["model.onnx", "vision_model_uint8.onnx"], "vision_model_uint8.onnx", "an image tower in 8-bit integers",
    ),
    "float16 before integers": (
        ["model_bnb4.onnx", "model_fp16.onnx", "model_int8.onnx", "model_quantized.onnx"], "model_fp16.onnx", "float16",
    ),
    "8 bits before 4": (["model_q4.onnx", "model_quint8_avx2.onnx"], "model_quint8_avx2.onnx", "8-bit integers"),
    "float32 before optimized": (["model.onnx", "model_O1.onnx", "model_O4.onnx"], "model.onnx", "float32;"),
    "no decoder": (["decoder_model.onnx", "encoder_model.onnx"], "encoder_model.onnx", "the only model in float32"),
    "the usual folders before others": (["fp16/model.onnx", "onnx/net.onnx"], "onnx/net.onnx", "passed over: fp16"),
    "the upper folder of two": (["model.onnx", "onnx/model.onnx"], "model.onnx", "passed over: onnx/model.onnx"),
    "one network of two sizes": (["net_fp16.onnx", "net.onnx"], "net.onnx", "float32"),
}


@pytest.mark.parametrize("files, expected, reason", CASES.values(), ids=CASES)
def test_choice(files, expected, reason):
    choice = choose_file(files, "here")
    assert choice.file == expected and reason in choice.reason
    assert choose_file(reversed(files), "here") == choice


@pytest.mark.parametrize("files, message", [
    (["a.onnx", "b.onnx"], r"here: expected the files of one network, got 2 \(a.onnx and b.onnx\); name the file"),
    (["vision_model.onnx", "visual.onnx"], "expected the files of one network, got 2"),
    (["text_model.onnx", "decoder_model_merged_quantized.onnx"], "got text towers and decoders only"),
    (["model.safetensors", "config.json"], r"got weights only \(model.safetensors\); export it .* export-weights.md"),
    (["README.md"], r"here: expected an .onnx file or one \*-symbol.json in it, got neither"),
    ([f"n{i}.onnx" for i in range(50)], r"got 50 \(n0.onnx, .* and 42 more\)"),
])
def test_no_choice(files, message):
    with pytest.raises(ValueError, match=message):
        choose_file(files, "here")
