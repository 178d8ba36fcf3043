"""Save a fitted model as a model file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sklearn.utils.validation import check_is_fitted

from ..._files import expand, reason_of, write_file
from ..._text import printable
from ...errors import InputError, OutsideError
from ...images import ImageCollection
from ...networks import NETWORKS, NetworkLike
from ...networks.carried import CarriedNetwork
from ...networks.files import carry
from .archive import MAX_FILE, pack
from .card import ModelCard, NetworkEntry
from .card_json import write_card
from .damage import DamagedError
from .describing import choose_examples, describe
from .dumping import dump
from .gallery import make_gallery, write_gallery
from .loading import read_model
from .members import MODEL, example_name, network_members
from .portable import make_portable
from .trusted import Trusted

_PLACES = ("inside", "elsewhere")


def save(
    model: Any,
    path: str | os.PathLike,
    *,
    collection: ImageCollection | None = None,
    comparison: Any = None,
    method: str | None = None,
    threshold: float | None = None,
    title: str | None = None,
    networks: str = "inside",
    examples: bool = True,
    gallery: bool = False,
    overwrite: bool = False,
) -> ModelCard:
    """Save a fitted model with its card in one file, which `load` reads.

    Parameters
    ----------
    model : estimator
        A fitted classifier of images. It is not changed.
    path : str or Path
        The file to write, usually ``NAME.twoflow``. It is written completely or not at all.
    collection : ImageCollection, optional
        What the model was fitted on. The card then counts its images and groups, and has its digest and its levels.
        By default, the card knows only the classes.
    comparison : Comparison, optional
        A comparison on this collection. The card then says what to expect on new images. Default: none.
    method : str, optional
        The method of the comparison that the model was made by. Default: the best.
    threshold : float, optional
        Below this confidence, from 0 to 1, predictions fall back to a broader class or "unknown". By default, every
        answer stands.
    title : str, optional
        What the model is, for its card. Default: "recipe fast" and the like, or the name of the class.
    networks : {"inside", "elsewhere"}, default="inside"
        Where networks that pip does not install are: "inside" puts their files into the model file; for "elsewhere",
        `load` is given the paths of their files, and finds each by its digest.
    examples : bool, default=True
        Put a small copy of one training image of each class into the file, if there is a collection, to be shown
        beside answers. These are photos of the training data: leave them out if nobody else may see those.
    gallery : bool, default=False
        Put what a search needs of every training image into the file: its name, labels, a short vector and a small
        copy, about three kilobytes in all. It needs a collection, and a model made of flows, whose features are
        computed again or taken from the model's store. These are photos of the training data too.
    overwrite : bool, default=False
        Replace an existing file.

    Returns
    -------
    ModelCard

    Raises
    ------
    ValueError
        If the model is not fitted, a part of it cannot be saved, or an argument does not fit the model.
    OSError
        If the file exists already, or cannot be written.

    Notes
    -----
    The file has no path of this machine. In the model that `load` returns, `store`, `memory` and `n_jobs` are None,
    `verbose` is off, and a network that pip does not install is a `twoflow.networks.CarriedNetwork`. All else is as
    it was. The same model gives the same bytes on the same day.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn.linear_model import RidgeClassifier
    >>> from twoflow import ColorHistogram, load, make_model, make_shop, save
    >>> shop = make_shop(n_classes=2, n_per_class=4, random_state=0)
    >>> model = make_model([("color", ColorHistogram())], RidgeClassifier()).fit(shop)
    >>> with TemporaryDirectory() as folder:
    ...     card = save(model, f"{folder}/shop.twoflow", collection=shop)
    ...     loaded = load(f"{folder}/shop.twoflow")
    >>> card.n_images, (loaded.predict(shop) == model.predict(shop)).all()
    (8, np.True_)
    """
    target = check_output(path, overwrite)
    check_is_fitted(model)
    if networks not in _PLACES:
        raise InputError(f"networks: expected {' or '.join(map(repr, _PLACES))}, got {networks!r}")
    if method is not None and comparison is None:
        raise InputError(f"method: expected a comparison with the method {method!r}, got none; pass comparison too")
    if gallery and collection is None:
        raise InputError("gallery: expected the collection that the model was fitted on, got none; pass collection too")
    held_out, exact_match = _ask(comparison, method)
    found = _Networks(networks)
    make_portable(model, lambda network: network, found.note)
    portable = make_portable(model, found.replace)
    card = describe(model, collection, held_out, threshold, title, found.entries, exact_match)
    carried = list(found.carried.values())
    try:
        content, own = dump(portable)
        # Reading it back shows that every part can be loaded. Classes of the user's own are trusted here: they run now.
        read_model(content, Trusted.of_names(own), {each.key: each for each in carried}.get)
    except DamagedError as error:
        raise InputError(
            f"a {type(model).__name__} cannot be read back from a file: {printable(error, 500)}; replace that part"
        ) from error
    members = {**write_card(card), MODEL: content}
    if examples and collection is not None:
        for key, thumbnail in choose_examples(card, collection).items():
            members[example_name(card, *key)] = thumbnail
    if gallery and collection is not None:
        members |= write_gallery(make_gallery(model, card, collection))
    if networks == "inside":
        members |= network_members(carried)
    data = pack(members)
    if len(data) > MAX_FILE:
        raise InputError(f"expected a model of at most {MAX_FILE} bytes, got {len(data)}; pass networks='elsewhere'")
    try:
        write_file(target, data)
    except OSError as error:
        raise OutsideError(f"cannot write {target}: {reason_of(error)}; name another file") from error
    return card


def _ask(comparison: Any, method: str | None) -> tuple[Any, Any]:
    """Return what a comparison says of a method, by target and for all together; None for each without one."""
    if comparison is None:
        return None, None
    try:
        return comparison.held_out(method), comparison.exact_match(method)
    except KeyError as error:
        raise InputError(f"method: expected a method of the comparison, got {method!r}") from error


def check_output(path: str | os.PathLike, overwrite: bool) -> Path:
    """Return the path to write to; OSError if there is a file already, or no folder for it."""
    target = expand(path)
    if target.is_dir():
        raise OutsideError(f"{target}: expected the name of a file, got a folder; name a file in it")
    if os.path.lexists(target) and not overwrite:
        raise OutsideError(f"{target} exists already; name another file, or pass overwrite=True")
    if not target.parent.is_dir():
        raise OutsideError(f"{target}: there is no folder {target.parent}; create it first")
    return target


class _Networks:
    """The networks of the fitted flows of a model, and the name or reference that the file has for each."""

    def __init__(self, place: str) -> None:
        self._place = place
        self.carried: dict[Any, CarriedNetwork] = {}
        self._references: dict[Any, CarriedNetwork] = {}
        self.entries: list[NetworkEntry] = []

    def note(self, part: Any) -> None:
        """Note the network of a part of the model, if it is a flow that was fitted with one."""
        digest = getattr(part, "network_digest_", None)
        if digest is None:
            return
        network: NetworkLike = part.network
        place = "package" if _is_named(network) else self._place
        if place != "package" and network not in self.carried:
            if isinstance(network, (str, os.PathLike)):
                carried = carry(part.network_path_ or network)
            else:
                carried = network
            if carried.digest != digest:
                raise InputError(
                    f"{carried.name} is another network than the model was fitted with: expected SHA-256 {digest}, got "
                    f"{carried.digest}; put the old file back, or fit the model again"
                )
            self.carried[network] = carried
        card = part.network_card_
        entry = NetworkEntry(card.name, digest, card.license, card.source, place)
        if entry not in self.entries:
            self.entries.append(entry)

    def replace(self, network: Any) -> Any:
        """Return the name of a network, or a reference without a path, which the file has in its place.

        A network that no fitted flow uses, such as that of a candidate that was not chosen, is not in the file.
        """
        if network in self.carried:
            # One reference for all flows, as in the model.
            return self._references.setdefault(network, self.carried[network].without_files())
        if isinstance(network, (str, os.PathLike)) and not _is_named(network):
            return CarriedNetwork(Path(network).name, ())
        return network


def _is_named(network: Any) -> bool:
    return isinstance(network, str) and network in NETWORKS
