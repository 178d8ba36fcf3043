"""What goes wrong in a training, and images that are no photos: one clear line, or the same answers as without it."""

import numpy as np
import pytest
from joblib import Parallel, delayed

from twoflow import compare, make_shop
from twoflow.deep import FineTunedClassifier
from twoflow.errors import InputError
from twoflow.report import TrainingDisplay, to_document


@pytest.fixture(scope="module")
def shop():
    return make_shop(n_classes=3, n_per_class=8, random_state=0)


def small(**parameters):
    """A classifier that trains for two epochs."""
    usual = {"input_size": (32, 32), "train": 1, "max_epochs": 2, "batch_size": 8, "random_state": 0, "device": "cpu"}
    return FineTunedClassifier(**{**usual, **parameters})


def test_a_loss_that_becomes_nan_is_one_line_with_the_remedy(shop, torch):
    with pytest.raises(InputError, match=r"^the loss became .* in epoch \d+ at .*; lower learning_rate.*$"):
        small(learning_rate=1e20, train="head", augment=None, max_epochs=20, patience=None).fit(shop)


def test_images_of_one_pixel_gray_ones_and_lines_are_images(shop, torch):
    images = list(shop.images)
    images[3], images[4] = np.zeros((1, 1, 3), np.uint8), np.full((5, 7), 9, np.uint8)
    images[5] = np.zeros((1, 3000, 3), np.uint8)
    model = small(train="head", augment=None).fit(images, shop.labels)
    assert np.isfinite(model.predict_proba(images)).all()


def test_two_trainings_that_share_a_folder_of_checkpoints_end_as_one_alone(shop, torch, tmp_path):
    jobs = [delayed(small(checkpoint=tmp_path).fit)(shop) for _ in range(2)]
    found = [model.predict_proba(shop) for model in Parallel(n_jobs=2, backend="loky")(jobs)]
    alone = small().fit(shop).predict_proba(shop)
    assert all((each == alone).all() for each in found)


def test_a_damaged_checkpoint_is_trained_again(shop, torch, tmp_path):
    before = small(checkpoint=tmp_path).fit(shop).predict_proba(shop)
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    for file in files:
        file.write_bytes(file.read_bytes()[:100])
    with pytest.warns(UserWarning, match="cannot be used, so the training starts again"):
        again = small(checkpoint=tmp_path).fit(shop)
    assert (again.predict_proba(shop) == before).all()


def test_a_comparison_keeps_and_draws_the_epochs(shop, torch):
    found = compare({"tuned": small(train="head", augment=None)}, shop, folds=2)
    entries = to_document(found)["methods"][0]["training"]
    assert [each["epochs"] for each in entries] == [2, 2]
    assert [epoch["epoch"] for epoch in entries[0]["history"]] == [0, 1, 2]
    assert list(TrainingDisplay.from_comparison(found).plot().axes_) == ["loss", "accuracy"]
