"""Make `entry.json`: the pixels that transformers, timm and open_clip give to a network.

Made with torch 2.14.1, torchvision 0.29.1, transformers, timm and open_clip_torch; the file says which versions.

    pip install torch==2.14.1 torchvision==0.29.1 timm open_clip_torch transformers pillow
    python tests/networks/golden/make_entry.py [FOLDER]

With FOLDER, all pixels are written there too.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import timm.data
import transformers
from entry_photos import SIZES, make_photo, summarize
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
CLIP = {"image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711]}
DO = {"do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255, "do_normalize": True}


def square(side):
    return {"height": side, "width": side}


#: Contents of ``preprocessor_config.json``.
TRANSFORMERS = {
    "vit": {"image_processor_type": "ViTImageProcessor", **DO, **HALF, "resample": 2, "size": square(224)},
    "dinov2": {"image_processor_type": "BitImageProcessor", **DO, **IMAGENET, "resample": 3, "do_center_crop": True,
               "size": {"shortest_edge": 256}, "crop_size": square(224)},
    "dinov3": {"image_processor_type": "DINOv3ViTImageProcessor", **DO, **IMAGENET, "resample": 2, "size": square(224)},
    "clip": {"image_processor_type": "CLIPImageProcessor", **DO, **CLIP, "resample": 3, "do_center_crop": True,
             "size": {"shortest_edge": 224}, "crop_size": square(224)},
    "siglip": {"image_processor_type": "SiglipImageProcessor", **DO, **HALF, "resample": 3, "size": square(256)},
    "convnext-224": {"image_processor_type": "ConvNextImageProcessor", **DO, **IMAGENET, "resample": 3,
                     "size": {"shortest_edge": 224}, "crop_pct": 0.875},
    "convnext-384": {"image_processor_type": "ConvNextImageProcessor", **DO, **IMAGENET, "resample": 3,
                     "size": {"shortest_edge": 384}, "crop_pct": 1.0},
    "deit": {"image_processor_type": "DeiTImageProcessor", **DO, **IMAGENET, "resample": 3, "do_center_crop": True,
             "size": square(235), "crop_size": square(224)},
    "mobilevit": {"image_processor_type": "MobileViTImageProcessor", "do_resize": True, "do_rescale": True,
                  "rescale_factor": 1 / 255, "resample": 2, "do_center_crop": True, "do_flip_channel_order": True,
                  "size": {"shortest_edge": 288}, "crop_size": square(256)},
    "efficientnet": {"image_processor_type": "EfficientNetImageProcessor", **DO, **IMAGENET, "resample": 3,
                     "size": square(287), "do_center_crop": True, "crop_size": square(240), "include_top": False},
    "levit": {"image_processor_type": "LevitImageProcessor", **DO, **IMAGENET, "resample": 1, "do_center_crop": True,
              "size": {"shortest_edge": 224}, "crop_size": square(224)},
}
NET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
#: The table ``pretrained_cfg`` of timm's ``config.json``.
TIMM = {
    "center-0.875": {"input_size": [3, 224, 224], "interpolation": "bilinear", "crop_pct": 0.875,
                     "crop_mode": "center"},
    "center-0.95": {"input_size": [3, 224, 224], "interpolation": "bicubic", "crop_pct": 0.95,
                    "crop_mode": "center"},
    "center-1.0": {"input_size": [3, 224, 224], "interpolation": "bicubic", "crop_pct": 1.0,
                   "crop_mode": "center"},
    "center-wide": {"input_size": [3, 192, 256], "interpolation": "bicubic", "crop_pct": 0.9,
                    "crop_mode": "center"},
    "squash-0.95": {"input_size": [3, 224, 224], "interpolation": "bicubic", "crop_pct": 0.95,
                    "crop_mode": "squash"},
    "squash-1.0": {"input_size": [3, 224, 224], "interpolation": "bilinear", "crop_pct": 1.0,
                   "crop_mode": "squash"},
    "border-0.9": {"input_size": [3, 224, 224], "interpolation": "bicubic", "crop_pct": 0.9,
                   "crop_mode": "border"},
    "border-1.0": {"input_size": [3, 224, 224], "interpolation": "lanczos", "crop_pct": 1.0,
                   "crop_mode": "border"},
}
#: The table ``preprocess_cfg`` of ``open_clip_config.json``.
OPEN_CLIP = {
    "shortest": {"size": 224, "interpolation": "bicubic", "resize_mode": "shortest"},
    "squash": {"size": 256, "interpolation": "bicubic", "resize_mode": "squash"},
    "longest": {"size": 225, "interpolation": "bilinear", "resize_mode": "longest", "fill_color": 127},
}
OWN = {"mean": CLIP["image_mean"], "std": CLIP["image_std"]}


def list_backends(config):
    """Return the suffix of each image processor's class, and what it resizes with."""
    suffixes = {"": "torchvision", "Pil": "pil"}
    return {each: suffixes[each] for each in suffixes if hasattr(transformers, config["image_processor_type"] + each)}


def by_transformers(config, suffix):
    name = config["image_processor_type"] + suffix
    options = {key: value for key, value in config.items() if key != "image_processor_type"}
    processor = getattr(transformers, name)(**options)
    return lambda image: np.asarray(processor(image, return_tensors="np" if suffix else "pt")["pixel_values"][0])


def by_timm(config):
    own = {key: config["pretrained_cfg"][key] for key in ("input_size", "interpolation", "crop_pct", "crop_mode")}
    transform = timm.data.create_transform(**{**own, **NET}, is_training=False)
    return lambda image: transform(image).numpy()


def by_open_clip(config):
    own = {**config["preprocess_cfg"], "size": config["preprocess_cfg"]["size"]}
    transform = image_transform_v2(PreprocessCfg(**own), is_train=False)
    return lambda image: transform(image).numpy()


def list_cases():
    for name, config in TRANSFORMERS.items():
        for suffix, backend in list_backends(config).items():
            yield f"transformers-{name}-{backend}", config, by_transformers(config, suffix)
    for name, own in TIMM.items():
        config = {"architecture": "any", "pretrained_cfg": {**own, **NET}}
        yield f"timm-{name}", config, by_timm(config)
    for name, own in OPEN_CLIP.items():
        config = {"model_cfg": {"vision_cfg": {"image_size": own["size"]}}, "preprocess_cfg": {**own, **OWN}}
        yield f"open-clip-{name}", config, by_open_clip(config)


def find_scales(config):
    """Return the mean and deviation that the values of a result were standardized with."""
    own = config.get("pretrained_cfg") or config.get("preprocess_cfg") or config
    mean, std = (own.get(key, own.get(f"image_{key}", default)) for key, default in (("mean", 0), ("std", 1)))
    return np.reshape(mean, (-1, 1, 1)), np.reshape(std, (-1, 1, 1))


def main(folder=None):
    cases = {}
    for name, config, transform in list_cases():
        mean, std = find_scales(config)
        found = cases[name] = {"config": config, "results": {}}
        for width, height in SIZES:
            planes = 255 * (transform(Image.fromarray(make_photo(width, height))).astype(np.float64) * std + mean)
            values = planes.transpose(1, 2, 0)
            if folder:
                np.save(Path(folder, f"{name}-{width}x{height}.npy"), values.astype(np.float32))
            kept = {key: each.ravel().round(1).tolist() for key, each in summarize(values).items()}
            found["results"][f"{width}x{height}"] = {"shape": values.shape[:2], **kept}
    packages = ("torch", "torchvision", "transformers", "timm", "open_clip_torch", "pillow")
    lines = [f' "versions": {json.dumps({package: version(package) for package in packages})}']
    for name, case in cases.items():
        texts = {size: json.dumps(result, separators=(",", ":")) for size, result in case["results"].items()}
        results = ",\n".join(f'   "{size}": {text.replace(".0,", ",")}' for size, text in texts.items())
        config = json.dumps(case["config"])
        lines.append(f' "{name}": {{\n  "config": {config},\n  "results": {{\n{results}\n  }}\n }}')
    Path(__file__).with_name("entry.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
