"""Run an ONNX graph with onnxruntime: one image at a time on the processor, or batches on an accelerator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from .limits import limit_memory, time_limit
from .onnx import is_predictable
from .providers import ACCELERATORS, CPU
from .runtime import load_onnxruntime, onnxruntime_errors

if TYPE_CHECKING:
    from onnx import ModelProto
    from onnxruntime import SessionOptions

#: Takes images as float32 of shape (n, 3, height, width); returns the outputs of the layers.
Forward = Callable[[np.ndarray], Sequence[np.ndarray]]


def start_graph(
    graph: ModelProto, layers: Sequence[str], n_threads: int = 1, provider: str = CPU, batch: int = 1
) -> Forward:
    """Open an ONNX graph.

    Parameters
    ----------
    graph : ModelProto
        With one input, float32 of shape (1, 3, height, width).
    layers : sequence of str
        The outputs to compute.
    n_threads : int
        How many threads of the processor a run may use; 1 by default.
    provider : str
        "cpu", the default, or a key of `ACCELERATORS`.
    batch : int
        How many images each run takes; 1 by default.

    Returns
    -------
    callable
        The first run ends after `limits.MAX_SECONDS`, and each run of a graph whose cost may depend on the image.

    Raises
    ------
    ValueError
        If onnxruntime cannot run the graph, or cannot start the provider.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal only: its errors are raised anyway, its warnings concern its own optimizer
    # On x86 processors without VNNI, the default kernels for 8-bit integers are fast but saturate. This chooses exact
    # ones.
    options.add_session_config_entry("session.x64quantprecision", "1")
    is_fixed = is_predictable(graph)
    if not is_fixed:
        limit_memory(options)
    with onnxruntime_errors():
        session = onnxruntime.InferenceSession(
            _with_batch(graph, batch).SerializeToString(), options, providers=_providers(provider, options),
            enable_fallback=0,  # it would print the error on stdout, then try the same provider again
        )
        source = session.get_inputs()[0].name
    if provider != CPU and ACCELERATORS[provider].execution not in session.get_providers():
        raise InputError(f"onnxruntime cannot start {provider}; install the driver and the libraries that it needs")
    is_known, one_at_a_time = False, Lock()

    def run(pixels: np.ndarray) -> Sequence[np.ndarray]:
        nonlocal is_known
        with onnxruntime_errors():
            if is_known:
                return session.run(layers, {source: pixels})
            with time_limit() as limited:
                outputs = session.run(layers, {source: pixels}, limited)
            is_known = is_fixed
            return outputs

    def run_alone(pixels: np.ndarray) -> Sequence[np.ndarray]:
        with one_at_a_time:  # DirectML demands it, and other accelerators gain nothing from threads
            return run(pixels)

    return run if provider == CPU else run_alone


def _with_batch(graph: ModelProto, batch: int) -> ModelProto:
    """Return the graph for this many images at a time; its layers may still be made for one."""
    if batch == 1:
        return graph
    copy = type(graph)()
    copy.CopyFrom(graph)
    copy.graph.input[0].type.tensor_type.shape.dim[0].dim_value = batch
    return copy


def _providers(provider: str, options: SessionOptions) -> list:
    """Return the providers for a session; the processor comes last and computes what the accelerator cannot."""
    if provider == CPU:
        return ["CPUExecutionProvider"]
    if provider == "directml":
        options.enable_mem_pattern = False  # DirectML demands it
    return [(ACCELERATORS[provider].execution, dict(ACCELERATORS[provider].options)), "CPUExecutionProvider"]
