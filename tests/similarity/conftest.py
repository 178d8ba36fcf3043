"""A small shop with two targets and groups, and a model of it, fitted once."""

import numpy as np
import pytest

from twoflow import ColorHistogram, ImageCollection, make_model, make_shop
from twoflow.flows import RawPixels

FLOWS = [("color", ColorHistogram()), ("pixels", RawPixels((8, 8)))]


@pytest.fixture(scope="session")
def shop():
    """Three classes of eight images, with a group for each pair of images."""
    made = make_shop(n_classes=3, n_per_class=8, random_state=0)
    return ImageCollection(made.images, made.labels, groups=np.arange(24) // 2)


@pytest.fixture(scope="session")
def model(shop):
    """Kernel ridge on colors and pixels."""
    return make_model(FLOWS, "kernel-ridge").fit(shop)
