"""Measure a combination of type and color that was never seen in training.

    python experiments/type_and_color/unseen.py DATA STORE METHODS

For each of the ten combinations of matos, its images and their near duplicates are left out, and the model that is
fitted on the others answers for them. See strategies.py for the arguments.
"""

import sys

import numpy as np
from garments import COLORS, TYPES, Features, load_matos

from twoflow.heads.inner_folds import fit_clone


def main(data, store, methods):
    """Print the share of left-out images that each method answers right, by combination and over all."""
    names = methods.split(",")
    images = load_matos(data)
    features = Features(images, sorted({name.split(":")[0] for name in names}), store)
    pairs = [(kind, color) for kind in TYPES for color in COLORS]
    print("| method | " + " | ".join(" ".join(pair) for pair in pairs) + " | both | type | color |")
    for name in names:
        right = []
        for pair in pairs:
            test = (images.labels == pair).all(axis=1)
            train = ~np.isin(images.groups, images.groups[test])
            model = fit_clone(features.methods()[name], features.X[train], images.labels[train], images.groups[train])
            right.append(model.predict(features.X[test]) == images.labels[test])
        both, by_target = np.concatenate(right).all(axis=1).mean(), np.concatenate(right).mean(axis=0)
        shares = [each.all(axis=1).mean() for each in right]
        print(f"| `{name}` | " + " | ".join(f"{each:.2f}" for each in [*shares, both, *by_target]) + " |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
