"""Find a network with weights and no graph: in a folder, or in a repository of the Hugging Face hub.

transformers writes these: ``config.json`` says what the network is, and ``.safetensors`` files have its weights.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from ..._text import listed
from ...errors import InputError
from ..hub_name import HubName, is_safe
from .config import MAX_CONFIG_BYTES
from .folder import ABOUT, CONFIG
from .remote import Unreachable, answers, import_hub, not_cached, require_size, require_snapshot

_SECONDS = 10  # to wait for the hub's answer about a repository
_SAFE = ".safetensors"
#: Weights that are pickles, which could run any code, or of other libraries.
_OTHERS = (".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack")
_FEW = 4
_lock = Lock()


class Checkpoint(NamedTuple):
    """A folder with a network of transformers.

    Attributes
    ----------
    folder : Path
    name : HubName or None
        The repository and commit that it was downloaded from; None if the folder itself was named.
    """

    folder: Path
    name: HubName | None = None

    @property
    def title(self) -> str:
        """Its name for error messages."""
        return str(self.folder if self.name is None else self.name)


_fetched: dict[tuple[HubName, bool], Checkpoint] = {}


def find_checkpoint(network: Path | HubName, with_weights: bool = True) -> Checkpoint:
    """Find a network of transformers, and download it if it is on the hub.

    Only ``config.json``, the files that say how images enter, the license and the ``.safetensors`` files are
    downloaded. The cache and the settings are those of `remote.fetch`, and so is what happens offline.

    Parameters
    ----------
    network : Path or HubName
        A folder, or a repository.
    with_weights : bool, default=True
        Whether its weights are wanted. False needs only the configuration.

    Returns
    -------
    Checkpoint

    Raises
    ------
    ModuleNotFoundError
        If huggingface_hub is not installed, for a repository.
    ValueError
        If there is no such folder, repository or revision, it has no ``config.json``, or no weights in safetensors.
    ConnectionError
        If the hub does not answer, and the cache does not have the files.
    """
    if isinstance(network, Path):
        if not network.is_dir():
            raise InputError(f"expected a folder with {CONFIG}, got {network}, which is none; correct the path")
        choose_files([path.name for path in network.iterdir()], str(network), with_weights)
        return Checkpoint(network)
    if network.file is not None:
        raise InputError(f"expected a repository, got {network} with the path of a file; leave /{network.file} out")
    with _lock:
        key = network, with_weights
        if key not in _fetched or not _fetched[key].folder.is_dir():
            _fetched[key] = _fetch(network, with_weights)
        return _fetched[key]


def choose_files(files: Collection[str], title: str, with_weights: bool) -> list[str]:
    """Choose the files of a network of transformers among all; ValueError with the remedy if one is missing."""
    if CONFIG not in files:
        onnx = [name for name in files if name.endswith(".onnx")]
        raise InputError(
            f"{title}: expected a network of transformers with {CONFIG}, got "
            f"{_some(onnx) + ', which cannot be trained' if onnx else 'none'}; name a folder that save_pretrained wrote"
        )
    chosen = [name for name in (*ABOUT, CONFIG) if name in files]
    if not with_weights:
        return list(dict.fromkeys(chosen))
    index = f"model{_SAFE}.index.json"
    weights = [name for name in files if name == f"model{_SAFE}" or index in files and _is_shard(name)]
    if not weights:
        others = [name for name in files if name.endswith((*_OTHERS, _SAFE))]
        raise InputError(
            f"{title}: expected its weights in model{_SAFE}, got {_some(others) if others else 'no weights'}; "
            "load it with transformers where you trust it, and write it by save_pretrained(folder)"
        )
    return list(dict.fromkeys([*chosen, *weights, *([index] if index in files else [])]))


def _is_shard(name: str) -> bool:
    return name.startswith("model-") and name.endswith(_SAFE)


def _fetch(name: HubName, with_weights: bool) -> Checkpoint:
    try:
        return _download(name, with_weights)
    except Unreachable as error:
        return _find_in_cache(name, with_weights, error)


def _download(name: HubName, with_weights: bool) -> Checkpoint:
    hub = import_hub()
    with answers(name):
        info = hub.HfApi().model_info(name.repository, revision=name.revision, files_metadata=True, timeout=_SECONDS)
    sizes = {each.rfilename: each.size or 0 for each in info.siblings or () if is_safe(each.rfilename)}
    files = choose_files(sizes, str(name), with_weights)
    require_size(name, sizes, [file for file in files if file.endswith(_SAFE)])
    for file in _small(files, sizes):
        with answers(name):
            # By its own revision, so that the cache remembers which commit a branch has.
            path = Path(hub.hf_hub_download(name.repository, file, revision=name.revision))
    if path.parent.name != info.sha:  # the branch has moved since the files were listed
        return _download(name, with_weights)
    return Checkpoint(path.parent, name._replace(revision=info.sha))


def _small(files: Iterable[str], sizes: Mapping[str, int]) -> list[str]:
    """Return the files that are read: a license or a model card may be too large, and is left out then."""
    return [file for file in files if file.endswith(_SAFE) or sizes[file] <= MAX_CONFIG_BYTES]


def _find_in_cache(name: HubName, with_weights: bool, reason: Unreachable) -> Checkpoint:
    folder = require_snapshot(name, reason)
    try:
        choose_files([path.name for path in folder.iterdir()], str(name), with_weights)
    except InputError as error:
        raise not_cached(name, reason, f"the network ({error})") from error
    return Checkpoint(folder, name._replace(revision=folder.name))


def _some(files: Collection[str]) -> str:
    return listed(sorted(files)[:_FEW])
