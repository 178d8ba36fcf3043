"""MXNet itself as the engine that runs MXNet networks: an extra, and what `mxnet_convert` is held against.

MXNet is archived upstream. Its last release, 1.9.1, is older than the numpy it is used with, and is imported here only.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from ...errors import InputError, MissingExtraError
from ..content import Content
from .symbol import write_repaired


class Checkpoint(NamedTuple):
    """The two files of an MXNet network, what reads them, and its names in them."""

    symbol: Path
    read: Callable[[], Sequence[Content]]  # symbol and parameters; ValueError if they have changed
    input: str
    layers: Mapping[str, str]


def load_mxnet() -> Any:
    """Import MXNet.

    Raises
    ------
    ModuleNotFoundError
        If it is not installed or cannot be imported, the message giving the line that mends it.
    """
    # Taken away in numpy 1.24, come back in 2.0, and used by MXNet not only while it is imported.
    if "bool" not in vars(np):
        setattr(np, "bool", bool)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about names that numpy has long given other places
            import mxnet
    except (ImportError, AttributeError, OSError) as error:  # a name that numpy 2 lacks, a library that Linux lacks
        raise MissingExtraError(
            f'engine="mxnet" needs MXNet 1.9, numpy < 2 and Python < 3.13 ({error}): pip install "twoflow[mxnet]"'
        ) from error
    return mxnet


class MXNetForward:
    """The forward pass of a network, up to the last of the wanted layers.

    Threads may share it, and wait for each other: MXNet runs one image at a time, on threads of its own.

    Parameters
    ----------
    checkpoint : Checkpoint
    input_size : (int, int)
        Width and height in pixels.
    layers : sequence of str
        Keys of `checkpoint.layers`.

    Raises
    ------
    ModuleNotFoundError
        As `load_mxnet` does.
    ValueError
        If MXNet cannot run the network; so does a call.
    """

    def __init__(self, checkpoint: Checkpoint, input_size: tuple[int, int], layers: Sequence[str]) -> None:
        self._mxnet = load_mxnet()
        self._checkpoint = checkpoint
        self._running = Lock()
        with self._errors():
            self._bind(input_size, layers)

    def __call__(self, pixels: np.ndarray) -> list[np.ndarray]:
        """The layers' outputs for float32 `pixels` of shape (1, 3, height, width)."""
        with self._running, self._errors():
            self._inputs[self._checkpoint.input] = self._mxnet.nd.from_numpy(pixels, zero_copy=False)
            outputs = self._operator(*self._inputs.values())
            # A single one comes bare. What goes wrong in the pass comes up here, where its values are asked for.
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
            values.setdefault(name, mxnet.nd.zeros(shape))  # the image, and a label, which no output depends on
        self._inputs = {name: values[name] for name in symbol.list_inputs()}
        # Symbol.bind would fuse operators, and get inner layers wrong that way: MXNet 1.9.1 itself gives other values
        # under MXNET_SUBGRAPH_BACKEND=NONE.
        self._operator = mxnet.nd.CachedOp(symbol)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self._mxnet.base.MXNetError as error:
            message = str(error).strip().splitlines()[-1]  # above it, the stack
            raise InputError(f"{self._checkpoint.symbol}: MXNet cannot run it: {message}") from error
