"""Several methods on the same pictures and the same folds, with the tests of their differences."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.utils import check_random_state
from tqdm import tqdm

from .._parallel import share
from ..deep.conv_net import read_pixels
from ..flows.base import StoreLike
from ..flows.extraction import extract
from ..images import ImageCollection
from ..images.reading import warn_unreadable
from ..models.seeding import seeded
from .folds import Fold, Folds, draw_folds, official_split
from .plan import Plan, Row
from .scoring import FoldScores, Selected, score_fold, select
from .statistics import Difference, compare_pairs, corrected_resampled_ttest, paired_ttest


@dataclass(frozen=True, eq=False)
class RowScores:
    """One method's scores, by fold.

    Attributes
    ----------
    name : str
    n_features : int or None
        How many features its last step decides on, the mean over folds; None if it does not say.
    accuracy, macro_f1 : ndarray of shape (n_folds,)
    fit_seconds, predict_seconds : float
        The mean of a fold, without the features that are computed once for all folds.
    train_accuracy : ndarray of shape (n_folds,) or None
        The accuracy on the pictures trained on, for classifiers that have a `train_accuracy_`.
    """

    name: str
    n_features: int | None
    accuracy: np.ndarray
    macro_f1: np.ndarray
    fit_seconds: float
    predict_seconds: float
    train_accuracy: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` found.

    Attributes
    ----------
    collection : ImageCollection
        The pictures that were compared on; its `unreadable` are those that were left out.
    folds : Folds
    rows : tuple of RowScores
        In the order asked for; the first is the reference.
    differences : tuple of Difference
        Of every other row to the reference, by each test.
    extraction_seconds, seconds : float
        For the features that are computed once, and in all.
    n_computed : int
        How many pictures they were computed of; those of the others were in the store.
    left_out : mapping of str to str
        The rows that were asked for but not compared, each with the reason.
    """

    collection: ImageCollection
    folds: Folds
    rows: tuple[RowScores, ...]
    differences: tuple[Difference, ...]
    extraction_seconds: float
    seconds: float
    n_computed: int
    left_out: Mapping[str, str] = field(default_factory=dict)


def compare(
    rows: Mapping[str, Any],
    collection: ImageCollection,
    *,
    folds: int = 10,
    repeats: int = 1,
    test_size: float | None = None,
    split_column: str | None = None,
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: bool = False,
    store: StoreLike = None,
    left_out: Mapping[str, str] | None = None,
) -> Comparison:
    """Compare classifiers of pictures on the same folds.

    Features that do not depend on labels or on other pictures are computed once, all in one pass over the pictures;
    everything that is fitted is fitted inside each fold. Pictures that cannot be read are left out before folds are
    drawn. The classifiers given are cloned, never fitted.

    Parameters
    ----------
    rows : mapping of str to classifier
        Names and methods: `TwoFlowClassifier`, pipelines that begin with a flow, or any classifier that takes pictures.
        The first is the reference for the tests.
    collection : ImageCollection
        If it has groups, no group is on both sides of a fold.
    folds, repeats, test_size
        See `draw_folds`.
    split_column : str, optional
        The column of the collection that holds an official split, instead of drawing folds; see `official_split`.
    random_state : int
        For the folds, and for whatever in the rows has a `random_state` of None.
    n_jobs : int, optional
        Pictures read and folds fitted at the same time. The scores are the same with any number.
    verbose : bool
        Show progress on stderr when that is a terminal.
    store : path or FeatureStore, optional
        Keeps on disk the features that are computed once, and takes them from there the next time; see `Flow`.
    left_out : mapping of str to str, optional
        Rows that are not compared, each with the reason, for the report to name.

    Returns
    -------
    Comparison

    Raises
    ------
    ValueError
        If the pictures do not allow the folds asked for; before any long work.

    Examples
    --------
    >>> from sklearn.linear_model import RidgeClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from twoflow import CNNEmbedding, RawPixels, compare, make_shop
    >>> shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    >>> flows = {"network": CNNEmbedding(), "pixels": RawPixels()}
    >>> rows = {name: make_pipeline(flow, RidgeClassifier()) for name, flow in flows.items()}
    >>> [(row.name, row.n_features) for row in compare(rows, shop, folds=3).rows]
    [('network', 1280), ('pixels', 9216)]
    """
    began = time.perf_counter()
    if not rows:
        raise ValueError("there are no rows to compare")

    def draw(pictures: ImageCollection) -> Folds:
        if split_column is not None:
            if split_column not in pictures.columns:
                raise ValueError(f"the collection has no column {split_column!r} for the split")
            return official_split(pictures.columns[split_column], pictures.labels)
        return draw_folds(
            pictures.labels, pictures.groups,
            n_splits=folds, repeats=repeats, test_size=test_size, random_state=random_state,
        )

    draw(collection)  # a comparison that cannot be made must fail now, not after the features
    plan = Plan([seeded(row, check_random_state(random_state)) for row in rows.values()], n_jobs, verbose, store)
    extraction = extract(plan.once.fit(collection.pictures), collection.pictures)
    extraction_seconds = time.perf_counter() - began
    features = extraction.features
    if extraction.errors:
        warn_unreadable([error for _, error in extraction.errors], len(collection), "left out")
        collection = collection.without(extraction.errors)
        features = _without_rows(features, [position for position, _ in extraction.errors])

    drawn = draw(collection)
    scores = _score(plan, collection, features, drawn, n_jobs, verbose)
    results = tuple(
        _row_scores(name, scores[i * len(drawn):(i + 1) * len(drawn)]) for i, name in enumerate(rows)
    )
    seconds = time.perf_counter() - began
    return Comparison(
        collection, drawn, results, _differences(results, drawn), extraction_seconds, seconds, extraction.n_computed,
        dict(left_out or {}),
    )


def _without_rows(features: np.ndarray, positions: Sequence[int], step: int = 4096) -> np.ndarray:
    """The other rows, moved up in place: there may be memory for the table, but not for it twice."""
    is_kept = np.ones(len(features), dtype=bool)
    is_kept[positions] = False
    end = 0
    for start in range(0, len(features), step):
        rows = features[start:start + step][is_kept[start:start + step]]
        features[end:end + len(rows)] = rows
        end += len(rows)
    return features[:end]


def _score(
    plan: Plan, collection: ImageCollection, features: np.ndarray, folds: Folds, n_jobs: int | None, verbose: bool
) -> list[FoldScores]:
    """Every row on every fold: first what several rows have in common, then what each has alone."""
    y, once = share(collection.labels), share(features)
    pictures = {size: share(_pictures(collection, size, n_jobs, verbose)) for size in {row.size for row in plan.rows}}
    learnt = [(fold, share(_learn(plan, collection, fold))) for fold in folds]
    n_tasks = (len(plan.shared) + len(plan.rows)) * len(learnt)
    with tqdm(total=n_tasks, unit=" folds", disable=None if verbose else True) as progress:

        def run(tasks: Iterable[Any]) -> Iterator[Any]:
            for result in Parallel(n_jobs=n_jobs, return_as="generator")(tasks):
                progress.update()
                yield result

        selected = run(
            delayed(select)(part, once, in_fold, y, fold) for part in plan.shared for fold, in_fold in learnt
        )
        shared: list[dict[str, Selected]] = [{} for _ in learnt]
        for part in plan.shared:
            for known, selection in zip(shared, selected):  # the shorter first: zip would drop one of the other
                known[part.key] = selection
        return list(run(
            delayed(score_fold)(
                row, pictures[row.size] if row.parts is None else once, in_fold, y, fold, _of(row, known)
            )
            for row in plan.rows
            for (fold, in_fold), known in zip(learnt, shared)
        ))


def _pictures(collection: ImageCollection, size: tuple[int, int] | None, n_jobs: int | None, verbose: bool) -> Any:
    """The pictures for rows that take pictures: as they are, or decoded once for all folds if they want one size."""
    return collection.pictures if size is None else read_pixels(collection.pictures, size, n_jobs, verbose)


def _learn(plan: Plan, collection: ImageCollection, fold: Fold) -> np.ndarray | None:
    """The features, of all pictures, that are learnt from a fold's training pictures; None if there are none."""
    if plan.in_fold is None:
        return None
    union = clone(plan.in_fold).fit(collection[fold.train], collection.labels[fold.train])
    return union.transform(collection)


def _of(row: Row, shared: Mapping[str, Selected]) -> dict[str, Selected]:
    return {part.key: shared[part.key] for part in row.parts or () if part.key in shared}


def _row_scores(name: str, folds: Sequence[FoldScores]) -> RowScores:
    n_features = [fold.n_features for fold in folds if fold.n_features is not None]
    train_accuracy = [fold.train_accuracy for fold in folds if fold.train_accuracy is not None]
    return RowScores(
        name=name,
        n_features=round(float(np.mean(n_features))) if n_features else None,
        accuracy=np.array([fold.accuracy for fold in folds]),
        macro_f1=np.array([fold.macro_f1 for fold in folds]),
        fit_seconds=float(np.mean([fold.fit_seconds for fold in folds])),
        predict_seconds=float(np.mean([fold.predict_seconds for fold in folds])),
        train_accuracy=np.array(train_accuracy) if train_accuracy else None,
    )


def _differences(rows: Sequence[RowScores], folds: Folds) -> tuple[Difference, ...]:
    reference, *others = rows
    n_train, n_test = ([len(getattr(fold, side)) for fold in folds] for side in ("train", "test"))
    scores = {row.name: row.accuracy for row in rows}
    pairs = [(row.name, reference.name) for row in others]
    corrected = partial(corrected_resampled_ttest, n_train=n_train, n_test=n_test)
    return compare_pairs(scores, pairs, paired_ttest) + compare_pairs(scores, pairs, corrected)
