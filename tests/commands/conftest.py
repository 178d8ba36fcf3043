"""What tests of several commands share."""

import pytest

from twoflow import save

from ..predicting.fitted import fit_pixels


@pytest.fixture(scope="module")
def model(tmp_path_factory, shop):
    """The path of the model file of a small model of the shop."""
    path = tmp_path_factory.mktemp("model") / "shoes.twoflow"
    save(fit_pixels(shop).model, path)
    return path
