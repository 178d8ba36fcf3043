"""Let a model label photos that have no labels, and learn from them: type and color of T-shirts and hoodies.

    python experiments/beyond/self_training.py FOLDER STORE

FOLDER is that of matos.py, with photos without labels in test/. They are used in every fold, so this is a protocol of
its own: the model has seen more photos than those of matos.py, though never a label of a tested one.
"""

import sys
from pathlib import Path

import numpy as np
from matos import read_groups, read_labeled
from sklearn.model_selection import StratifiedGroupKFold

from twoflow import make_model

#: Photos count with the label that the model gives them if it is at least so sure.
CONFIDENCES = (0.0, 0.9)
REPEATS, FOLDS = 2, 5


def main(folder, store):
    """Print how often both labels of a held-out photo are right, with and without the photos that have no labels."""
    folder = Path(folder)
    images, labels = read_labeled(folder)
    unlabeled = sorted((folder / "test").iterdir())
    group_of = read_groups(folder)
    groups, more_groups = (
        np.array([group_of.get(f"{side}/{file.name}", f"{side}/{file.name} alone") for file in some])
        for side, some in (("train", images), ("test", unlabeled))
    )
    pairs = [" ".join(pair) for pair in zip(*labels)]
    print(f"{len(images)} photos with labels, {len(unlabeled)} without")

    def fit(some, y, own_groups):
        return make_model("best", random_state=0, n_jobs=-1, store=store).fit(some, y, groups=own_groups)

    matches = {name: [] for name in ("labeled photos alone", *CONFIDENCES)}
    for seed in range(REPEATS):
        drawn = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(images, pairs, groups)
        for train, test in drawn:
            known, asked = ([images[i] for i in side] for side in (train, test))
            right = {name: np.ones(len(test), dtype=bool) for name in matches}
            for y in labels:
                first = fit(known, y[train], groups[train])
                right["labeled photos alone"] &= first.predict(asked) == y[test]
                probabilities = first.predict_proba(unlabeled)
                given = first.classes_[probabilities.argmax(axis=1)]
                for confidence in CONFIDENCES:
                    sure = np.flatnonzero(probabilities.max(axis=1) >= confidence)
                    both = np.r_[y[train], given[sure]], np.r_[groups[train], more_groups[sure]]
                    second = fit([*known, *(unlabeled[i] for i in sure)], *both)
                    right[confidence] &= second.predict(asked) == y[test]
            for name, found in right.items():
                matches[name].append(found.mean())
    base = np.array(matches["labeled photos alone"])
    for name, found in matches.items():
        gains = np.array(found) - base
        print(f"{name}: {np.mean(found):.4f} ± {np.std(found, ddof=1):.4f}, gain {100 * gains.mean():+.2f} points, "
              f"standard deviation of folds {100 * gains.std(ddof=1):.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
