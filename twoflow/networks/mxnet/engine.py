"""Run MXNet networks with MXNet itself, an extra. The tests compare `convert` with it.

MXNet is archived upstream. Its last release, 1.9.1, is older than the numpy that it is used with. No other file imports
it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np

from ...errors import InputError, MissingExtraError
from ..network import Checkpoint
from .symbol import write_repaired


def load_mxnet() -> Any:
    """Import MXNet.

    Returns
    -------
    module

    Raises
    ------
    ModuleNotFoundError
        If MXNet is not installed or cannot be imported. The message says how to install it.
    """
    # numpy 1.24 removed this name and numpy 2.0 has it again. MXNet uses it when it is imported and later too.
    if "bool" not in vars(np):
        setattr(np, "bool", bool)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MXNet uses names that numpy has moved
            import mxnet
    except (ImportError, AttributeError, OSError) as error:  # numpy 2 lacks a name, or the system lacks a library
        raise MissingExtraError(
            f'engine="mxnet" needs MXNet 1.9, numpy < 2 and Python < 3.13 ({error}): pip install "twoflow[mxnet]"'
        ) from error
    return mxnet


class MXNetForward:
    """The forward pass of a network, up to the last of the wanted layers.

    Threads may share it, but they wait for each other: MXNet runs one image at a time, on threads of its own.

    Parameters
    ----------
    checkpoint : Checkpoint
        The files of the network.
    input_size : (int, int)
        Width and height in pixels.
    layers : sequence of str
        The layers to compute, keys of `checkpoint.layers`.

    Raises
    ------
    ModuleNotFoundError
        If MXNet is not installed or cannot be imported.
    ValueError
        If MXNet cannot run the network. A call raises it too.
    """

    def __init__(self, checkpoint: Checkpoint, input_size: tuple[int, int], layers: Sequence[str]) -> None:
        self._mxnet = load_mxnet()
        self._checkpoint = checkpoint
        self._running = Lock()
        with self._errors():
            self._bind(input_size, layers)

    def __call__(self, pixels: np.ndarray) -> list[np.ndarray]:
        """Compute the outputs of the layers for float32 `pixels` of shape (1, 3, height, width)."""
        with self._running, self._errors():
            self._inputs[self._checkpoint.input] = self._mxnet.nd.from_numpy(pixels, zero_copy=False)
            outputs = self._operator(*self._inputs.values())
            # MXNet returns a single output without a list. It computes late: an error in the pass is raised here,
            # where the values are read.
            return [output.asnumpy() for output in (outputs if isinstance(outputs, list) else [outputs])]

    def _bind(self, input_size: tuple[int, int], layers: Sequence[str]) -> None:
        mxnet, checkpoint = self._mxnet, self._checkpoint
        text, parameters = checkpoint.read()
        every = mxnet.sym.load_json(write_repaired(text.data)).get_internals()
        symbol = mxnet.sym.Group([every[f"{checkpoint.layers[layer]}_output"] for layer in layers])
        values = {
            name.removeprefix("arg:").removeprefix("aux:"): array.astype("float32")
            for name, array in mxnet.nd.load_frombuffer(parameters.data).items()
        }
        shapes, *_ = symbol.infer_shape(**{checkpoint.input: (1, 3, *reversed(input_size))})
        for name, shape in zip(symbol.list_arguments(), shapes):
            # The image is set at each call. A label can be zero, because no output depends on it.
            values.setdefault(name, mxnet.nd.zeros(shape))
        self._inputs = {name: values[name] for name in symbol.list_inputs()}
        # Symbol.bind would fuse operators and so compute wrong values for inner layers: MXNet 1.9.1 gives other values
        # under MXNET_SUBGRAPH_BACKEND=NONE.
        self._operator = mxnet.nd.CachedOp(symbol)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._mxnet.base.MXNetError as error:
            message = str(error).strip().splitlines()[-1]  # the lines above it are MXNet's stack trace
            raise InputError(f"{self._checkpoint.symbol}: MXNet cannot run it: {message}") from error
