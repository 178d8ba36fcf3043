"""What to expect of a method on new images, for each target and for all together."""

from __future__ import annotations

from collections.abc import Mapping

from ..models.model_file.card import Expectation, HeldOut
from .held_out import collect_answers, describe_source
from .method_scores import MethodScores
from .scored_images import ScoredImages
from .scores import find_score
from .summary import Interval


def expect_targets(
    images: ScoredImages, method: MethodScores, intervals: Mapping[str, Interval]
) -> dict[str, tuple[Expectation, HeldOut | None]]:
    """Return what to expect of a method for each target, and the answers that this rests on.

    Parameters
    ----------
    images : ScoredImages
    method : MethodScores
        That is not hierarchical.
    intervals : mapping of str to Interval
        The intervals of its scores, by name.

    Returns
    -------
    dict of str to (Expectation, HeldOut or None)
        See `Comparison.held_out`.
    """
    names, groups = images.collection.target_names, images.collection.groups
    return {
        target: (
            expect_score(images, method, find_score("accuracy", target, names), target, intervals),
            collect_answers(images.pool(method, target), groups),
        )
        for target in names
    }


def expect_score(
    images: ScoredImages, method: MethodScores, score: str, target: str | None, intervals: Mapping[str, Interval]
) -> Expectation:
    """Return what a score is expected to be on new images.

    Parameters
    ----------
    images : ScoredImages
    method : MethodScores
    score : str
        The name of the score.
    target : str or None
        The target of the score; None if it is of all targets.
    intervals : mapping of str to Interval
        The intervals of the scores of the method, by name.
    """
    n_without = 0 if target is None else images.count(target, scored=False)
    source = describe_source(images.folds_of(target), images.collection.groups, n_without)
    return Expectation(method.means[score], intervals[score].ends, intervals[score].confidence, source)
