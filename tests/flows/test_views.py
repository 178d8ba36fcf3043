import numpy as np
import pytest

from twoflow import CNNEmbedding, FlowUnion
from twoflow.flows import cnn
from twoflow.flows.views import VIEWS
from twoflow.images import Fitting, LoadedImage
from twoflow.networks import open_session
from twoflow.networks.session import Session

SIZE = (96, 64)
PREPROCESSING = {"input_size": SIZE}


@pytest.fixture(scope="module")
def pixels(shop):
    """An image of the size that the network takes, so that nothing is resized."""
    return LoadedImage(shop.images[0]).resized(SIZE)


@pytest.fixture
def passed(monkeypatch):
    """The pixels of each pass over a network."""
    found, run = [], Session.run_many
    monkeypatch.setattr(Session, "run_many", lambda self, all_, *rest: found.extend(all_) or run(self, all_, *rest))
    return found


@pytest.mark.parametrize("parameters", [
    {"layer": "stage4"}, {"layer": "global_pool"}, {"layer": "stage5", "pooling": "max"},
    {"layer": "stage3", "pooling": "covariance"}, {"layer": "stage6", "pooling": "covariance"},
])
def test_an_image_and_its_mirror_image_have_the_same_features(pixels, parameters):
    flow = CNNEmbedding(**parameters, views="mirror", preprocessing=PREPROCESSING)
    one, other = flow.transform([pixels, pixels[:, ::-1].copy()])
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3 * np.abs(one).max())
    whole, mirrored = clone_whole(flow).transform([pixels, pixels[:, ::-1].copy()])
    assert np.abs(whole - mirrored).max() > 10 * np.abs(one - other).max(), "the network itself sees no difference"


@pytest.mark.parametrize("pooling", ["mean", "covariance"])
def test_cells_of_the_mirror_image_are_mirrored(pixels, pooling):
    """At a size whose maps are no multiple of the grid too."""
    flow = CNNEmbedding(layer="stage4", pooling=pooling, grid=3, views="mirror", preprocessing=PREPROCESSING)
    one, other = flow.transform([pixels, pixels[:, ::-1].copy()]).reshape(2, 3, 3, -1)
    np.testing.assert_allclose(one, other[:, ::-1], rtol=1e-3, atol=1e-3 * np.abs(one).max())
    assert np.abs(one - other).max() > 0.1 * np.abs(one).max()


def test_the_mean_over_an_image_and_its_mirror_image_is_that_of_their_means(pixels):
    for layer in ("stage2", "global_pool", "logits"):
        flow = CNNEmbedding(layer=layer, views="mirror", preprocessing=PREPROCESSING)
        both = clone_whole(flow).transform([pixels, pixels[:, ::-1].copy()])
        np.testing.assert_allclose(flow.transform([pixels])[0], both.mean(axis=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("entry", [
    {"fit": "crop", "filter": "box"}, {"fit": "pad", "pad_color": (90, 80, 70), "resize_size": (70, 80)},
], ids=["crop", "pad"])
def test_views_of_a_fitted_image(shop, entry):
    parameters = {"layer": "stage2", "preprocessing": {**PREPROCESSING, **entry}}
    fitting = CNNEmbedding(**parameters).open_network().card.fitting
    image = LoadedImage(shop.images[2][:, :50].copy())
    same = {"layer": "stage2", "preprocessing": PREPROCESSING}
    whole = image.fitted(fitting)
    large = image.fitted(fitting.enlarged(8 / 7))
    assert whole.shape == (64, 96, 3) and large.shape == (73, 110, 3)
    crops = [large[:64, :96], large[:64, -96:], large[-64:, :96], large[-64:, -96:], large[4:68, 7:103]]
    for views, parts in (("whole", [whole]), ("mirror", [whole, whole[:, ::-1]]), ("five-crop", crops)):
        expected = CNNEmbedding(**same).transform([part.copy() for part in parts]).mean(axis=0)
        found = CNNEmbedding(**parameters, views=views).transform([np.asarray(image.rgb)])[0]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    assert (whole != image.resized(SIZE)).any()


def test_8_bit_integers_take_their_ranges_from_fitted_images(shop, monkeypatch):
    entry = {**PREPROCESSING, "fit": "pad", "pad_color": (255, 0, 0)}
    flow = CNNEmbedding(layer="stage2", precision="int8", preprocessing=entry)
    seen = []
    monkeypatch.setattr(cnn, "quantize", lambda network, layer, pixels: seen.append(pixels) or (None, 1.0))
    images = [image[:, :30].copy() for image in shop.images[:3]]
    flow.fit(images)
    for image, pixels in zip(images, seen[0]):
        assert (LoadedImage(image).fitted(flow.network_card_.fitting) == pixels).all()
    assert (seen[0][:, :, 0] == (255, 0, 0)).all()


@pytest.mark.parametrize("layer", ["stage3", "head", "global_pool"])
def test_five_crops(shop, layer):
    large = LoadedImage(shop.images[1]).resized((round(96 * 8 / 7), round(64 * 8 / 7)))
    assert large.shape == (73, 110, 3)
    crops = [large[:64, :96], large[:64, -96:], large[-64:, :96], large[-64:, -96:], large[4:68, 7:103]]
    each = CNNEmbedding(layer=layer, preprocessing=PREPROCESSING).transform([crop.copy() for crop in crops])
    found = CNNEmbedding(layer=layer, views="five-crop", preprocessing=PREPROCESSING).transform(shop[1:2])[0]
    np.testing.assert_allclose(found, each.mean(axis=0), rtol=1e-4, atol=1e-5)


def test_a_pass_over_the_network_for_each_view(shop, passed):
    """However many layers, poolings and views of it are wanted."""
    make = lambda **parameters: CNNEmbedding(preprocessing=PREPROCESSING, **parameters)  # noqa: E731
    members = [
        ("a", make(layer="stage3")),
        ("b", make(layer="stage4", pooling="covariance", views="mirror")),
        ("c", make(layer="stage4", pooling="gem", grid=2, views="mirror")),
        ("d", make(views="five-crop")),
        ("e", make(layer="stage3", pooling="covariance", n_channels=4)),
    ]
    for names, n_passes in (("a", 1), ("ae", 1), ("b", 2), ("abce", 2), ("d", 5), ("abcde", 7)):
        passed.clear()
        union = FlowUnion([member for member in members if member[0] in names]).fit(shop)
        together = union.transform(shop[:2])
        assert len(passed) == 2 * n_passes, names
        assert all(each.shape == (64, 96, 3) for each in passed)
    for name, flow in members:
        assert (together[:, union.slices()[name]] == flow.transform(shop[:2])).all(), name


def test_networks_of_another_size_have_passes_of_their_own(shop, passed):
    sizes = [(64, 64), (64, 96), (224, 224), None]
    flows = [CNNEmbedding(layer="stage2", preprocessing=size and {"input_size": size}) for size in sizes]
    FlowUnion([(f"s{i}", flow) for i, flow in enumerate(flows)]).fit(shop).transform(shop[:1])
    assert sorted(each.shape for each in passed) == [(64, 64, 3), (96, 64, 3), (224, 224, 3)]


@pytest.mark.parametrize("views", VIEWS)
def test_views_in_8_bit_integers(shop, views, passed):
    """They pass through the graph of their own, whose ranges are of images of the size that it runs at."""
    flow = CNNEmbedding(
        layer="stage4", pooling="covariance", views=views, precision="int8", preprocessing=PREPROCESSING
    ).fit(shop)
    assert {each.shape for each in passed} == {(64, 96, 3)}
    flow.transform(shop[:1])  # whoever opens the graph first checks it, with a pass more
    passed.clear()
    features = flow.transform(shop[:3])
    assert len(passed) == 3 * len(VIEWS[views])
    exact = flow.set_params(precision="float32").transform(shop[:3])
    assert 0.9 < (features * exact).sum(axis=1).min() < 0.99999


def test_turned_back_where_they_were(pixels):
    mirror = VIEWS["mirror"][1]
    session = open_session("efficientnet-lite0", ("stage1", "logits"), preprocessing=PREPROCESSING)
    outputs = session.run(mirror.pixels(LoadedImage(pixels), Fitting(SIZE)))
    np.testing.assert_array_equal(mirror.turned_back(outputs["stage1"])[:, 3, 5], outputs["stage1"][:, 3, -6])
    assert mirror.turned_back(outputs["logits"]) is outputs["logits"]


def clone_whole(flow):
    return type(flow)(**{**flow.get_params(), "views": "whole"})
