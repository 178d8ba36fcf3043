"""Test the recipe "fast" with few, wrongly labeled, or imbalanced training images.

    python experiments/beyond/hard_training_sets.py IMAGES LABELS.csv LABEL_COLUMN GROUP_COLUMN LEAST_PER_CLASS STORE

Only the training side of each fold is changed; the test images stay as they are.
"""

import sys

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from twoflow import CNNEmbedding, FlowUnion, load_table, make_model
from twoflow.evaluation.folds import draw_folds
from twoflow.heads import CappedClassifier, KernelRidgeClassifier
from twoflow.heads.dual_ridge import compute_kernel, fits_from_kernel
from twoflow.heads.feature_kernel import FeatureKernel


def few(n):
    """Keep at most n images of each class."""

    def harder(train, y, groups, rng):
        order = rng.permutation(train)
        return np.concatenate([order[y[order] == label][:n] for label in np.unique(y[train])]), y

    return harder


def noisy(share):
    """Replace a share of the training labels by other classes, drawn at random."""

    def harder(train, y, groups, rng):
        wrong = rng.choice(train, round(share * len(train)), replace=False)
        classes, codes = np.unique(y, return_inverse=True)
        codes[wrong] = (codes[wrong] + rng.randint(1, len(classes), len(wrong))) % len(classes)
        return train, classes[codes]

    return harder


def skewed(ratio):
    """Keep fewer images from class to class, in random order: all of the first, one in `ratio` of the last."""

    def harder(train, y, groups, rng):
        shares = dict(zip(rng.permutation(np.unique(y)), np.geomspace(1, 1 / ratio, len(np.unique(y)))))
        order = rng.permutation(train)
        kept = [of[:max(2, round(shares[y[of[0]]] * len(of)))] for of in (order[y[order] == each] for each in shares)]
        return np.concatenate(kept), y

    return harder


def as_it_is(train, y, groups, rng):
    """Change nothing."""
    return train, y


RIDGE = KernelRidgeClassifier()
MODELS = {
    "fast": ("covariances", RIDGE),
    "embedding, logistic": ("embedding", LogisticRegression(max_iter=1000)),
    "embedding, forest": ("embedding", RandomForestClassifier(200, random_state=0, n_jobs=-1)),
}
DROP = {"fast, label_noise='drop'": ("covariances", KernelRidgeClassifier(label_noise="drop"))}
EVEN = {
    "fast, balanced": ("covariances", KernelRidgeClassifier(class_weight="balanced")),
    "fast, at most 20 a class": ("covariances", CappedClassifier(RIDGE, 20, random_state=0)),
}
CASES = {
    "all": (as_it_is, {**DROP, **EVEN}),
    "5 a class": (few(5), {}),
    "10 a class": (few(10), {}),
    "20 a class": (few(20), {}),
    "10 % wrong labels": (noisy(0.1), DROP),
    "20 % wrong labels": (noisy(0.2), DROP),
    "skewed, 1 to 20": (skewed(20), EVEN),
}


def fit(model, X, kernel, y, groups, train):
    """Fit a model; a kernel ridge takes the part of the kernel that was computed before."""
    if not fits_from_kernel(model):
        return model.fit(X[train], y[train])
    return model.fit_primal(FeatureKernel([X[train]]), model.fit_dual(kernel.take(train), y[train], groups[train]))


def main(images, labels, label_column, group_column, least, store):
    """Print the mean accuracy over five folds, and the macro F1 of all predictions, of each model in each case."""
    collection = load_table(labels, images, label_column=label_column, group_column=group_column)
    collection = collection.without_small_classes(int(least))
    y, groups = collection.labels, collection.groups
    fast = FlowUnion([(name, flow) for name, flow, _ in make_model("fast").flows])
    union = FlowUnion([("covariances", fast), ("embedding", CNNEmbedding())], n_jobs=-1, verbose=True, store=store)
    features, columns = union.fit_transform(collection), union.slices()
    kernel = compute_kernel(features[:, columns["covariances"]])
    folds = draw_folds(y, groups, n_splits=5, random_state=0)
    print(f"{'':20}{'':30}accuracy  macro F1")
    for case, (harder, more) in CASES.items():
        rng = np.random.RandomState(0)
        drawn = [harder(fold.train, y.copy(), groups, rng) for fold in folds]
        for name, (flow, model) in {**MODELS, **more}.items():
            X = features[:, columns[flow]]
            predicted = [
                fit(model, X, kernel, given, groups, train).predict(X[fold.test])
                for fold, (train, given) in zip(folds, drawn)
            ]
            accuracy = np.mean([(own == y[fold.test]).mean() for fold, own in zip(folds, predicted)])
            truth = np.concatenate([y[fold.test] for fold in folds])
            f1 = f1_score(truth, np.concatenate(predicted), average="macro")  # a mean over small folds is too low
            print(f"{case:20}{name:30}{accuracy:8.3f}{f1:10.3f}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
