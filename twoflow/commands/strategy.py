"""The argument of ``twoflow train`` that says how several targets, or levels, are learned."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .._text import counted, listed, printable
from ..errors import InputError

if TYPE_CHECKING:
    from ..images import ImageCollection

#: The strategy of several targets that is taken by default, and that of levels.
_OF_TARGETS, _OF_LEVELS = "separate", "leaves"


def add_argument(group: Any) -> None:
    """Add --strategy to a group of a parser; its choices are the strategies of targets and of levels."""
    from ..heads.hierarchy.strategies import STRATEGIES as OF_LEVELS
    from ..heads.multi_target.strategies import STRATEGIES as OF_TARGETS

    group.add_argument(
        "--strategy", choices=[*OF_TARGETS, *OF_LEVELS],
        help="how several columns of --label-column are learned: separate has a head for each; shared one head with an "
             "output for each; joint one head of the combinations of labels; chain a head for each that also sees the "
             f"answers of those before it (default: {_OF_TARGETS}; with --recipe fine-tuned shared). Or how --levels "
             "are learned: leaves sums the probabilities of the finest classes; parents decides at each class among "
             f"those below it; levels learns each level by itself (default: {_OF_LEVELS})",
    )


def check(arguments: argparse.Namespace, collection: ImageCollection) -> None:
    """Raise an error for a strategy of levels without levels, of targets without several, or of one target."""
    from ..heads.hierarchy.strategies import STRATEGIES as OF_LEVELS
    from ..heads.multi_target.strategies import STRATEGIES as OF_TARGETS

    strategy = arguments.strategy
    if strategy is None:
        return
    if len(collection.target_names) == 1:
        raise InputError(
            f"--strategy: expected several targets or levels, got the target {collection.finest} alone; name several "
            "columns by --label-column or --levels, or leave --strategy out"
        )
    fitting, other, what = (
        (OF_LEVELS, OF_TARGETS, "levels") if collection.are_levels else (OF_TARGETS, OF_LEVELS, "targets")
    )
    if strategy in other:
        column = "--label-column" if collection.are_levels else "--levels"
        raise InputError(
            f"--strategy: expected {listed(fitting, ' or')} for {what}, got {strategy}; choose one of these, or name "
            f"the columns by {column}"
        )


def of_targets(arguments: argparse.Namespace) -> str:
    """Return how a model learns several targets that are no levels."""
    from ..heads.multi_target.strategies import STRATEGIES as OF_TARGETS

    return arguments.strategy if arguments.strategy in OF_TARGETS else _OF_TARGETS


def of_levels(arguments: argparse.Namespace) -> str:
    """Return how a model learns levels."""
    return arguments.strategy or _OF_LEVELS


def describe(collection: ImageCollection, fitted: Any) -> Iterator[str]:
    """Yield lines on how a fitted model has learned several targets; none for one target."""
    from ..heads.multi_target.strategies import STRATEGIES

    if len(collection.target_names) == 1:
        return
    heads = fitted if hasattr(fitted, "combinations_") else fitted.model_
    of_all = "" if heads.combinations_ is None else f", of {counted(len(heads.combinations_), 'combination')} of labels"
    yield f"Strategy: {heads.strategy}{of_all}"
    if heads.n_partly_labeled_:
        images = counted(heads.n_partly_labeled_, "image is", "images are")
        labeled = listed(f"{number:,} have {printable(name)}" for name, number in heads.n_labeled_.items())
        learns = (
            "the head does not learn from them" if STRATEGIES[heads.strategy].has_one
            else "each head learns from the images with a label of its target"
        )
        yield f"{images} only partly labeled ({labeled}); {learns}"
