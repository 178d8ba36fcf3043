"""Fine-tune one network with a head for each of the two levels, as the reference does, and measure its fallback.

    python experiments/fallback/fine_tuned.py DATA CHECKPOINTS ["METHOD;METHOD;..." [FOLDS [TASK]]]

DATA has the folder products with its labels.csv, and the folder scenes. CHECKPOINTS keeps the state of each training
after each epoch, and finished ones: the same command goes on where it stopped. Methods are those of `METHODS`; by
default "levels". FOLDS is how many of the five grouped folds are measured, by default all. TASK
is one of task.py.

Each model answers for the photos of its fold, for the same half covered, for products of kinds outside the nine that
look like one of them, and for the scenes. Each fold prints a line of JSON.
"""

import json
import sys
from pathlib import Path

import numpy as np
from methods import RARE
from robustness import change
from task import load_lookalikes, load_task

from twoflow import HierarchicalClassifier
from twoflow.deep import FineTunedClassifier
from twoflow.evaluation.folds import draw_folds
from twoflow.evaluation.hierarchy.answers import compare_paths
from twoflow.evaluation.hierarchy.path_scores import conditional_accuracy, exact_match, risk, stopped, unknown
from twoflow.heads.inner_folds import fit_clone

SEED = 0

#: Name -> the strategy, and the parameters of the training. Class weights are inverse frequencies by default.
METHODS = {
    "levels": ("levels", {}),
    "levels, not weighed": ("levels", {"class_weight": None}),
    "leaves": ("leaves", {}),
    "levels, head only": ("levels", {"train": "head"}),
}


def make_method(name, checkpoints):
    """Make an unfitted method. Its fallback is the one of the reference: unknown below a confidence of 0.7."""
    strategy, training = METHODS[name]
    network = FineTunedClassifier(**training, checkpoint=checkpoints, n_jobs=-1, verbose=True)
    return HierarchicalClassifier(network, strategy=strategy, fallback="confidence", random_state=SEED)


def score(answers):
    """Return the scores of answers to photos of the nine classes."""
    return {
        "main right": conditional_accuracy(answers, 0), "sub right, if main is": conditional_accuracy(answers, 1),
        "both right": exact_match(answers), "main only": stopped(answers, 0), "unknown": unknown(answers),
        "wrong of the answers": risk(answers),
    }


def measure(model, task, test, outside):
    """Return the scores of a fitted model, and its answers before fallback, of shape (n_test, 2)."""
    truth, photos = task.labels[test], [task.images[row] for row in test]
    scores = {}
    for name, asked in {"as they are": photos, "half covered": change(photos, "half covered")}.items():
        full, given = model.predict_full(asked), model.predict(asked)
        scores[name] = score(compare_paths(model.tree_, truth, full))
        scores[f"{name}, after fallback"] = score(compare_paths(model.tree_, truth, given))
        if name == "as they are":
            answers = full
    for name, asked in outside.items():
        paths = model.predict_path(asked)
        scores[name] = {f"answered with {depth} labels": np.mean([len(path) == depth for path in paths])
                        for depth in range(3)}
    return scores, answers


def print_recalls(name, truth, found):
    """Print the recall of each subclass over all folds, and of the rare ones together."""
    classes, counts = np.unique(truth, return_counts=True)
    recalls = [f"{label} ({count}) {(found[truth == label] == label).mean():.2f}"
               for label, count in zip(classes, counts)]
    rare = np.isin(truth, RARE)
    print(f"{name}: recall of {', '.join(recalls)}; of the rare {(found[rare] == truth[rare]).mean():.2f}")


def main(data, checkpoints, methods="levels", n_folds=5, task="nine"):
    """Print a line for each fold, the means, and the recalls."""
    task = load_task(data, task)
    outside = {
        "look-alikes": load_lookalikes(data).images,
        "scenes": sorted(map(str, (Path(data) / "scenes").glob("*.jpg"))),
    }
    folds = list(draw_folds(task.labels, task.groups, n_splits=5, random_state=SEED))[:int(n_folds)]
    for name in methods.split(";"):
        found = []
        for number, fold in enumerate(folds):
            model = fit_clone(
                make_method(name, checkpoints), task[fold.train], task.labels[fold.train], task.groups[fold.train]
            )
            found.append(measure(model, task, fold.test, outside))
            print(json.dumps({"method": name, "fold": number, **found[-1][0]}), flush=True)
        for kind in found[0][0]:
            means = {score: np.mean([scores[kind][score] for scores, _ in found]) for score in found[0][0][kind]}
            print(f"{name}, {kind}: {', '.join(f'{score} {value:.4f}' for score, value in means.items())}")
        truth = np.concatenate([task.labels[fold.test, 1] for fold in folds])
        print_recalls(name, truth, np.concatenate([answers[:, 1] for _, answers in found]))


if __name__ == "__main__":
    main(*sys.argv[1:])
