"""transformers' ``preprocessor_config.json``: how each of its image processors makes the pixels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..._text import printable
from ...errors import InputError
from .config import Config
from .geometry import color_of, fit_fields

_IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
_HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
_CLIP = {
    "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
}
_BILINEAR, _BICUBIC = {"resample": 2}, {"resample": 3}
_ALL = {"do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True}
#: A number as `size` is the shortest edge, and not both sides.
_EDGE = {"default_to_square": False}


def _cropped(edge: int, side: int) -> dict[str, Any]:
    return {
        **_EDGE, "size": {"shortest_edge": edge}, "do_center_crop": True, "crop_size": {"height": side, "width": side},
    }


def _square(side: int) -> dict[str, Any]:
    return {"size": {"height": side, "width": side}}


#: What each image processor takes for a key that is missing.
_PROCESSORS: dict[str, dict[str, Any]] = {
    "Beit": {**_ALL, **_HALF, **_BICUBIC, **_square(224), "crop_size": 224},
    "Bit": {**_ALL, **_CLIP, **_BICUBIC, **_cropped(224, 224)},
    "Blip": {**_ALL, **_CLIP, **_BICUBIC, **_square(384)},
    "CLIP": {**_ALL, **_CLIP, **_BICUBIC, **_cropped(224, 224)},
    "ChineseCLIP": {**_ALL, **_CLIP, **_BICUBIC, **_cropped(224, 224)},
    "ConvNext": {**_ALL, **_HALF, **_BICUBIC, **_EDGE, "size": {"shortest_edge": 384}, "crop_pct": 224 / 256},
    "DINOv3ViT": {**_ALL, **_IMAGENET, **_BILINEAR, **_square(224)},
    "DeiT": {**_ALL, **_HALF, **_BICUBIC, **_square(256), "do_center_crop": True, "crop_size": 224},
    "EfficientNet": {**_ALL, **_HALF, **_BICUBIC, **_square(346), "crop_size": 289, "include_top": True},
    "Flava": {**_ALL, **_CLIP, **_BICUBIC, **_square(224), "do_center_crop": True, "crop_size": 224},
    "Levit": {**_ALL, **_IMAGENET, **_BICUBIC, **_cropped(224, 224)},
    "MobileNetV1": {**_ALL, **_HALF, **_BILINEAR, **_cropped(256, 224)},
    "MobileNetV2": {**_ALL, **_HALF, **_BILINEAR, **_cropped(256, 224)},
    "MobileViT": {**_ALL, **_BICUBIC, **_cropped(224, 256), "do_flip_channel_order": True},
    "PoolFormer": {**_ALL, **_IMAGENET, **_BICUBIC, **_cropped(224, 224), "crop_pct": 0.9},
    "Pvt": {**_ALL, **_IMAGENET, **_BICUBIC, **_square(224)},
    "Segformer": {**_ALL, **_IMAGENET, **_BILINEAR, **_square(512)},
    "Siglip": {**_ALL, **_HALF, **_BICUBIC, **_EDGE, **_square(224)},
    "ViT": {**_ALL, **_HALF, **_BILINEAR, **_square(224)},
}
#: What is taken for a processor that is not in the table. Old files name none, and always rescale.
_OTHER = {"do_rescale": True, "rescale_factor": 1 / 255}
#: The processor of a kind of model, for a configuration that does not name it.
PROCESSOR_OF = {
    **dict.fromkeys(("vit", "vit_mae", "vit_msn", "ijepa", "swin", "swinv2", "swiftformer", "dinat", "nat"), "ViT"),
    **dict.fromkeys(("dinov2", "dinov2_with_registers", "bit", "focalnet", "hiera"), "Bit"),
    **dict.fromkeys(("convnext", "convnextv2", "resnet", "regnet", "cvt", "van", "dinov3_convnext"), "ConvNext"),
    **dict.fromkeys(("clip", "clip_vision_model", "altclip", "metaclip_2", "aimv2", "aimv2_vision_model"), "CLIP"),
    **dict.fromkeys(("siglip", "siglip_vision_model"), "Siglip"),
    **dict.fromkeys(("beit", "data2vec-vision"), "Beit"),
    **dict.fromkeys(("efficientnet", "align"), "EfficientNet"),
    **dict.fromkeys(("mobilevit", "mobilevitv2"), "MobileViT"),
    **dict.fromkeys(("pvt", "pvt_v2"), "Pvt"),
    **{"blip": "Blip", "chinese_clip": "ChineseCLIP", "deit": "DeiT", "dinov3_vit": "DINOv3ViT", "flava": "Flava"},
    **{"levit": "Levit", "mobilenet_v1": "MobileNetV1", "mobilenet_v2": "MobileNetV2", "poolformer": "PoolFormer"},
    "segformer": "Segformer",
}
#: Pillow's numbers of its filters. The sixth, hamming, is none that `twoflow.images` has.
_FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box"}
#: Keys with which an image gets no fixed size, or becomes something else than one image of the whole.
_REFUSED = (
    "do_align_long_axis", "do_color_quantize", "do_convert_grayscale", "do_image_splitting", "do_pan_and_scan",
    "do_split_image", "do_thumbnail", "do_tile", "ensure_multiple_of", "keep_aspect_ratio", "max_num_patches",
    "max_pixels", "min_pixels", "size_divisor",
)
#: Keys that are read below.
_READ = {
    "crop_pct", "crop_size", "default_to_square", "do_center_crop", "do_flip_channel_order", "do_normalize", "do_pad",
    "do_rescale", "do_resize", "image_mean", "image_std", "include_top", "pad_size", "resample", "rescale_factor",
    "rescale_offset", "size",
}
#: Keys that leave the pixels of an RGB image as they are.
_HARMLESS = {
    "_processor_class", "_valid_processor_keys", "auto_map", "data_format", "device", "disable_grouping",
    "do_convert_rgb", "do_reduce_labels", "feature_extractor_type", "image_processor_type", "image_seq_length",
    "input_data_format", "model_input_names", "num_labels", "processor_class", "return_tensors",
}
_KEEPS_EDGE_BELOW = 384  # ConvNeXt's processor stretches images to a larger edge than this


def is_transformers(config: Mapping[str, Any]) -> bool:
    """Return whether this has keys of an image processor."""
    found = _unpack(config)
    return any(key in found for key in ("image_processor_type", "feature_extractor_type", "do_resize", "image_mean"))


def read_geometry(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the card that say how an image gets the input size."""
    values, processor = _values(config)
    for key in _not_to_be_done(config):
        raise InputError(f"{key}: expected a processor that resizes the whole image, got {_short(values, key)}")
    if not values.flag("do_resize"):
        if values.flag("do_center_crop"):
            raise InputError("do_center_crop: expected an image that is resized before, got do_resize false")
        return {}
    filter = values.choice("resample", _FILTERS)
    edges = _edges(values)
    if processor == "PoolFormer" and edges.get("height") == edges.get("width") is not None:
        edges = {"shortest_edge": edges["height"]}
    crop = values.flag("do_center_crop")
    part = _size(values, "crop_size") if crop else None
    if set(edges) == {"height", "width"}:
        size = edges["width"], edges["height"]
        return fit_fields("stretch", filter, part or size, size)
    if set(edges) == {"shortest_edge"}:
        edge = edges["shortest_edge"]
        if processor == "ConvNext":
            if edge >= _KEEPS_EDGE_BELOW:
                return fit_fields("stretch", filter, (edge, edge))
            resized = int(edge / values.number("crop_pct"))
            return fit_fields("crop", filter, (edge, edge), (resized, resized))
        edge = _enlarge(values, processor, edge)
        if part is not None:
            return fit_fields("crop", filter, part, (edge, edge))
    if set(edges) == {"longest_edge"} and values.flag("do_pad") and not crop:
        edge = edges["longest_edge"]
        padded = _size(values, "pad_size") if "pad_size" in values else (edge, edge)
        if padded == (edge, edge):
            color = color_of(values.channels("image_mean")) if values.flag("do_normalize") else (0, 0, 0)
            return fit_fields("pad", filter, padded, None, color)
    raise InputError(f"size: expected one that gives all images the same size, got {_short(values, 'size')}")


def find_differences(config: Mapping[str, Any]) -> list[str]:
    """Return phrases on what the library does in another way, or what is passed over."""
    values, _ = _values(config)
    phrases = []
    if not values.flag("do_resize"):
        phrases.append("the library leaves the size of an image as it is, here it is resized to the input size")
    elif values.flag("do_pad") and set(_edges(values)) == {"longest_edge"}:
        phrases.append("the library pads an image at the right and below, here it is padded on both sides")
    if unknown := _unknown(config):
        phrases.append(f"passed over: {printable(', '.join(unknown), 200)}")
    return phrases


@np.errstate(over="ignore")  # an infinite value is refused as one
def read_values(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the card that say how pixels become numbers."""
    values, processor = _values(config)
    factor = 1 / values.number("rescale_factor") if values.flag("do_rescale") else 1.0
    mean, scale = np.zeros(3), np.full(3, factor)
    if values.flag("do_normalize") and processor != "MobileViT":  # which has these keys, and does not use them
        mean += values.channels("image_mean")
        scale *= values.channels("image_std")
    if values.flag("do_rescale") and values.flag("rescale_offset"):  # one is subtracted before the mean
        mean += 1
    if processor == "EfficientNet" and values.flag("include_top"):  # divides by the deviation, if need be once more
        scale *= values.channels("image_std")
    fields = {"mean": tuple((factor * mean).tolist()), "scale": tuple(scale.tolist())}
    if not values.flag("do_flip_channel_order"):
        return {"channels": "RGB", **fields}
    return {"channels": "BGR", **{key: each[::-1] for key, each in fields.items()}}


def _unpack(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the image processor of a ``processor_config.json``, or the configuration itself."""
    return Config(config).table("image_processor") or config


def _values(config: Mapping[str, Any]) -> tuple[Config, str]:
    """Return the keys with the defaults of their processor, and its name without the words that all names have."""
    config = _unpack(config)
    name = config.get("image_processor_type") or config.get("feature_extractor_type") or ""
    if not isinstance(name, str):
        raise Config(config).refuse("image_processor_type", "a name")
    name = re.sub(r"(ImageProcessor|FeatureExtractor)(Fast|Pil)?$", "", name)
    defaults = _PROCESSORS.get(name)
    if defaults is None:
        defaults = {
            **_OTHER, "do_resize": config.get("size") is not None,
            "do_normalize": config.get("image_mean") is not None,
        }
    return Config(config, defaults), name


def _unknown(config: Mapping[str, Any]) -> list[str]:
    """Return the keys whose effect on the pixels is not known."""
    return [key for key in _unpack(config) if key not in _READ and key not in _HARMLESS and key not in _REFUSED]


def _not_to_be_done(config: Mapping[str, Any]) -> list[str]:
    """Return the keys that switch on what no card can say, or what is not known."""
    found = {key: value for key, value in _unpack(config).items() if value not in (None, False)}
    switches = [key for key in _unknown(config) if key.startswith("do_") and found.get(key) is True]
    return switches + [key for key, value in found.items() if key in _REFUSED and (value is True or value != 1)]


def _edges(values: Config) -> dict[str, int]:
    """Return the table of the key `size`, as transformers completes it."""
    size = values.raw("size")
    if not isinstance(size, Mapping):
        width, height = values.size("size")
        is_edge = not isinstance(size, (list, tuple)) and values.raw("default_to_square") is False
        return {"shortest_edge": width} if is_edge else {"height": height, "width": width}
    edges = Config(values.table("size"))
    return {key: edges.side(key) for key in values.table("size") if key in edges}


def _size(values: Config, key: str) -> tuple[int, int]:
    """Return (width, height) of a key that has a table of both, or a number."""
    if not isinstance(values.raw(key), Mapping):
        return values.size(key)
    sides = Config(values.table(key))
    if "shortest_edge" in sides and "height" not in sides:
        return sides.side("shortest_edge"), sides.side("shortest_edge")
    return sides.side("width"), sides.side("height")


def _enlarge(values: Config, processor: str, edge: int) -> int:
    """Return the edge that two processors make of theirs, before the middle is cut out."""
    if processor == "Levit":
        return int(256 / 224 * edge)
    if processor == "PoolFormer":
        return int(edge / values.number("crop_pct"))
    return edge


def _short(values: Config, key: str) -> str:
    return printable(repr(values.raw(key)), 100)
