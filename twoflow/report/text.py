"""A comparison as text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .._text import counted, listed, printable
from ..evaluation import Comparison
from ..evaluation.answer import ToBest
from ..evaluation.summary import Spread, spread
from ..images.missing_images import MissingImageError
from ..images.reading import describe
from .lines import SHOWN, aligned, left_out_lines, name_pattern, network_lines, source_lines
from .values import MISSING, p_value

_LEVEL_LEGEND = (
    "exact match: the whole path is right. An image out of scope is right if it is answered with unknown.",
    "conditional accuracy: of images whose broader labels are all right.",
    "hierarchical: over the labels of all levels; an answer that stops early has fewer of them.",
    "risk by coverage and AUROC: of answers before fallback, by the probability of their finest label.",
)
_TO_RIGHT = (1,)  # the column of whole numbers in the tables


def format_text(comparison: Comparison) -> str:
    """Answer, say what was compared, give the table of scores, explain it, and list the images left out."""
    return "\n".join([
        *_answer(comparison), "", _headline(comparison), "", *_scores(comparison), "", *_targets(comparison),
        *_joint_errors(comparison), *_levels(comparison),
        *_choices(comparison), *_trainings(comparison), *_legend(comparison), *_learning_curve(comparison),
        *_leaks(comparison), *_left_out(comparison),
        *left_out_lines(comparison.collection, "report.json lists all"), *_color_profiles(comparison),
        *source_lines(comparison.collection),
    ])


def format_scores(comparison: Comparison) -> str:
    """Answer, and give the table of scores."""
    return "\n".join([*_answer(comparison), "", *_scores(comparison)])


def _answer(comparison: Comparison) -> list[str]:
    return [printable(sentence) for sentence in comparison.answer.sentences]


def _scores(comparison: Comparison) -> list[str]:
    """Make the table of scores, one line for each method, the best first."""
    tested = comparison.tested_score
    shown = {
        name: each for name, each in comparison.scores.items()
        if name == tested or each.target is None and each.score.levels is None
    }
    labels = {name: printable(score.label) for name, score in shown.items()}
    others = [name for name in labels if name != tested]
    is_compared = len(comparison.methods) > 1
    header = [
        "method", "features", labels[tested], *(labels[name] for name in others), "training",
        *(["difference to best", "p (Holm)"] if is_compared else []),
    ]
    table = [header]
    for method in (comparison.methods[i] for i in comparison.order):
        table.append([
            printable(method.name), "" if method.n_features is None else f"{method.n_features:,}",
            _spread(spread(method.scores[tested], method.means[tested])),
            *(_number(method.means[name]) for name in others), _number(method.train_accuracy.mean()),
            *(_to_best(comparison.to_best.get(method.name)) if is_compared else []),
        ])
    return aligned(table, _TO_RIGHT)


def _targets(comparison: Comparison) -> list[str]:
    """Give the scores of each target, one line for each method, the best first."""
    shown = {
        name: each for name, each in comparison.scores.items() if each.target is not None and each.score.levels is None
    }
    if not shown:
        return []
    header = ["by " + ("level" if comparison.collection.are_levels else "target"), "", *(
        printable(each.label) for each in shown.values()
    )]
    lines = [
        [printable(method.name), "", *(_number(method.means[name]) for name in shown)]
        for method in (comparison.methods[i] for i in comparison.order)
    ]
    return [*aligned([header, *lines]), ""]


def _joint_errors(comparison: Comparison) -> list[str]:
    """Say which targets are wrong together, and which combinations the best method confuses."""
    found = comparison.joint_errors
    if not found:
        return []
    names = [comparison.methods[i].name for i in comparison.order]
    best = found[comparison.best]
    wrong = [printable(name_pattern(each.wrong)) for each in best.patterns]
    table = [["wrong, of all folds", "", *wrong, *(["other targets"] if best.n_other else [])]]
    for name in names:
        own = found[name]
        cells = [(each.n, each.expected) for each in own.patterns]
        cells += [(own.n_other, own.expected_other)] if best.n_other else []
        table.append([printable(name), "", *(f"{n:,} ({n / own.n:.1%}; {expected:.1f})" for n, expected in cells)])
    lines = [
        *aligned(table),
        f"In brackets: the share of {counted(best.n, 'prediction')}, and how many there would be if the errors were "
        "independent.", "",
    ]
    if best.combinations:
        pairs = [
            [f"{_combination(each.true)} -> {_combination(each.answered)}", "", f"{each.n:,}", f"{each.share:.1%}"]
            for each in best.combinations[:SHOWN]
        ]
        head = [f"most often wrong: {printable(comparison.best)}", "", "images", "of the true"]
        lines += [*aligned([head, *pairs]), ""]
    return lines


def _combination(labels: tuple) -> str:
    return " + ".join(printable(label) for label in labels)


def _levels(comparison: Comparison) -> list[str]:
    """Give the accuracy at each broader level, one line for each method."""
    if comparison.tree is not None:
        return _hierarchy(comparison)
    levels = comparison.collection.levels
    if not levels:
        return []
    header = ["right at a broader level", "", *(
        f"{printable(name)} ({len(set(level.values()))} classes)" for name, level in levels.items()
    )]
    names = [comparison.methods[i].name for i in comparison.order]
    lines = [
        [printable(name), "", *(f"{share:.3f}" for share in comparison.level_accuracies[name].values())]
        for name in names
    ]
    return [*aligned([header, *lines]), ""]


def _hierarchy(comparison: Comparison) -> list[str]:
    """Give the scores of levels, one line for each, after and before fallback."""
    (_, names), *columns = comparison.level_columns()
    header = ["in the hierarchy", "", *(printable(name) for name, _ in columns)]
    lines = [
        [printable(comparison.scores[name].label), "", *(
            _number(values[row]) for _, values in columns
        )]
        for row, name in enumerate(names)
    ]
    return [*aligned([header, *lines]), "", *_LEVEL_LEGEND, ""]


def _headline(comparison: Comparison) -> str:
    collection, folds = comparison.collection, comparison.folds
    groups = "" if collection.groups is None else f" in {counted(len(set(collection.groups.tolist())), 'group')}"
    counts = [counted(number, "class", "classes") for number in collection.n_classes_by_target.values()]
    if len(counts) > 1:
        counts = [f"{printable(name)}: {count}" for name, count in zip(collection.target_names, counts)]
    if collection.are_levels:
        counts[0] = f"levels {counts[0]}"
    if folds.n_splits > 1:
        protocol = f"{folds.n_splits}-fold {folds.kind.replace(' k-fold', '')} cross-validation"
    else:
        protocol = folds.kind if folds.seed is None else f"{folds.repeats} {folds.kind}s"
    if folds.n_splits > 1 and folds.repeats > 1:
        protocol += f", {folds.repeats} repeats"
    if folds.seed is not None:
        protocol += f", seed {folds.seed}"
    return (
        f"{counted(len(collection), 'image')}{groups}, {', '.join(counts)}\n"
        f"{protocol}; at least {min(folds.sizes.n_train):,} trained on, {min(folds.sizes.n_test):,} tested"
        + (f", {comparison.n_unused:,} neither" if comparison.n_unused else "")
    )


def _number(value: float) -> str:
    return MISSING if math.isnan(value) else f"{value:.3f}"


def _spread(found: Spread) -> str:
    """Write a score with its standard deviation and its range over splits."""
    return _mean_std(found) + (f" ({found.min:.3f} to {found.max:.3f})" if len(found.folds) > 1 else "")


def _mean_std(found: Spread) -> str:
    return f"{found.mean:.3f}" if found.std is None else f"{found.mean:.3f} ± {found.std:.3f}"


def _to_best(test: ToBest | None) -> list[str]:
    if test is None:
        return ["best", ""]
    low, high = test.interval
    interval = "" if math.isnan(low) else f" [{low:+z.3f}, {high:+z.3f}]"
    return [f"{test.difference:+z.3f}{interval}", MISSING if math.isnan(test.p_holm) else p_value(test.p_holm)]


def _legend(comparison: Comparison) -> list[str]:
    is_read = [not isinstance(error, MissingImageError) for error in comparison.collection.unreadable]
    n_images = len(comparison.collection) + sum(is_read)
    n_stored = n_images - comparison.n_computed
    rate = comparison.n_computed / comparison.extraction_seconds
    time = f"Features of all images once: {comparison.extraction_seconds:.1f} s "
    time += f"({rate:.0f} images/s); " if not n_stored else f"({n_stored:,} of {n_images:,} from the store); "
    time += f"in all {comparison.seconds:.1f} s."
    if comparison.n_kept:
        time += (
            f" {counted(comparison.n_kept, 'finished fold is', 'finished folds are')} from an earlier run, with the "
            "times of that run."
        )
    tested = comparison.scores[comparison.tested_score]
    label = printable(tested.label)
    lines = []
    if len(comparison.folds) > 1:
        lines.append(f"{label}: mean over splits ± their standard deviation (least to greatest).")
        plain = [score for score in comparison.scores.values() if score.score.levels is None]
        whole = [score for score in plain if score.score.of_all_predictions]
        lines += [
            f"{label}: of all predictions of a repeat together." for label in dict.fromkeys(
                printable(score.score.label if len(whole) > 1 else score.label) for score in whole
            )
        ]
    lines += _legend_of_targets(comparison)
    lines.append(f"training: {label} on the training images. If it is far above the {label}, the method overfits.")
    return [*lines, *_tests(comparison, label), *network_lines(comparison.networks), time]


def _legend_of_targets(comparison: Comparison) -> list[str]:
    """Explain the scores of several targets, and say of how many images they are if labels are missing."""
    if "hamming_loss" not in comparison.scores:
        return []
    lines = ["Hamming loss: the share of all labels that are wrong; lower is better."]
    counts = comparison.n_scored
    if len(set(counts.values())) > 1:
        whole = counts.pop("")
        named = listed(f"{printable(name)} {number:,}" for name, number in counts.items())
        lines.append(
            "Labels are missing, and each score is of the images that have the labels it needs. Tested images with a "
            f"label: {named}; with all: {whole:,}."
        )
    return lines


def _tests(comparison: Comparison, label: str) -> list[str]:
    """Name the test and the interval."""
    if len(comparison.methods) < 2:
        return []
    differences = [pair.difference for pair in comparison.pairwise]
    named = next((each for each in differences if not math.isnan(each.p_holm)), None)
    if named is None:
        return ["No test could judge any difference, so there is no interval and no p."]
    together = "" if named.n_tests == 1 else "; all intervals hold together"
    lines = [
        f"difference: {label} of the method minus that of the best.",
        f"interval: {named.result.confidence:.0%}, {named.interval_kind}{together}.",
        f"p (Holm): {named.result.test}, adjusted for {counted(named.n_tests, 'pair')} of methods; below "
        f"{1 - named.result.confidence:.2g} is significant.",
    ]
    # A significant difference, beside an interval that contains 0, looks like a mistake.
    if any(test.is_significant and test.interval[0] <= 0 <= test.interval[1] for test in comparison.to_best.values()):
        lines.append(
            "An interval is more cautious than p. So it may contain zero although the difference is significant."
        )
    return lines


def _choices(comparison: Comparison) -> list[str]:
    """List what each method that chooses chose from, and how often."""
    lines = []
    for method in comparison.methods:
        if method.candidates:
            table = [[each.name, f"{each.accuracy:.3f}", str(each.n_chosen)] for each in method.candidates]
            lines += [
                f"Candidates of {printable(method.name)}, with their accuracy on held-out training images. That of the",
                "chosen one is optimistic, because it was chosen as the highest:",
                *aligned([["candidate", "accuracy", f"chosen, of {len(comparison.folds)}"], *table], _TO_RIGHT), "",
            ]
    return lines


def _trainings(comparison: Comparison) -> list[str]:
    """Say how many epochs each method that trains a network took, and which epoch was the best."""
    lines = []
    for method in comparison.methods:
        if method.trainings:
            every = [each for own in method.trainings for each in own]
            epochs, best = (_range([getattr(each, name) for each in every]) for name in ("n_epochs", "best_epoch"))
            unit = "epoch" if epochs == "1" else "epochs"
            lines.append(f"Training of {printable(method.name)}: {epochs} {unit}; best epoch: {best}.")
    return [*lines, ""] if lines else []


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low}" if low == high else f"{low} to {high}"


def _learning_curve(comparison: Comparison) -> list[str]:
    curve = comparison.learning_curve
    if curve is None:
        return []
    tested = comparison.tested_score
    label = printable(comparison.scores[tested].label)
    header = [label, "", *(f"{n:,.0f} trained on" for n in curve.mean_n_train)]
    methods = [
        [printable(name), "", *map(_mean_std, map(spread, scores[tested], curve.means[name][tested].tolist()))]
        for name, scores in curve.scores.items()
    ]
    return ["", *aligned([header, *methods], _TO_RIGHT)]


def _leaks(comparison: Comparison) -> list[str]:
    found = comparison.leaks
    if not found:
        return []
    images = counted(found.n_images, "image is", "images are")
    pairs = counted(found.n_pairs, "pair")
    same = f"{found.n_same_photo:,} of the same photo, {found.n_images - found.n_same_photo:,} of one that looks alike"
    return [
        "", f"{images} tested after training on a duplicate ({pairs}; {same}), which makes the scores too high; "
        "--group-duplicates keeps duplicates together.",
    ]


def _left_out(comparison: Comparison) -> list[str]:
    lines = [f"Not compared: {printable(name)}: {printable(reason)}" for name, reason in comparison.left_out.items()]
    return ["", *lines] if lines else []


def _color_profiles(comparison: Comparison) -> list[str]:
    n, damaged = comparison.n_converted, comparison.damaged_profiles
    lines = []
    if n:
        lines.append(f"Converted to sRGB by color profile: {counted(n, 'image')}")
    if damaged:
        lines.append(f"Color profile damaged and ignored, {counted(len(damaged), 'image')}:")
        lines += [f"  {printable(describe(comparison.collection.images[position]))}" for position in damaged]
    return ["", *lines] if lines else []
