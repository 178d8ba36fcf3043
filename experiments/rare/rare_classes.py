"""Measure what class weights and capped sampling do for classes with 16 training images.

    python experiments/rare/rare_classes.py IMAGES LABELS.csv LABEL_COLUMN GROUP_COLUMN STORE

Some classes are cut to 16 images on the training side of each fold. The test images stay as they are.
"""

import sys
from functools import partial

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from twoflow import CNNEmbedding, FlowUnion, load_table, make_model
from twoflow.evaluation.folds import draw_folds
from twoflow.evaluation.statistics import compare_pairs, corrected_resampled_ttest
from twoflow.heads import KernelRidgeClassifier
from twoflow.heads.class_balance import balance
from twoflow.heads.dual_ridge import compute_kernel
from twoflow.heads.random_states import seeded

N_RARE, N_KEPT = 8, 16
ALPHA = 0.1  # one ridge, because each that is tried takes as long again
LEAST, FROM, TO = 10, 60, 300  # images of a class that takes part, and of one that may be made rare

#: Name -> class weights, and the most images of a class.
METHODS = {
    "plain": (None, None),
    "weighted": ("balanced", None),
    "at most 100": (None, 100),
    "weighted, at most 100": ("balanced", 100),
}


def compute_features(collection, store):
    """Compute the features of "fast", and the embedding of the same network."""
    fast = FlowUnion([(name, flow) for name, flow, _ in make_model("fast").flows])
    union = FlowUnion([("fast", fast), ("embedding", CNNEmbedding())], n_jobs=-1, verbose=True, store=store)
    features, columns = union.fit_transform(collection), union.slices()
    return features[:, columns["fast"]], features[:, columns["embedding"]]


def cut(train, y, rare, rng):
    """Keep 16 training images, drawn at random, of each rare class."""
    order = rng.permutation(train)
    return np.sort(np.concatenate([order[y[order] == label][:N_KEPT if label in rare else None]
                                   for label in np.unique(y[train])]))


def fit_ridge(class_weight, cap, embedding, kernel, y, groups, train):
    """Fit the head of "fast" from the kernel; return what predicts some rows, from the kernel too."""
    head = seeded(balance(KernelRidgeClassifier((ALPHA,)), class_weight, cap), np.random.RandomState(0))
    solution = head.fit_dual(kernel.take(train), y[train], groups[train])
    used = train[head.sample_indices_] if cap else train
    own = solution.share @ kernel.gram[np.ix_(used, used)]

    def predict(rows):
        scores = (kernel.gram[np.ix_(rows, used)] - own) @ solution.dual + solution.share @ solution.targets
        return head.classes_[scores.argmax(axis=1)]

    return predict


def fit_logistic(class_weight, cap, embedding, kernel, y, groups, train):
    """Fit logistic regression on the embedding, whose answers are those of the method cnn:logistic."""
    head = balance(LogisticRegression(C=0.01, max_iter=1000), class_weight, cap)
    model = seeded(make_pipeline(StandardScaler(), head), np.random.RandomState(0)).fit(embedding[train], y[train])
    return lambda rows: model.predict(embedding[rows])


def mean_recall(truth, predicted, classes):
    """Return the mean recall of some classes."""
    return np.mean([(predicted[truth == label] == label).mean() for label in classes if (truth == label).any()])


def show(head, found, y, folds, rare):
    """Print each method's recall of rare and of other classes, accuracy and macro F1, and the gains over plain."""
    others = np.setdiff1d(np.unique(y), rare)
    truths = [y[fold.test] for fold in folds]
    scores = {
        "rare recall": partial(mean_recall, classes=rare), "other recall": partial(mean_recall, classes=others),
        "accuracy": lambda truth, predicted: (truth == predicted).mean(),
    }
    print(f"\n{head:24}{''.join(f'{name:>14}' for name in scores)}{'macro F1':>14}")
    by_fold = {
        score: {name: np.array([function(*pair) for pair in zip(truths, own)]) for name, own in found.items()}
        for score, function in scores.items()
    }
    for name, own in found.items():
        f1 = f1_score(np.concatenate(truths), np.concatenate(own), average="macro")
        print(f"{name:24}{''.join(f'{by_fold[score][name].mean():14.3f}' for score in scores)}{f1:14.3f}")
    test = partial(corrected_resampled_ttest, **folds.sizes._asdict())
    for score, values in by_fold.items():
        for pair in compare_pairs(values, [(name, "plain") for name in found if name != "plain"], test):
            low, high = pair.interval
            print(f"{score}: {pair.first} - plain = {pair.result.mean_difference:+.3f} [{low:+.3f}, {high:+.3f}]")
    for label in rare:
        recalls = [mean_recall(np.concatenate(truths), np.concatenate(own), [label]) for own in found.values()]
        print(f"{label:24}{''.join(f'{recall:8.2f}' for recall in recalls)}", flush=True)


def main(images, labels, label_column, group_column, store):
    """Compare the methods with both heads, in five folds that keep groups together."""
    collection = load_table(labels, images, label_column=label_column, group_column=group_column)
    collection = collection.without_small_classes(LEAST)
    y, groups = collection.labels, collection.groups
    fast, embedding = compute_features(collection, store)
    kernel = compute_kernel(fast).halved()
    rng = np.random.RandomState(0)
    classes, counts = np.unique(y, return_counts=True)
    rare = np.sort(rng.choice(classes[(counts >= FROM) & (counts <= TO)], N_RARE, replace=False))
    print(f"{len(y)} images, {len(classes)} classes; {N_KEPT} training images of: {', '.join(rare)}")
    folds = draw_folds(y, groups, n_splits=5, random_state=0)
    drawn = [cut(fold.train, y, rare, rng) for fold in folds]
    for head, fit in (("logistic on embedding", fit_logistic), ("kernel ridge on fast", fit_ridge)):
        found = {
            name: [
                fit(*options, embedding, kernel, y, groups, train)(fold.test) for fold, train in zip(folds, drawn)
            ]
            for name, options in METHODS.items()
        }
        show(head, found, y, folds, rare)


if __name__ == "__main__":
    main(*sys.argv[1:])
