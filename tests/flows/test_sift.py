import pickle
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from twoflow import FlowUnion, ImageReadError, RawPixels, SIFTBagOfWords
from twoflow.flows import sift
from twoflow.flows.sift import bag_of_words, sift_descriptors
from twoflow.images import UnreadableImagesWarning

SMALL = SIFTBagOfWords(12, size=48, random_state=0)
BLANK = np.full((48, 48, 3), 200, np.uint8)


def square(shop, i=0, size=160):
    return shop.images[i][:size, :size]


def test_dense_descriptors_are_those_of_opencv(shop):
    import cv2

    gray = cv2.cvtColor(square(shop, size=80), cv2.COLOR_RGB2GRAY)
    pixels = np.repeat(gray[:, :, None], 3, axis=2)
    # Cells of 1.5 keypoint sizes, 4 a side: a patch of 24 pixels is a keypoint of size 4.
    keypoints = [cv2.KeyPoint(x, y, 4, 0) for y in np.arange(3.5, 80, 8) for x in np.arange(3.5, 80, 8)]
    _, expected = cv2.SIFT_create().compute(gray, keypoints)
    np.testing.assert_array_equal(sift_descriptors(pixels), expected)


def test_keypoints_are_those_of_opencv(shop):
    import cv2

    gray = cv2.cvtColor(square(shop), cv2.COLOR_RGB2GRAY)
    _, expected = cv2.SIFT_create().detectAndCompute(gray, None)
    assert len(expected)
    np.testing.assert_array_equal(sift_descriptors(np.repeat(gray[:, :, None], 3, axis=2), "keypoints"), expected)


def test_mirrored_images_have_mirrored_descriptors(shop):
    """The grid is symmetric; within a patch columns change places, and direction i of 8 becomes direction 4 - i."""
    pixels = square(shop)
    found = sift_descriptors(np.ascontiguousarray(pixels[:, ::-1]), step=10).reshape(16, 16, 4, 4, 8)
    expected = sift_descriptors(pixels, step=10).reshape(16, 16, 4, 4, 8)
    expected = expected[:, ::-1, :, ::-1][..., (4 - np.arange(8)) % 8]
    assert np.abs(found - expected).mean() < 0.2 * expected.mean()  # the descriptor's cells are not quite symmetric


def test_words_are_counted_by_a_slow_loop(shop):
    flow = clone(SMALL).fit(shop)
    descriptors = sift_descriptors(square(shop, 5))
    counts = np.zeros(12)
    for descriptor in descriptors.astype(np.float64):
        counts[((flow.vocabulary_ - descriptor) ** 2).sum(axis=1).argmin()] += 1
    np.testing.assert_array_equal(bag_of_words(descriptors, flow.vocabulary_), counts)


def test_many_words_are_counted_in_parts():
    rng = np.random.default_rng(0)
    vocabulary = rng.integers(0, 256, (3000, 128)).astype(np.float32)
    words = rng.integers(0, 3000, 700)
    found = bag_of_words(vocabulary[words], vocabulary)
    np.testing.assert_array_equal(found, np.bincount(words, minlength=3000))


def test_weights_by_hand(shop):
    """Both weightings of one vocabulary, from counts and from the formula in the documentation of `idf_`."""
    plain = clone(SMALL).set_params(weighting="l1").fit(shop)
    weighted = clone(SMALL).fit(shop)
    np.testing.assert_array_equal(plain.vocabulary_, weighted.vocabulary_)
    shares = plain.transform(shop).astype(float)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    idf = np.log((1 + len(shop)) / (1 + (shares > 0).sum(axis=0))) + 1
    np.testing.assert_allclose(weighted.idf_, idf, rtol=1e-6)
    assert len(np.unique(idf)) > 1 and (plain.idf_ == 1).all()
    expected = shares * idf / np.linalg.norm(shares * idf, axis=1, keepdims=True)
    np.testing.assert_allclose(weighted.transform(shop), expected, rtol=1e-5)


def test_words_are_whole_numbers(shop):
    """Products of whole numbers this small are exact in float32, which is what makes the nearest word certain."""
    vocabulary = clone(SMALL).fit(shop).vocabulary_
    assert vocabulary.dtype == np.float32 and (vocabulary == np.rint(vocabulary)).all()
    assert vocabulary.min() >= 0 and (vocabulary**2).sum(axis=1).max() < 2**24


@pytest.mark.parametrize("detector", ["dense", "keypoints"])
@pytest.mark.parametrize("weighting", ["tf-idf", "l1"])
def test_an_image_without_words_is_a_row_of_zeros(detector, weighting, shop):
    flow = clone(SMALL).set_params(detector=detector, weighting=weighting, size=96, n_words=4).fit(shop)
    assert not flow.transform([BLANK]).any()
    assert sift_descriptors(BLANK, detector).shape == (0, 128)


def test_training_images_without_words_are_passed_over(shop):
    flow = clone(SMALL).fit([BLANK, *shop.images, BLANK])
    assert np.isfinite(flow.vocabulary_).all() and flow.vocabulary_.any(axis=1).all()


def test_too_few_descriptors_for_the_vocabulary():
    with pytest.raises(ValueError, match="n_words=12, but the 3 training images read give only 0 descriptors"):
        clone(SMALL).fit([BLANK] * 3)
    with pytest.raises(ValueError, match="lower n_words or use detector='dense'"):
        clone(SMALL).set_params(detector="keypoints").fit([BLANK] * 3)


def test_the_same_seed_learns_the_same_bytes(shop):
    expected = clone(SMALL).fit(shop)
    for n_jobs, n_threads in ((1, 1), (2, None), (2, 1)):
        with threadpool_limits(n_threads):
            found = clone(SMALL).set_params(n_jobs=n_jobs).fit(shop)
        np.testing.assert_array_equal(found.vocabulary_, expected.vocabulary_)
        np.testing.assert_array_equal(found.idf_, expected.idf_)
    other = clone(SMALL).set_params(random_state=1).fit(shop)
    assert (other.vocabulary_ != expected.vocabulary_).any()


def test_a_sample_bounds_what_is_read_and_kept(shop, monkeypatch):
    from sklearn.cluster import MiniBatchKMeans

    from twoflow.images import loaded_image as image

    read, learned = [], []
    open_reduced, fit = image.open_reduced, MiniBatchKMeans.fit
    monkeypatch.setattr(image, "open_reduced", lambda *args: read.append(args[1]) or open_reduced(*args))
    monkeypatch.setattr(MiniBatchKMeans, "fit", lambda self, X: learned.append(len(X)) or fit(self, X))
    clone(SMALL).set_params(max_images=5, max_descriptors=103).fit(shop)
    assert len(set(read)) == 5 and len(read) == 10  # once for the words, once for their weights
    assert learned == [100]  # 20 of each image's 36


def test_unreadable_training_images(shop):
    broken = [*shop.images[:20], b"text", *shop.images[21:]]
    for n_jobs in (1, 2):
        flow = clone(SMALL).set_params(n_jobs=n_jobs)
        with pytest.raises(ImageReadError, match=r"cannot read image 20 \(an image of 4 bytes\): not an image"):
            flow.fit(broken)
    with pytest.warns(UnreadableImagesWarning, match="1 of 32 images .* left out of the vocabulary: image 20"):
        flow.set_params(on_error="nan").fit(broken)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        rows = flow.transform(broken)
    assert len(caught) == 1 and np.isnan(rows[20]).all() and np.isfinite(np.delete(rows, 20, axis=0)).all()


def test_the_error_gives_the_position_among_all_images(shop):
    """A sample of the images is read, but an image's number is the caller's."""
    broken = [*shop.images[:31], b"text"]
    for seed in range(20):
        flow = clone(SMALL).set_params(max_images=16, random_state=seed)
        try:
            flow.fit(broken)
        except ImageReadError as error:
            assert error.name == "image 31 (an image of 4 bytes)"
            break
    else:
        pytest.fail("no sample held the last image")


def test_no_training_image_can_be_read():
    flow = clone(SMALL).set_params(on_error="nan")
    with pytest.warns(UnreadableImagesWarning), pytest.raises(ValueError, match="give only 0 descriptors"):
        flow.fit([b"text", "none.jpg"])


def test_in_a_union_the_unions_on_error_counts(shop):
    broken = [*shop.images[:20], b"text", *shop.images[21:]]
    members = [("pixels", RawPixels((2, 2))), ("sift", clone(SMALL))]
    with pytest.raises(ImageReadError, match="image 20"):
        FlowUnion(members).fit(broken)
    with pytest.warns(UnreadableImagesWarning):
        rows = FlowUnion(members, on_error="nan").fit_transform(broken)
    assert np.isnan(rows[20]).all() and np.isfinite(np.delete(rows, 20, axis=0)).all()
    assert FlowUnion(members).__sklearn_tags__().learns_from_data


def test_a_fitted_flow_is_small_and_holds_no_opencv(shop):
    assert len(pickle.dumps(clone(SMALL).fit(shop))) < 12 * 128 * 4 + 2000


@pytest.mark.parametrize(
    "parameters, message",
    [
        ({"n_words": 0}, "'n_words' parameter"),
        ({"detector": "harris"}, "'detector' parameter"),
        ({"weighting": "l2"}, "'weighting' parameter"),
        ({"step": 0}, "'step' parameter"),
        ({"patch_size": 2}, "'patch_size' parameter"),
        ({"size": 4}, "step=8 leaves no patch in size=4 pixels"),
        ({"max_descriptors": 100}, "n_words=256 cannot be learned from max_descriptors=100"),
        ({"max_images": 0}, "'max_images' parameter"),
        ({"random_state": "x"}, "'random_state' parameter"),
    ],
)
def test_bad_parameters(parameters, message, shop):
    with pytest.raises(ValueError, match=message):
        SIFTBagOfWords(**parameters).fit(shop)


def test_vocabularies_of_one_kind_share_the_descriptors(shop, monkeypatch):
    described = []
    monkeypatch.setattr(sift, "sift_descriptors", lambda *args: described.append(1) or sift_descriptors(*args))
    flows = {str(seed): SIFTBagOfWords(8, random_state=seed).fit(shop) for seed in (0, 1)}
    flows["other"] = SIFTBagOfWords(8, step=16, random_state=0).fit(shop)
    alone = np.hstack([flow.transform(shop) for flow in flows.values()])
    described.clear()
    assert (FlowUnion.of_fitted(flows).transform(shop) == alone).all()
    assert len(described) == 2 * len(shop)
