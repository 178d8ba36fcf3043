"""Load a model file."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
import zipfile
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from sklearn.exceptions import InconsistentVersionWarning

from ..._files import open_regular, reason_of
from ..._text import printable
from ...errors import InputError, OutsideError
from ...networks.carried import CarriedNetwork
from ...networks.files import carry
from ..fitted_parts import fitted_parts
from ..tree_names import find_hierarchy, find_tree
from .archive import MAX_FILE, unpack
from .card_json import read_card
from .damage import REMEDY, DamagedError
from .describing import classes_of
from .gallery import read_gallery
from .members import MODEL, read_examples, read_networks
from .model_file import ModelFile
from .state import build
from .trusted import Trusted

_MAX_FEATURES = 2**26
_MOST_CHARACTERS = 2000  # of an error


def load(
    path: str | os.PathLike,
    *,
    digest: str | None = None,
    networks: Sequence[str | os.PathLike] = (),
    trusted: Iterable[Any] = (),
) -> Any:
    """Load the fitted model of a model file that `save` wrote.

    No code of the file runs: it can name only the classes that twoflow knows and those in `trusted`, and its values are
    checked. But a file looks unchanged if somebody changed its digests too. To notice that, keep the digest of the
    whole file in another place, and pass it.

    Parameters
    ----------
    path : str or Path
        The model file.
    digest : str, optional
        The SHA-256 of the whole file that is expected. By default, any file is accepted.
    networks : sequence of paths
        Files of networks that are not in the file, for a model that was saved with ``networks="elsewhere"``. Each is
        found by its digest. Empty by default.
    trusted : sequence of types or str
        Classes and functions of your own that the model contains, or their full names, such as "shop.flows.Edges".
        Loading calls their code. Empty by default: only those of twoflow and the usual ones of scikit-learn.

    Returns
    -------
    estimator
        The fitted model.

    Raises
    ------
    ValueError
        If the file is no model file, is damaged, is of a newer version, names an unknown class, lacks a network, or has
        another digest.
    OSError
        If it cannot be read.

    Examples
    --------
    See `save`.
    """
    return open_model_file(path, digest=digest, networks=networks, trusted=trusted).model


def open_model_file(
    path: str | os.PathLike,
    *,
    digest: str | None = None,
    networks: Sequence[str | os.PathLike] = (),
    trusted: Iterable[Any] = (),
) -> ModelFile:
    """Load a model file: the fitted model, its card, its digest, the examples of its classes, and the gallery.

    Parameters
    ----------
    path, digest, networks, trusted
        See `load`, also for the errors.

    Returns
    -------
    ModelFile
    """
    data = _read(path)
    found = hashlib.sha256(data).hexdigest()
    try:
        if digest is not None and digest.lower() != found:
            raise InputError(f"expected SHA-256 {digest}, got {found}; this is another file than you expect")
        return _open(data, found, networks, Trusted(trusted))
    except DamagedError as error:
        raise InputError(f"{_about(path, error)}; {REMEDY}") from error
    except InputError as error:
        raise InputError(_about(path, error)) from error


def _about(path: str | os.PathLike, error: InputError) -> str:
    return printable(f"{os.fspath(path)}: {error}", _MOST_CHARACTERS)


def _read(path: str | os.PathLike) -> bytes:
    try:
        with open_regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_FILE:
                raise InputError(f"{os.fspath(path)}: expected at most {MAX_FILE} bytes, got {size}; name another file")
            return file.read(size)
    except OSError as error:
        reason = reason_of(error)
        raise OutsideError(f"cannot read the model file {os.fspath(path)}: {reason}; name another file") from error


def _open(data: bytes, digest: str, paths: Sequence[str | os.PathLike], trusted: Trusted) -> ModelFile:
    members = unpack(data)
    card = read_card(members)
    if MODEL not in members:
        raise DamagedError(f"expected a member {MODEL}, got none")
    found = _Networks(read_networks(members), paths)
    model = read_model(members[MODEL], trusted, found.find)
    if [target.classes for target in card.targets] != classes_of(model):
        raise DamagedError("its card names other classes than its model has")
    tree, of_card = find_tree(model), card.targets[0].tree
    if (tree is None) != (of_card is None) or tree is not None and of_card is not None and tree.nodes != of_card.nodes:
        raise DamagedError("its card has another tree of classes than its model")
    return ModelFile(model, card, digest, read_examples(card, members), read_gallery(card, members))


class _Networks:
    """The networks in the file, and those at given paths."""

    def __init__(self, inside: Sequence[CarriedNetwork], paths: Sequence[str | os.PathLike]) -> None:
        self._inside = {network.key: network for network in inside}
        # All are read, needed or not, so that a mistyped path is an error.
        given = [paths] if isinstance(paths, (str, os.PathLike)) else paths
        self._elsewhere = {network.digest: network for network in map(carry, given)}

    def find(self, key: str, reference: CarriedNetwork) -> Any:
        if key in self._inside:
            return self._inside[key]
        if reference.digest not in self._elsewhere:
            raise InputError(
                f"it needs the network {reference.name} with SHA-256 {reference.digest}; pass networks=[...], or "
                "--networks to a command, with the path of its file"
            )
        return self._elsewhere[reference.digest]


def read_model(content: bytes, trusted: Trusted, find_network: Callable[..., Any]) -> Any:
    """Build the model from the skops file of a model file, and check that it answers; ValueError if not."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if any(info.compress_type != zipfile.ZIP_STORED for info in infos) or len(infos) > 10**6:
                raise DamagedError(f"expected {MODEL} with members that are not compressed, got others")
            files = {info.filename: archive.read(info) for info in infos}
    except InputError:
        raise
    except Exception as error:  # see `unpack`
        raise DamagedError(f"{MODEL} is damaged ({error})") from error
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = build(files, trusted, find_network)
        _probe(model)
    _warn_once(caught)
    return model


def _warn_once(caught: Sequence[warnings.WarningMessage]) -> None:
    """Repeat warnings; of those about scikit-learn's version, one instead of one for each estimator."""
    others = [each for each in caught if not issubclass(each.category, InconsistentVersionWarning)]
    for each in others:
        warnings.warn(each.message, each.category, stacklevel=5)
    if len(others) < len(caught):
        first: Any = next(each.message for each in caught if issubclass(each.category, InconsistentVersionWarning))
        message = (
            f"the model was saved with scikit-learn {first.original_sklearn_version}, and is loaded with "
            f"{first.current_sklearn_version}; check its answers, or install the version on its card"
        )
        warnings.warn(message, UserWarning, stacklevel=5)


def _probe(model: Any) -> None:
    """Ask the head for one row of features, to find arrays that do not fit together before an image does."""
    flow, head = fitted_parts(model)
    if flow is None:
        return
    try:
        width = flow.n_features_out
        if not 0 < width <= _MAX_FEATURES:
            raise DamagedError(f"expected at most {_MAX_FEATURES} features, got {width}")
        row = np.zeros((1, width), dtype=flow.features_dtype)
        if (hierarchy := find_hierarchy(head)) is not None:
            _probe_tree(head, len(hierarchy.tree_.nodes), row)
            return
        answers = head.predict(row)
        shares = head.predict_proba(row) if hasattr(head, "predict_proba") else None
    except InputError:
        raise
    except Exception as error:  # wrong arrays raise anything, anywhere in a head
        raise DamagedError(f"its head cannot answer ({type(error).__name__}: {printable(error, 200)})") from error
    classes = classes_of(model)
    shares = shares if isinstance(shares, list) else [shares]
    widths = [np.shape(each) for each in shares if each is not None]
    if np.shape(answers)[:1] != (1,) or widths and widths != [(1, len(each)) for each in classes]:
        raise DamagedError(f"expected probabilities of {[len(each) for each in classes]} classes, got {widths}")


def _probe_tree(head: Any, n_nodes: int, row: np.ndarray) -> None:
    """Ask a head with a tree of classes for its decision on one row."""
    probabilities = head.predict_node_proba(row)
    node = head.decide(probabilities, head.scope_scores(row)).node
    if np.shape(probabilities) != (1, n_nodes) or np.shape(node) != (1,) or not -1 <= node[0] < n_nodes:
        raise DamagedError(f"expected probabilities of {n_nodes} nodes, got shape {np.shape(probabilities)}")
    head.predict(row)
