"""Open what the shared arguments name: model files, images, labels, hosts and the store."""

from __future__ import annotations

import argparse
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    from ..images import ImageCollection
    from ..models.model_file import ModelFile
    from ..store import FeatureStore

#: Arguments that say something about the table of --labels.
_ABOUT_TABLE = ("label_column", "group_column", "image_column", "image_pattern", "missing")


def open_model(arguments: argparse.Namespace) -> ModelFile:
    """Open the model file that the arguments name, with --threshold, if there is one, in place of that on its card."""
    from ..models.model_file import open_model_file

    opened = open_model_file(arguments.model, digest=arguments.digest, networks=arguments.networks)
    threshold = getattr(arguments, "threshold", None)
    return opened if threshold is None else replace(opened, card=replace(opened.card, threshold=threshold))


def allow_named_hosts(arguments: argparse.Namespace) -> None:
    """Allow images to be read from the hosts of --allow-hosts.

    Without the argument, the environment variable decides.
    """
    from ..images import allow_hosts

    if arguments.allow_hosts is not None:
        allow_hosts(*arguments.allow_hosts)


def choose_provider(arguments: argparse.Namespace) -> None:
    """Let the provider of --provider compute the networks; without the argument, the environment variable decides.

    A wrong value of the variable is refused here, before anything is written.
    """
    from ..networks import use_provider
    from ..networks.providers import wanted

    use_provider(arguments.provider or wanted("auto"))


def check_networks(arguments: argparse.Namespace) -> None:
    """Raise ValueError for networks of --network that cannot be used, before a folder is made for the results."""
    from ..networks import get_card, list_networks

    for network in list_networks(arguments.network):
        get_card(network)


def load_collection(arguments: argparse.Namespace) -> ImageCollection | None:
    """Load the images that the arguments name, or return None if they name none."""
    from ..images import load_table

    if arguments.labels is None:
        return _load_folder(arguments)
    if arguments.levels and arguments.label_column:
        raise InputError(
            "expected --levels or --label-column, got both; leave out --label-column: the last of --levels is the "
            "column of classes"
        )
    of_folds = [arguments.split_column, getattr(arguments, "leave_one_out_column", None)]
    return load_table(
        arguments.labels,
        arguments.images,
        path_column=arguments.image_column or "path",
        image_pattern=arguments.image_pattern,
        missing=arguments.missing or "leave-out",
        label_column=arguments.label_column,
        levels=arguments.levels,
        group_column=arguments.group_column,
        columns=[column for column in of_folds if column is not None],
    )


def _load_folder(arguments: argparse.Namespace) -> ImageCollection | None:
    from ..images import load_folder

    for name in _ABOUT_TABLE:
        if getattr(arguments, name) is not None:
            raise InputError(f"--{name.replace('_', '-')} needs --labels, a table of paths and classes")
    collection = None if arguments.images is None else load_folder(arguments.images, arguments.levels)
    column = arguments.split_column
    if column is not None and (collection is None or column not in collection.columns):
        raise InputError(
            "--split-column needs --labels, the table with that column; or IMAGES with the folders train and test, "
            "whose column is named split"
        )
    column = getattr(arguments, "leave_one_out_column", None)
    if column is not None and (collection is None or column not in collection.columns):
        raise InputError("--leave-one-out-column needs --labels, the table with that column")
    return collection


def find_folder_split(arguments: argparse.Namespace, collection: ImageCollection) -> str | None:
    """Return the column of the official split that IMAGES holds as folders, or None if it holds none."""
    from ..images.folders import SPLIT_COLUMN

    return SPLIT_COLUMN if arguments.labels is None and SPLIT_COLUMN in collection.columns else None


def make_paths_absolute(arguments: argparse.Namespace) -> None:
    """Make images, labels and networks absolute paths if there is a scheduler, whose workers run in other folders."""
    from ..images.remote import is_url
    from ..networks import NETWORKS

    def absolute(path: str) -> str:
        return path if path in NETWORKS or is_url(path) or not os.path.exists(path) else os.path.abspath(path)

    if arguments.scheduler is None:
        return
    for name in ("images", "labels", "labeled", "network"):
        given = getattr(arguments, name, None)
        if given is not None:
            setattr(arguments, name, list(map(absolute, given)) if isinstance(given, list) else absolute(given))


def open_store(arguments: argparse.Namespace) -> FeatureStore | None:
    """Open the store that the arguments name, or return None with --no-store."""
    from ..store import FeatureStore

    return None if arguments.no_store else FeatureStore(arguments.store)
