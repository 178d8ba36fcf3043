"""Comparisons that were never run, with whatever names, images and folds a test wants."""

from dataclasses import replace

import numpy as np
from sklearn.metrics import accuracy_score, f1_score

from twoflow import ImageCollection, ImageReadError
from twoflow.evaluation.comparison import _differences
from twoflow.evaluation.folds import draw_folds
from twoflow.evaluation.results import Choice, Comparison, LearningCurve, MethodScores

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
    pairs = [(labels[fold.test], guess) for fold, guess in zip(folds, predicted)]
    return MethodScores(
        name, n_features,
        np.array([accuracy_score(*pair) for pair in pairs]),
        np.array([f1_score(*pair, average="macro", zero_division=0) for pair in pairs]),
        predicted, tuple(probabilities), importances or {"pixels": 0.25, "network": 0.75}, 1.5, 0.5,
    )


def comparison(
    folds=None, groups=None, n_methods=3, labels=LABELS, images=None, names=None, shares=(), skill=0.3, candidates=(),
):
    """What `compare` would have found, the methods getting better.

    `shares` are those of a learning curve, `candidates` what the last method has chosen from.
    """
    rng = np.random.default_rng(0)
    folds = folds or draw_folds(labels, groups, n_splits=5)
    names = names or [f"row{i}" for i in range(n_methods)]
    methods = tuple(
        scores(name, None if i else 1280, folds, rng, labels, skill + i / 20) for i, name in enumerate(names)
    )
    if candidates:
        choices = tuple(
            Choice(candidates[i % len(candidates)], dict(zip(candidates, rng.random(len(candidates)).tolist())))
            for i in range(len(folds))
        )
        methods = (*methods[:-1], replace(methods[-1], choices=choices))
    if images is None:
        images = [np.zeros((2, 2), np.uint8)] * len(labels)
    collection = ImageCollection(images, labels, groups, unreadable=[UNREADABLE])
    curve = None
    if shares:
        sizes = np.array([[round(share * len(fold.train)) for fold in folds] for share in (*shares, 1)])
        curve = LearningCurve(
            (*shares, 1.0), sizes,
            {method.name: np.array([share * method.accuracy for share in (*shares, 1)]) for method in methods},
        )
    return Comparison(collection, folds, methods, _differences(methods, folds), curve, 2.0, 10.0, 61, 500_000_000)
