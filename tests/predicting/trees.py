"""A fitted model with a tree of classes: uneven, with a leaf name under two parents."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from twoflow import FlowClassifier, HierarchicalClassifier, ImageCollection, RawPixels

PATHS = {"tee/01": ("tee", "one"), "tee/02": ("tee", "two"), "dress/01": ("dress", "one"), "dress/02": ("bag", "")}
LEAVES = ("bag", "dress/one", "tee/one", "tee/two")


def with_levels(shop):
    """The images of the generated shop, with two levels."""
    labels = np.array([PATHS[label] for label in shop.labels.tolist()])
    return ImageCollection(shop.images, labels, target_names=["kind", "number"], are_levels=True)


def make_tree_model(**options):
    """An unfitted hierarchy that needs no network."""
    head = HierarchicalClassifier(LogisticRegression(max_iter=1000), random_state=0, **options)
    return FlowClassifier([("pixels", RawPixels((8, 6)), "passthrough")], head, random_state=0)
