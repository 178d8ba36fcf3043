"""Which images a network was trained on, on its card."""

import json

import numpy as np
import pytest
from PIL import Image

from twoflow.images import LoadedImage
from twoflow.networks.card_file import MAX_CARD_BYTES, check_fields
from twoflow.networks.trained_on import count_digests, digest_images, find_trained_on, is_digests, write_digests


def draw(n, seed=0):
    return list(np.random.default_rng(seed).integers(0, 255, (n, 4, 4, 3), dtype=np.uint8))


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_images_are_found_by_their_content(tmp_path, n_jobs):
    arrays = draw(5)
    paths = [tmp_path / f"{i}.png" for i in range(2)]
    for path, array in zip(paths, arrays):
        Image.fromarray(array).save(path)
    copy = tmp_path / "copy.png"
    copy.write_bytes(paths[0].read_bytes())
    text = digest_images([*paths, *arrays[3:]], n_jobs)
    asked = [copy, arrays[4], arrays[2], paths[1]]
    found = find_trained_on(text, [LoadedImage(image).digest for image in asked])
    assert found.tolist() == [True, True, False, True] and count_digests(text) == 4


def test_the_order_and_copies_have_no_effect():
    images = draw(4)
    assert digest_images(images) == digest_images([*images[::-1], images[0]])


def test_nothing_is_found_without_digests():
    assert not find_trained_on("", [LoadedImage(image).digest for image in draw(2)]).any()
    assert count_digests("") == 0 and is_digests("")


def test_a_card_of_many_images_is_not_too_large():
    digests = np.random.default_rng(0).bytes(16 * 100_000)
    text = write_digests(digests[i:i + 16] for i in range(0, len(digests), 16))
    assert count_digests(text) == 100_000 and len(json.dumps({"trained_on": text})) < MAX_CARD_BYTES / 8


@pytest.mark.parametrize("value", ["abc", "ab=d" * 2, "äbcdefgh", "a b c d ", 12345678, None, ["a"]])
def test_other_values_are_refused(value):
    assert not is_digests(value)
    with pytest.raises(ValueError, match="net.card.json: trained_on: expected the digests of images, .* got"):
        check_fields({"trained_on": value}, "net.card.json")


def test_a_wrong_value_is_shortened():
    with pytest.raises(ValueError) as error:
        check_fields({"trained_on": "?" * 8_000}, "net.card.json")
    assert len(str(error.value)) < 700
