"""Comparisons that were never run, with whatever names, images and folds a test wants."""

from dataclasses import replace

import numpy as np

from twoflow import ImageCollection, ImageReadError
from twoflow.evaluation.comparison import _differences
from twoflow.evaluation.folds import draw_folds
from twoflow.evaluation.method_scores import Choice, LearningCurve, MethodScores
from twoflow.evaluation.results import Comparison
from twoflow.evaluation.scores import compute_means, compute_scores
from twoflow.evaluation.tested import Given, Targets
from twoflow.evaluation.training_history import TrainingHistory

LABELS = np.repeat(["boot", 'clog <script>"', "туфля\n靴"], 20)
UNREADABLE = ImageReadError("a b/\udcffé.jpg", "the file is empty")


def scores(name, n_features, folds, rng, labels=LABELS, skill=0.3, importances=None):
    """A method that guesses, somewhat better than by chance."""
    classes, y = np.unique(labels, return_inverse=True)
    probabilities = []
    for fold in folds:
        evidence = rng.random((len(fold.test), len(classes))).astype(np.float32)
        evidence[np.arange(len(fold.test)), y[fold.test]] += skill
        probabilities.append(evidence / evidence.sum(axis=1, keepdims=True))
    predicted = tuple(classes[each.argmax(axis=1)] for each in probabilities)
    return MethodScores(
        name, n_features, *by_name(labels, folds, predicted), predicted, tuple(probabilities),
        importances or {"pixels": 0.25, "network": 0.75}, 1.5, 0.5, np.linspace(0.9, 1, len(folds)),
    )


def by_name(labels, folds, predicted, target_names=("class",)):
    """The scores of predictions by name, each an array over folds, and the numbers to report."""
    given, targets = list(map(Given, predicted)), Targets(target_names)
    found = [compute_scores(labels[fold.test], guess, targets) for fold, guess in zip(folds, given)]
    scores = {name: np.array([each[name] for each in found]) for name in found[0]}
    return scores, compute_means(scores, labels, folds, given, targets)


def with_scores(method, **scores):
    """Replace scores of a method; the reported numbers are the means of the new ones."""
    scores = {**method.scores, **scores}
    return replace(method, scores=scores, means={name: float(np.mean(own)) for name, own in scores.items()})


def comparison(
    folds=None, groups=None, n_methods=3, labels=LABELS, images=None, names=None, shares=(), skill=0.3, candidates=(),
    n_epochs=(),
):
    """Make the result of a comparison, in which each method is better than the one before.

    `shares` gives it a learning curve. `candidates` are what the last method chooses from. `n_epochs` are those that
    the first method was trained for in each fold.
    """
    rng = np.random.default_rng(0)
    folds = folds or draw_folds(labels, groups, n_splits=5)
    names = names or [f"method{i}" for i in range(n_methods)]
    methods = tuple(
        scores(name, None if i else 1280, folds, rng, labels, skill + i / 20) for i, name in enumerate(names)
    )
    if candidates:
        choices = tuple(
            Choice(candidates[i % len(candidates)], dict(zip(candidates, rng.random(len(candidates)).tolist())))
            for i in range(len(folds))
        )
        methods = (*methods[:-1], replace(methods[-1], choices=choices))
    if n_epochs:
        methods = (replace(methods[0], trainings=tuple((history(n),) for n in n_epochs)), *methods[1:])
    if images is None:
        images = [np.zeros((2, 2), np.uint8)] * len(labels)
    collection = ImageCollection(images, labels, groups, unreadable=[UNREADABLE])
    curve = learning_curve(methods, folds, shares) if shares else None
    differences = _differences(methods, folds, next(iter(methods[0].scores)))
    return Comparison(collection, folds, methods, differences, curve, 2.0, 10.0, 61, 500_000_000)


def history(n_epochs, n_targets=1):
    """Make a history whose loss on held-out images is smallest in epoch 2; the learning rate is halved in epoch 4."""
    return TrainingHistory([
        {
            "epoch": epoch, "seconds": 1.5, "train_loss": 2 / (1 + epoch), "valid_loss": 1 + (epoch - 2) ** 2 / 4,
            "train_accuracy": 1 - 0.5 / (1 + epoch), "valid_accuracy": 0.8 - 0.4 / (1 + epoch),
            "learning_rate": 1e-3 if epoch < 4 else 5e-4,
            **({"valid_accuracies": [0.6 + 0.01 * epoch * k for k in range(n_targets)]} if n_targets > 1 else {}),
        }
        for epoch in range(n_epochs + 1)
    ])


def learning_curve(methods, folds, shares):
    """Make a curve whose scores are proportional to the share of the training images."""
    shares = (*shares, 1.0)
    return LearningCurve(
        shares, np.array([[round(share * len(fold.train)) for fold in folds] for share in shares]),
        {
            method.name: {name: np.array([share * own for share in shares]) for name, own in method.scores.items()}
            for method in methods
        },
        {
            method.name: {name: np.array([share * own for share in shares]) for name, own in method.means.items()}
            for method in methods
        },
    )


def two_targets(n_methods=2, names=("brand", "model"), brands=("one", "two"), shares=()):
    """Make a comparison of two targets. The second is finer. The first is always predicted correctly."""
    fine = comparison(n_methods=n_methods)
    collection, folds = fine.collection, fine.folds
    brand = np.array(brands, dtype=object)[np.arange(len(collection)) % 2]
    labels = np.column_stack([brand, collection.labels.astype(object)])
    collection = ImageCollection(collection.images, labels, unreadable=[UNREADABLE], target_names=names)
    methods = []
    for method in fine.methods:
        predicted = tuple(np.column_stack([brand[fold.test], own]) for fold, own in zip(folds, method.predicted))
        brand_probabilities = [np.eye(2, dtype=np.float32)[(brand[fold.test] == max(brands)) * 1] for fold in folds]
        of_folds, means = by_name(labels, folds, predicted, names)
        methods.append(replace(
            method, scores=of_folds, means=means, predicted=predicted,
            probabilities=tuple(map(list, zip(brand_probabilities, method.probabilities))),
        ))
    differences = _differences(methods, folds, "exact_match")
    curve = learning_curve(methods, folds, shares) if shares else None
    return replace(
        fine, collection=collection, methods=tuple(methods), differences=differences, learning_curve=curve
    )


def levels(outside=True):
    """Make a comparison of two levels, with partly labeled images, and two methods; the second falls back."""
    rng = np.random.default_rng(0)
    paths = [("shoes", "boot"), ("shoes", 'clog <script>"'), ("bags", "tote"), ("hats", ""), ("unknown", "unknown")]
    labels = np.array(paths[:None if outside else 4] * 12)
    labels[[0, 1], 1] = ""  # partly labeled
    collection = ImageCollection(
        [np.zeros((2, 2), np.uint8)] * len(labels), labels, target_names=("kind", "model <b>"), are_levels=True
    )
    folds, targets = draw_folds(collection.to_stratify, n_splits=3), Targets.of(collection)
    known = np.array(paths[:4])
    full = tuple(
        np.where(rng.random((n, 1)) < 0.6, labels[fold.test], known[rng.integers(0, 4, n)])
        for n, fold in zip(folds.sizes.n_test, folds)
    )
    full = tuple(np.where(own == "unknown", known[0], own) for own in full)
    stopped = tuple(np.where(rng.random(own.shape) < [0.1, 0.3], "unknown", own) for own in full)
    stopped = tuple(np.where(own[:, :1] == "unknown", "unknown", own) for own in stopped)
    shares = tuple(
        [rng.dirichlet(np.ones(len(classes)), len(fold.test)).astype(np.float32) for classes in targets.classes(labels)]
        for fold in folds
    )

    def scored(predicted, tables):
        given = [
            Given.of(own, before, None, table, targets, labels) for own, before, table in zip(predicted, full, tables)
        ]
        found = [compute_scores(labels[fold.test], each, targets) for fold, each in zip(folds, given)]
        scores = {name: np.array([each[name] for each in found]) for name in found[0]}
        return scores, compute_means(scores, labels, folds, given, targets)

    rest = (None, 1.5, 0.5, np.linspace(0.9, 1, 3))
    methods = (
        MethodScores("flat", 9, *scored(full, [None] * 3), full, None, *rest),
        MethodScores("tree", 9, *scored(stopped, shares), stopped, shares, *rest, None, full, *scored(full, shares)),
    )
    differences = _differences(methods, folds, "exact_match")
    return Comparison(collection, folds, methods, differences, None, 2.0, 10.0, len(labels), None)
