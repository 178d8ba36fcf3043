import numpy as np
import pytest
from PIL import Image

from twoflow import CNNEmbedding, ColorHistogram, FlowUnion, LBPHistogram, PixelProjection, RawPixels
from twoflow.errors import InputError
from twoflow.images.resizing import resize

from ...networks.onnx.nets import node, write
from .running import graph_of_flow, run, start

SMALL = {"input_size": (64, 48)}
AREA = {"input_size": (96, 96), "fit": "area"}
#: Flows, and how far a feature may be off, relative to the largest.
FLOWS = {
    "pixels": (RawPixels((20, 10)), 0),
    "projection": (PixelProjection(24, (64, 48), random_state=0), 1e-6),
    "projection-dense": (PixelProjection(4, (8, 6), density=1.0, random_state=0), 1e-6),
    "vector": (CNNEmbedding(), 1e-5),
    "vector-mirror": (CNNEmbedding(preprocessing=SMALL, views="mirror"), 1e-5),
    "mean-grid": (CNNEmbedding(layer="stage3", grid=2, views="mirror", preprocessing=SMALL), 1e-5),
    "max": (CNNEmbedding(layer="stage2", pooling="max", preprocessing=SMALL), 1e-5),
    "gem-five-crop": (CNNEmbedding(layer="stage1", pooling="gem", views="five-crop", preprocessing=SMALL), 1e-5),
    "covariance": (CNNEmbedding(layer="stage4", pooling="covariance"), 1e-3),
    "covariance-few": (CNNEmbedding(layer="stage5", pooling="covariance", preprocessing=SMALL), 1e-3),
    "covariance-mirror-grid": (
        CNNEmbedding(layer="stage2", pooling="covariance", n_channels=9, grid=2, views="mirror", preprocessing=SMALL),
        1e-3,
    ),
    "covariance-prior": (
        CNNEmbedding(layer="stage3", pooling="covariance", center_prior=0.3, views="five-crop", preprocessing=SMALL),
        1e-3,
    ),
    "area": (CNNEmbedding(preprocessing=AREA, views="mirror"), 1e-5),
    "area-gem": (CNNEmbedding(layer="stage3", pooling="gem", center_prior=0.3, preprocessing=AREA), 1e-5),
    "area-covariance": (
        CNNEmbedding(
            layer="stage4", pooling="covariance", n_channels=40, center_prior=0.3, views="mirror", preprocessing=AREA,
        ), 1e-3,
    ),
    "area-covariance-few": (
        CNNEmbedding(layer="stage5", pooling="covariance", center_prior=0.3, preprocessing=AREA), 1e-3,
    ),
    "hsv": (ColorHistogram("hsv", (12, 3, 3), (3, 3), size=64), 0),
    "lab": (ColorHistogram("lab", (4, 8, 8), (2, 3), size=64), 0),
    "rgb": (ColorHistogram("rgb", (5, 2, 3), size=64), 0),
    "union": (FlowUnion([("a", RawPixels((2, 2))), ("b", FlowUnion([("c", RawPixels((3, 2)))]))]), 0),
}


@pytest.mark.parametrize("flow, tolerance", FLOWS.values(), ids=FLOWS)
def test_a_graph_computes_what_the_flow_computes(flow, tolerance, shop):
    noise = np.random.default_rng(0).integers(0, 256, (90, 70, 3), np.uint8)
    images = [*list(shop)[:8:2], noise, noise[:1], noise[:, :2]]
    expected = flow.fit(images).transform(images)
    found = run(graph_of_flow(flow), images)
    assert found.shape == expected.shape and found.dtype == np.float32
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize("size", [(320, 320), (64, 48), (640, 480), (17, 33), (1, 1)])
def test_every_pixel_is_resized_as_the_kit_does(size):
    session = start(graph_of_flow(RawPixels(size)))
    rng = np.random.default_rng(0)
    for width, height in ((1, 1), (2, 1), (5, 7), (3, 700), (700, 3), (64, 48), (162, 91), (320, 320), (1013, 700)):
        pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
        pixels[: height // 2] = np.where(pixels[: height // 2] > 127, 255, 0)  # sharp edges overshoot
        [found] = session.run(None, {"image": pixels})
        assert (np.rint(found * 255) == resize(Image.fromarray(pixels), size).ravel()).all(), (width, height)


def test_flows_share_passes_views_and_constants(shop):
    one = CNNEmbedding(layer="stage3").fit(shop)
    two = FlowUnion([("a", CNNEmbedding(layer="stage3", views="mirror")),
                     ("b", CNNEmbedding(layer="stage2", pooling="max", views="mirror"))]).fit(shop)

    def count(model):
        return sum(node.op_type == "Conv" for node in model.graph.node)

    single, both = graph_of_flow(one), graph_of_flow(two)
    assert count(both) == 2 * count(single)  # a pass for each view
    assert both.ByteSize() < 1.2 * single.ByteSize()


def test_a_network_in_a_file_of_another_operator_set(tmp_path, shop):
    for opset in (13, 20):
        path = write(tmp_path / f"net{opset}.onnx", [node("GlobalAveragePool", "map", "pool"),
                                                     node("Flatten", "pool", "out")], opset=opset)
        flow = CNNEmbedding(path, "map", pooling="covariance").fit(shop)
        model = graph_of_flow(flow)
        assert [each.version for each in model.opset_import if not each.domain] == [max(opset, 18)]
        assert np.abs(run(model, shop[:4]) - flow.transform(shop[:4])).max() < 1e-3


def test_two_networks_keep_their_names_apart(tmp_path, shop):
    paths = [write(tmp_path / f"net{seed}.onnx", [], outputs=["map"], seed=seed) for seed in (0, 1)]
    flow = FlowUnion([(f"n{i}", CNNEmbedding(path, "map", pooling="max")) for i, path in enumerate(paths)]).fit(shop)
    assert np.abs(run(graph_of_flow(flow), shop[:4]) - flow.transform(shop[:4])).max() < 1e-3


def test_a_graph_inside_a_node(tmp_path, shop):
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    branches = {
        f"{name}_branch": helper.make_graph([node(operator, "map", "inner")], name, [],
                                            [value("inner", TensorProto.FLOAT, (1, 6, 4, 4))])
        for name, operator in (("then", "Neg"), ("else", "Exp"))
    }
    nodes = [node("ReduceSum", "map", "sum", keepdims=0), node("Greater", "sum sum", "condition"),
             node("If", "condition", "out", **branches)]
    path = write(tmp_path / "net.onnx", nodes)
    flow = CNNEmbedding(path, "out", pooling="mean", views="mirror").fit(shop)
    found, expected = run(graph_of_flow(flow), shop[:4]), flow.transform(shop[:4])
    assert np.allclose(found, expected, rtol=1e-4)


def test_a_map_that_is_constant_gives_zeros():
    image = np.full((48, 64, 3), 127, np.uint8)
    flow = CNNEmbedding(layer="stem", pooling="covariance", preprocessing=SMALL, grid=2).fit([image])
    expected = flow.transform([image])
    found = run(graph_of_flow(flow), [image])
    assert np.isfinite(found).all() and np.abs(found - expected).max() < 1e-3


def test_a_derived_flow_that_computes_something_else_is_refused(shop):
    class Inverted(RawPixels):
        def extract(self, image, n_threads):
            return 1 - super().extract(image, n_threads)

    class Renamed(RawPixels):
        feature_prefix = "own"

    with pytest.raises(InputError, match="Inverted has its own extract"):
        graph_of_flow(FlowUnion([("own", Inverted((4, 4)))]).fit(shop))
    assert graph_of_flow(FlowUnion([("own", Renamed((4, 4)))]).fit(shop)).graph.output


@pytest.mark.parametrize("flow, names", [
    (LBPHistogram(), "LBPHistogram"),
    (CNNEmbedding(layer="stage1", precision="int8"), "precision='int8'"),
], ids=["lbp", "int8"])
def test_a_flow_that_cannot_be_exported_is_named(flow, names, shop):
    with pytest.raises(InputError, match=names) as caught:
        graph_of_flow(flow.fit(shop))
    assert "\n" not in str(caught.value)
