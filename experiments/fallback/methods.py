"""Compare recipes, strategies and rules of fallback on the products with nine subclasses, on five grouped folds.

    python experiments/fallback/methods.py DATA STORE [TASK] ["METHOD;METHOD;..."]

DATA has the folder products with its labels.csv. TASK is one of task.py: nine (the default), casual or flip-flops.
Methods are those of `make_methods`; by default all. Risk 5 % is a promise that can be kept on each fold of the nine.
"""

import sys

import numpy as np
from sklearn.metrics import recall_score
from task import RARE, load_task

from twoflow import HierarchicalClassifier, Risk, compare, make_model
from twoflow.evaluation.statistics.wilson import wilson_interval
from twoflow.report import format_text


def make_methods():
    """Make the methods by name; the first is the reference."""
    def tree(recipe, **options):
        return HierarchicalClassifier(make_model(recipe), **options)

    return {
        "fast, leaves": tree("fast"),
        "fast, parents": tree("fast", strategy="parents"),
        "fast, levels": tree("fast", strategy="levels"),
        "fast, confidence": tree("fast", fallback="confidence"),
        "fast, levels, confidence": tree("fast", strategy="levels", fallback="confidence"),
        "fast, risk 5 %": tree("fast", fallback=Risk(0.05)),
        "best, leaves": tree("best"),
        "best, risk 5 %": tree("best", fallback=Risk(0.05)),
        "paper, leaves": tree("paper"),
        "paper, levels, confidence": tree("paper", strategy="levels", fallback="confidence"),
    }


def print_recalls(result, task):
    """Print the recall of each subclass in all folds together, before fallback, with Wilson's interval."""
    truth = np.concatenate([task.target("sub")[fold.test] for fold in result.folds])
    classes, counts = np.unique(truth, return_counts=True)
    print(f"| recall | {' | '.join(f'{name} ({n})' for name, n in zip(classes, counts))} | the rare three |")
    print("| --- |" + " --- |" * (len(classes) + 1))
    for method in result.methods:
        predicted = np.concatenate(method.predicted if method.full is None else method.full)[:, 1]
        recalls = recall_score(truth, predicted, labels=classes, average=None, zero_division=0)
        cells = [f"{recall:.2f}" for recall in recalls]
        is_rare = np.isin(truth, RARE)
        share, n = np.mean((predicted == truth)[is_rare]), is_rare.sum()
        low, high = wilson_interval(share, n)
        print(f"| {method.name} | {' | '.join(cells)} | {share:.2f} [{low:.2f}, {high:.2f}] |")


def main(data, store, name="nine", names=""):
    """Print the comparison and the recalls."""
    task, methods = load_task(data, name), make_methods()
    chosen = {name: methods[name] for name in names.split(";")} if names else methods
    result = compare(chosen, task, folds=5, store=store, verbose=True)
    print(format_text(result), end="\n\n")
    print_recalls(result, task)


if __name__ == "__main__":
    main(*sys.argv[1:])
