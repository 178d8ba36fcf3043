"""Generate the demo shop."""

import numpy as np
import pytest

from twoflow import RawPixels, load_folder, make_shop


def test_the_same_seed_draws_the_same_shop(shop):
    again = make_shop(n_classes=4, n_per_class=8, random_state=0)
    other = make_shop(n_classes=4, n_per_class=8, random_state=1)
    assert all((a == b).all() for a, b in zip(shop.images, again.images))
    assert not all((a == b).all() for a, b in zip(shop.images, other.images))


def test_more_photos_keep_the_first_ones(shop):
    larger = make_shop(n_classes=4, n_per_class=9, n_duplicates=3, random_state=0)
    assert (larger.images[9] == shop.images[8]).all()


def test_labels_are_kind_and_model():
    shop = make_shop(n_classes=24, n_per_class=1, random_state=0)
    assert len(shop.classes) == 24 and len(np.unique(shop.columns["kind"])) == 8
    assert [label.split("/")[0] for label in shop.labels] == shop.columns["kind"].tolist()
    assert len(np.unique(shop.columns["color"])) > 3


def test_duplicates_are_near_and_share_a_group():
    shop = make_shop(n_classes=3, n_per_class=6, n_duplicates=5, random_state=0)
    assert len(shop) == 23 and len(np.unique(shop.groups)) == 18
    features = RawPixels((16, 16)).fit_transform(shop)
    for i in range(18, 23):
        distances = np.abs(features[:18] - features[i]).mean(axis=1)
        assert np.argmin(distances) == shop.groups[i] and 0 < distances.min() < 0.1
        assert shop.labels[i] == shop.labels[shop.groups[i]]


def test_written_to_a_folder(tmp_path):
    shop = make_shop(n_classes=3, n_per_class=2, image_size=(64, 48), folder=tmp_path, random_state=0)
    assert all(path.startswith(str(tmp_path)) for path in shop.paths)
    assert sorted(shop.paths) == load_folder(tmp_path).paths
    assert RawPixels((2, 2)).fit_transform(shop).shape == (6, 12)


@pytest.mark.parametrize(
    "arguments", [{"n_classes": 0}, {"n_per_class": 1.5}, {"n_duplicates": -1}, {"image_size": (4, 64)}, {"noise": 2}]
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match=f"^{next(iter(arguments))}.*: expected"):
        make_shop(**arguments)
