"""The columns of tables of a comparison, without pandas: the scores, and every prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import MissingExtraError
from ..images import ImageCollection
from ..images.targets import split_targets
from .answer import ToBest
from .folds import Folds
from .method_scores import MethodScores
from .saved_folds import image_names
from .scores import AppliedScore
from .summary import spread

#: The names of columns and their values. A method may have the name of another column, so this is no mapping.
Columns = list[tuple[str, list[Any]]]


def score_columns(
    methods: Sequence[MethodScores], tested_score: str, to_best: Mapping[str, ToBest]
) -> Columns:
    """Return the table of scores, one row for each method.

    Parameters
    ----------
    methods : sequence of MethodScores
        In the order of the rows.
    tested_score : str
        The name of the score that is tested. It gets its standard deviation and its range over splits.
    to_best : mapping of str to ToBest
        The test of every method but the best against the best.
    """
    tested = [spread(method.scores[tested_score], method.means[tested_score]) for method in methods]
    tests = [to_best.get(method.name) for method in methods]
    columns: Columns = [
        ("method", [method.name for method in methods]),
        ("n_features", [method.n_features for method in methods]),
        (tested_score, [each.mean for each in tested]),
        ("std", [each.std for each in tested]),
        ("min", [each.min for each in tested]),
        ("max", [each.max for each in tested]),
    ]
    others = [name for name in methods[0].means if name != tested_score]
    columns += [(name, [method.means[name] for method in methods]) for name in others]
    columns += [
        ("train_accuracy", [float(method.train_accuracy.mean()) for method in methods]),
        ("difference_to_best", [None if test is None else test.difference for test in tests]),
        ("interval_low", [None if test is None else test.interval[0] for test in tests]),
        ("interval_high", [None if test is None else test.interval[1] for test in tests]),
        ("p_holm", [None if test is None else test.p_holm for test in tests]),
        ("fit_seconds", [method.fit_seconds for method in methods]),
        ("predict_seconds", [method.predict_seconds for method in methods]),
    ]
    return columns


def level_columns(methods: Sequence[MethodScores], scores: Mapping[str, AppliedScore]) -> Columns:
    """Return the table of scores of levels and the accuracies, one row for each score, after and before fallback.

    Parameters
    ----------
    methods : sequence of MethodScores
        In the order of the columns.
    scores : mapping of str to AppliedScore
        All scores.

    Returns
    -------
    list of (str, list)
        See `Comparison.levels_frame`.
    """
    is_shown = {name: each.score.levels is not None or each.score.counts_images for name, each in scores.items()}
    are_levels = any(each.score.levels is not None for each in scores.values())
    names = [name for name in scores if are_levels and is_shown[name]]
    columns: Columns = [("score", names)]
    for method in methods:
        columns.append((method.name, [method.means[name] for name in names]))
        if method.falls_back and method.full_means is not None:
            columns.append((f"{method.name}, before fallback", [method.full_means[name] for name in names]))
    return columns


def prediction_columns(
    collection: ImageCollection, folds: Folds, methods: Sequence[MethodScores]
) -> Columns:
    """Return the table of predictions, one row for each test image of each fold.

    Parameters
    ----------
    collection : ImageCollection
    folds : Folds
    methods : sequence of MethodScores

    Returns
    -------
    list of (str, list)
        "image" (see `image_names`), "repeat", "fold", "true", and for each method its answer, in a column with the name
        of the method, and the probability of that answer, in a column ``"METHOD probability"``. The probability has six
        digits. It is None for a classifier without probabilities, and for an answer that is no class. With several
        targets there is a column for each: ``"true TARGET"``, ``"METHOD TARGET"``, ``"METHOD TARGET probability"``. A
        missing true label is "".
    """
    names, targets = image_names(collection), collection.target_names
    suffixes = [f" {target}" for target in targets] if len(targets) > 1 else [""]
    tested = np.concatenate([fold.test for fold in folds])
    columns: Columns = [
        ("image", [names[i] for i in tested.tolist()]),
        ("repeat", [fold.repeat for fold in folds for _ in fold.test]),
        ("fold", [fold.fold for fold in folds for _ in fold.test]),
    ]
    columns += [
        (f"true{suffix}", collection.target(target)[tested].tolist()) for target, suffix in zip(targets, suffixes)
    ]
    for method in methods:
        answers = split_targets(np.concatenate(method.predicted))
        shares = _shares(method, len(targets))
        for target, suffix, answer, own in zip(targets, suffixes, answers, shares):
            columns += [
                (f"{method.name}{suffix}", answer.tolist()),
                (f"{method.name}{suffix} probability", _probabilities(answer, own, collection, target)),
            ]
    return columns


def import_pandas(what: str) -> Any:
    """Import pandas, which is not installed with twoflow.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed; the message begins with `what`, and says how to install it.
    """
    try:
        import pandas
    except ModuleNotFoundError:
        raise MissingExtraError(f"{what} needs pandas: pip install pandas") from None
    return pandas


def to_frame(columns: Columns, what: str) -> Any:
    """Return columns as a pandas DataFrame; `what` asks for it, see `import_pandas`."""
    frame = import_pandas(what).DataFrame({position: values for position, (_, values) in enumerate(columns)})
    frame.columns = [name for name, _ in columns]
    return frame


def _shares(method: MethodScores, n_targets: int) -> list[np.ndarray | None]:
    """Return the probabilities of the classes of each target, all folds one after the other; None without them."""
    if method.probabilities is None:
        return [None] * n_targets
    parts = method.probabilities if n_targets > 1 else [[each] for each in method.probabilities]
    return list(map(np.concatenate, zip(*parts)))


def _probabilities(
    answer: np.ndarray, shares: np.ndarray | None, collection: ImageCollection, target: str
) -> list[float | None]:
    """Return the probability of each answer; None for one that is no class."""
    if shares is None:
        return [None] * len(answer)
    position = {label: k for k, label in enumerate(collection.classes_by_target[target].tolist())}
    places = [position.get(label) for label in answer.tolist()]
    return [None if k is None else round(float(own[k]), 6) for k, own in zip(places, shares)]
