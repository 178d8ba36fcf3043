"""Measure what is gained if `label_next` chooses the images to label, instead of chance.

    python experiments/label_next/learning_curves.py IMAGES LABELS.csv LABEL_COLUMN GROUP_COLUMN STORE [FIRST_SEED]

A third of the groups are test images. Of the others 150 are labeled, drawn at random. Then 100 are added seven times.
Seeds 100 to 102 chose the rule; those from 0, the default, were not looked at before.
"""

import sys

import numpy as np
from scipy.special import softmax
from sklearn.metrics import f1_score

from twoflow import FlowUnion, load_table, make_model
from twoflow.auditing.acquisition import choose_to_label, find_candidates, measure_uncertainty
from twoflow.evaluation.statistics import corrected_resampled_ttest
from twoflow.heads import KernelRidgeClassifier
from twoflow.heads.dual_ridge import Kernel, compute_kernel

N_SEEDS, N_START, N_ADDED, N_ROUNDS = 5, 150, 100, 7
LEAST = 20  # images of a class that takes part


def by_chance(uncertainty, kernel, n, rng):
    """Choose at random."""
    return rng.choice(len(kernel), n, replace=False)


def most_uncertain(uncertainty, kernel, n, rng):
    """Choose the most uncertain images, however alike they are."""
    return np.argsort(-uncertainty, kind="stable")[:n]


def as_label_next(uncertainty, kernel, n, rng):
    """Choose as `label_next` does."""
    rows = find_candidates(uncertainty, n)
    return rows[choose_to_label(uncertainty[rows], kernel[np.ix_(rows, rows)], n, rng).positions]


RULES = {"random": by_chance, "most uncertain": most_uncertain, "label_next": as_label_next}


def learn(kernel, y, groups, rows):
    """Fit the head of "fast" on some rows; return what gives its classes and their probabilities for others."""
    gram = kernel.gram[np.ix_(rows, rows)].astype(float)
    means = gram.mean(axis=0)
    centered = gram - means - means[:, None] + means.mean()
    head = KernelRidgeClassifier()
    solution = head.fit_dual(Kernel(centered, kernel.least_ridge), y[rows], groups[rows])
    constant = solution.share @ (solution.targets - centered @ solution.dual)

    def ask(others):
        scores = (kernel.gram[np.ix_(others, rows)] - means) @ solution.dual + constant
        return head.classes_, softmax(scores / head.temperature_, axis=1)

    return ask


def draw_curve(choose, kernel, y, groups, seed):
    """Return accuracy and macro F1 on the test images after each round, of shape (n_rounds + 1, 2), and sizes."""
    rng = np.random.RandomState(seed)
    names = rng.permutation(np.unique(groups))
    is_test = np.isin(groups, names[:len(names) // 3])
    test, pool = np.flatnonzero(is_test), np.flatnonzero(~is_test)
    rows = rng.choice(pool, N_START, replace=False)
    scores = []
    for number in range(N_ROUNDS + 1):
        ask = learn(kernel, y, groups, rows)
        classes, probabilities = ask(test)
        given = classes[probabilities.argmax(axis=1)]
        scores.append(((given == y[test]).mean(), f1_score(y[test], given, average="macro", zero_division=0)))
        if number == N_ROUNDS:
            return np.array(scores), (len(pool), len(test))
        free = np.setdiff1d(pool, rows)
        if choose is not by_chance:  # each photo once, and none that is labeled
            free = free[~np.isin(groups[free], groups[rows])]
            free = np.sort(free[np.unique(groups[free], return_index=True)[1]])
        uncertainty = measure_uncertainty([ask(free)[1]])
        rows = np.concatenate([rows, free[choose(uncertainty, kernel.gram[np.ix_(free, free)], N_ADDED, rng)]])


def show(curves, n_train, n_test):
    """Print the mean curve of each rule, and its gain over chance with an interval over the seeds."""
    sizes = N_START + N_ADDED * np.arange(N_ROUNDS + 1)
    for column, score in enumerate(("accuracy", "macro F1")):
        print(f"\n{score:16}{''.join(f'{size:8}' for size in sizes)}    mean of the seven rounds, minus random")
        for name, found in curves.items():
            own, chance = found[:, 1:, column].mean(axis=1), curves["random"][:, 1:, column].mean(axis=1)
            gain = ""
            if name != "random":
                test = corrected_resampled_ttest(own, chance, n_train=n_train, n_test=n_test)
                low, high = test.confidence_interval
                gain = f"    {test.mean_difference:+.3f} [{low:+.3f}, {high:+.3f}]"
            values = "".join(f"{value:8.3f}" for value in found[:, :, column].mean(axis=0))
            print(f"{name:16}{values}{gain}", flush=True)


def main(images, labels, label_column, group_column, store, first_seed="0"):
    """Draw the learning curves of all rules, five seeds each."""
    collection = load_table(labels, images, label_column=label_column, group_column=group_column)
    collection = collection.without_small_classes(LEAST)
    flows = [(name, flow) for name, flow, _ in make_model("fast").flows]
    union = FlowUnion(flows, n_jobs=-1, verbose=True, store=store)
    kernel = compute_kernel(union.fit_transform(collection)).halved()
    y, groups = collection.labels, collection.groups
    print(f"{len(y)} images, {len(np.unique(y))} classes")
    curves, sizes = {}, None
    for name, choose in RULES.items():
        found = [draw_curve(choose, kernel, y, groups, int(first_seed) + seed) for seed in range(N_SEEDS)]
        curves[name], sizes = np.array([scores for scores, _ in found]), np.mean([each for _, each in found], axis=0)
    show(curves, *sizes)


if __name__ == "__main__":
    main(*sys.argv[1:])
