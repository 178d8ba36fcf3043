"""Measure what to expect of images of another source: the same images, tested in three kinds of folds.

    python experiments/rare/another_source.py IMAGES LABELS.csv LABEL_COLUMN SOURCE_COLUMN STORE

The sources with the most images are tested. "known": folds that ignore the source, so that it has images in training.
"unknown": folds that keep the images of a source together. "left out": one fold for each source.
"""

import sys

import numpy as np

from twoflow import FlowUnion, load_table, make_model
from twoflow.evaluation.folds import draw_folds
from twoflow.evaluation.left_out_sources import leave_one_out
from twoflow.evaluation.statistics import corrected_resampled_ttest
from twoflow.heads import KernelRidgeClassifier
from twoflow.heads.dual_ridge import compute_kernel
from twoflow.heads.feature_kernel import FeatureKernel

N_SOURCES = 12
ALPHAS = (0.03, 0.1, 0.3)  # fewer than by default, because each takes a third of the time


def compute_features(collection, store):
    """Compute the features of "fast"."""
    union = FlowUnion([(name, flow) for name, flow, _ in make_model("fast").flows], n_jobs=-1, store=store)
    return union.fit_transform(collection)


def predict(folds, X, kernel, y, sources):
    """Predict each test image by the head of "fast", fitted on the training images of its fold."""
    predicted = np.empty_like(y)
    for fold in folds:
        train = fold.train
        head = KernelRidgeClassifier(ALPHAS)
        head.fit_primal(FeatureKernel([X[train]]), head.fit_dual(kernel.take(train), y[train], sources[train]))
        predicted[fold.test] = head.predict(X[fold.test])
    return predicted


def main(images, labels, label_column, source_column, store):
    """Print the accuracy on each of the largest sources in the three kinds of folds."""
    collection = load_table(labels, images, label_column=label_column, group_column=source_column)
    y, sources = collection.labels, collection.groups
    X = compute_features(collection, store)
    kernel = compute_kernel(X).halved()
    names, counts = np.unique(sources, return_counts=True)
    largest = names[np.argsort(-counts, kind="stable")][:N_SOURCES]
    others = np.where(np.isin(sources, largest), sources, "others")
    left_out = [fold for fold in leave_one_out(others, y, sources, column=source_column) if fold.held_out != "others"]
    kinds = {
        "known": draw_folds(y, n_splits=5), "unknown": draw_folds(y, sources, n_splits=5), "left out": left_out,
    }
    is_right = {name: predict(folds, X, kernel, y, sources) == y for name, folds in kinds.items()}
    print(f"{'source':10}{'images':>8}{''.join(f'{name:>10}' for name in kinds)}")
    by_source = {name: np.array([own[sources == source].mean() for source in largest])
                 for name, own in is_right.items()}
    for position, source in enumerate(largest):
        shares = "".join(f"{own[position]:10.3f}" for own in by_source.values())
        print(f"{source:10}{np.count_nonzero(sources == source):8}{shares}")
    print(f"{'mean':18}{''.join(f'{own.mean():10.3f}' for own in by_source.values())}")
    is_tested = np.isin(sources, largest)
    print(f"{'all images':18}{''.join(f'{own[is_tested].mean():10.3f}' for own in is_right.values())}")
    for name in ("known", "unknown"):
        print(name, "- left out:", corrected_resampled_ttest(
            by_source[name], by_source["left out"], [len(fold.train) for fold in left_out],
            [len(fold.test) for fold in left_out],
        ))


if __name__ == "__main__":
    main(*sys.argv[1:])
