"""Fit a model on images, write it to a file, and say what to expect of it: ``twoflow train``."""

from __future__ import annotations

import argparse
import hashlib
import os
import shlex
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._progress import phase
from .._text import counted, listed
from ..errors import InputError
from . import fine_tuning, hierarchy, strategy
from .arguments import (
    CommandParser,
    add_balance_arguments,
    add_collection_arguments,
    add_network_argument,
    add_run_arguments,
    at_least,
    share,
)
from .loading import (
    allow_named_hosts,
    check_networks,
    choose_provider,
    find_folder_split,
    load_collection,
    make_paths_absolute,
    open_store,
)
from .output import choose_output
from .program import print_to_reader

if TYPE_CHECKING:
    from ..evaluation import Comparison
    from ..images import ImageCollection
    from ..store import FeatureStore

_FOLDS = 5
_CONFIDENCE = 0.95  # of the promise of --error
_SUFFIX = ".twoflow"


def make_parser() -> CommandParser:
    """Make the parser of the command's arguments."""
    from ..heads.table import HEADS
    from ..models import RECIPES

    parser = CommandParser(
        prog="twoflow train",
        description="Fit a model on your images, and write it to a file for twoflow predict, serve and export.\n"
                    "Before, the same model is tried on images that it was not fitted on, to say what to expect of it.",
        examples=[
            "twoflow train shoes/ --out shoes.twoflow",
            "twoflow train shoes/ --labels shoes/labels.csv --group-column item --recipe best --threshold 0.7",
            "twoflow train --labels labels.csv --label-column type,color --strategy chain --out clothing.twoflow",
            "twoflow train --labels labels.csv --levels category,article --error 0.02 --scope",
            "twoflow train shoes/ --recipe fine-tuned --epochs 15",
        ],
    )
    add_collection_arguments(parser)
    group = parser.add_argument_group("model")
    group.add_argument(
        "--recipe", choices=[*RECIPES, *fine_tuning.RECIPES], default="fast",
        help="fast: one pass over one network; best: more flows and networks, weighed on your images; paper: the model "
             "of the Two-Flow paper; fine-tuned: a network that is trained further on your images; fine-tuned+fast, "
             "fine-tuned+best: this network beside the flows of fast or best (default: %(default)s)",
    )
    group.add_argument("--head", metavar="HEAD", choices=list(HEADS),
                       help=f"what decides on the features: {', '.join(HEADS)} (default: the recipe's own)")
    add_network_argument(group)
    strategy.add_argument(group)
    hierarchy.add_arguments(group)
    add_balance_arguments(group)
    group.add_argument("--seed", metavar="S", type=at_least(0), default=0,
                       help="seed of everything random. The same seed gives the same model (default: 0)")
    group.add_argument(
        "--fit-on", choices=("train", "all"),
        help="which images of an official split the model in the file is fitted on: train, as it was tested, or all "
             "(default: train; without an official split, all images)",
    )
    fine_tuning.add_backbone_argument(fine_tuning.add_arguments(parser))
    group = parser.add_argument_group("what to expect")
    group.add_argument(
        "--folds", metavar="K", type=_folds,
        help=f"number of folds in which the model is tried on images that it was not fitted on. 0 tries nothing, and "
             f"the file says nothing of the accuracy (default: the official split; without one {_FOLDS}, and 0 if a "
             "network is fine-tuned, because each fold trains another)",
    )
    least = group.add_mutually_exclusive_group()
    least.add_argument(
        "--threshold", metavar="P", type=share,
        help="least confidence of an answer. Below it the model answers a broader class, or unknown. It is kept in the "
             "file (default: every answer stands)",
    )
    least.add_argument(
        "--error", metavar="E", type=share,
        help="choose the lowest threshold that keeps the share of wrong answers at E or less, with 95%% confidence; of "
             "several targets, for the answers of each (default: use --threshold)",
    )
    group = parser.add_argument_group("file")
    group.add_argument("--out", metavar="FILE", type=os.path.expanduser,
                       help=f"file to write (default: the name of IMAGES or of the table, with {_SUFFIX})")
    group.add_argument("--title", metavar="TEXT", help="what the model is, for its card (default: its recipe)")
    group.add_argument(
        "--network-place", choices=("inside", "elsewhere"), default="inside",
        help="where a network goes that pip does not install: inside the file, or elsewhere, and whoever loads the "
             "file names it (default: %(default)s)",
    )
    group.add_argument("--no-examples", action="store_true",
                       help="put no training images in the file (default: a small copy of each, with what twoflow "
                            "search needs, about three kilobytes; they are photos of your data)")
    add_run_arguments(parser, "file")
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Try the model on held-out images, fit it on all, write it, and say what to expect."""
    arguments = make_parser().parse_args(argv)

    from ..evaluation import compare
    from ..models.model_file import save
    from ..models.model_file.gallery import gallery_size
    from .dask_scheduler import connected

    _check(arguments)
    allow_named_hosts(arguments)
    choose_provider(arguments)
    check_networks(arguments)
    arguments.out = arguments.out or _default_name(arguments)
    out, note = choose_output(arguments)
    make_paths_absolute(arguments)
    verbose = not arguments.quiet
    with connected(arguments.scheduler), _opened_store(arguments) as store:
        collection = _load(arguments)
        model = _make_model(arguments, collection, store)
        comparison = None
        if _is_tried(arguments):
            comparison = compare(
                [model], collection, network=arguments.network, folds=arguments.folds or _FOLDS,
                split_column=arguments.split_column, random_state=arguments.seed, n_jobs=arguments.jobs,
                verbose=verbose, store=store, tests_trained=True,
            )
            collection = comparison.collection
        running = {"n_jobs": arguments.jobs, "verbose": verbose, "store": store}
        if comparison is None:
            collection = _without_unreadable(model, running, collection)
            collection = collection.noted(*collection.label_notes)  # a comparison notes them itself
        threshold = _choose_threshold(arguments, collection, comparison)
        collection = _to_fit_on(arguments, collection)
        with phase("fit", verbose=verbose):
            fitted = _fit(_running(model, running), collection)
        gone = print_to_reader(_describe(arguments, collection, comparison, threshold, fitted))
        with phase("file", verbose=verbose):
            save(
                fitted, out, collection=collection, comparison=comparison, threshold=threshold, title=arguments.title,
                networks=arguments.network_place, examples=not arguments.no_examples,
                gallery=not arguments.no_examples, overwrite=True,
            )
    if gone is not None:
        raise gone
    if not arguments.no_examples:
        images = counted(len(collection), "training image")
        print(f"\nFor twoflow search, {images} take {gallery_size(out) / 1e6:,.1f} MB of the file")
    print(f"\nWritten to {out}: {out.stat().st_size / 1e6:,.1f} MB, SHA-256 {_digest(out)}{note}")
    print(f"Next: twoflow predict {shlex.quote(str(out))} NEW-IMAGES")


def _is_tried(arguments: argparse.Namespace) -> bool:
    """Return whether the model is tried on held-out images before it is fitted."""
    asked_for = arguments.folds is not None or arguments.split_column is not None
    return arguments.folds != 0 and (asked_for or arguments.recipe not in fine_tuning.RECIPES)


def _folds(text: str) -> int:
    """Parse a number of folds: 0, or at least 2."""
    return 0 if text.strip() == "0" else at_least(2)(text)


def _check(arguments: argparse.Namespace) -> None:
    """Raise an error for arguments that do not fit together, before the work."""
    if arguments.images is None and arguments.labels is None:
        raise InputError("expected IMAGES, a folder of class folders, or --labels, a table of them, got neither; "
                         "name one")
    if arguments.error is not None and not 0 < arguments.error < 1:
        raise InputError(f"--error: expected a share above 0 and below 1, got {arguments.error:g}; give --error 0.02")
    if arguments.folds == 0 and arguments.error is not None:
        raise InputError("--error: expected images that the model is tried on, got --folds 0; ask for at least 2 folds")
    fine_tuning.check(arguments, arguments.recipe in fine_tuning.RECIPES, "take --recipe fine-tuned")
    fine_tuning.check_recipe(arguments)


def _default_name(arguments: argparse.Namespace) -> str:
    """Name the file after the folder of images, or after the table."""
    source = arguments.labels if arguments.images is None else arguments.images
    name = Path(os.path.abspath(source)).name if arguments.images is not None else Path(source).stem
    return f"{name or 'model'}{_SUFFIX}"


@contextmanager
def _opened_store(arguments: argparse.Namespace) -> Iterator[FeatureStore]:
    """Open the store; with --no-store a temporary one, so that the fit finds the features of the folds."""
    from ..store import FeatureStore

    store = open_store(arguments)
    if store is not None:
        yield store
        return
    with tempfile.TemporaryDirectory(prefix="twoflow-store-") as folder:
        yield FeatureStore(folder)


def _load(arguments: argparse.Namespace) -> ImageCollection:
    """Load the collection, and choose its official split, unless --folds asks for folds."""
    from ..models.model_file.card_json import check_unicode

    collection = load_collection(arguments)
    assert collection is not None  # `_check` demands images
    collection = collection.without_small_classes(arguments.min_per_class)
    classes = {target: own.tolist() for target, own in collection.classes_by_target.items()}
    check_unicode([arguments.title, classes, collection.levels])  # before the work
    strategy.check(arguments, collection)
    hierarchy.check_targets(arguments, collection)
    column = find_folder_split(arguments, collection)
    if arguments.split_column is not None:
        if arguments.folds:
            collection = collection.noted("--folds has no effect, because the folds come from --split-column")
    elif column is not None and arguments.folds:
        collection = collection.noted("the official split is not used, because --folds asked for other folds")
    else:
        arguments.split_column = column
    if arguments.split_column is None and arguments.fit_on is not None:
        raise InputError("--fit-on: expected an official split, got none; name its column by --split-column, and leave "
                         "out --folds")
    if arguments.split_column is not None and arguments.fit_on != "all":
        _check_split(_train_rows(arguments, collection), collection)
    return collection


def _train_rows(arguments: argparse.Namespace, collection: ImageCollection) -> np.ndarray:
    """Return the positions of the images that the official split trains on."""
    from ..evaluation.folds import official_split

    return official_split(collection.columns[arguments.split_column], collection.to_stratify).splits[0].train


def _check_split(train: np.ndarray, collection: ImageCollection) -> None:
    """Raise an error if a class has no image to train on: the model could not name it."""
    trained = collection[train]
    for target, classes in collection.classes_by_target.items():
        missing = np.setdiff1d(classes, trained.target(target)).tolist()
        if missing:
            raise InputError(
                f"expected an image to train on of each class, got none of {listed(map(str, missing[:3]))} in the "
                "official split; add some, leave these classes out, or give --fit-on all"
            )


def _make_model(arguments: argparse.Namespace, collection: ImageCollection, store: FeatureStore) -> Any:
    """Make the model of the recipe, or a hierarchy of it."""
    from ..models import TwoFlowClassifier

    if arguments.recipe in fine_tuning.RECIPES:
        model = fine_tuning.make(arguments, collection, store)
    else:
        model = TwoFlowClassifier(
            arguments.recipe, head=arguments.head, network=arguments.network, class_weight=arguments.class_weight,
            max_per_class=arguments.max_per_class, strategy=strategy.of_targets(arguments),
            random_state=arguments.seed,
        )
    if not hierarchy.is_asked_for(arguments, collection):
        return model
    return hierarchy.make(arguments, collection, model, _CONFIDENCE)


def _without_unreadable(model: Any, running: Mapping[str, Any], collection: ImageCollection) -> ImageCollection:
    """Leave out the images that cannot be read. The features of the others are then in the store."""
    from ..flows import FlowUnion
    from ..flows.contract import learns_from_data
    from ..flows.engine.extraction import extract
    from ..flows.image_traits import ImageTraits
    from ..models import take_apart

    flows = [(name, flow) for name, flow in take_apart(model).flows if not learns_from_data(flow)]
    union = FlowUnion(flows or [("traits", ImageTraits())], on_error="nan", **running)  # any flow reads the images
    errors = extract(union.fit(collection.images), collection.images).errors
    return collection.without(errors) if errors else collection


def _to_fit_on(arguments: argparse.Namespace, collection: ImageCollection) -> ImageCollection:
    """Return the images that the model is fitted on, with a note if some are not used."""
    if arguments.split_column is None:
        return collection
    if arguments.fit_on == "all":
        return collection.noted("the model is fitted on all images of the official split, the test images too")
    train = _train_rows(arguments, collection)
    _check_split(train, collection)  # again, because images that cannot be read are gone
    n_others = len(collection) - len(train)
    others = counted(n_others, "other image is", "other images are")
    return collection[train].noted(
        f"the model is fitted on the training images of the official split; {others} not used (--fit-on all uses them)"
    )


def _choose_threshold(
    arguments: argparse.Namespace, collection: ImageCollection, comparison: Comparison | None
) -> float | None:
    """Return --threshold, or the lowest threshold that keeps the promise of --error for each target.

    By Bonferroni, the promises for all targets hold together with the confidence that the user is told.
    """
    if hierarchy.is_asked_for(arguments, collection):
        return None  # its rule is in the model
    if arguments.error is None or comparison is None:
        return arguments.threshold
    from ..predicting.thresholds import threshold_for

    found, of_targets = [], comparison.held_out()
    confidence = 1 - (1 - _CONFIDENCE) / len(of_targets)
    for target, (_, held_out) in of_targets.items():
        threshold = None if held_out is None else threshold_for(held_out, arguments.error, confidence)
        if threshold is None:
            raise InputError(
                f"--error: expected a share of wrong answers that some threshold can promise for {target}, got "
                f"{arguments.error:g}; allow a larger share, train on more images, or give --threshold"
            )
        found.append(threshold)
    return max(found) or None  # 0: all answers keep the promise


def _running(model: Any, parameters: Mapping[str, Any]) -> Any:
    """Set how a model runs; of a hierarchy, how the model inside does. It may lack some of the parameters."""
    inside = "estimator__" if hasattr(model, "estimator") else ""
    known = model.get_params()
    found = {f"{inside}{name}": value for name, value in parameters.items()}
    return model.set_params(**{name: value for name, value in found.items() if name in known})


def _fit(model: Any, collection: ImageCollection) -> Any:
    """Fit the model on one thread of linear algebra, so that the file does not depend on the number of cores."""
    from .._jobs import one_blas_thread

    with one_blas_thread():
        return model.fit(collection)


def _describe(
    arguments: argparse.Namespace, collection: ImageCollection, comparison: Comparison | None, threshold: float | None,
    fitted: Any,
) -> str:
    """Say what the model was fitted on, and what to expect of it."""
    from ..evaluation.outlook import answer_above, look_out, look_out_together
    from ..report.outlook import format_collection, format_outlook

    is_hierarchy = hierarchy.is_asked_for(arguments, collection)
    learned = hierarchy.describe(fitted) if is_hierarchy else strategy.describe(collection, fitted)
    lines = [format_collection(collection), *learned, *fine_tuning.describe(fitted), ""]
    if comparison is None:
        why = "Nothing was held out (--folds 0)"
        if arguments.folds is None:
            why = f"No fold was tried (--folds {_FOLDS} tries {_FOLDS}, each by a training of its own)"
        lines.append(f"{why}, so the file says nothing of the accuracy on new images.")
        return "\n".join(lines)
    answers = [held_out for _, held_out in comparison.held_out().values() if held_out is not None]
    chosen = [] if threshold is None else [answer_above(each, threshold) for each in answers]
    together = look_out_together(comparison, comparison.best, threshold)
    lines.append(format_outlook(look_out(comparison, comparison.best), chosen, comparison, together))
    if arguments.error is not None:
        what = "answering all images" if threshold is None else f"the threshold {threshold:.4g}"
        what = "its rule" if is_hierarchy else what
        scope = " of each target" if len(answers) > 1 else ""
        lines.append(
            f"With {_CONFIDENCE:.0%} confidence, {what} keeps the share of wrong answers{scope} at {arguments.error:g} "
            "or less, for new images like these."
        )
    return "\n".join(lines)


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
