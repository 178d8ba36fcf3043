"""Augmentation: what changes, what stays, and that only the seed decides."""

import colorsys

import numpy as np
import pytest

from twoflow.deep.fine_tuning.augmentation import AUGMENTATIONS, Augmentation, make_augmentation
from twoflow.errors import InputError

NAMED = [name for name in AUGMENTATIONS if name is not None]


@pytest.fixture(scope="module")
def noise(torch):
    return torch.rand(16, 3, 24, 30, generator=torch.Generator().manual_seed(0))


def marked(torch, n, size=32):
    """White images with a black mark at the top left, not at the very edge."""
    batch = torch.ones(n, 3, size, size)
    batch[:, :, 4:8, 4:8] = 0
    return batch


@pytest.mark.parametrize("name", NAMED)
def test_every_image_changes_in_its_own_way_and_stays_an_image(noise, torch, name):
    same = noise[:1].repeat(16, 1, 1, 1)
    changed = make_augmentation(name)(same, 1)
    assert changed.shape == same.shape and changed.dtype == same.dtype
    assert 0 <= changed.min() and changed.max() <= 1 + 1e-6
    assert len(torch.unique(changed, dim=0)) == (2 if name == "mirror" else 16)


def test_no_augmentation_returns_the_batch_itself(noise):
    assert make_augmentation(None)(noise, 0) is noise


def test_an_unknown_name():
    with pytest.raises(InputError, match=r"augment: expected one of None, 'mirror', .*, got 'heavy'"):
        make_augmentation("heavy")


@pytest.mark.parametrize("name", NAMED)
def test_only_the_seed_decides(noise, torch, name):
    augmentation, before = make_augmentation(name), torch.get_rng_state()
    first = augmentation(noise, 3)
    assert torch.equal(first, augmentation(noise, torch.Generator().manual_seed(3)))
    assert not torch.equal(first, augmentation(noise, 4))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", NAMED)
def test_neither_threads_nor_shards_nor_the_layout_in_memory_change_a_bit(noise, torch, name):
    augmentation, n_threads = make_augmentation(name), torch.get_num_threads()
    drawn = augmentation.draw(16, 5)
    try:
        torch.set_num_threads(1)
        whole = augmentation.apply(noise, drawn)
        torch.set_num_threads(2)
        again = augmentation.apply(noise.to(memory_format=torch.channels_last), drawn)
    finally:
        torch.set_num_threads(n_threads)
    shards = [augmentation.apply(noise[i:i + 5], drawn[i:i + 5]) for i in range(0, 16, 5)]
    assert torch.equal(whole, again)
    assert torch.equal(whole, torch.cat(shards))


def test_half_of_the_images_are_mirrored_and_the_mirror_is_exact(torch):
    changed = make_augmentation("mirror")(marked(torch, 400), 0)
    mirrored = changed[:, 0, 5, 26] < 0.5
    assert 160 < mirrored.sum() < 240
    expected = torch.where(mirrored[:, None, None, None], marked(torch, 400).flip(3), marked(torch, 400))
    assert (changed - expected).abs().max() < 1e-5


def test_the_mark_comes_to_each_corner_only_if_top_and_bottom_are_swapped(torch):
    for name, corners in (("strong", 4), ("standard", 2), ("color-safe", 2)):
        dark = 1 - make_augmentation(name)(marked(torch, 200), 0)[:, 0]
        dark = dark * (dark > 0.5)
        quarters = dark.unfold(1, 16, 16).unfold(2, 16, 16).sum(dim=(3, 4)).flatten(1)
        assert len(set(quarters[quarters.amax(1) > 0].argmax(1).tolist())) == corners


def test_crops_enlarge_the_mark_and_never_shrink_it(torch):
    centered = torch.ones(300, 3, 64, 64)
    centered[:, :, 24:40, 24:40] = 0
    crops = Augmentation(least_area=0.25)(centered, 0)
    area = (1 - crops[:, 0]).sum(dim=(1, 2))
    whole = area[(crops[:, 0, 0] > 0.9).all(dim=1)]  # the mark is not at the upper edge
    assert area.max() < 4.2 * 256 and whole.min() > 0.98 * 256
    assert area.max() > 3 * 256


def test_a_rotation_keeps_shapes_and_goes_on_with_the_edge(torch):
    """A square in an image that is not square keeps its area, and white stays white in the corners."""
    centered = torch.ones(100, 3, 60, 90)
    centered[:, :, 20:40, 35:55] = 0
    turned = Augmentation(rotation=45)(centered, 0)
    area = (1 - turned[:, 0]).sum(dim=(1, 2))
    assert ((area - 400).abs() < 12).all()
    assert turned[:, :, 0].min() > 0.99
    assert area.std() > 0


def test_colors_stay_if_the_target_is_a_color(torch):
    colors = torch.tensor([[0.9, 0.2, 0.1], [0.1, 0.3, 0.8], [1, 1, 1], [0, 0, 0], [0.5, 0.5, 0.5]])
    batch = colors[:, :, None, None].expand(-1, -1, 16, 16)
    for seed in range(5):
        changed = make_augmentation("color-safe")(batch, seed)
        assert (changed - batch).abs().max() < 1e-6
    assert (make_augmentation("standard")(batch, 0) - batch).abs().max() > 0.01


def test_the_hue_turns_by_at_most_its_range_and_gray_stays_gray(torch):
    color = torch.tensor([0.6, 0.4, 0.35])[None, :, None, None].expand(200, 3, 2, 2)
    changed = Augmentation(hue=0.05)(color, 0)[:, :, 0, 0].double().numpy()
    hues = np.array([colorsys.rgb_to_hsv(*each)[0] for each in changed])
    turned = (hues - colorsys.rgb_to_hsv(0.6, 0.4, 0.35)[0] + 0.5) % 1 - 0.5
    # A turn in the plane of I and Q is not quite one of the hue of HSV.
    assert 0.03 < abs(turned).max() < 0.08 and turned.min() < -0.02 and turned.max() > 0.02
    weights = np.array([0.299, 0.587, 0.114])
    assert changed @ weights == pytest.approx(np.full(200, weights @ [0.6, 0.4, 0.35]), abs=1e-5)
    gray = torch.full((200, 3, 2, 2), 0.4)
    assert (Augmentation(hue=0.5, saturation=0.5)(gray, 0) - gray).abs().max() < 1e-6


@pytest.mark.parametrize(("changed", "color", "low", "high"), [
    ({"brightness": 0.2}, 0.5, 0.4, 0.6),
    ({"contrast": 0.2}, 0.75, 0.7, 0.8),
    ({"contrast": 0.2}, 0.5, 0.5, 0.5),
    ({"saturation": 0.2}, 0.3, 0.3, 0.3),
])
def test_brightness_and_contrast_are_factors_in_their_ranges(torch, changed, color, low, high):
    values = Augmentation(**changed)(torch.full((300, 3, 1, 1), color), 0)
    assert values.min() == pytest.approx(low, abs=0.01) and values.max() == pytest.approx(high, abs=0.01)
