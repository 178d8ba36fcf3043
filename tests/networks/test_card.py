from dataclasses import replace

import numpy as np
import pytest

from twoflow.networks import NETWORKS, get_card

CARD = replace(NETWORKS["efficientnet-lite0"], mean=100, scale=50)


def test_preprocessing_follows_from_the_card():
    pixels = np.array([[[100, 150, 200]]], np.uint8)
    assert CARD.preprocess(pixels).tolist() == [[[[0]], [[1]], [[2]]]]
    assert replace(CARD, channels="BGR").preprocess(pixels).tolist() == [[[[2]], [[1]], [[0]]]]
    assert CARD.preprocess(pixels).dtype == np.float32


def test_the_error_gives_the_nearest_names():
    with pytest.raises(ValueError, match="no network ''; did you mean"):
        get_card("")
    with pytest.raises(ValueError, match="no network 'eficientnet'; did you mean 'efficientnet-lite0'"):
        get_card("eficientnet")
    with pytest.raises(ValueError, match="did you mean 'efficientnet-lite0'"):
        get_card("zzz")


@pytest.mark.parametrize("card", NETWORKS.values(), ids=NETWORKS)
def test_cards_are_complete(card):
    assert card.name and card.license and card.source and card.scale > 0
    assert "global_pool" in card.layers and not card.layers["global_pool"].is_map
