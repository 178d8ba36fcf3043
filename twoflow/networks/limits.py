"""Limits of time and memory for graphs from files, which may be hostile.

A graph in a file can ask for anything: a loop that never ends, a tensor of 8 GB. `time_limit` ends a run, and
`limit_memory` makes a session fail where it would take too much; neither changes what a network computes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import Timer
from typing import TYPE_CHECKING

from ..errors import InputError
from .runtime import load_onnxruntime

if TYPE_CHECKING:
    from onnxruntime import InferenceSession, RunOptions, SessionOptions

#: Seconds that one image may take. The largest networks for photos, of 10**12 multiplications, take 20 s on two cores.
MAX_SECONDS = 60.0
#: Bytes that the values of a run may take, besides the weights. The largest networks for photos take 1 to 2 GiB, and
#: a laptop has 8 GiB.
MAX_MEMORY = 2**32


@contextmanager
def time_limit() -> Iterator[RunOptions]:
    """Give the options of a run that ends after `MAX_SECONDS`, between two nodes or two rounds of a loop.

    Yields
    ------
    RunOptions

    Raises
    ------
    ValueError
        If the run had to be ended, or took more memory than it may.
    """
    options = load_onnxruntime().RunOptions()
    options.log_severity_level = 4
    timer = Timer(MAX_SECONDS, setattr, (options, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        yield options
    except Exception as error:  # onnxruntime's errors have no common base class
        if options.terminate:
            raise InputError(
                f"expected a network that takes at most {MAX_SECONDS:g} s for an image, got one that had not ended by "
                "then; use a smaller network, or one without an endless loop"
            ) from error
        if any(text in str(error) for text in _OUT_OF_MEMORY):
            raise too_large() from error
        raise
    finally:
        timer.cancel()


def limit_memory(options: SessionOptions) -> None:
    """Make a session fail where its values would take more than `MAX_MEMORY`.

    All sessions of the process with this limit share the memory.
    """
    _make_arena(MAX_MEMORY)
    options.add_session_config_entry("session.use_env_allocators", "1")


def limited_session(graph: bytes) -> InferenceSession:
    """Open a session on the CPU for a single run of an unknown graph, within the limits and without optimizing it.

    Optimizing computes what depends on no input in advance, where no limit of time holds.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    limit_memory(options)
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"], enable_fallback=0)


def too_large() -> InputError:
    """Return the error for a graph that takes more than `MAX_MEMORY`."""
    return InputError(
        f"expected a network whose values take at most {MAX_MEMORY >> 20} MiB for an image, got one that takes more; "
        "use a smaller network or a smaller input_size"
    )


#: What onnxruntime's errors say when memory is at its limit, or at the machine's.
_OUT_OF_MEMORY = ("Available memory of", "Failed to allocate memory", "bad allocation", "bad_alloc")


@lru_cache(maxsize=1)
def _make_arena(limit: int) -> None:
    """Give the process an arena of limited size; sessions use it only if they ask for it."""
    onnxruntime = load_onnxruntime()
    arena = onnxruntime.OrtArenaCfg({
        "max_mem": limit,
        "arena_extend_strategy": 1,  # as requested, rather than the next power of two
    })
    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    memory = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    onnxruntime.create_and_register_allocator(memory, arena)
