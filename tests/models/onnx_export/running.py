"""Run graphs, and single parts of models as graphs."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

from twoflow.images import LoadedImage
from twoflow.models.onnx_export import Graph, ImageInput, Output, to_onnx


def pixels_of(images):
    """Return the pixels of images, as a program without twoflow would have them."""
    return [np.asarray(LoadedImage(image).rgb) for image in images]


def start(model):
    onnx.checker.check_model(model, full_check=True)
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def run(model, images):
    """Return the first output of a graph for each image, as one array."""
    session = start(model)
    return np.stack([session.run(None, {"image": pixels})[0] for pixels in pixels_of(images)])


def graph_of_flow(flow):
    """Export a fitted flow alone."""
    graph = Graph()
    row = to_onnx(flow, graph, ImageInput(graph, "image"))
    output = graph.add("Squeeze", row, np.array([0]))
    return graph.finish({"image": ("height", "width", 3)}, {"features": Output(output, flow.n_features_out)})


def run_part(part, rows):
    """Export a fitted selector or classifier of one target alone, and run it on each row of features."""
    found, = run_targets(part, rows)
    return found


def run_targets(part, rows):
    """Export a fitted selector or classifier alone, and run it on each row; return an array for each target."""
    graph = Graph()
    values = to_onnx(part, graph, "rows")
    values = values if isinstance(values, list) else [values]
    model = graph.finish({}, {f"out {i}": Output(value, 1) for i, value in enumerate(values)})
    model.graph.input.append(helper.make_tensor_value_info("rows", TensorProto.FLOAT, [1, rows.shape[1]]))
    for output in model.graph.output:
        output.CopyFrom(helper.make_empty_tensor_value_info(output.name))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return list(map(np.concatenate, zip(*(session.run(None, {"rows": row[None]}) for row in rows))))
