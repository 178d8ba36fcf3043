import cv2
import numpy as np
import pytest
from onnx import TensorProto, helper

from twoflow.models.onnx_export import Graph, Output
from twoflow.models.onnx_export.color import CONVERSIONS, split

from .running import start


@pytest.mark.parametrize("space, conversion", [("lab", cv2.COLOR_RGB2LAB), ("hsv", cv2.COLOR_RGB2HSV_FULL)])
def test_every_color_is_converted_as_opencv_does(space, conversion):
    graph = Graph()
    channels = [graph.add("Unsqueeze", channel, np.array([2])) for channel in
                CONVERSIONS[space](graph, split(graph, "image"))]
    model = graph.finish({"image": (256, 256, 3)}, {"out": Output(graph.add("Concat", *channels, axis=2), 3)})
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("out", TensorProto.FLOAT, (256, 256, 3)))
    session = start(model)
    colors = np.stack(np.meshgrid(*[np.arange(256, dtype=np.uint8)] * 3, indexing="ij"), axis=-1)
    for plane in colors:
        assert (session.run(None, {"image": plane})[0] == cv2.cvtColor(plane, conversion)).all()
