"""What ``config.json`` says about the network itself: hints for what its graph leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

#: How many tokens come before those of the patches, without registers, by kind of model.
_PREFIX = {
    **dict.fromkeys((
        "beit", "blip", "blip_vision_model", "chinese_clip", "chinese_clip_vision_model", "clip", "clip_vision_model",
        "data2vec-vision", "dinov2", "dinov2_with_registers", "dinov3_vit", "metaclip_2", "metaclip_2_vision_model",
        "vit", "vit_msn",
    ), 1),
    **dict.fromkeys(("aimv2", "aimv2_vision_model", "ijepa", "siglip", "siglip_vision_model"), 0),
    "deit": 2,
}
_MOST = 10**6


def read_hints(config: Mapping[str, Any]) -> dict[str, Any]:
    """Read hints from the ``config.json`` of transformers or timm.

    Parameters
    ----------
    config : mapping
        The content of the file.

    Returns
    -------
    dict of str to int
        Any of prefix_tokens (class token and registers before the tokens of patches), patch_size (in pixels) and
        n_classes. The two about tokens only for models whose tokens are known. A value that is no number is left out,
        because hints are never needed.
    """
    tower = config.get("vision_config")
    tower = tower if isinstance(tower, Mapping) else config
    kind = next((each for each in (tower.get("model_type"), config.get("model_type")) if _is_known(each)), None)
    hints: dict[str, Any] = {}
    if kind is not None:
        registers = tower.get("num_register_tokens")
        hints["prefix_tokens"] = _PREFIX[kind] + (registers if _is_count(registers) else 0)
        if _is_count(tower.get("patch_size")) and tower["patch_size"] > 0:
            hints["patch_size"] = tower["patch_size"]
    if (n_classes := _count_classes(config)) > 0:
        hints["n_classes"] = n_classes
    return hints


def _count_classes(config: Mapping[str, Any]) -> int:
    """Return the number of classes that the network's output has; 0 if it is no classifier."""
    if "pretrained_cfg" in config:
        n_classes = config.get("num_classes")
        return n_classes if _is_count(n_classes) else 0
    architectures = config.get("architectures")
    first = architectures[0] if isinstance(architectures, list) and architectures else ""
    if not (isinstance(first, str) and "ForImageClassification" in first):
        return 0
    names, number = config.get("id2label"), config.get("num_labels")
    if isinstance(names, Mapping):
        return len(names)
    return number if _is_count(number) else 2  # what transformers takes if the file names no classes


def _is_known(kind: Any) -> TypeGuard[str]:
    return isinstance(kind, str) and kind in _PREFIX


def _is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= _MOST
