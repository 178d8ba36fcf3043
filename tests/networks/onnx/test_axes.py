import pytest

from twoflow.networks.onnx.axes import Atom, read_map, reshape, single

IMAGE = ((), single("H", 8), single("W", 12), single("C", 6))  # channels last


def turned(axes, *order):
    return tuple(axes[i] for i in order)


def test_tokens_are_a_map_of_their_grid():
    found = read_map(reshape(IMAGE, (1, 96, 6)))
    assert (found.channel, found.positions, found.grid, found.width) == (2, (1,), (8, 12), 6)


def test_windows_are_a_map_only_after_they_are_put_together_again():
    windows = turned(reshape(IMAGE, (1, 2, 4, 3, 4, 6)), 0, 1, 3, 2, 4, 5)
    assert read_map(reshape(windows, (6, 16, 6))) is None
    again = turned(reshape(reshape(windows, (6, 16, 6)), (1, 2, 3, 4, 4, 6)), 0, 1, 3, 2, 4, 5)
    assert reshape(again, (1, 8, 12, 6)) == IMAGE


def test_merged_patches_are_channels():
    merged = turned(reshape(IMAGE, (1, 4, 2, 6, 2, 6)), 0, 1, 3, 4, 2, 5)
    found = read_map(reshape(merged, (1, 4, 6, 24)))
    assert (found.grid, found.width) == ((4, 6), 24)


@pytest.mark.parametrize("axes", [
    reshape(turned(IMAGE, 0, 2, 1, 3), (1, 96, 6)),
    ((), single("C", 6), single("C", 4), single("H", 3)),
    ((), single("?", 96), single("C", 6)),
    (single("C", 6),),
])
def test_what_is_no_map_in_the_order_of_the_image(axes):
    assert read_map(axes) is None


def test_tokens_that_are_no_positions_are_counted():
    found = read_map(((), (Atom("P", 101, before=5, grid=(8, 12)),), single("C", 6)))
    assert (found.before, found.after, found.grid) == (5, 0, (8, 12))


def test_sizes_that_do_not_divide_lose_the_meaning():
    assert reshape(IMAGE, (1, 9, 64)) == ((), single("?", 9), single("?", 64))
