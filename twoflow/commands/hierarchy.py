"""The arguments of ``twoflow train`` for a hierarchy of classes, and the model that they make."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .._text import counted, listed
from ..errors import InputError
from . import strategy

if TYPE_CHECKING:
    from ..heads import HierarchicalClassifier
    from ..images import ImageCollection


def add_arguments(group: Any) -> None:
    """Add the arguments to a group of a parser."""
    group.add_argument(
        "--scope", action="store_true",
        help="recognize images that show none of the classes, and answer unknown for them. Images of yours whose "
             "(broadest) class is unknown set and test how strict this is (default: every image shows some class)",
    )


def is_asked_for(arguments: argparse.Namespace, collection: ImageCollection) -> bool:
    """Return whether the model is a hierarchy. One target with --scope is a hierarchy of one level."""
    return collection.are_levels or arguments.scope


def check_targets(arguments: argparse.Namespace, collection: ImageCollection) -> None:
    """Raise an error if a hierarchy is asked for, but the targets make none."""
    if collection.are_levels:
        return
    if arguments.scope and len(collection.target_names) > 1:
        raise InputError(
            f"--scope: expected one target, or --levels, got the targets {listed(collection.target_names)}; train one "
            "file for each target"
        )


def make(
    arguments: argparse.Namespace, collection: ImageCollection, model: Any, confidence: float
) -> HierarchicalClassifier:
    """Make the hierarchy around a model.

    Its rule of fallback is a part of it: --threshold, or the rule that promises --error. So each fold learns its own
    rule, and the held-out answers test it.
    """
    from ..heads import ClassTree, HierarchicalClassifier, OutOfScope, Risk

    tree = ClassTree.from_labels(collection.labels, collection.target_names)
    # With two classes none can be held out, by which the best score would be chosen.
    score = "auto" if len(tree.leaves) > 2 else "indicator"
    return HierarchicalClassifier(
        model, tree,
        strategy=strategy.of_levels(arguments),
        fallback=arguments.threshold if arguments.error is None else Risk(arguments.error, confidence=confidence),
        scope=OutOfScope(score) if arguments.scope else None, random_state=arguments.seed,
    )


def describe(fitted: HierarchicalClassifier) -> Iterator[str]:
    """Yield the lines that show the tree of a fitted hierarchy, and what its rule and its scope learned."""
    yield ""
    yield from str(fitted.tree_).splitlines()
    if fitted.n_partly_labeled_:
        images = counted(fitted.n_partly_labeled_, "image is", "images are")
        learns = (
            "the classifier of the finest classes does not learn from them" if fitted.strategy == "leaves"
            else "classifiers learn from them only at the levels that they have"
        )
        yield f"{images} only partly labeled; {learns}"
    if (scope := fitted.scope_) is not None:
        yield (
            f"out of scope: images whose {scope.score_} score is below {scope.threshold_:.4g}; {scope.answered_:.1%} "
            "of held-out images of the classes are not"
        )
        if scope.outside_rejected_ is not None:
            tested = counted(scope.n_outside_tested_, "image", "images")
            yield f"of {tested} of class unknown that did not set it, {scope.outside_rejected_:.1%} are"
