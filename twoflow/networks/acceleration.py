"""Run a network on an accelerator: in batches, after a comparison with the processor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..errors import InputError
from .inference import Forward, start_graph
from .network import Network
from .quantized_network import cosine

#: Images a run. Larger batches gain little on an accelerator, and the last one of a collection is filled up.
BATCH = 8
#: How close the outputs of an accelerator must be to those of the processor. 16-bit floats reach 0.9999 in most layers.
LEAST_COSINE = 0.999


class Accelerated(NamedTuple):
    """A network on an accelerator.

    Attributes
    ----------
    forward : callable
        Takes float32 of shape (batch, 3, height, width).
    batch : int
        How many images a run takes: `BATCH`, or 1 if the graph was made for one image.
    agreement : float
        The least cosine of a layer to the processor's, over two images of noise.
    """

    forward: Forward
    batch: int
    agreement: float


def accelerate(network: Network, layers: Sequence[str], n_threads: int, provider: str) -> Accelerated:
    """Open a network on an accelerator, and compare it with the processor.

    Parameters
    ----------
    network : Network
    layers : sequence of str
    n_threads : int
        How many threads of the processor may compute what the accelerator cannot.
    provider : str
        A key of `ACCELERATORS`.

    Returns
    -------
    Accelerated
        A batch of `BATCH` images if all have one size and each gets its own outputs in it, otherwise one image at a
        time.

    Raises
    ------
    ValueError
        If onnxruntime cannot start the accelerator, or cannot run the network.
    """
    graph = network.build(layers)
    probes = _draw_probes(network)
    exact = start_graph(graph, layers, n_threads)
    expected = [exact(probe) for probe in probes]
    found: list[Accelerated] = []
    for batch in (1,) if network.card.varies else (BATCH, 1):
        try:
            forward = start_graph(graph, layers, n_threads, provider, batch)
            outputs = _run_probes(forward, probes, batch)
        except InputError:
            if batch == 1:
                raise
            continue  # the graph was made for one image
        cosines = [cosine(one.ravel(), other.ravel()) for pair in zip(expected, outputs) for one, other in zip(*pair)]
        agreement = float(np.min(cosines))  # NaN if any of them is
        found.append(Accelerated(forward, batch, agreement))
        if agreement >= LEAST_COSINE:
            break
    return found[-1]


def fill(images: np.ndarray, batch: int) -> np.ndarray:
    """Repeat the last image until there are `batch` images.

    All batches have the same size, so that an accelerator computes an image in the same way whatever is beside it.
    """
    return np.concatenate([images, np.repeat(images[-1:], batch - len(images), axis=0)])


def _draw_probes(network: Network) -> list[np.ndarray]:
    """Draw two different images of noise, as they enter the network."""
    width, height = network.card.input_size
    pixels = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), np.uint8)
    return [network.card.preprocess(each) for each in pixels]


def _run_probes(forward: Forward, probes: Sequence[np.ndarray], batch: int) -> list[list[np.ndarray]]:
    """Return the outputs of each probe; ValueError if outputs are not those of a batch."""
    if batch == 1:
        return [list(forward(probe)) for probe in probes]
    outputs = forward(fill(np.concatenate(probes), batch))
    if any(output.shape[:1] != (batch,) for output in outputs):
        raise InputError(f"expected outputs for {batch} images")
    return [[output[i:i + 1] for output in outputs] for i in range(len(probes))]
