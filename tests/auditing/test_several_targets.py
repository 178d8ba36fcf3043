"""An audit of a collection of several targets checks the labels of the finest."""

import numpy as np

from twoflow import ImageCollection, make_shop
from twoflow.auditing import audit


def test_the_finest_target_is_checked():
    shop = make_shop(2, 6, n_duplicates=2, random_state=0)
    labels = np.column_stack([np.full(len(shop), "tee"), shop.labels])
    several = ImageCollection(shop.images, labels, shop.groups, shop.columns, target_names=("kind", "model"))
    found, expected = audit(several), audit(shop)
    assert found.labels.tolist() == shop.labels.tolist() and found.class_counts == expected.class_counts
    assert found.associations == expected.associations
    assert (found.issues.confident_joint == expected.issues.confident_joint).all()
