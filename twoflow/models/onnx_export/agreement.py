"""Compare an exported graph with the model that it was exported from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...images import LoadedImage
from ...images.reading import Source
from ...networks.runtime import load_onnxruntime

if TYPE_CHECKING:
    from onnx import ModelProto


class Agreement(NamedTuple):
    """How far the probabilities of a graph are those of its model. All targets are counted together.

    Attributes
    ----------
    n_answers : int
        The number of images times the number of targets.
    n_same : int
        How many answers name the same class.
    largest, mean : float
        The largest and the mean absolute difference of a probability.
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
    answers = [session.run(None, {"image": np.asarray(LoadedImage(image).rgb)}) for image in images]
    expected = model.predict_proba(images)
    pairs = list(zip(expected if isinstance(expected, list) else [expected], map(np.stack, zip(*answers))))
    differences = np.concatenate([np.abs(own - exported).ravel() for own, exported in pairs])
    n_same = sum(int((own.argmax(axis=1) == exported.argmax(axis=1)).sum()) for own, exported in pairs)
    return Agreement(len(images) * len(pairs), n_same, float(differences.max()), float(differences.mean()))
