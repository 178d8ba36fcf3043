import subprocess
import sys

import numpy as np
import pytest
from sklearn.random_projection import SparseRandomProjection

from twoflow import ImageReadError, PixelProjection, RawPixels


def test_raw_pixels_are_the_image():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    features = RawPixels(size=(7, 5)).fit_transform([image])
    np.testing.assert_allclose(features.reshape(5, 7, 3) * 255, image, atol=1e-4)


@pytest.mark.parametrize("density", ["auto", 0.05, 1.0])
def test_the_projection_is_that_of_scikit_learn(shop, density):
    size = (80, 60)
    pixels = RawPixels(size).fit_transform(shop)
    expected = SparseRandomProjection(40, density=density, random_state=3).fit_transform(pixels)
    found = PixelProjection(40, size, density=density, random_state=3).fit_transform(shop)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_the_papers_size_touches_an_eighth_of_the_values(shop):
    projection = PixelProjection(random_state=0).fit(shop)
    assert projection.components_.shape == (128, len(projection.columns_))
    assert 0.12 < len(projection.columns_) / (640 * 480 * 3) < 0.13  # 1 - (1 - 1/960)^128 = 0.125


def test_distances_are_kept(shop):
    """Johnson-Lindenstrauss: the projection is there to keep distances between images."""
    pixels = RawPixels((64, 48)).fit_transform(shop)
    projected = PixelProjection(1024, (64, 48), random_state=0).fit_transform(shop)
    i, j = np.triu_indices(len(shop), 1)
    ratios = np.linalg.norm(projected[i] - projected[j], axis=1) / np.linalg.norm(pixels[i] - pixels[j], axis=1)
    assert 0.75 < ratios.min() and ratios.max() < 1.25


@pytest.mark.parametrize("flow", [RawPixels, PixelProjection])
@pytest.mark.parametrize("size", [(0, 5), (5,), (2.5, 4), ("a", "b")])
def test_bad_sizes(flow, size, shop):
    with pytest.raises(ValueError, match="size must be two positive integers"):
        flow(size=size).fit(shop)


@pytest.mark.parametrize("bad", [{"n_components": 0}, {"density": 0}, {"density": "dense"}, {"random_state": "x"}])
def test_bad_projections(bad, shop):
    with pytest.raises(ValueError, match=f"'{next(iter(bad))}' parameter"):
        PixelProjection(**bad).fit(shop)


def test_memory_does_not_grow_with_the_images(tmp_path, shop):
    """The table of all pixels would take 3.7 MB an image; 300 images must cost less than ten such rows."""
    script = """
import resource, sys
from twoflow import PixelProjection, make_shop
paths = make_shop(2, 10, image_size=(640, 480), folder=sys.argv[1], random_state=0).paths
flow = PixelProjection(random_state=0).fit(paths)
flow.transform(paths)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
flow.transform(paths * 15)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 37


def test_real_photos_whose_names_lie(data):
    """Palette PNG named .jpg."""
    files = sorted((data / "sneakers/images").rglob("*.jpg"))
    liars = [path for path in files if path.read_bytes()[:4] == b"\x89PNG"]
    assert len(liars) == 2
    features = PixelProjection(16, (64, 48), random_state=0).fit_transform(liars)
    assert np.isfinite(features).all() and (features[0] != features[1]).any()


def test_an_early_end_comes_without_advice(shop):
    """joblib would warn, an error here, that some of the work was given out for nothing."""
    with pytest.raises(ImageReadError, match="none.jpg"):
        RawPixels((4, 3), n_jobs=2).fit_transform(["none.jpg", *shop.images * 8])
