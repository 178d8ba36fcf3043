"""Measure what is answered for products of kinds outside the tree that look like one of its classes.

    python experiments/fallback/lookalikes.py DATA STORE

DATA has the folder products with its labels.csv. Models of the recipe "fast" are fitted on four of five folds of the
nine subclasses. They answer for the photos of the other fold, and for all look-alikes: tops and kurtas beside
outerwear, wallets beside clutches, and others. A look-alike has a main class, but none of the subclasses.
"""

import sys

import numpy as np
from sklearn.metrics import roc_auc_score
from task import load_lookalikes, load_task

from twoflow import ClassTree, FlowUnion, HierarchicalClassifier, OutOfScope, Risk, make_model
from twoflow.evaluation.folds import draw_folds
from twoflow.evaluation.hierarchy.answers import compare_paths
from twoflow.evaluation.hierarchy.path_scores import stopped, unknown
from twoflow.heads import KernelRidgeClassifier

#: Name of the rule -> the fallback, and whether the scope is asked too.
RULES = {
    "none": (None, False), "confidence": ("confidence", False), "risk 2 %": (Risk(0.02), False),
    "none, scope": (None, True), "confidence, scope": ("confidence", True), "risk 2 %, scope": (Risk(0.02), True),
}


def main(data, store):
    """Print the shares of answers for the products and for the look-alikes, and how well scores tell them."""
    task, others = load_task(data), load_lookalikes(data)
    union = FlowUnion([(flow, step) for flow, step, _ in make_model("fast").flows], store=store)
    X, X_others = union.fit_transform(task), union.transform(others)
    labels = np.concatenate([task.labels, others.labels])
    tree = ClassTree.from_labels(labels, task.target_names)
    rows, given, areas = [], {rule: [] for rule in RULES}, {"top probability": [], "scope": []}
    for fold in draw_folds(task.labels, task.groups, n_splits=5, random_state=0):
        model = HierarchicalClassifier(
            KernelRidgeClassifier(), fallback=Risk(0.02), scope=OutOfScope(random_state=0), random_state=0
        ).fit(X[fold.train], task.labels[fold.train], groups=task.groups[fold.train])
        asked = np.concatenate([X[fold.test], X_others])
        node_proba, scores = model.predict_node_proba(asked), model.scope_scores(asked)
        is_inside = np.arange(len(asked)) < len(fold.test)
        areas["top probability"].append(roc_auc_score(is_inside, node_proba[:, model.tree_.leaves].max(axis=1)))
        areas["scope"].append(roc_auc_score(is_inside, scores))
        rows.append(np.concatenate([fold.test, len(task) + np.arange(len(others))]))
        for name, (rule, with_scope) in RULES.items():
            fitted = model.fallback_ if name.startswith("risk") else rule
            decisions = model.decide(node_proba, scores if with_scope else None, fallback=fitted)
            given[name].append(model.tree_.labels(decisions.node))
        print(f"{model.scope_.score_}, {model.scope_.auroc_}, {model.fallback_}", file=sys.stderr, flush=True)
    asked = np.concatenate(rows)
    for name, found in areas.items():
        print(f"area under the ROC curve, {name}: {np.mean(found):.3f} ({', '.join(f'{area:.3f}' for area in found)})")
    parts = {"of the nine": asked < len(task), **{
        f"look-alikes, {main}": (asked >= len(task)) & (labels[asked, 0] == main) for main in np.unique(labels[:, 0])
    }}
    print("| photos | rule | a subclass | main class only | unknown | wrong label |\n| --- | --- |" + " --- |" * 4)
    for part, is_in in parts.items():
        for name, answers in given.items():
            found = compare_paths(tree, labels[asked[is_in]], np.concatenate(answers)[is_in])
            only, none = stopped(found, 0), unknown(found)
            shares = [1 - only - none, only, none, found.is_error.mean()]
            print(f"| {part} | {name} | {' | '.join(f'{share:.3f}' for share in shares)} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
