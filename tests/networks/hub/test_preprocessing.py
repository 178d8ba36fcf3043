"""What each library's configuration says about how images enter, and what no card can say."""

import json
import math

import pytest

from twoflow.networks.card_file import check_fields
from twoflow.networks.hub.preprocessing import find_differences, read_preprocessing

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
NUMBERS = {"mean": (123.675, 116.28, 103.53), "scale": (58.395, 57.12, 57.375)}
HALF = {"mean": (127.5,) * 3, "scale": (127.5,) * 3}


def processor(name, **keys):
    return {"image_processor_type": f"{name}ImageProcessor", **keys}


def timm(**keys):
    return {"architecture": "any", "pretrained_cfg": keys}


CASES = {
    "dinov2": (
        processor("Bit", size={"shortest_edge": 256}, crop_size={"height": 224, "width": 224}, resample=3, **IMAGENET),
        {"fit": "crop", "filter": "bicubic", "input_size": (224, 224), "resize_size": (256, 256), **NUMBERS},
    ),
    "an old file that names nothing": (
        {"do_normalize": True, "do_resize": True, "image_mean": [0.5] * 3, "image_std": 0.5, "resample": 2,
         "size": 224},
        {"fit": "stretch", "filter": "bilinear", "input_size": (224, 224), **HALF},
    ),
    "all by default": (processor("Siglip"), {"fit": "stretch", "filter": "bicubic", "input_size": (224, 224), **HALF}),
    "null is missing": (
        processor("ViT", size=None, do_normalize=None, image_mean=None),
        {"fit": "stretch", "filter": "bilinear", "input_size": (224, 224), **HALF},
    ),
    "nested": (
        {"image_processor": processor("Siglip"), "processor_class": "SiglipProcessor"},
        {"fit": "stretch", "filter": "bicubic", "input_size": (224, 224), **HALF},
    ),
    "a number is an edge": (
        processor("CLIP", size=336, crop_size=300, **IMAGENET),
        {"fit": "crop", "filter": "bicubic", "input_size": (300, 300), "resize_size": (336, 336), **NUMBERS},
    ),
    "a number is both sides": (
        {"feature_extractor_type": "DeiTFeatureExtractor", "size": 256, **IMAGENET},
        {"fit": "stretch", "filter": "bicubic", "input_size": (224, 224), "resize_size": (256, 256), **NUMBERS},
    ),
    "height before width": (
        processor("ViT", size=[100, 200]), {"fit": "stretch", "filter": "bilinear", "input_size": (200, 100), **HALF},
    ),
    "convnext below 384": (
        processor("ConvNext", size={"shortest_edge": 224}, crop_pct=0.95),
        {"fit": "crop", "filter": "bicubic", "input_size": (224, 224), "resize_size": (235, 235), **HALF},
    ),
    "convnext from 384": (
        processor("ConvNext", size=384, crop_pct=0.95),
        {"fit": "stretch", "filter": "bicubic", "input_size": (384, 384), **HALF},
    ),
    "poolformer": (
        processor("PoolFormer", **IMAGENET),
        {"fit": "crop", "filter": "bicubic", "input_size": (224, 224), "resize_size": (248, 248), **NUMBERS},
    ),
    "mobilevit": (
        processor("MobileViT", size=288, crop_size=256, **IMAGENET),
        {"fit": "crop", "filter": "bicubic", "input_size": (256, 256), "resize_size": (288, 288), "channels": "BGR",
         "mean": (0, 0, 0), "scale": (255,) * 3},
    ),
    "flipped with a mean": (
        {"do_flip_channel_order": True, "do_resize": True, "resample": 0, "size": 8, **IMAGENET},
        {"fit": "stretch", "filter": "nearest", "input_size": (8, 8), "channels": "BGR",
         **{field: values[::-1] for field, values in NUMBERS.items()}},
    ),
    "efficientnet divides twice": (
        processor("EfficientNet", size=224, image_mean=[0.5, 0.5, 0.5], image_std=[0.5, 0.25, 0.1]),
        {"fit": "stretch", "filter": "bicubic", "input_size": (224, 224), "mean": (127.5,) * 3,
         "scale": (63.75, 15.9375, 2.55)},
    ),
    "one is subtracted": (
        processor("EfficientNet", size=8, rescale_factor=1 / 127.5, rescale_offset=True, do_normalize=False,
                  include_top=False),
        {"fit": "stretch", "filter": "bicubic", "input_size": (8, 8), **HALF},
    ),
    "no rescaling": (
        processor("ViT", do_rescale=False),
        {"fit": "stretch", "filter": "bilinear", "input_size": (224, 224), "mean": (0.5,) * 3, "scale": (0.5,) * 3},
    ),
    "padded": (
        {"do_resize": True, "do_normalize": True, "do_pad": True, "resample": 2, "size": {"longest_edge": 1024},
         "pad_size": {"height": 1024, "width": 1024}, **IMAGENET},
        {"fit": "pad", "filter": "bilinear", "input_size": (1024, 1024), "pad_color": (124, 116, 104), **NUMBERS},
    ),
    "not resized": (processor("CLIP", do_resize=False, do_center_crop=False, **IMAGENET), NUMBERS),
    "timm": (
        timm(input_size=[3, 192, 256], crop_pct=0.9, interpolation="bilinear"),
        {"fit": "crop", "filter": "bilinear", "input_size": (256, 192), "resize_size": (284, 213), "rounding": "even",
         **NUMBERS},
    ),
    "timm, squash": (
        timm(crop_mode="squash", crop_pct=1.0, mean=[0.5] * 3, std=[0.5] * 3),
        {"fit": "stretch", "filter": "bicubic", "input_size": (224, 224), "rounding": "even", **HALF},
    ),
    "timm, border": (
        timm(crop_mode="border", crop_pct=1),
        {"fit": "pad", "filter": "bicubic", "input_size": (224, 224), "pad_color": (124, 116, 104), "rounding": "even",
         **NUMBERS},
    ),
    "timm, an older file": (
        {"architecture": "any", "input_size": [3, 8, 8], "mean": [0.5] * 3, "std": [0.5] * 3, "crop_pct": 1},
        {"fit": "crop", "filter": "bicubic", "input_size": (8, 8), "rounding": "even", **HALF},
    ),
    "open_clip": (
        {"model_cfg": {"vision_cfg": {"image_size": 256}},
         "preprocess_cfg": {"size": 224, "mean": [0.5] * 3, "std": [0.5] * 3}},
        {"fit": "crop", "filter": "bicubic", "input_size": (256, 256), "rounding": "even", **HALF},
    ),
    "open_clip, longest": (
        {"resize_mode": "longest", "fill_color": 255, "size": 384, "mean": [0.5] * 3, "std": [0.5] * 3},
        {"fit": "pad", "filter": "bicubic", "input_size": (384, 384), "pad_color": (255,) * 3, "rounding": "even",
         **HALF},
    ),
    "another file": ({"theme": "dark"}, None),
}


@pytest.mark.parametrize("config, expected", CASES.values(), ids=CASES)
def test_fields_of_a_card(config, expected):
    found = read_preprocessing(json.loads(json.dumps(config)))
    if expected is None:
        assert found == {} and find_differences(config) == []
        return
    numbers = {field: pytest.approx(expected[field]) for field in ("mean", "scale")}
    assert found == {"channels": "RGB", **expected, **numbers}
    assert check_fields(found, "here") == found


REFUSED = {
    "a thumbnail": (processor("CLIP", do_thumbnail=True), "do_thumbnail: expected a processor that resizes the whole"),
    "patches": (processor("Siglip2", max_num_patches=256, image_mean=0.5), "max_num_patches: .* got 256"),
    "an unknown switch": (processor("ViT", do_fold=True), "do_fold: expected a processor that"),
    "a multiple": (processor("DPT", do_resize=True, ensure_multiple_of=14), "ensure_multiple_of: .* got 14"),
    "no fixed size": (processor("ViT", size={"shortest_edge": 224}), "size: expected one that gives all images the sa"),
    "two edges": (processor("Bit", size={"shortest_edge": 8, "longest_edge": 9}), "size: expected one that gives all"),
    "another pad": (
        {"do_resize": True, "do_pad": True, "resample": 2, "size": {"longest_edge": 9}, "pad_size": 10},
        "size: expected one that gives all images the same size",
    ),
    "a crop beyond the image": (
        processor("MobileViT"), "expected images that are resized to at least 256 x 256 pixels, .* got 224 x 224",
    ),
    "a crop of any size": (processor("CLIP", do_resize=False), "do_center_crop: expected an image that is resized"),
    "no filter": ({"do_resize": True, "size": 8}, "resample: expected 0 or 1 or .*, got nothing"),
    "a wrong filter": (processor("ViT", resample=9), "resample: expected 0 or 1 or .*, got 9"),
    "hamming": (processor("ViT", resample=5), "resample: expected 0 or 1 or .*, got 5.*; say it yourself"),
    "true is no filter": (processor("ViT", resample=True), "resample: expected 0 or 1 or .*, got True"),
    "a huge size": (processor("ViT", size=10**30), r"size: expected \[height, width\] in pixels up to 4096, got 1000"),
    "a size of text": (processor("ViT", size="224"), "size: expected .* got '224'"),
    "a negative size": (processor("Bit", size={"shortest_edge": -1}), "shortest_edge: expected a number of pixels"),
    "a table for a switch": (processor("ViT", do_resize={}), "do_resize: expected true or false, got {}"),
    "a name that is none": ({"image_processor_type": 3, "do_resize": True}, "image_processor_type: expected a name"),
    "infinity": (processor("ViT", image_mean=[math.inf, 0, 0]), "image_mean: expected a number for each of three"),
    "no number": (processor("ViT", image_std=[math.nan] * 3), "image_std: expected a number for each of three"),
    "two channels": (processor("ViT", image_std=[1, 2]), "image_std: expected a number for each of three"),
    "an integer beyond floats": (processor("ViT", rescale_factor=10**400), "rescale_factor: expected a number above 0"),
    "a filter that is not there": (processor("ViT", resample=5), "resample: expected 0 or 1 or .*, got 5; say it"),
    "no deviation": (processor("ViT", image_std=[0] * 3), "its values: scale: expected a number from .*; say it"),
    "a huge deviation": (
        processor("ViT", image_std=[1e308] * 3, rescale_factor=1e-9), "its values: mean: expected a number up to .*"
    ),
    "no factor": (processor("ViT", rescale_factor=0), "rescale_factor: expected a number above 0, got 0"),
    "timm, a crop above 1": (timm(crop_pct=1.5), "crop_pct: expected at most 1"),
    "timm, a filter that is not there": (timm(interpolation="hamming"), "interpolation: expected 'nearest' or .*; say"),
    "timm, another mode": (timm(crop_mode="random"), "crop_mode: expected 'center' or 'squash' or 'border', got 'ran"),
    "timm, one channel": (timm(input_size=[1, 8, 8]), "input_size: expected 3 channels, got 1"),
    "timm, a list": ({"pretrained_cfg": []}, "pretrained_cfg: expected a table, got"),
    "open_clip, another color": (
        {"resize_mode": "longest", "fill_color": 0.5}, "fill_color: expected integers from 0 to 255, got 0.5"
    ),
    "open_clip, grey": ({"resize_mode": "squash", "mode": "L"}, "mode: expected 'RGB', got 'L'"),
}


@pytest.mark.parametrize("config, message", REFUSED.values(), ids=REFUSED)
def test_one_line_for_what_no_card_can_say(config, message):
    with pytest.raises(ValueError, match=f"^{message}") as error:
        read_preprocessing(config)
    assert "\n" not in str(error.value)


def test_what_somebody_says_need_not_be_understood():
    config = processor("CLIP", do_thumbnail=True, image_mean="grey")
    with pytest.raises(ValueError, match="do_thumbnail: .*; say it yourself in a card or preprocessing, such as"):
        read_preprocessing(config, {"mean", "scale"})
    with pytest.raises(ValueError, match="image_mean: .*; say it yourself in a card or preprocessing, such as"):
        read_preprocessing(config, {"fit", "mean"})
    assert read_preprocessing(config, {"fit", "mean", "scale"}) == {}
    black = processor("ViT", image_std=[0] * 3)
    assert "scale" not in read_preprocessing(black, {"mean", "scale"})


def test_differences_are_said():
    padded = CASES["padded"][0]
    assert find_differences({**padded, "mask_size": {}}) == [
        "the library pads an image at the right and below, here it is padded on both sides", "passed over: mask_size",
    ]
    [phrase] = find_differences(processor("CLIP", do_resize=False))
    assert phrase.startswith("the library leaves the size of an image as it is")
    assert find_differences(CASES["dinov2"][0]) == []
