import numpy as np
import pytest

from twoflow import CNNEmbedding, ColorHistogram, FlowUnion, LBPHistogram, PixelProjection, RawPixels
from twoflow.errors import InputError

from ...networks.onnx.files import node, write
from .running import graph_of_flow, run

SMALL = {"input_size": (64, 48)}
#: Flows, and how far a feature may be off. Pixels may differ by 1 of 255 after resizing.
FLOWS = {
    "pixels": (RawPixels((20, 10)), 1.01 / 255),
    "projection": (PixelProjection(24, (64, 48), random_state=0), 0.2),
    "projection-dense": (PixelProjection(4, (8, 6), density=1.0, random_state=0), 0.2),
    "vector": (CNNEmbedding(), 0.05),
    "vector-mirror": (CNNEmbedding(preprocessing=SMALL, views="mirror"), 0.05),
    "mean-grid": (CNNEmbedding(layer="stage3", grid=2, views="mirror", preprocessing=SMALL), 0.05),
    "max": (CNNEmbedding(layer="stage2", pooling="max", preprocessing=SMALL), 0.1),
    "gem-five-crop": (CNNEmbedding(layer="stage1", pooling="gem", views="five-crop", preprocessing=SMALL), 0.1),
    "covariance": (CNNEmbedding(layer="stage4", pooling="covariance"), 2e-3),
    "covariance-few": (CNNEmbedding(layer="stage5", pooling="covariance", preprocessing=SMALL), 2e-3),
    "covariance-mirror-grid": (
        CNNEmbedding(layer="stage2", pooling="covariance", n_channels=9, grid=2, views="mirror", preprocessing=SMALL),
        2e-3,
    ),
    "hsv": (ColorHistogram("hsv", (12, 3, 3), (3, 3), size=64), 0.01),
    "lab": (ColorHistogram("lab", (4, 8, 8), (2, 3), size=64), 0.01),
    "rgb": (ColorHistogram("rgb", (5, 2, 3), size=64), 0.01),
    "union": (FlowUnion([("a", RawPixels((2, 2))), ("b", FlowUnion([("c", RawPixels((3, 2)))]))]), 1.01 / 255),
}


@pytest.mark.parametrize("flow, tolerance", FLOWS.values(), ids=FLOWS)
def test_a_graph_computes_what_the_flow_computes(flow, tolerance, shop):
    images = list(shop)[:8:2]
    expected = flow.fit(images).transform(images)
    found = run(graph_of_flow(flow), images)
    assert found.shape == expected.shape and found.dtype == np.float32
    assert np.abs(found - expected).max() <= tolerance


@pytest.mark.parametrize("flow", [flow for name, (flow, _) in FLOWS.items() if "five-crop" not in name],
                         ids=[name for name in FLOWS if "five-crop" not in name])
def test_without_resizing_only_rounding_is_left(flow):
    network = getattr(flow, "network", None) and (flow.preprocessing or {"input_size": (224, 224)})["input_size"]
    size = network or getattr(flow, "size", (2, 2))
    width, height = size if isinstance(size, tuple) else (size, size)
    if isinstance(flow, FlowUnion):
        flow = FlowUnion([("a", RawPixels((width, height)))])
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    image[: height // 2] = image[:1, :1]  # and something flat
    expected = flow.fit([image]).transform([image])
    scale = np.abs(expected).max()
    assert np.abs(run(graph_of_flow(flow), [image]) - expected).max() <= 1e-3 * scale


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (400, 3), (64, 48), (30, 30), (1000, 700)])
def test_resizing_differs_by_one_of_255_in_few_values(size):
    width, height = size
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    flow = RawPixels((64, 48)).fit([image])
    difference = np.abs(run(graph_of_flow(flow), [image]) - flow.transform([image])) * 255
    assert difference.max() < 2.01 and (difference > 0.5).mean() < 0.01


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
        assert np.abs(run(model, shop[:4]) - flow.transform(shop[:4])).max() < 2e-3


def test_two_networks_keep_their_names_apart(tmp_path, shop):
    paths = [write(tmp_path / f"net{seed}.onnx", [], outputs=["map"], seed=seed) for seed in (0, 1)]
    flow = FlowUnion([(f"n{i}", CNNEmbedding(path, "map", pooling="max")) for i, path in enumerate(paths)]).fit(shop)
    assert np.abs(run(graph_of_flow(flow), shop[:4]) - flow.transform(shop[:4])).max() < 0.2


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
    assert np.allclose(found, expected, rtol=0.02)


def test_a_map_that_is_constant_gives_zeros():
    image = np.full((48, 64, 3), 127, np.uint8)
    flow = CNNEmbedding(layer="stem", pooling="covariance", preprocessing=SMALL, grid=2).fit([image])
    expected = flow.transform([image])
    found = run(graph_of_flow(flow), [image])
    assert np.isfinite(found).all() and np.abs(found - expected).max() < 2e-3


@pytest.mark.parametrize("flow, names", [
    (LBPHistogram(), "LBPHistogram"),
    (CNNEmbedding(layer="stage1", precision="int8"), "precision='int8'"),
], ids=["lbp", "int8"])
def test_a_flow_that_cannot_be_exported_is_named(flow, names, shop):
    with pytest.raises(InputError, match=names) as caught:
        graph_of_flow(flow.fit(shop))
    assert "\n" not in str(caught.value)
