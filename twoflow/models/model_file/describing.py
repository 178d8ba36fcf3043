"""Make the card of a model from what it was fitted on, and from a comparison."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from numbers import Real
from platform import python_version
from typing import Any

import numpy as np

from ...errors import InputError
from ...heads.hierarchy import ClassTree
from ...images import ImageCollection, LoadedImage
from ...images.thumbnails import jpeg_thumbnail
from ..fitted_parts import fitted_parts
from ..target_names import find_target_names
from ..tree_names import broader_paths, find_hierarchy, find_tree, name_classes
from .card import Expectation, HeldOut, ModelCard, NetworkEntry, TargetCard
from .card_json import to_plain

#: The packages whose versions the answers may depend on.
_PACKAGES = (
    "twoflow", "cykooz-resizer", "numpy", "onnxruntime", "opencv-python-headless", "pillow", "scikit-image",
    "scikit-learn", "scipy", "skops",
)


def describe(
    model: Any, collection: ImageCollection | None, held_out: Mapping[str, tuple[Expectation, HeldOut | None]] | None,
    threshold: float | None, title: str | None, networks: Sequence[NetworkEntry],
    exact_match: Expectation | None = None,
) -> ModelCard:
    """Make the card of a fitted model.

    Parameters
    ----------
    model : estimator
        A fitted classifier.
    collection : ImageCollection or None
        What the model was fitted on.
    held_out : mapping of str to (Expectation, HeldOut or None), or None
        By the name of the target: what to expect on new images, and the answers that this was measured by.
    threshold : float or None
    title : str or None
        Default: the recipe, or the class of the model.
    networks : sequence of NetworkEntry
    exact_match : Expectation, optional
        How many new images are expected to be right in all of several targets. By default this is not known.

    Returns
    -------
    ModelCard

    Raises
    ------
    ValueError
        If the model has no classes, or the collection or the held-out answers have others.
    """
    classes, hierarchy = classes_of(model), find_hierarchy(fitted_parts(model).head)
    if collection is None:
        names = find_target_names(model, len(classes)) if hierarchy is None else hierarchy.tree_.levels[-1:]
    else:
        names = collection.target_names if hierarchy is None else collection.target_names[-1:]
    if len(names) != len(classes):
        raise InputError(
            f"collection: expected the {len(classes)} targets that the model was fitted on, got {', '.join(names)}"
        )
    if threshold is not None and (not isinstance(threshold, Real) or not 0 <= threshold <= 1):
        raise InputError(f"threshold: expected None or a number from 0 to 1, got {threshold!r}")
    unknown = set(held_out or ()) - set(names)
    if unknown:
        raise InputError(
            f"comparison: expected the targets {', '.join(names)}, got {', '.join(sorted(unknown))}; "
            "pass the collection that was compared"
        )
    answers = held_out or {}
    if hierarchy is None:
        targets = [_describe_target(name, own, collection, answers.get(name)) for name, own in zip(names, classes)]
    else:
        targets = [_describe_tree(hierarchy, collection, answers.get(names[0]))]
    groups = None if collection is None else collection.groups
    return ModelCard(
        title=title or _title(model),
        created=date.today().isoformat(),
        targets=tuple(targets),
        n_images=None if collection is None else len(collection),
        n_groups=None if groups is None else len(np.unique(groups)),
        data_digest="" if collection is None else digest_data(collection),
        threshold=None if threshold is None else float(threshold),
        networks=tuple(networks),
        versions=_versions(),
        exact_match=exact_match,
    )


def _title(model: Any) -> str:
    """Name a model by its recipe, with the strategy of several targets, or by its class.

    A hierarchy is named by the model that it is made of.
    """
    if hasattr(model, "predict_node_proba") and hasattr(model, "estimator"):
        return f"hierarchy of {_title(model.estimator)}"
    recipe = getattr(model, "recipe", None)
    has_several = isinstance(getattr(model, "classes_", None), list)
    strategy = f", strategy {model.strategy}" if has_several and hasattr(model, "strategy") else ""
    return f"recipe {recipe}{strategy}" if isinstance(recipe, str) else type(model).__name__


def classes_of(model: Any) -> list[tuple]:
    """Return the classes of each target of a fitted model; ValueError if it has none.

    Of a model with a tree of classes, these are the names of its leaves, as one target.
    """
    if (tree := find_tree(model)) is not None:
        return [name_classes(tree)]
    found = getattr(model, "classes_", None)
    if found is None:
        raise InputError(f"expected a fitted classifier, got a {type(model).__name__} without classes_; call fit first")
    several = isinstance(found, list) and not np.isscalar(found[0])
    return [to_plain(each, "classes") for each in (found if several else [found])]


def _describe_target(
    name: str, classes: tuple, collection: ImageCollection | None, held_out: tuple[Expectation, HeldOut | None] | None
) -> TargetCard:
    expectation, answers = held_out or (None, None)
    if answers is not None and max(answers.true.max(initial=0), answers.predicted.max(initial=0)) >= len(classes):
        raise InputError(f"comparison: expected the {len(classes)} classes of the model, got more; pass the comparison "
                         "of the collection that the model was fitted on")
    if collection is None:
        return TargetCard(name, classes, expectation=expectation, held_out=answers)
    found, numbers = collection.classes_by_target[name], Counter(collection.target(name).tolist())
    counts = [numbers[label] for label in found.tolist()]
    if tuple(found.tolist()) != classes:
        raise InputError(
            f"collection: expected the {len(classes)} classes of {name!r} that the model was fitted on, got "
            f"{len(found)} classes, some of them others; pass the collection that it was fitted on"
        )
    levels = collection.levels if name == collection.finest else {}
    broader = {level: to_plain([table[each] for each in classes], level) for level, table in levels.items()}
    return TargetCard(name, classes, tuple(counts), broader, expectation, answers)


def _describe_tree(
    hierarchy: Any, collection: ImageCollection | None, held_out: tuple[Expectation, HeldOut | None] | None
) -> TargetCard:
    tree, (expectation, answers) = hierarchy.tree_, held_out or (None, None)
    if collection is not None:
        tree = _count_images(tree, collection)
        if answers is not None and ClassTree.from_labels(collection.labels).nodes != tree.nodes:
            raise InputError(
                "comparison: expected a tree of the classes that were compared, got another one; leave out the tree of "
                "the model, or save it without the comparison"
            )
    counts = () if tree.counts is None else tuple(tree.counts[leaf] for leaf in tree.leaves)
    return TargetCard(
        tree.levels[-1], name_classes(tree), counts, broader_paths(tree), expectation, answers, tree,
        rule=" ".join(repr(hierarchy.fallback_).split()),
    )


def _count_images(tree: ClassTree, collection: ImageCollection) -> ClassTree:
    """Return the tree with the names of the collection's levels, and the number of its images of each node."""
    if len(tree.levels) != len(collection.target_names):
        raise InputError(
            f"collection: expected the {len(tree.levels)} levels that the model was fitted on, got "
            f"{', '.join(collection.target_names)}"
        )
    try:
        found = ClassTree(tree.nodes, collection.target_names).counted(collection.labels)
    except InputError as error:
        raise InputError(f"collection: {error}") from error
    if tree.counts is not None and tree.counts != found.counts:
        raise InputError(
            "collection: expected the images that the model was fitted on, got other numbers of images; pass the "
            "collection that it was fitted on"
        )
    return found


def find_classes(target: TargetCard, collection: ImageCollection) -> np.ndarray:
    """Return the position of the class of each image; -1 for an image without a label, or of no leaf of the tree."""
    if target.tree is None:
        position = {label: i for i, label in enumerate(target.classes)}
        return np.array([position.get(label, -1) for label in collection.target(target.name).tolist()])
    of_node = np.full(len(target.tree.nodes) + 1, -1)  # the last one is for images of none of the classes
    of_node[target.tree.leaves] = np.arange(len(target.classes))
    return of_node[target.tree.encode(collection.labels)]


def digest_data(collection: ImageCollection) -> str:
    """Return SHA-256 over the contents and labels of the images, in order; of no names of files."""
    digest = hashlib.sha256()
    for image, labels in zip(collection.images, collection.labels):
        digest.update(LoadedImage(image).digest)
        digest.update(repr(np.atleast_1d(labels).tolist()).encode())
    return digest.hexdigest()


def choose_examples(card: ModelCard, collection: ImageCollection) -> dict[tuple[str, int], bytes]:
    """Make a thumbnail of the first image of each class that can be read, by the target and the class's position."""
    examples = {}
    for target in card.targets:
        positions = find_classes(target, collection)
        for position in range(len(target.classes)):
            for row in np.flatnonzero(positions == position).tolist():
                if (content := jpeg_thumbnail(collection.images[row])) is not None:
                    examples[target.name, position] = content
                    break
    return examples


def _versions() -> dict[str, str]:
    found = {"python": python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue  # an extra
    return found
