"""Refuse a training that does not fit into memory, and put torch's errors about memory on one line."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch

from ... import _free_memory
from ...errors import InputError

#: What needs less memory, by the kind of device. On the CPU, a thread has a few images at a time, whatever the batch.
_REMEDY = {"cpu": "lower n_jobs or input_size, or train fewer stages"}
_OTHER_REMEDY = "lower batch_size or input_size, or train fewer stages"
_OVERHEAD = 1.5  # the backward pass needs more than it keeps: gradients, buffers of convolutions, fragments
_OPTIMIZER = 4  # a gradient, the two moments of Adam, and the best weights so far


def free_memory(device: torch.device) -> int | None:
    """Return the bytes of memory that can still be used on a device; None if this is not known."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return _free_memory.free_memory() if device.type == "cpu" else None


def free_disk() -> int:
    """Return the bytes that can still be written to the folder of temporary files."""
    return shutil.disk_usage(tempfile.gettempdir()).free


def check_memory(
    compute: Callable[[], torch.Tensor], weights: Sequence[torch.Tensor], n_images: int, device: torch.device
) -> None:
    """Raise ValueError if a training needs more memory than is free.

    Parameters
    ----------
    compute : function
        Computes the embedding of one image, with gradients.
    weights : sequence of tensors
        What is trained.
    n_images : int
        How many images are computed at the same time.
    device : torch.device

    Notes
    -----
    What the backward pass keeps of one image is counted, and multiplied.
    """
    free = free_memory(device)
    if free is None:
        return
    kept: dict[int, int] = {}

    def count(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        compute()
    own = {weight.untyped_storage().data_ptr() for weight in weights}
    of_image = sum(size for pointer, size in kept.items() if pointer not in own)
    of_weights = sum(weight.numel() * weight.element_size() for weight in weights)
    needed = _OVERHEAD * n_images * of_image + _OPTIMIZER * of_weights
    if needed > free:
        raise InputError(
            f"the training needs about {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free; "
            f"{_remedy(device)}"
        )


@contextmanager
def one_line_memory_errors(device: torch.device) -> Iterator[None]:
    """Raise ValueError with one line if memory is exhausted inside the ``with`` block.

    torch raises RuntimeError on the CPU, with a stack of its C++ code.
    """
    try:
        yield
    except (MemoryError, torch.cuda.OutOfMemoryError) as error:
        raise InputError(f"the training ran out of memory; {_remedy(device)}") from error
    except RuntimeError as error:
        if "not enough memory" not in str(error) and "allocate memory" not in str(error):
            raise
        raise InputError(f"the training ran out of memory; {_remedy(device)}") from error


def _remedy(device: torch.device) -> str:
    return _REMEDY.get(device.type, _OTHER_REMEDY)
