"""Compare the strategies of two targets on the same grouped folds.

    python experiments/type_and_color/strategies.py DATA STORE TASK METHODS [REPEATS [SHARE [MOST]]]

DATA has the folders matos and products; TASK names one. STORE keeps the features. METHODS are names such as
fast:separate,fast:joint,best:chain, or "own recipes". REPEATS is how often five folds are drawn (default: 1), SHARE the
share of each fold's training images to keep (default: 1). MOST limits the images of products, drawn at random.
"""

import sys

import numpy as np
from garments import SEED, TASKS, Features
from sklearn.metrics import f1_score

from twoflow import corrected_resampled_ttest
from twoflow.evaluation.folds import draw_folds, shrink
from twoflow.heads.inner_folds import fit_clone

FOLDS = 5


def main(data, store, task, methods, repeats=1, share=1, most=None):
    """Print a table of the methods, and one of what is wrong."""
    names = methods.split(",")
    images = TASKS[task](data, *([most] if most else []))
    recipes = {"best" if name == "own recipes" else name.split(":")[0] for name in names}
    features = Features(images, sorted(recipes), store)
    folds = draw_folds(images.labels, images.groups, n_splits=FOLDS, repeats=int(repeats), random_state=SEED)
    if float(share) < 1:
        folds = shrink(folds, float(share), images.labels, images.groups)
    print(f"{images!r}, {int(np.mean(folds.sizes.n_train))} to train on, {len(folds)} folds", flush=True)
    right = {name: ask(features.methods()[name], features.X, images, folds, name) for name in names}
    print_differences(right, folds)


def ask(model, X, images, folds, name):
    """Fit a method in each fold, print its scores, and return whether each answer is right, by fold and target."""
    right, found, truth = [], [], []
    for fold in folds:
        fitted = fit_clone(model, X[fold.train], images.labels[fold.train], images.groups[fold.train])
        found.append(fitted.predict(X[fold.test]))
        truth.append(images.labels[fold.test])
        right.append(found[-1] == truth[-1])
    both = np.array([each.all(axis=1).mean() for each in right])
    by_target = np.mean([each.mean(axis=0) for each in right], axis=0)
    f1 = [
        np.mean([
            f1_score(np.concatenate(truth[start:start + FOLDS])[:, target],
                     np.concatenate(found[start:start + FOLDS])[:, target], average="macro", zero_division=0)
            for start in range(0, len(folds), FOLDS)
        ])
        for target in range(by_target.size)
    ]
    wrong = ~np.concatenate(right)
    repeats = both.reshape(-1, FOLDS).mean(axis=1)
    print(
        f"| `{name}` | {both.mean():.3f} ± {both.std(ddof=1):.3f} | "
        + " | ".join(f"{each:.4f}" for each in by_target) + " | " + " | ".join(f"{each:.4f}" for each in f1)
        + f" | {wrong.mean():.4f} | {(wrong[:, 0] & ~wrong[:, 1]).mean():.4f} | "
        f"{(wrong[:, 1] & ~wrong[:, 0]).mean():.4f} | {wrong.all(axis=1).mean():.4f} | "
        + " ".join(f"{each:.4f}" for each in repeats) + " |", flush=True,
    )
    return both


def print_differences(right, folds):
    """Print each method's difference to the first one, with its corrected interval."""
    first, *others = right
    for name in others:
        if (right[name] == right[first]).all():
            print(f"{name} - {first}: as many right in each fold")
            continue
        found = corrected_resampled_ttest(right[name], right[first], *folds.sizes)
        low, high = found.confidence_interval
        print(f"{name} - {first}: {found.mean_difference:+.4f} [{low:+.4f}, {high:+.4f}], p = {found.p_value:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
