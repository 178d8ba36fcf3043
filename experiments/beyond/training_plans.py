"""Compare plans of a training on the training images of a data set's first fold.

    python experiments/beyond/training_plans.py IMAGES TABLE.csv LABEL_COLUMN GROUP_COLUMN STORE [PLANS [CLASSES]]

TABLE.csv is what first_fold.py writes with "inner". STORE keeps finished plans, and the state of a training after each
epoch. PLANS are names of `PLANS`, separated by semicolons; by default all. CLASSES takes only so many classes, drawn by
a seed, so that a plan takes minutes; by default all. A plan changes one thing of "as it is".
"""

import sys
from pathlib import Path

import numpy as np

from twoflow import compare, load_table
from twoflow.deep import FineTunedClassifier
from twoflow.report import format_text

SEED = 0

#: Name -> the parameters that differ from the defaults.
PLANS = {
    "as it is": {},
    "head": {"train": "head"},
    "last 2 stages": {"train": 2},
    "last 3 stages": {"train": 3},
    "last 3 stages, no augmentation": {"train": 3, "augment": None},
    "no augmentation": {"augment": None},
    "from random weights": {"pretrained": False},
    "10 epochs": {"max_epochs": 10},
    "64 px": {"input_size": (64, 64)},
    "128 px": {"input_size": (128, 128)},
    "288 px": {"input_size": (288, 288)},
    "no label smoothing": {"label_smoothing": 0.0},
    "label smoothing 0.2": {"label_smoothing": 0.2},
    "rate 3e-4": {"learning_rate": 3e-4},
    "rate 3e-3": {"learning_rate": 3e-3},
    "network as fast as its head": {"backbone_rate": 1.0},
    "not weighed": {"class_weight": None},
    "without early stopping": {"patience": None},
}


def load_classes(table, images, label_column, group_column, n_classes):
    """Load the images of all classes, or of some that a seed draws."""
    loaded = load_table(
        table, images, label_column=label_column, group_column=group_column, columns=["split"]
    )
    if n_classes is None:
        return loaded
    drawn = np.random.default_rng(SEED).permutation(np.unique(loaded.labels))[:int(n_classes)]
    return loaded[np.isin(loaded.labels, drawn)]


def main(images, table, label_column, group_column, store, plans="", n_classes=None):
    """Print the comparison of the plans."""
    collection = load_classes(table, images, label_column, group_column, n_classes)
    names = plans.split(";") if plans else list(PLANS)
    methods = {
        name: FineTunedClassifier(
            **PLANS[name], checkpoint=str(Path(store) / "trainings"), random_state=SEED, n_jobs=-1, verbose=True
        )
        for name in names
    }
    print(format_text(compare(methods, collection, split_column="split", store=store, verbose=True)))


if __name__ == "__main__":
    main(*sys.argv[1:])
