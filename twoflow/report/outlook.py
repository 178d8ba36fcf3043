"""What to expect of a fitted model on new images, as text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .._text import counted, listed, printable
from ..evaluation import Comparison
from ..evaluation.outlook import Answered, Outlook, Together
from ..heads.hierarchy import UNKNOWN
from ..images import ImageCollection
from ..models.model_file.card import Expectation
from .lines import aligned, left_out_lines, source_lines

_ALL_LISTED = "twoflow audit lists all"


def format_collection(collection: ImageCollection) -> str:
    """Say what was trained on: counts, what was left out, and doubts about how it was read."""
    groups = "" if collection.groups is None else f" in {counted(len(set(collection.groups.tolist())), 'group')}"
    counts = [
        counted(len(found) - (collection.are_levels and UNKNOWN in found), "class", "classes")
        for found in collection.classes_by_target.values()
    ]
    if len(counts) > 1:
        counts = [f"{printable(name)}: {count}" for name, count in zip(collection.target_names, counts)]
    return "\n".join([
        f"Trained on {counted(len(collection), 'image')}{groups}, {', '.join(counts)}",
        *left_out_lines(collection, _ALL_LISTED), *source_lines(collection),
    ])


def format_outlook(
    outlooks: Sequence[Outlook], chosen: Sequence[Answered], comparison: Comparison, together: Together | None = None
) -> str:
    """Say what to expect on new images, target by target, and why it may be less.

    Parameters
    ----------
    outlooks : sequence of Outlook
        One for each target.
    chosen : sequence of Answered
        What the threshold of the model does, for each target; empty without one.
    comparison : Comparison
        Where the held-out answers come from.
    together : Together, optional
        What to expect for several targets together. By default nothing is said about it.
    """
    lines: list[str] = [] if together is None else _together(together)
    for number, outlook in enumerate(outlooks):
        name = f" of {printable(outlook.target)}" if len(outlooks) > 1 else ""
        lines += [*([""] if lines else []), _expected(outlook, name)]
        lines += _levels(outlook)
        if chosen:
            lines.append(_threshold(chosen[number]))
        elif outlook.stops:
            lines += ["After fallback:", *_stops(outlook)]
        elif outlook.answered:
            lines += ["If it answers only what it is certain enough of:", *_table(outlook.answered)]
        lines += [*_weakest(outlook), *_worst(outlook)]
    return "\n".join([*lines, "", *_doubts(comparison)])


def _together(together: Together) -> list[str]:
    """Say how often all targets are right, and what a threshold does to that."""
    targets, answered = listed(map(printable, together.targets)), together.answered
    lines = [f"On new images of these classes expect {targets} to be right together for about "
             f"{_about(together.expectation)}."]
    if answered is not None and math.isnan(answered.accuracy):
        lines.append(f"With the threshold {answered.threshold:.4g} it answers all targets of no image.")
    elif answered is not None:
        lines.append(
            f"With the threshold {answered.threshold:.4g} it answers all targets of {answered.coverage:.0%} of them, "
            f"and {answered.accuracy:.3f} of those images are right."
        )
    return lines


def _about(expectation: Expectation) -> str:
    accuracy, (low, high), confidence, source = expectation
    interval = f" {_ends((low, high))}".rstrip()
    level = "" if math.isnan(low) else f"{confidence:.0%} interval; "
    return f"{accuracy:.3f}{interval} ({level}{source})"


def _expected(outlook: Outlook, name: str) -> str:
    about = _about(outlook.expectation)
    if len(outlook.levels) > 1:
        return f"On new images of these classes expect the full path to be right for about {about}."
    return f"On new images of these classes expect an accuracy{name} of about {about}."


def _levels(outlook: Outlook) -> list[str]:
    """Say how often a hierarchy is right down to each level, and how many images out of scope it rejects."""
    lines = []
    if len(outlook.levels) > 1:
        rows = [
            [printable(name), f"{accuracy:.3f}", _ends(interval.ends)] for name, accuracy, interval in outlook.levels
        ]
        lines += [f"  {line}" for line in aligned([["right down to", "accuracy", "interval"], *rows], range(1, 3))]
    if not math.isnan(outlook.outside_rejected):
        share = f"{outlook.outside_rejected:.1%}"
        lines.append(f"Of the held-out images of none of the classes, {share} are answered unknown.")
    return lines


def _stops(outlook: Outlook) -> list[str]:
    """List where the answers of a hierarchy end."""
    what = "full path" if len(outlook.levels) > 1 else "a class"
    rows = [
        [
            what if not number else printable(level) or "unknown", f"{share:.1%}",
            "" if math.isnan(accuracy) else f"{accuracy:.3f}",
        ] for number, (level, share, accuracy) in enumerate(outlook.stops)
    ]
    return [f"  {line}" for line in aligned([["answered", "images", "right"], *rows], range(1, 3))]


def _ends(ends: tuple[float, float]) -> str:
    return "" if math.isnan(ends[0]) else f"[{ends[0]:.3f}, {ends[1]:.3f}]"


def _threshold(answered: Answered) -> str:
    if math.isnan(answered.accuracy):
        return f"With the threshold {answered.threshold:.4g} it answers none of the classes: choose a lower one."
    return (
        f"With the threshold {answered.threshold:.4g} it answers {answered.coverage:.0%} of them, and "
        f"{answered.accuracy:.3f} of those answers are right."
    )


def _table(answered: Sequence[Answered]) -> list[str]:
    rows = [
        [f"{each.coverage:.1%}", f"{each.accuracy:.3f}", "" if each.threshold is None else f"{each.threshold:.3f}"]
        for each in answered
    ]
    return [f"  {line}" for line in aligned([["answers", "accuracy", "--threshold"], *rows], range(3))]


def _weakest(outlook: Outlook) -> list[str]:
    if not outlook.weakest:
        return []
    named = listed(
        f"{printable(each.label)} ({each.n_right:,} of {counted(each.n_images, 'image')} right)"
        for each in outlook.weakest
    )
    return [f"The weakest {'class' if len(outlook.weakest) == 1 else 'classes'}: {named}."]


def _worst(outlook: Outlook) -> list[str]:
    if outlook.worst is None:
        return []
    true, predicted, n, n_images = outlook.worst
    answered = "no class" if predicted is None else printable(predicted)
    was = "was" if n == 1 else "were"
    return [f"Most confused: {n:,} of {counted(n_images, 'image')} of {printable(true)} {was} answered as {answered}."]


def _doubts(comparison: Comparison) -> list[str]:
    lines = ["Photos unlike these, such as from another shop or another camera, do worse."]
    if comparison.collection.groups is None and comparison.folds.seed is not None:
        lines.append(
            "If several images show the same item, the accuracy above is too high: name the item by --group-column."
        )
    leaks = comparison.leaks
    if leaks:
        images = counted(leaks.n_images, "image was", "images were")
        lines.append(
            f"{images} tested after training on a duplicate ({counted(leaks.n_pairs, 'pair')}), which makes the "
            "accuracy above too high; twoflow audit lists them."
        )
    return lines
