"""Quantize a network to 8-bit integers: it takes half the time, and its features stay nearly the same."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .network import Network
from .quantized_network import QuantizedNetwork, cosine
from .runtime import load_onnxruntime
from .session import start_quantized, start_session

if TYPE_CHECKING:
    from onnxruntime.quantization import CalibrationDataReader


def quantize(network: Network, layer: str, images: np.ndarray) -> tuple[QuantizedNetwork, float]:
    """Quantize a network up to a layer, calibrated on images.

    This is static quantization. Weights become signed 8-bit integers, with one scale for each output channel.
    Activations become unsigned 8-bit integers, whose range runs from the least to the largest value that the
    calibration images give.

    Parameters
    ----------
    network : Network
    layer : str
        A layer on the network's card.
    images : ndarray of shape (n, height, width, 3) and dtype uint8
        The calibration images: RGB, of the card's input size. A few dozen are enough, if they are like the images
        that the network will see.

    Returns
    -------
    QuantizedNetwork
    float
        The mean cosine between the outputs of the quantized network and of the float network for `images`.
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
    # The mark says that the graph needs no pre-processing: there are no shapes to infer and nothing to fuse. Without
    # it, onnxruntime logs a warning.
    graph.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
    inputs = [{graph.graph.input[0].name: network.card.preprocess(pixels)} for pixels in images]
    with tempfile.TemporaryDirectory(prefix="twoflow-int8-") as folder, _keep_logging():
        path = Path(folder, "quantized.onnx")
        quantize_static(
            graph, path, _reader(inputs), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
        )
        return path.read_bytes()


@contextmanager
def _keep_logging() -> Iterator[None]:
    """Keep onnxruntime from configuring logging for the whole process.

    It logs through ``logging.info`` and the like, which configure the root logger if it has no handler yet.
    """
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
