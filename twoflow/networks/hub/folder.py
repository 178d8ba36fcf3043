"""A folder as hubs have it: which of its files is the network, and the card that its other files make."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from ..._text import listed
from ...errors import InputError
from ..card_file import check_fields
from ..content import Content
from ..network import NetworkFiles
from .choosing import Choice, choose_file
from .config import MAX_CONFIG_BYTES, Config, read_json
from .hints import read_hints
from .model_card import read_license, recognize_license, to_spdx
from .preprocessing import find_differences, read_preprocessing
from .transformers_config import PROCESSOR_OF

CONFIG = "config.json"
#: Where it is written how images enter, the one that counts first. transformers nests the processor in the first.
_PROCESSORS = ("processor_config.json", "preprocessor_config.json", "open_clip_config.json", CONFIG)
MODEL_CARD = "README.md"
LICENSES = ("LICENSE", "LICENSE.md", "LICENSE.txt")
#: All files of a folder that say something about its network.
ABOUT = (*_PROCESSORS, MODEL_CARD, *LICENSES)
#: The folder below, where exports from a library lie beside its own files.
_BELOW = "onnx"


class FolderCard(NamedTuple):
    """What the files beside a network say.

    Attributes
    ----------
    fields : dict of str to value
        Checked fields of a card.
    reasons : dict of str to str
        Where they come from.
    files : list of Content
        The files that were read.
    not_read : list of Path
        The files that may say the license, but are too large to be read. Default: none.
    """

    fields: dict[str, Any]
    reasons: dict[str, str]
    files: list[Content]
    not_read: Sequence[Path] = ()


def list_files(folder: Path) -> list[str]:
    """Return the paths of the files in a folder and the folders below it, relative and with forward slashes."""
    found = chain(folder.glob("*"), folder.glob("*/*"))
    return sorted(path.relative_to(folder).as_posix() for path in found if not path.is_dir())


def choose_in_folder(folder: Path) -> Choice:
    """Choose the ONNX file of a folder; ValueError if it has none, or several networks."""
    return choose_file(list_files(folder), str(folder))


def find_folder(model: Path) -> Path | None:
    """Return the folder whose configuration describes an ONNX file; None if there is no configuration."""
    folders = [model.parent, *([model.parent.parent] if model.parent.name == _BELOW else [])]
    return next((each for each in folders if any((each / name).exists() for name in _PROCESSORS)), None)


def read_folder(files: NetworkFiles, given: Collection[str]) -> FolderCard:
    """Read the files that say something about a network.

    Parameters
    ----------
    files : NetworkFiles
        With a folder.
    given : collection of str
        The fields of the card that are chosen already.

    Returns
    -------
    FolderCard

    Raises
    ------
    ValueError
        If a file is damaged, or says what no card can say.
    """
    assert files.folder is not None
    there = {name: path for name, path in about(files.folder).items() if path.exists()}
    too_large = [name for name in (MODEL_CARD, *LICENSES) if name in there and _is_too_large(there[name])]
    contents = {name: files.read(path, MAX_CONFIG_BYTES) for name, path in there.items() if name not in too_large}
    configs = {name: read_json(contents[name]) for name in _PROCESSORS if name in contents}
    config = configs.get(CONFIG, {})
    fields: dict[str, Any] = {"name": files.folder.name, "source": f"folder {files.folder.name}"}
    reasons = {}
    if too_large:
        reasons["license"] = f"{listed(too_large)}: not read for the license, with more than {MAX_CONFIG_BYTES:,} bytes"
    if files.hub is not None:
        fields = {"name": files.hub.repository, "source": str(files.hub)}
    if (license := _find_license(contents, config)) is not None:
        fields["license"] = license
    try:
        name, fields_of_entry, differences = _read_entry(configs, given)
    except InputError as error:
        raise InputError(f"{files.folder}: {error}") from error
    if name is not None:
        reasons["entry"] = "; ".join([f"{name} says how images enter", *differences])
    checked = check_fields({**fields, **fields_of_entry, **read_hints(config)}, str(files.folder / (name or CONFIG)))
    return FolderCard(checked, reasons, list(contents.values()), [there[name] for name in too_large])


def _is_too_large(file: Path) -> bool:
    """Return whether a file that only says the license has more bytes than are read."""
    return file.stat().st_size > MAX_CONFIG_BYTES


def about(folder: Path) -> dict[str, Path]:
    """Return the paths of the files that say something about the network of a folder; they need not exist."""
    return {name: folder / name for name in ABOUT}


def _read_entry(
    configs: Mapping[str, dict[str, Any]], given: Collection[str]
) -> tuple[str | None, dict[str, Any], list[str]]:
    """Return the file that says how images enter, the fields of the card, and what the library does otherwise."""
    kind = configs.get(CONFIG, {}).get("model_type")
    for name in _PROCESSORS:
        found = configs.get(name)
        if found is None or name == _PROCESSORS[0] and "image_processor" not in found:
            continue
        if isinstance(kind, str) and kind in PROCESSOR_OF and name != CONFIG:
            found = {"feature_extractor_type": PROCESSOR_OF[kind], **found}
        try:
            if fields := read_preprocessing(found, given):
                return name, fields, find_differences(found)
        except InputError as error:
            raise InputError(f"{name}: {error}") from error
    return None, {}, []


def _find_license(contents: Mapping[str, Content], config: Mapping[str, Any]) -> str | None:
    """Return the license from the model card, timm's configuration or the license file, the first that has one."""
    if MODEL_CARD in contents:
        if (license := read_license(contents[MODEL_CARD].data.decode("utf-8", "replace"))) is not None:
            return license
    own = Config(config).raw("pretrained_cfg")
    if isinstance(own, Mapping) and isinstance(own.get("license"), str) and own["license"]:
        return to_spdx(own["license"])
    file = next((name for name in LICENSES if name in contents), None)
    return file and recognize_license(contents[file].data.decode("utf-8", "replace"), file)
