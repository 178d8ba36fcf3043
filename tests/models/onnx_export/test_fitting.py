"""Images of all proportions enter an exported network as they enter the network itself."""

import numpy as np
import pytest

from twoflow import CNNEmbedding
from twoflow.images import FILTERS, Fitting, LoadedImage
from twoflow.models.onnx_export import Graph, ImageInput, Output

from .running import graph_of_flow, run, start

SIZES = ((1, 1), (2, 1), (5, 7), (3, 700), (700, 3), (2000, 3), (64, 48), (162, 91), (37, 37), (320, 321))
FITTINGS = (
    Fitting((64, 48), "stretch"),
    Fitting((20, 17), "stretch", resize_size=(23, 20), rounding="even"),
    Fitting((33, 33), "crop", resize_size=(37, 37)),
    Fitting((32, 24), "crop", resize_size=(41, 27), rounding="even"),
    Fitting((40, 31), "pad", pad_color=(1, 2, 3)),
    Fitting((31, 40), "pad", resize_size=(43, 43), pad_color=(9, 2, 3), rounding="even"),
    Fitting((20, 20), "pad", resize_size=(7, 50)),
    Fitting((64, 96), "area"),
)


def photos():
    rng = np.random.default_rng(0)
    for width, height in SIZES:
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
        pixels[: height // 2] = np.where(pixels[: height // 2] > 127, 255, 0)  # sharp edges overshoot
        yield pixels


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("fitting", FITTINGS, ids=str)
def test_every_pixel_is_the_one_that_the_kit_makes(fitting, filter):
    fitting = fitting._replace(filter=filter)
    graph = Graph()
    pixels = graph.add("Flatten", graph.cast(ImageInput(graph, "image").fitted(fitting), np.float32), axis=0)
    n_values = "n_values" if fitting.fit == "area" else 3 * fitting.size[0] * fitting.size[1]
    output = graph.add("Squeeze", pixels, np.array([0]))
    session = start(graph.finish({"image": ("height", "width", 3)}, {"pixels": Output(output, n_values)}))
    for photo in photos():
        [found] = session.run(None, {"image": photo})
        assert (found == LoadedImage(photo).fitted(fitting).ravel()).all(), photo.shape


def test_a_fitting_is_computed_once():
    graph = Graph()
    image = ImageInput(graph, "image")
    assert image.fitted(Fitting((8, 6))) == image.resized((8, 6)) == image.resized([8, 6])
    assert image.fitted(Fitting((8, 6), "crop")) != image.resized((8, 6))


@pytest.mark.parametrize("preprocessing", [
    {"fit": "crop", "filter": "bilinear", "resize_size": (75, 59), "rounding": "even"},
    {"fit": "pad", "filter": "lanczos", "pad_color": (127, 127, 127)},
    {"fit": "area", "filter": "box"},
], ids=["crop", "pad", "area"])
@pytest.mark.parametrize("views", ["whole", "mirror", "five-crop"])
def test_a_network_with_a_fitting(preprocessing, views):
    if preprocessing["fit"] == "area" and views == "five-crop":
        pytest.skip("crops of images of different sizes are refused")
    photo_list = list(photos())
    flow = CNNEmbedding(
        layer="stage3", pooling="max", views=views, preprocessing={"input_size": (64, 48), **preprocessing}
    ).fit(photo_list)
    expected = flow.transform(photo_list)
    found = run(graph_of_flow(flow), photo_list)
    assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()
