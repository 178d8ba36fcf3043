"""Measure the strategies of a hierarchy, and whether the promise of `Risk` holds on held-out photos.

    python experiments/fallback/strategies_and_risk.py DATA STORE products|sneakers [MOST]

DATA has the folders products and sneakers. Models of the recipe "fast" are fitted on four of five grouped folds and
asked for the other, for each strategy. MOST limits the images of a class (default: no limit). Then the held-out
probabilities of "leaves" are split 200 times into two halves, with groups together: `Risk` chooses its threshold on one
half, and its answers for the other half are counted.
"""

import sys
from pathlib import Path

import numpy as np
from scipy import linalg, stats

from twoflow import (
    ClassTree,
    FlowUnion,
    HierarchicalClassifier,
    Risk,
    corrected_resampled_ttest,
    load_table,
    make_model,
)
from twoflow.evaluation.folds import draw_folds
from twoflow.heads import KernelRidgeClassifier

#: The columns of the levels, from broad to fine, and that of the groups.
LEVELS = {
    "products": (["masterCategory", "subCategory", "articleType"], "dup_group"),
    "sneakers": (["superclass", "class"], "dup_group"),
}
STRATEGIES = ("leaves", "parents", "levels")
LEAST = 10  # images of a class
PROMISES = (0.02, 0.05, 0.1)
SPLITS = 200


def main(data, store, name, most=None):
    """Print both tables."""
    collection = load(Path(data) / name, *LEVELS[name], None if most is None else int(most))
    X = compact(features(collection, store))
    folds = draw_folds(collection.labels, collection.groups, n_splits=5, random_state=0)
    print(f"{name}: {collection!r}", flush=True)
    node_proba, tree = compare_strategies(X, collection, folds)
    check_promises(node_proba, tree, tree.encode(collection.labels), collection.groups)


def load(folder, levels, groups, most=None):
    """Load the images of the leaves with at least `LEAST` images, and at most `most` of each, drawn at random."""
    loaded = load_table(folder / "labels.csv", label_column=levels, group_column=groups)
    tree = ClassTree.from_labels(loaded.labels)
    nodes, rng = tree.encode(loaded.labels), np.random.default_rng(0)
    order = rng.permutation(len(nodes))
    kept = [order[nodes[order] == leaf][:most] for leaf in tree.leaves if tree.counts[leaf] >= LEAST]
    return loaded[np.sort(np.concatenate(kept))]


def features(collection, store):
    """Return the features of the recipe "fast", of shape (n, n_features)."""
    union = FlowUnion([(name, flow) for name, flow, _ in make_model("fast").flows], store=store)
    return union.fit_transform(collection)


def compact(X):
    """Return n columns with the same dot products. Kernel ridge regression on them is the same, and takes less time."""
    gram = np.zeros((len(X), len(X)))
    for start in range(0, X.shape[1], 2048):
        part = np.asarray(X[:, start:start + 2048], dtype=np.float32)
        gram += part @ part.T
    gram[np.diag_indices(len(X))] += 1e-4
    return linalg.cholesky(gram, lower=True, overwrite_a=True)


def compare_strategies(X, collection, folds):
    """Print the scores of the strategies; return the held-out probabilities of "leaves", and the tree."""
    tree, n_levels = ClassTree.from_labels(collection.labels, collection.target_names), collection.labels.shape[1]
    columns = [*collection.target_names, "all right", "hierarchical F"]
    print("\n| strategy | " + " | ".join(columns) + " | all right, difference to leaves |")
    print("| " + " | ".join(["---"] * (len(columns) + 2)) + " |")
    node_proba, found = np.zeros((len(X), len(tree.nodes))), {}
    n_train, n_test = [len(fold.train) for fold in folds], [len(fold.test) for fold in folds]
    for strategy in STRATEGIES:
        scores = []
        for fold in folds:
            model = HierarchicalClassifier(KernelRidgeClassifier(), tree, strategy=strategy, random_state=0)
            model.fit(X[fold.train], collection.labels[fold.train], groups=collection.groups[fold.train])
            is_right = model.predict_full(X[fold.test]) == collection.labels[fold.test]
            if strategy == "leaves":
                node_proba[fold.test] = model.predict_node_proba(X[fold.test])
            # All paths have the same length, so precision, recall and F are the share of right labels.
            scores.append([*is_right.mean(axis=0), is_right.all(axis=1).mean(), is_right.mean()])
        found[strategy] = np.array(scores)
        to_leaves = "" if strategy == "leaves" else show(corrected_resampled_ttest(
            found[strategy][:, n_levels], found["leaves"][:, n_levels], n_train, n_test
        ))
        means = " | ".join(f"{mean:.4f} ± {sd:.4f}" for mean, sd in zip(
            found[strategy].mean(axis=0), found[strategy].std(axis=0, ddof=1)
        ))
        print(f"| {strategy} | {means} | {to_leaves} |", flush=True)
    return node_proba, tree


def show(result):
    """Return the mean difference with its corrected interval."""
    return f"{result.mean_difference:+.4f} [{result.confidence_interval[0]:+.4f}, {result.confidence_interval[1]:+.4f}]"


def check_promises(node_proba, tree, nodes, groups):
    """Print how often the promise is exceeded, and what is answered.

    The other half is a finite sample, whose error exceeds the promise by chance even if the error of the rule does not.
    So two more shares are printed. One counts the splits whose excess is more than chance (a binomial test at 5 %). The
    other counts the splits whose threshold breaks the promise on all photos; the first half is a random sample of
    these. All three are shares of all splits. A split without a threshold answers nothing, and so breaks nothing.
    """
    print("\n| promise | no threshold | exceeded | beyond chance | broken on all | error | answered | full path |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    codes = np.unique(groups, return_inverse=True)[1]
    for error in PROMISES:
        rng, rows, n_none = np.random.default_rng(0), [], 0
        for _ in range(SPLITS):
            is_first = (rng.permutation(codes.max() + 1) % 2 == 0)[codes]
            try:
                rule = Risk(error).fit(tree, node_proba[is_first], nodes[is_first], codes[is_first])
            except ValueError:
                n_none += 1
                continue
            answers = rule.answer(tree, node_proba)
            is_answered, is_leaf = answers >= 0, tree.is_leaf[answers]
            is_wrong = is_answered & (tree.ancestors[nodes, tree.depths[answers]] != answers)
            others = is_answered & ~is_first
            n, n_wrong = others.sum(), is_wrong[~is_first].sum()
            rows.append([
                n_wrong / n > error, stats.binom.sf(n_wrong - 1, n, error) < 0.05,
                is_wrong.sum() / is_answered.sum() > error, n_wrong / n, is_answered[~is_first].mean(),
                (is_answered & is_leaf)[~is_first].mean(),
            ])
        means = np.mean(rows, axis=0) if rows else np.full(6, np.nan)
        means[:3] *= len(rows) / SPLITS
        print(f"| {error} | {n_none} of {SPLITS} | " + " | ".join(f"{mean:.3f}" for mean in means) + " |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
