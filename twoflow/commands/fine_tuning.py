"""The arguments of commands that fine-tune a network, and what they make."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .._text import counted, listed
from ..errors import InputError
from .arguments import DEFAULT_NETWORK, at_least

if TYPE_CHECKING:
    from ..images import ImageCollection
    from ..store import FeatureStore

#: The recipes of ``twoflow train`` that fine-tune a network. They are names of methods.
RECIPES = ("fine-tuned", "fine-tuned+fast", "fine-tuned+best")

#: The parameter of `FineTunedClassifier` that each argument sets.
_PARAMETERS = {
    "train_stages": "train",
    "epochs": "max_epochs",
    "input_size": "input_size",
    "augment": "augment",
    "checkpoint": "checkpoint",
}

_NOTHING = "none"  # in place of None, as the value of --augment


def add_arguments(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the arguments of a training; without them `FineTunedClassifier` has its defaults.

    Returns
    -------
    argument group
        Where further ones can be added.
    """
    from ..deep.fine_tuning.augmentation import AUGMENTATIONS

    group = parser.add_argument_group("fine-tuning (needs twoflow[torch])")
    group.add_argument(
        "--train-stages", metavar="whole|head|N", type=_stages,
        help="what is trained: the whole network, only its head, or its last N stages and the head. Less trains faster "
             "(default: whole)",
    )
    group.add_argument("--epochs", metavar="N", type=at_least(1),
                       help="the most passes over the training images; it stops earlier if held-out images get no "
                            "better (default: 30)")
    group.add_argument("--input-size", metavar="PIXELS", type=at_least(1),
                       help="width and height of the images that enter the network. Smaller ones train faster "
                            "(default: the network's own)")
    group.add_argument(
        "--augment", choices=[_NOTHING if name is None else name for name in AUGMENTATIONS],
        help="how training images are changed at random; color-safe is for classes that are colors (default: "
             "standard)",
    )
    group.add_argument(
        "--checkpoint", metavar="DIR",
        help="folder that keeps the state of a training after each epoch, so that the same command goes on where it "
             "was stopped, and repeats no finished training (default: inside the store; with --no-store none)",
    )
    return group


def add_backbone_argument(group: argparse._ActionsContainer) -> None:
    """Add the argument that names the network that ``twoflow train`` fine-tunes."""
    from ..deep.backbones import BACKBONES

    group.add_argument(
        "--backbone", metavar="NAME",
        help=f"network to fine-tune: {', '.join(BACKBONES)}, a name of transformers on the Hugging Face hub, or the "
             "path of a folder (default: efficientnet-lite0)",
    )


def _stages(text: str) -> str | int:
    """Parse what is trained: whole, head, or a number of stages."""
    if text in ("whole", "head"):
        return text
    try:
        return at_least(1)(text)
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"expected whole, head or a number of stages, got {text!r}") from None


def check(arguments: argparse.Namespace, fine_tunes: bool, remedy: str) -> None:
    """Raise an error if arguments of a training are given, but no network is fine-tuned.

    Parameters
    ----------
    arguments : Namespace
    fine_tunes : bool
        Whether one is.
    remedy : str
        What to do to fine-tune one, such as "take --recipe fine-tuned".
    """
    given = [name for name in (*_PARAMETERS, "backbone") if getattr(arguments, name, None) is not None]
    if given and not fine_tunes:
        raise InputError(f"{listed(map(_option, given))}: expected a network that is fine-tuned, got none; {remedy}")


def parameters(arguments: argparse.Namespace, store: FeatureStore | None) -> dict[str, Any]:
    """Return the parameters of `FineTunedClassifier` that the arguments set.

    Parameters
    ----------
    arguments : Namespace
    store : FeatureStore or None
        Its folder holds the checkpoints, unless --checkpoint names another.
    """
    from ..store.trainings import Trainings

    given = {name: getattr(arguments, argument) for argument, name in _PARAMETERS.items()}
    if given["checkpoint"] is None and store is not None:
        given["checkpoint"] = str(Trainings(store.folder).folder)
    if given["input_size"] is not None:
        given["input_size"] = (given["input_size"], given["input_size"])
    found = {name: value for name, value in given.items() if value is not None}
    return {**found, "augment": None} if given["augment"] == _NOTHING else found


def check_recipe(arguments: argparse.Namespace) -> None:
    """Raise an error for arguments that a recipe of ``twoflow train`` which fine-tunes a network does not take."""
    if arguments.recipe not in RECIPES:
        return
    if arguments.head is not None:
        raise InputError(f"--head: expected a recipe of flows, got {arguments.recipe}, which has its own; leave it out")
    if arguments.max_per_class is not None:
        raise InputError(
            f"--max-per-class: expected a recipe of flows, got {arguments.recipe}, which trains on all images; leave "
            "it out"
        )
    if arguments.recipe == "fine-tuned" and arguments.network != DEFAULT_NETWORK:
        raise InputError("--network: expected a recipe with frozen networks, got fine-tuned; name the network to train "
                         "by --backbone")


def make(arguments: argparse.Namespace, collection: ImageCollection, store: FeatureStore) -> Any:
    """Make the model of a recipe of ``twoflow train``; for several targets, one that learns them by --strategy.

    Raises
    ------
    ValueError
        If there is no such backbone, or --error asks for images that the model is tried on, and there are none.
    """
    from ..evaluation import make_methods
    from ..heads import MultiTargetClassifier
    from ..heads.targets import learns_targets_together

    if arguments.error is not None and arguments.folds is None and arguments.split_column is None:
        raise InputError(
            f"--error: expected images that the model is tried on, got none, because {arguments.recipe} is tried only "
            "if --folds asks for it; give --folds 5, which trains five more networks"
        )
    model, = make_methods(
        [method_name(arguments)], network=arguments.network, random_state=arguments.seed,
        class_weight=arguments.class_weight, fine_tuning=parameters(arguments, store),
    ).values()
    if len(collection.target_names) == 1 or collection.are_levels:
        return model
    # One trunk with a head for each target is one training; "separate" would be one for each target.
    default = "shared" if learns_targets_together(model) else "separate"
    return MultiTargetClassifier(model, arguments.strategy or default, random_state=arguments.seed)


def method_name(arguments: argparse.Namespace) -> str:
    """Return the name of the method that --recipe and --backbone ask for."""
    first, plus, recipe = arguments.recipe.partition("+")
    backbone = "" if arguments.backbone is None else f":{arguments.backbone}"
    return f"{first}{backbone}{plus}{recipe}"


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def describe(fitted: Any) -> Iterator[str]:
    """Yield a line for each network that was fine-tuned inside a fitted model, on how it went."""
    from ..evaluation.training_history import find_trainings

    for history in find_trainings(fitted):
        best = {epoch["epoch"]: epoch for epoch in history.epochs}[history.best_epoch]
        right = [
            f"{best[name]:.3f} of the images {what}" for name, what in (
                ("train_accuracy", "trained on"), ("valid_accuracy", "held out to choose it"),
            ) if name in best
        ]
        yield (
            f"Fine-tuned for {counted(history.n_epochs, 'epoch')}; the weights are of epoch {history.best_epoch}, "
            f"right in {listed(right)}"
        )
