"""Measure the answers for photos that are half covered, mirrored or rotated, before and after fallback.

    python experiments/fallback/robustness.py DATA STORE

DATA has the folder products with its labels.csv. Models of the recipe "fast" are fitted on the photos of four of five
folds, as they are or with changed copies. The photos of the other fold are scored, all of them changed in one way.
"""

import sys
from typing import Any, NamedTuple

import numpy as np
from PIL import Image
from task import load_task

from twoflow import ClassTree, Confidence, FlowUnion, HierarchicalClassifier, Risk, make_model
from twoflow.evaluation.folds import draw_folds
from twoflow.evaluation.hierarchy.answers import compare_paths
from twoflow.evaluation.hierarchy.path_scores import conditional_accuracy, exact_match, risk, stopped, unknown
from twoflow.heads import KernelRidgeClassifier
from twoflow.images import read_image

GRAY, WHITE = (128, 128, 128), (255, 255, 255)


def cover_half(image, rng):
    """Cover the left, right, top or bottom half, drawn at random, with a gray rectangle."""
    width, height = image.size
    halves = ((0, 0, width // 2, height), (width // 2, 0, width, height),
              (0, 0, width, height // 2), (0, height // 2, width, height))
    covered = image.copy()
    covered.paste(GRAY, halves[rng.integers(len(halves))])
    return covered


def rotate_slightly(image, rng):
    """Rotate by up to 20 degrees to either side; the corners become white, as the background of most photos is."""
    return image.rotate(rng.uniform(-20, 20), Image.Resampling.BICUBIC, fillcolor=WHITE)


def transpose(how):
    """Make a change that mirrors or rotates by a right angle."""
    return lambda image, rng: image.transpose(how)


#: Name of the change -> function from an image and a random generator to the changed image.
CHANGES = {
    "half covered": cover_half,
    "mirrored": transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "upside down": transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    "rotated by 90 degrees": transpose(Image.Transpose.ROTATE_90),
    "rotated by 180 degrees": transpose(Image.Transpose.ROTATE_180),
    "rotated by up to 20 degrees": rotate_slightly,
}


def change(images, name, seed=0):
    """Change all images in one way; image i draws from a generator of its own."""
    function = CHANGES[name]
    return [
        np.asarray(function(Image.fromarray(read_image(image)), np.random.default_rng([seed, i])))
        for i, image in enumerate(images)
    ]


def extract(task, store):
    """Compute the features of "fast" for each change, of shape (n, n_features)."""
    union = FlowUnion([(flow, step) for flow, step, _ in make_model("fast").flows], store=store)
    union.fit(task)
    return {"none": union.transform(task), **{name: union.transform(change(task, name)) for name in CHANGES}}


class Run(NamedTuple):
    """The changed copies that a model is fitted on beside the photos, and the rules that decide on its answers."""

    copies: tuple[str, ...]
    rules: dict[str, Any]


#: Name of the run -> what it is. The copies are the flips and a rotation, with which the reference trains.
RUNS = {
    "as they are": Run((), {"none": None, "confidence": Confidence(0.7), "risk 2 %": Risk(0.02)}),
    "with copies": Run(
        ("mirrored", "upside down", "rotated by 90 degrees"), {"none": None, "confidence": Confidence(0.7)},
    ),
}


def answer(task, features, run):
    """Answer all photos by models of the other folds.

    Returns
    -------
    dict of (str, str) to ndarray of shape (n, 2)
        The labels for each change and rule.
    """
    given = {
        (name, rule): np.full(task.labels.shape, "", dtype="<U20") for name in features for rule in run.rules
    }
    learned = ["none", *run.copies]
    for fold in draw_folds(task.labels, task.groups, n_splits=5, random_state=0):
        model = HierarchicalClassifier(KernelRidgeClassifier(), fallback=[*run.rules.values()][-1], random_state=0).fit(
            np.concatenate([features[name][fold.train] for name in learned]),
            np.tile(task.labels[fold.train], (len(learned), 1)), groups=np.tile(task.groups[fold.train], len(learned)),
        )
        for name, rows in features.items():
            node_proba = model.predict_node_proba(rows[fold.test])
            for key, rule in run.rules.items():
                fitted = model.fallback_ if rule is model.fallback else rule
                given[name, key][fold.test] = model.tree_.labels(model.decide(node_proba, fallback=fitted).node)
        print(f"fitted on {len(fold.train) * len(learned)} photos", file=sys.stderr, flush=True)
    return given


def main(data, store):
    """Print the scores for each change, before and after fallback."""
    task = load_task(data)
    features, tree = extract(task, store), ClassTree.from_labels(task.labels, task.target_names)
    for name, run in RUNS.items():
        print(f"\nfitted on the photos {name}\n")
        print("| change | rule | main right | sub, if main right | both right | main only | unknown | wrong answers |")
        print("| --- |" + " --- |" * 7)
        for (changed, rule), given in answer(task, features, run).items():
            answers = compare_paths(tree, task.labels, given)
            scores = [
                conditional_accuracy(answers, 0), conditional_accuracy(answers, 1), exact_match(answers),
                stopped(answers, 0), unknown(answers), risk(answers),
            ]
            print(f"| {changed} | {rule} | {' | '.join(f'{score:.3f}' for score in scores)} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
