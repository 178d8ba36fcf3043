"""Check which maps of a network the recipes choose, from cards of every kind."""

import pytest

from twoflow.models.stages import cap_channels, early_stages, late_stages
from twoflow.networks import NETWORKS, Layer, NetworkCard


def card(layers, stages=()):
    return NetworkCard("net", "unknown", "here", (224, 224), "RGB", 127, 128, layers, None, stages)


def blocks(count):
    names = [f"block{number}" for number in range(1, count + 1)]
    return card(dict.fromkeys(names, Layer(384, True, (16, 16))), tuple(names))


def test_late_blocks_of_a_transformer():
    assert late_stages(blocks(12)) == ["block7", "block9", "block10"]
    assert early_stages(blocks(12)) == ["block6"]


def test_late_stages_of_the_named_networks():
    for name in ("efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"):
        assert late_stages(NETWORKS[name]) == ["stage4", "stage5", "stage6"]
        assert early_stages(NETWORKS[name]) == ["stage3"]
    assert late_stages(NETWORKS["inception-bn"]) == ["max_pool_4e_pool", "max_pool_5b_pool"]
    assert early_stages(NETWORKS["inception-bn"]) == ["max_pool_3c_pool"]


@pytest.mark.parametrize("count", range(1, 41))
def test_any_number_of_stages(count):
    found = blocks(count)
    late, early = late_stages(found), early_stages(found)
    assert 1 <= len(late) <= 3 and len(early) <= 1
    together = [found.stages.index(name) for name in [*early, *late]]
    assert together == sorted(set(together))
    assert late[-1] in found.stages[count // 2:] and (count < 8 or found.stages[-1] not in late)


def test_without_stages_the_last_map_of_each_size_is_one():
    layers = {
        "a": Layer(8, True, (28, 28)), "b": Layer(16, True, (14, 14)), "c": Layer(32, True, (14, 14)),
        "d": Layer(64, True, (7, 7)), "gate": Layer(64, True, (1, 1)), "pool": Layer(64, False),
    }
    assert late_stages(card(layers)) == ["c", "d"] and early_stages(card(layers)) == ["a"]


def test_a_network_without_maps_has_no_stages():
    found = card({"gate": Layer(64, True, (1, 1)), "pool": Layer(64, False)})
    assert late_stages(found) == early_stages(found) == []


def test_wide_maps_are_projected():
    assert [cap_channels(Layer(width, True)) for width in (8, 256, 257, 2048)] == [None, None, 256, 256]
