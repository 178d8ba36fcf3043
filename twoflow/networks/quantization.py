"""A network's graph in 8-bit integers: half the time an image, for features that are nearly the same."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .files import Network
from .quantized import QuantizedNetwork, cosine
from .runtime import load_onnxruntime
from .session import start_quantized, start_session

if TYPE_CHECKING:
    from onnxruntime.quantization import CalibrationDataReader


def quantize(network: Network, layer: str, images: np.ndarray) -> tuple[QuantizedNetwork, float]:
    """Quantize a network up to a layer, its ranges taken from images.

    Weights become signed 8-bit integers with a scale for each output channel, activations unsigned ones between the
    least and the largest value that the images give (static quantization).

    Parameters
    ----------
    network : Network
    layer : str
    images : ndarray of shape (n, height, width, 3) and dtype uint8
        RGB, of the card's input size; a few dozen like those that it will see.

    Returns
    -------
    QuantizedNetwork
    float
        The mean cosine between its output and the network's own for `images`.
    """
    graph = _quantize_graph(network, layer, images)
    exact, quantized = start_session(network, (layer,)), start_quantized(graph, network, layer)
    outputs = [exact.run(pixels)[layer].ravel() for pixels in images]
    cosines = [cosine(one, quantized.run(pixels)[layer].ravel()) for one, pixels in zip(outputs, images)]
    median = int(np.argsort(cosines)[len(cosines) // 2])
    probe = QuantizedNetwork(graph, images[median].tobytes(), outputs[median].tobytes(), cosines[median])
    return probe, float(np.mean(cosines))


def _quantize_graph(network: Network, layer: str, images: np.ndarray) -> bytes:
    load_onnxruntime()
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static

    graph = network.build((layer,))
    # Says that the graph is as it should be; there are no shapes to infer and nothing to fuse before quantizing.
    graph.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
    inputs = [{graph.graph.input[0].name: network.card.preprocess(pixels)} for pixels in images]
    with tempfile.TemporaryDirectory(prefix="twoflow-int8-") as folder, _logging_untouched():
        path = Path(folder, "quantized.onnx")
        quantize_static(
            graph, path, _reader(inputs), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
        )
        return path.read_bytes()


@contextmanager
def _logging_untouched() -> Iterator[None]:
    """onnxruntime logs with the functions that, where nobody has configured logging, do so for the whole process."""
    handler = logging.NullHandler()
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def _reader(inputs: Sequence[dict[str, np.ndarray]]) -> CalibrationDataReader:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._left = iter(inputs)

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self._left, None)

    return Reader()
