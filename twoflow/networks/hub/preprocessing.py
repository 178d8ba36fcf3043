"""What a configuration file says about how images enter a network, as fields of a card."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from ...errors import InputError
from ..card_file import check_fields
from . import open_clip_config, timm_config, transformers_config


class _Library(NamedTuple):
    is_writer: Callable[[Mapping[str, Any]], bool]
    read_geometry: Callable[[Mapping[str, Any]], dict[str, Any]]
    read_values: Callable[[Mapping[str, Any]], dict[str, Any]]
    find_differences: Callable[[Mapping[str, Any]], list[str]] = lambda config: []


_LIBRARIES = (
    _Library(timm_config.is_timm, timm_config.read_geometry, timm_config.read_values),
    _Library(open_clip_config.is_open_clip, open_clip_config.read_geometry, open_clip_config.read_values),
    _Library(
        transformers_config.is_transformers, transformers_config.read_geometry, transformers_config.read_values,
        transformers_config.find_differences,
    ),
)


def read_preprocessing(config: Mapping[str, Any], given: Collection[str] = ()) -> dict[str, Any]:
    """Read how images enter a network from the configuration of the library that the network comes from.

    Parameters
    ----------
    config : mapping
        The content of transformers' ``preprocessor_config.json`` or ``processor_config.json``, of timm's
        ``config.json``, or of open_clip's ``open_clip_config.json``.
    given : collection of str
        The fields of the card that are known already. What the configuration says about them need not be
        understood. Empty by default.

    Returns
    -------
    dict of str to value
        Fields of `twoflow.networks.NetworkCard`: input_size, fit, filter, resize_size, pad_color, channels, mean and
        scale. Without input_size if the network takes images of any size as they are. Empty if this is no
        configuration of these libraries.

    Raises
    ------
    ValueError
        If a value is invalid, or no card can say what the library does with an image.
    """
    if (library := _find(config)) is None:
        return {}
    fields: dict[str, Any] = {}
    for read, replaced, example in (
        (library.read_geometry, {"fit"}, '{"input_size": [224, 224], "fit": "stretch"}'),
        (library.read_values, {"mean", "scale"}, '{"mean": 0, "scale": 255}'),
    ):
        try:
            fields |= check_fields(read(config), "its values")
        except InputError as error:
            if not replaced <= set(given):
                raise InputError(f"{error}; say it yourself in a card or preprocessing, such as {example}") from error
    return fields


def find_differences(config: Mapping[str, Any]) -> list[str]:
    """Return phrases on what the library does in another way than a card says; empty if nothing is known."""
    library = _find(config)
    return library.find_differences(config) if library else []


def _find(config: Mapping[str, Any]) -> _Library | None:
    return next((each for each in _LIBRARIES if each.is_writer(config)), None)
