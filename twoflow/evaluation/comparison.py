"""Compare several methods on the same images and the same folds, and test their differences."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._peak_memory import peak_memory, total_peak
from .._progress import phase
from .._text import listed
from ..errors import InputError, InputTypeError
from ..flows.engine.extraction import extract
from ..flows.image_traits import read_traits
from ..heads.class_balance import ClassWeight, complete_class_weights
from ..heads.random_states import seeded
from ..images import ImageCollection
from ..images.reading import warn_unreadable
from ..models import for_targets
from ..networks import NetworkRecord, NetworksLike
from ..store import StoreLike, open_store
from .dependences import describe_dependences
from .duplicates import match
from .explained_errors import explain_errors
from .feature_plan import FeaturePlan
from .fold_checks import check_classes, check_folds, check_methods
from .fold_notes import note_on_folds
from .folds import Folds, draw_folds, official_split, shrink
from .joined_folds import FoldJoiner
from .kept_folds import KeptFolds
from .leakage import leaks
from .left_out_sources import leave_one_out
from .method_scores import MethodScores
from .naming import name_methods
from .results import Comparison
from .running import Runner
from .saved_folds import read_folds
from .scores import scores_for
from .statistics import Difference, compare_pairs, corrected_resampled_ttest, paired_ttest
from .tested import Targets
from .trained_images import check_trained_images


def compare(
    methods: Any,
    collection: ImageCollection,
    *,
    network: NetworksLike = "efficientnet-lite0",
    superclass_column: str | None = None,
    class_weight: ClassWeight = None,
    max_per_class: int | None = None,
    fine_tuning: Mapping[str, Any] | None = None,
    folds: int = 10,
    repeats: int = 1,
    test_size: float | None = None,
    split_column: str | None = None,
    leave_one_out_column: str | None = None,
    folds_from: str | os.PathLike | None = None,
    train_sizes: Sequence[float] = (),
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: bool = False,
    store: StoreLike = None,
    group_duplicates: bool = False,
    n_explained: int = 0,
    tests_trained: bool = False,
) -> Comparison:
    """Compare classifiers of images on the same folds.

    Features that depend neither on labels nor on other images are computed once, all in one pass over the images.
    Everything that is fitted is fitted inside each fold. Images that cannot be read are left out before folds are
    drawn. The methods are cloned, never fitted in place.

    Parameters
    ----------
    methods : str, classifier, iterable of both, or mapping of str to either
        What to compare. Every pair is tested. `Comparison.differences` are to the first, the reference.

        - A name: "two-flow", "cnn", "fast:stack", "cnn:logistic", ...: one of `METHODS`, `RECIPE_METHODS` and
          `EXTRA_METHODS`, or of the forms in `NAME_FORMS`. "all" means `METHODS`, "convnet" if its extra is installed,
          and ``cnn:LAYER`` for every stage of the network; of several networks, it means each network's embedding and
          ``NETWORK:LAYER`` for every stage. It includes no recipe, and no method that fine-tunes a network.
        - A classifier of images: a model, a pipeline that begins with a flow, a meta-estimator around one of these, or
          any classifier that takes images; see `take_apart`. It is named by its class in lower case, a pipeline by its
          steps, a `TwoFlowClassifier` by its recipe. Names that are not distinct are numbered.
        - A mapping gives each method the name that is its key.

        "pixels" is renamed to ``pixels:WIDTHxHEIGHT``. It takes the largest whole fraction of the paper's 640 x 480 at
        which a table of all images needs at most a sixteenth of the machine's memory, or of 4 GiB if that is less, and
        that is no larger than nine of ten images. If a named method of pixels enlarges images, a note says how many.
    collection : ImageCollection
        Images with their labels. If it has groups, no group is on both sides of a fold; an official split is used as it
        is, and a note counts the groups on both sides. If it has several targets, the exact match is tested; see
        `scores_for`. Labels of some may be missing: a note counts them, and each score is of the images that have the
        labels it needs. A method given by name, or as a `TwoFlowClassifier`, then decides on each target by itself,
        unless its name or its parameter says otherwise; see `MultiTargetClassifier`. Any other classifier must learn
        all of them. If the targets are levels, the exact match of paths is tested, and there are the scores of
        `LEVEL_SCORES`; methods in the hierarchy are `HierarchicalClassifier` and names such as "fast:leaves".
    network : str, path, CarriedNetwork, or list of these, default="efficientnet-lite0"
        The network of methods given by name, or several networks; see `CNNEmbedding`. Of several, a recipe takes all,
        and "cnn" is their embeddings side by side.
    superclass_column : str, optional
        The column or target of the collection with the superclass of each image: the object hierarchy of "mid-level".
        Default: the column "superclass", which `load_folder` makes of folders in folders; if there is none, the method
        learns a hierarchy. With several targets it learns one for each, and takes no column.
    class_weight : {"balanced"}, dict of class to float, or None, default=None
        How much an image of each class counts when the head of a method given by name learns; see `make_model`. A note
        says so. By default all images count the same. A classifier is fitted as it is: set its own parameters.
    max_per_class : int, optional
        The head of a method given by name learns from at most so many training images of each class; see `make_model`.
        By default there is no limit.
    fine_tuning : mapping of str to value, optional
        Parameters of `FineTunedClassifier` for the methods given by name that fine-tune a network, such as
        ``{"max_epochs": 10, "train": 2}``. Default: its own defaults, but all images count the same unless
        `class_weight` says otherwise.
    folds, repeats, test_size
        How many folds to draw, how often, and the share of test images of random splits; see `draw_folds`. Default: 10
        folds, drawn once.
    split_column : str, optional
        The column of the collection that holds an official split; see `official_split`. By default folds are drawn.
    leave_one_out_column : str, optional
        The column of the collection with the source of each image, such as its sender or shop: each fold tests one
        source, and trains on the others; see `leave_one_out`. By default folds are drawn.
    folds_from : str or path, optional
        The report.json of another comparison of the same images, or the folder that contains it. Its folds are used
        again. By default folds are drawn.
    train_sizes : sequence of float in (0, 1], default=()
        Shares of the training images to fit on in addition, for a learning curve; see `shrink`. The scores and the
        tests always come from fits on all training images. By default there is no learning curve.
    random_state : int, default=0
        Seeds the folds, the methods given by name, and every part of the other methods that has a `random_state` of
        None.
    n_jobs : int, optional
        How many images are read, and how many folds are fitted, at the same time. It has no effect on the scores.
        Default: 1, unless a ``joblib.parallel_config`` says otherwise. -1 is all cores.
    verbose : bool, default=False
        Show progress on stderr: a bar on a terminal or in a notebook, elsewhere a line now and then.
    store : path or FeatureStore, optional
        Keeps on disk the features that are computed once, so that the next comparison finds them; see `Flow`. It also
        keeps each finished fold, so that an interrupted comparison goes on where it stopped. A fold is found if all
        that its results depend on is the same: images, labels, groups, method, seed, code and versions. Default: no
        store.
    group_duplicates : bool, default=False
        Keep duplicates, and images that look alike, on one side of a fold, together with their groups. By default those
        on both sides are only counted. See `find_duplicates`; embeddings are not compared.
    n_explained : int, default=0
        Explain so many errors of the best method, the most confident first. It is fitted again on each fold that tested
        one of them, which takes as long as the fold did; see `explain_errors`. Give a `store`, so that the features are
        not computed again.
    tests_trained : bool, default=False
        Also test images that a network of a method was trained on, such as one that `twoflow.deep.save_network` has
        saved; a note says how many. By default that is an error. Networks that are trained inside the folds never see
        the test images; see `twoflow.deep.FineTunedFlow`.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If a parameter is wrong, or the images do not allow the folds asked for, or labels are missing and a method
        cannot learn from that. For a name that no method has, the message gives similar names. This is raised before
        any long work. Also if a network of a method was trained on test images; this is raised when all images have
        been read, before anything is fitted.
    TypeError
        If a method is neither a name nor a classifier, or `collection` is no ImageCollection.
    ModuleNotFoundError
        If the extra of a named method is not installed. The message says how to install it.

    Examples
    --------
    >>> from sklearn.linear_model import RidgeClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from twoflow import RawPixels, compare, make_shop
    >>> shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    >>> pixels = make_pipeline(RawPixels((32, 24)), RidgeClassifier())
    >>> [(method.name, method.n_features) for method in compare(["cnn", pixels], shop, folds=3).methods]
    [('cnn', 1280), ('rawpixels+ridgeclassifier', 2304)]
    """
    began = time.perf_counter()
    if not isinstance(collection, ImageCollection):
        raise InputTypeError(
            f"collection: expected an ImageCollection, got {type(collection).__name__}; make one with load_folder, "
            "load_table or ImageCollection(images, labels)"
        )
    check_classes(collection)
    named = name_methods(
        methods, collection, network, random_state, superclass_column, class_weight, max_per_class, fine_tuning
    )
    methods = named.models
    sources = {
        "test_size": test_size, "split_column": split_column,
        "leave_one_out_column": leave_one_out_column, "folds_from": folds_from,
    }
    given = [name for name, source in sources.items() if source is not None]
    if len(given) > 1:
        raise InputError(
            f"expected at most one of {listed(sources)}, got {' and '.join(given)}; choose one"
        )
    if group_duplicates and (split_column is not None or folds_from is not None):
        raise InputError(f"group_duplicates: expected folds that are drawn, got {given[0]}; give only one of the two")
    shares = _checked_shares(train_sizes)
    record = None if folds_from is None else read_folds(folds_from)

    def draw(images: ImageCollection) -> Folds:
        if record is not None:
            return record.folds_of(images)
        if split_column is not None:
            return official_split(_find_column(images, "split_column", split_column), images.to_stratify)
        if leave_one_out_column is not None:
            values = _find_column(images, "leave_one_out_column", leave_one_out_column)
            return leave_one_out(values, images.to_stratify, images.groups, column=leave_one_out_column)
        return draw_folds(
            images.to_stratify, images.groups,
            n_splits=folds, repeats=repeats, test_size=test_size, random_state=random_state,
        )

    # Folds that cannot be drawn must fail now, before the features are computed. But if there are more images than in
    # the other run, the additional ones may be unreadable, which is known only later.
    if record is None or len(collection) <= len(record.images):
        check_folds([draw(collection)], collection)
    models = [
        complete_class_weights(
            for_targets(seeded(model, check_random_state(random_state)), collection.target_names), collection.labels
        )
        for model in methods.values()
    ]
    store = open_store(store)
    plan = FeaturePlan(models, n_jobs, verbose, store)
    check_methods(dict(zip(methods, plan.apart)), collection)
    extraction = extract(plan.once.fit(collection.images), collection.images)
    extraction_seconds = time.perf_counter() - began
    features, digests = extraction.features, extraction.digests
    if extraction.errors:
        warn_unreadable([error for _, error in extraction.errors], len(collection), "left out")
        collection = collection.without(extraction.errors)
        unreadable = [position for position, _ in extraction.errors]
        features = _without_rows(features, unreadable)
        digests = [digest for i, digest in enumerate(digests) if i not in set(unreadable)]

    traits = read_traits(features[:, plan.n_once:])
    collection = collection.noted(
        *named.notes(traits.sizes), *collection.label_notes, *describe_dependences(collection)
    )
    with phase("duplicates", verbose=verbose):
        duplicates = match(collection.images, traits, n_jobs=n_jobs, compare_pixels=False)
    features = features[:, :plan.n_once]
    if group_duplicates:
        collection = collection.grouped(duplicates.join(collection.groups))
    drawn = draw(collection)
    trained = check_trained_images(
        dict(zip(methods, plan.apart)), collection, [digest.tobytes() for digest in traits.digests], duplicates, drawn,
        may_be_tested=tests_trained,
    )
    collection = collection.noted(*note_on_folds(drawn, collection), *trained)
    smaller = [
        shrink(drawn, kept, collection.to_stratify, collection.groups, random_state=random_state) for kept in shares
    ]
    check_folds([drawn, *smaller], collection)
    series = [list(some) for some in (drawn, *smaller)]
    kept = KeptFolds(store, dict(zip(methods, plan.apart)), collection, digests)
    run = Runner(list(methods), plan, collection, features, series, n_jobs, verbose).run(kept)
    targets = Targets.of(collection)
    joiner = FoldJoiner(drawn, collection.labels, targets)
    results = tuple(joiner.method_scores(name, own[0]) for name, own in run.scores.items())
    tested_score = next(iter(scores_for(targets)))
    comparison = Comparison(
        collection, drawn, results, _differences(results, drawn, tested_score),
        joiner.learning_curve(shares, series, run.scores),
        extraction_seconds, time.perf_counter() - began, extraction.n_computed,
        total_peak([peak_memory(), *run.peaks]),
        named.left_out, leaks(drawn, duplicates),
        len(traits.with_profile("converted")), tuple(traits.with_profile("damaged").tolist()), n_kept=run.n_kept,
        networks=_networks(plan),
    )
    if not n_explained:
        return comparison
    return replace(comparison, explained=explain_errors(
        models[comparison.order[0]], comparison.pooled(comparison.best), collection, drawn, n_explained, store=store,
        n_jobs=n_jobs, verbose=verbose,
    ))


def _find_column(images: ImageCollection, parameter: str, column: str) -> np.ndarray:
    if column not in images.columns:
        known = ", ".join(map(repr, images.columns)) or "none"
        raise InputError(f"{parameter}: expected a column of the collection ({known}), got {column!r}")
    return images.columns[column]


def _networks(plan: FeaturePlan) -> tuple[NetworkRecord, ...]:
    """List the networks of all methods, each once."""
    flows = (flow for parts in plan.apart for _, flow in parts.flows)
    return tuple(dict.fromkeys(record for flow in flows for record in flow.networks()))


def _checked_shares(train_sizes: Sequence[float]) -> list[float]:
    """Return the shares below 1 in ascending order, each once; raise ValueError if one is out of range."""
    for size in train_sizes:
        if not 0 < size <= 1:
            raise InputError(f"train_sizes: expected shares of the training images in (0, 1], got {size!r}")
    return sorted({float(size) for size in train_sizes} - {1.0})


def _without_rows(features: np.ndarray, positions: Sequence[int], step: int = 4096) -> np.ndarray:
    """Remove rows from a table in place, because memory may not suffice for a copy; return the shorter view."""
    is_kept = np.ones(len(features), dtype=bool)
    is_kept[positions] = False
    end = 0
    for start in range(0, len(features), step):
        rows = features[start:start + step][is_kept[start:start + step]]
        features[end:end + len(rows)] = rows
        end += len(rows)
    return features[:end]


def _differences(methods: Sequence[MethodScores], folds: Folds, tested_score: str) -> tuple[Difference, ...]:
    reference, *others = methods
    scores = {method.name: method.scores[tested_score] for method in methods}
    pairs = [(method.name, reference.name) for method in others]
    corrected = partial(corrected_resampled_ttest, **folds.sizes._asdict())
    return compare_pairs(scores, pairs, paired_ttest) + compare_pairs(scores, pairs, corrected)
