"""Compare several methods on the same images and the same folds, and test their differences."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from joblib import delayed
from sklearn.base import clone
from sklearn.utils import check_random_state
from tqdm import tqdm

from .._jobs import run_in_order, share
from .._peak_memory import peak_memory, total_peak
from ..deep.conv_net import read_pixels
from ..errors import InputError
from ..flows import FlowUnion
from ..flows.engine.extraction import extract
from ..flows.image_traits import read_traits
from ..heads.random_states import seeded
from ..images import ImageCollection
from ..images.reading import warn_unreadable
from ..store import StoreLike
from .duplicates import match
from .feature_plan import FeaturePlan, PreparedMethod
from .folds import Fold, Folds, draw_folds, official_split, shrink
from .leakage import leaks
from .method_scores import LearningCurve, MethodScores
from .naming import name_methods
from .results import Comparison
from .saved_folds import read_folds
from .scores import compute_means, scores_for
from .scoring import FoldScores, Selected, score_fold, select
from .statistics import Difference, compare_pairs, corrected_resampled_ttest, paired_ttest


def compare(
    methods: Any,
    collection: ImageCollection,
    *,
    network: str = "efficientnet-lite0",
    superclass_column: str | None = None,
    folds: int = 10,
    repeats: int = 1,
    test_size: float | None = None,
    split_column: str | None = None,
    folds_from: str | os.PathLike | None = None,
    train_sizes: Sequence[float] = (),
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: bool = False,
    store: StoreLike = None,
    group_duplicates: bool = False,
) -> Comparison:
    """Compare classifiers of images on the same folds.

    Features that depend neither on labels nor on other images are computed once, all in one pass over the images.
    Everything that is fitted is fitted inside each fold. Images that cannot be read are left out before folds are
    drawn. The methods are cloned, never fitted in place.

    Parameters
    ----------
    methods : str, classifier, iterable of both, or mapping of str to either
        What to compare. The tests compare every other method with the first.

        - A name: "two-flow", "cnn", "fast:stack", "cnn:logistic", ...: one of `METHODS`, `RECIPE_METHODS` and
          `EXTRA_METHODS`, or of the forms in `NAME_FORMS`. "all" means `METHODS`, those of `EXTRA_METHODS` that are
          installed, and ``cnn:LAYER`` for every stage of the network.
        - A classifier of images: a model, a pipeline that begins with a flow, a meta-estimator around one of these, or
          any classifier that takes images; see `take_apart`. It is named by its class in lower case, a pipeline by its
          steps, a `TwoFlowClassifier` by its recipe. Names that are not distinct are numbered.
        - A mapping gives each method the name that is its key.

        "pixels" is renamed to ``pixels:WIDTHxHEIGHT``. It takes the largest whole fraction of the paper's 640 x 480 at
        which a table of all images needs at most a sixteenth of the machine's memory, or of 4 GiB if that is less, and
        that is no larger than nine of ten images. If a named method of pixels enlarges images, a note says how many.
    collection : ImageCollection
        Images with their labels. If it has groups, no group is on both sides of a fold. If it has several targets, each
        method must learn all of them, and the exact match is tested; see `scores_for`.
    network : str, default="efficientnet-lite0"
        The name or path of the network, for methods given by name.
    superclass_column : str, optional
        The column or target of the collection with the superclass of each image: the object hierarchy of "mid-level".
        Default: the column "superclass", which `load_folder` makes of folders in folders; if there is none, the method
        learns a hierarchy.
    folds, repeats, test_size
        How many folds to draw, how often, and the share of test images of random splits; see `draw_folds`. Default: 10
        folds, drawn once.
    split_column : str, optional
        The column of the collection that holds an official split; see `official_split`. By default folds are drawn.
    folds_from : str or path, optional
        The report.json of another comparison of the same images. Its folds are used again. By default folds are drawn.
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
        Show progress on stderr if that is a terminal.
    store : path or FeatureStore, optional
        Keeps on disk the features that are computed once, so that the next comparison finds them; see `Flow`. Default:
        no store.
    group_duplicates : bool, default=False
        Keep exact and near duplicates, together with their groups, on one side of a fold. By default duplicates on both
        sides are only counted. See `find_duplicates`.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If a parameter is wrong, or the images do not allow the folds asked for. For a name that no method has, the
        message gives similar names. This is raised before any long work.
    TypeError
        If a method is neither a name nor a classifier.
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
    named = name_methods(methods, collection, network, random_state, superclass_column)
    methods = named.models
    sources = {"test_size": test_size, "split_column": split_column, "folds_from": folds_from}
    given = [name for name, source in sources.items() if source is not None]
    if len(given) > 1:
        raise InputError(
            f"expected at most one of test_size, split_column and folds_from, got {' and '.join(given)}; choose one"
        )
    if group_duplicates and (split_column is not None or folds_from is not None):
        raise InputError(f"group_duplicates: expected folds that are drawn, got {given[0]}; give only one of the two")
    shares = _checked_shares(train_sizes)
    record = None if folds_from is None else read_folds(folds_from)

    def draw(images: ImageCollection) -> Folds:
        if record is not None:
            return record.folds_of(images)
        if split_column is not None:
            if split_column not in images.columns:
                known = ", ".join(map(repr, images.columns)) or "none"
                raise InputError(f"split_column: expected a column of the collection ({known}), got {split_column!r}")
            return official_split(images.columns[split_column], images.labels)
        return draw_folds(
            images.labels, images.groups,
            n_splits=folds, repeats=repeats, test_size=test_size, random_state=random_state,
        )

    # Folds that cannot be drawn must fail now, before the features are computed. But if there are more images than in
    # the other run, the additional ones may be unreadable, which is known only later.
    if record is None or len(collection) <= len(record.images):
        draw(collection)
    models = [seeded(model, check_random_state(random_state)) for model in methods.values()]
    plan = FeaturePlan(models, n_jobs, verbose, store)
    extraction = extract(plan.once.fit(collection.images), collection.images)
    extraction_seconds = time.perf_counter() - began
    features = extraction.features
    if extraction.errors:
        warn_unreadable([error for _, error in extraction.errors], len(collection), "left out")
        collection = collection.without(extraction.errors)
        features = _without_rows(features, [position for position, _ in extraction.errors])

    traits = read_traits(features[:, plan.n_once:])
    collection = collection.noted(*named.notes(traits.sizes))
    duplicates = match(collection.images, traits, n_jobs=n_jobs, compare_pixels=False)
    features = features[:, :plan.n_once]
    if group_duplicates:
        collection = collection.grouped(duplicates.join(collection.groups))
    drawn = draw(collection)
    smaller = [
        shrink(drawn, kept, collection.labels, collection.groups, random_state=random_state) for kept in shares
    ]
    every = [fold for some in (drawn, *smaller) for fold in some]  # all at once, to read and share nothing twice
    scores = dict(zip(methods, _score(plan, collection, features, every, n_jobs, verbose)))
    results = tuple(_method_scores(name, own[:len(drawn)], drawn, collection) for name, own in scores.items())
    tested_score = next(iter(scores_for(collection.target_names)))
    return Comparison(
        collection, drawn, results, _differences(results, drawn, tested_score),
        _learning_curve(shares, every, scores, drawn, collection),
        extraction_seconds, time.perf_counter() - began, extraction.n_computed,
        total_peak([peak_memory(), *(fold.peak_memory for own in scores.values() for fold in own)]),
        named.left_out, leaks(drawn, duplicates),
        len(traits.with_profile("converted")), tuple(traits.with_profile("damaged").tolist()),
    )


def _checked_shares(train_sizes: Sequence[float]) -> list[float]:
    """Return the shares below 1 in ascending order, each once; raise ValueError if one is out of range."""
    for size in train_sizes:
        if not 0 < size <= 1:
            raise InputError(f"train_sizes: expected shares of the training images in (0, 1], got {size!r}")
    return sorted({float(size) for size in train_sizes} - {1.0})


def _learning_curve(
    shares: Sequence[float], every: Sequence[Fold], scores: Mapping[str, Sequence[FoldScores]], drawn: Folds,
    collection: ImageCollection,
) -> LearningCurve | None:
    """Build the curve from the scores on the complete folds, followed by those of each share."""
    if not shares:
        return None

    def by_share(values: Iterable[float], *shape: int) -> np.ndarray:
        return np.roll(np.array(list(values)).reshape(len(shares) + 1, *shape), -1, axis=0)  # complete folds come last

    n = len(drawn)
    curves, means = {}, {}
    for method, own in scores.items():
        curves[method] = {name: by_share((fold.scores[name] for fold in own), n) for name in own[0].scores}
        found = [_means(own[start:start + n], drawn, collection) for start in range(0, len(own), n)]
        means[method] = {name: by_share(each[name] for each in found) for name in found[0]}
    return LearningCurve((*shares, 1.0), by_share((len(fold.train) for fold in every), n), curves, means)


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


def _score(
    plan: FeaturePlan, collection: ImageCollection, features: np.ndarray, folds: Sequence[Fold], n_jobs: int | None,
    verbose: bool,
) -> list[list[FoldScores]]:
    """Score every method on every fold. Selectors that several methods share are fitted first, once for all."""
    y, groups, once = share(collection.labels), share(collection.groups), share(features)
    sizes = {method.size for method in plan.methods}
    images = {size: share(_images(collection, size, n_jobs, verbose)) for size in sizes}
    learned = [(fold, share(in_fold)) for fold, in_fold in zip(folds, _learn(plan, collection, folds))]
    n_tasks = (len(plan.shared) + len(plan.methods)) * len(learned)
    with tqdm(total=n_tasks, unit=" folds", disable=None if verbose else True) as progress:

        def run(tasks: Iterable[Any]) -> Iterator[Any]:
            for result in run_in_order(tasks, n_jobs):
                progress.update()
                yield result

        selected = run(
            delayed(select)(part, once, in_fold, y, groups, fold) for part in plan.shared for fold, in_fold in learned
        )
        shared: list[dict[str, Selected]] = [{} for _ in learned]
        for part in plan.shared:
            for known, selection in zip(shared, selected):  # the generator last: zip would drop one of its results
                known[part.key] = selection
        scores = run(
            delayed(score_fold)(
                method, images[method.size] if method.parts is None else once, in_fold, y, groups, fold,
                _of(method, known), collection.target_names,
            )
            for method in plan.methods
            for (fold, in_fold), known in zip(learned, shared)
        )
        return [list(islice(scores, len(learned))) for _ in plan.methods]


def _images(collection: ImageCollection, size: tuple[int, int] | None, n_jobs: int | None, verbose: bool) -> Any:
    """Return the images for methods that take images; if they need one size, decoded to it once for all folds."""
    return collection.images if size is None else read_pixels(collection.images, size, n_jobs, verbose)


def _learn(plan: FeaturePlan, collection: ImageCollection, folds: Sequence[Fold]) -> list[np.ndarray] | list[None]:
    """Fit the flows that learn from data on the training images of each fold, and compute the features of all images.

    The features of all folds are computed in one pass over the images. A fold gets None if no flow learns from data.
    """
    if plan.in_fold is None:
        return [None] * len(folds)
    learned = {
        str(i): clone(plan.in_fold).fit(collection[fold.train], collection.labels[fold.train])
        for i, fold in enumerate(folds)
    }
    union = FlowUnion.of_fitted(learned, n_jobs=plan.in_fold.n_jobs, verbose=plan.in_fold.verbose)
    features = union.transform(collection)
    return [features[:, columns] for columns in union.slices().values()]


def _of(method: PreparedMethod, shared: Mapping[str, Selected]) -> dict[str, Selected]:
    return {part.key: shared[part.key] for part in method.parts or () if part.key in shared}


def _scores_by_name(folds: Sequence[FoldScores]) -> dict[str, np.ndarray]:
    return {name: np.array([fold.scores[name] for fold in folds]) for name in folds[0].scores}


def _means(folds: Sequence[FoldScores], drawn: Folds, collection: ImageCollection) -> dict[str, float]:
    predicted = [fold.predicted for fold in folds]
    return compute_means(_scores_by_name(folds), collection.labels, drawn, predicted, collection.target_names)


def _method_scores(
    name: str, folds: Sequence[FoldScores], drawn: Folds, collection: ImageCollection
) -> MethodScores:
    n_features = [fold.n_features for fold in folds if fold.n_features is not None]
    probabilities = tuple(fold.probabilities for fold in folds if fold.probabilities is not None)
    choices = tuple(fold.choice for fold in folds if fold.choice is not None)
    importances = [fold.importances for fold in folds if fold.importances is not None]
    return MethodScores(
        name=name,
        n_features=round(float(np.mean(n_features))) if n_features else None,
        scores=_scores_by_name(folds),
        means=_means(folds, drawn, collection),
        predicted=tuple(fold.predicted for fold in folds),
        probabilities=probabilities or None,
        importances=(
            {name: float(np.mean([each[name] for each in importances])) for name in importances[0]}
            if importances else None
        ),
        fit_seconds=float(np.mean([fold.fit_seconds for fold in folds])),
        predict_seconds=float(np.mean([fold.predict_seconds for fold in folds])),
        train_accuracy=np.array([fold.train_accuracy for fold in folds]),
        choices=choices or None,
    )


def _differences(methods: Sequence[MethodScores], folds: Folds, tested_score: str) -> tuple[Difference, ...]:
    reference, *others = methods
    n_train, n_test = ([len(getattr(fold, side)) for fold in folds] for side in ("train", "test"))
    scores = {method.name: method.scores[tested_score] for method in methods}
    pairs = [(method.name, reference.name) for method in others]
    corrected = partial(corrected_resampled_ttest, n_train=n_train, n_test=n_test)
    return compare_pairs(scores, pairs, paired_ttest) + compare_pairs(scores, pairs, corrected)
