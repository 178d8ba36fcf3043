"""A comparison as text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .._text import printable
from ..evaluation import Comparison
from ..evaluation.results import MethodScores
from ..evaluation.statistics import PairedResult
from ..evaluation.summary import spread
from ..images.missing_images import MissingImageError
from ..images.reading import describe
from .lines import lookalike_lines, passed_over_lines
from .values import p_value

_LISTED = 50  # unreadable images


def format_text(comparison: Comparison) -> str:
    """Say what was compared, give one line for each method, explain the columns, and list the images left out."""
    reference = comparison.methods[0].name
    header = [
        "method", "features", *(printable(score.label) for score in comparison.scores.values()),
        f"difference to {reference}", "p corrected", "p Holm", "p paired",
    ]
    table = [header, *(_line(method, comparison) for method in comparison.methods)]
    return "\n".join([
        _headline(comparison), "", *_aligned(table), "", *_train_accuracy(comparison), *_choices(comparison),
        *_legend(comparison), *_learning_curve(comparison), *_leaks(comparison), *_left_out(comparison),
        *_small_classes(comparison), *_unreadable(comparison), *_color_profiles(comparison),
        *_source(comparison),
    ])


def _headline(comparison: Comparison) -> str:
    collection, folds = comparison.collection, comparison.folds
    groups = "" if collection.groups is None else f" in {len(set(collection.groups.tolist())):,} groups"
    counts = [f"{len(found)} classes" for found in collection.classes_by_target.values()]
    if len(counts) > 1:
        counts = [f"{printable(name)}: {count}" for name, count in zip(collection.target_names, counts)]
    if folds.n_splits > 1:
        protocol = f"{folds.n_splits}-fold {folds.kind.replace(' k-fold', '')} cross-validation"
    else:
        protocol = folds.kind if folds.seed is None else f"{folds.repeats} {folds.kind}s"
    if folds.n_splits > 1 and folds.repeats > 1:
        protocol += f", {folds.repeats} repeats"
    if folds.seed is not None:
        protocol += f", seed {folds.seed}"
    sizes = [f"{min(len(side) for side in sides):,}" for sides in zip(*((fold.train, fold.test) for fold in folds))]
    return (
        f"{len(collection):,} images{groups}, {', '.join(counts)}\n"
        f"{protocol}; at least {sizes[0]} trained on, {sizes[1]} tested"
        + (f", {comparison.n_unused:,} neither" if comparison.n_unused else "")
    )


def _line(method: MethodScores, comparison: Comparison) -> list[str]:
    features = "" if method.n_features is None else f"{method.n_features:,}"
    cells = [printable(method.name), features, *map(_mean_std, method.scores.values())]
    results = {d.result.test: d for d in comparison.differences if d.first == method.name}
    if not results:
        return [*cells, "reference", "", "", ""]
    corrected, paired = results["corrected resampled t-test"], results["paired t-test"]
    return [
        *cells, _interval(corrected.result), _p(corrected.result.p_value), _p(corrected.p_holm),
        _p(paired.result.p_value),
    ]


def _mean_std(scores: np.ndarray) -> str:
    found = spread(scores)
    return f"{found.mean:.3f}" if found.std is None else f"{found.mean:.3f} ± {found.std:.3f}"


def _interval(result: PairedResult) -> str:
    low, high = result.confidence_interval
    interval = "" if math.isnan(low) else f" [{low:+z.3f}, {high:+z.3f}]"
    return f"{result.mean_difference:+z.3f}{interval}"


def _p(value: float) -> str:
    return "-" if math.isnan(value) else p_value(value)


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*table)]
    lines = []
    for row in table:
        first, second, *rest = (cell.ljust(width) for cell, width in zip(row, widths))
        lines.append("  ".join([first, second.strip().rjust(widths[1]), *rest]).rstrip())
    lines.insert(1, "-" * sum(widths, 2 * (len(widths) - 1)))
    return lines


def _legend(comparison: Comparison) -> list[str]:
    is_read = [not isinstance(error, MissingImageError) for error in comparison.collection.unreadable]
    n_images = len(comparison.collection) + sum(is_read)
    n_stored = n_images - comparison.n_computed
    rate = comparison.n_computed / comparison.extraction_seconds
    time = f"Features of all images once: {comparison.extraction_seconds:.1f} s "
    time += f"({rate:.0f} images/s); " if not n_stored else f"({n_stored:,} of {n_images:,} from the store); "
    time += f"in all {comparison.seconds:.1f} s."
    if len(comparison.folds) < 2:
        return ["There is only one split, so there is no standard deviation and no test.", time]
    if len(comparison.methods) < 2:
        return ["± is the standard deviation over folds.", time]
    label = printable(comparison.scores[comparison.tested_score].label)
    return [
        f"± is the standard deviation over folds; in brackets the 95 % interval of the mean difference in {label}.",
        "p corrected and the interval: resampled t-test, corrected for overlapping training sets. p Holm: the same,",
        "adjusted for the number of methods. p paired: the t-test of the paper, which finds differences too often.",
        time,
    ]


def _train_accuracy(comparison: Comparison) -> list[str]:
    return [
        f"{method.name}: accuracy on the training images {_mean_std(method.train_accuracy)}"
        for method in comparison.methods if method.train_accuracy is not None
    ]


def _choices(comparison: Comparison) -> list[str]:
    """List what each method that chooses chose from, and how often."""
    lines = []
    for method in comparison.methods:
        if method.candidates:
            table = [[each.name, f"{each.accuracy:.3f}", str(each.n_chosen)] for each in method.candidates]
            lines += [
                f"Candidates of {method.name}, with their accuracy on held-out training images:",
                *_aligned([["candidate", "accuracy", f"chosen, of {len(comparison.folds)}"], *table]), "",
            ]
    return lines


def _learning_curve(comparison: Comparison) -> list[str]:
    curve = comparison.learning_curve
    if curve is None:
        return []
    tested = comparison.tested_score
    label = printable(comparison.scores[tested].label)
    header = [label, "", *(f"{n:,.0f} trained on" for n in curve.mean_n_train)]
    methods = [[name, "", *map(_mean_std, scores[tested])] for name, scores in curve.scores.items()]
    return ["", *_aligned([header, *methods])]


def _leaks(comparison: Comparison) -> list[str]:
    found = comparison.leaks
    if not found:
        return []
    images = "1 image is" if found.n_images == 1 else f"{found.n_images:,} images are"
    pairs = "1 pair" if found.n_pairs == 1 else f"{found.n_pairs:,} pairs"
    same = f"{found.n_same_photo:,} of the same photo, {found.n_images - found.n_same_photo:,} of one that looks alike"
    return [
        "", f"{images} tested after training on a duplicate ({pairs}; {same}), which makes the scores too high; "
        "--group-duplicates keeps duplicates together.",
    ]


def _left_out(comparison: Comparison) -> list[str]:
    lines = [f"Not compared: {printable(name)}: {printable(reason)}" for name, reason in comparison.left_out.items()]
    return ["", *lines] if lines else []


def _small_classes(comparison: Comparison) -> list[str]:
    small = comparison.collection.small_classes
    if not small:
        return []
    classes = "1 class" if len(small) == 1 else f"{len(small)} classes"
    names = ", ".join(f"{printable(name)} ({count})" for name, count in small.items())
    return ["", f"Left out, {classes} with too few images: {names}"]


def _unreadable(comparison: Comparison) -> list[str]:
    errors = comparison.collection.unreadable
    if not errors:
        return []
    images = "1 image" if len(errors) == 1 else f"{len(errors)} images"
    more = [f"  and {len(errors) - _LISTED:,} more; report.json lists all"] if len(errors) > _LISTED else []
    listed = [f"  {printable(error.name)}: {printable(error.reason)}" for error in errors[:_LISTED]]
    return ["", f"Left out, {images} that cannot be read:", *listed, *more]


def _source(comparison: Comparison) -> list[str]:
    """List doubts about how the source was read: names, files that were not read, decisions."""
    collection = comparison.collection
    parts = (
        list(lookalike_lines(collection.lookalikes)), list(passed_over_lines(collection.passed_over)),
        [f"Note: {printable(note)}" for note in collection.notes],
    )
    return [line for part in parts if part for line in ("", *part)]


def _color_profiles(comparison: Comparison) -> list[str]:
    n, damaged = comparison.n_converted, comparison.damaged_profiles
    lines = []
    if n:
        lines.append(f"Converted to sRGB by color profile: {'1 image' if n == 1 else f'{n:,} images'}")
    if damaged:
        images = "1 image" if len(damaged) == 1 else f"{len(damaged):,} images"
        lines.append(f"Color profile damaged and ignored, {images}:")
        lines += [f"  {printable(describe(comparison.collection.images[position]))}" for position in damaged]
    return ["", *lines] if lines else []
