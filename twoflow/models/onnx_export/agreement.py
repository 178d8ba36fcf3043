"""Compare an exported graph with the model that it was exported from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...images import LoadedImage
from ...images.reading import Source
from ...networks.runtime import load_onnxruntime

if TYPE_CHECKING:
    from onnx import ModelProto


class Agreement(NamedTuple):
    """How far the answers of a graph are those of its model. All targets are counted together.

    Attributes
    ----------
    n_answers : int
        The number of images times the number of targets; a tree of classes is one target.
    n_same : int
        How many answers name the same class; with a tree, the same node after fallback.
    largest, mean : float
        The largest and the mean absolute difference of a probability, of all targets or levels.
    """

    n_answers: int
    n_same: int
    largest: float
    mean: float


def compare(graph: ModelProto, model: Any, images: Sequence[Source]) -> Agreement:
    """Compare the answers of a graph and of its model for the same images.

    Parameters
    ----------
    graph : onnx.ModelProto
        What `export_onnx` returns.
    model : estimator
        The fitted model.
    images : sequence of images
        At least one. Both get the upright sRGB pixels; the model decodes a large JPEG at a fraction of its size, as
        always.

    Raises
    ------
    ImageReadError
        For the first image that cannot be read.
    """
    onnxruntime = load_onnxruntime()
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    answers = [dict(zip(names, session.run(None, {"image": np.asarray(LoadedImage(image).rgb)}))) for image in images]
    metadata = {entry.key: entry.value for entry in graph.metadata_props}
    outputs = json.loads(metadata["card"])["outputs"].values()
    expected = model.predict_proba(images)
    pairs = list(zip(
        expected if isinstance(expected, list) else [expected],
        [np.stack([answer[name] for answer in answers]) for name in outputs], strict=True,
    ))
    differences = np.concatenate([np.abs(own - exported).ravel() for own, exported in pairs])
    if "tree" in metadata:
        nodes = [*map(tuple, json.loads(metadata["tree"])["nodes"]), ()]
        are_same = [nodes[int(answer["node"][0])] == path for answer, path in zip(answers, model.predict_path(images))]
    else:
        are_same = [same for own, exported in pairs for same in own.argmax(axis=1) == exported.argmax(axis=1)]
    return Agreement(len(are_same), int(np.sum(are_same)), float(differences.max()), float(differences.mean()))
