"""Where torch computes: on which device, and on how many threads. It imports torch, so import it late."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..errors import InputError


def pick_device(device: str) -> torch.device:
    """Find a device by name.

    Parameters
    ----------
    device : str
        A name that torch knows, such as "cpu" or "cuda:1"; or "auto", which is a GPU if torch finds one, else the CPU.

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If torch does not know the device, or this machine does not have it.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError) as error:  # torch raises either, with a message of many lines
        reason = str(error).splitlines()[0]
        raise InputError(f"device {device!r} cannot be used here: {reason}; set device='auto'") from error


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Let torch use at most `n` threads inside the ``with`` block, and never more than it is allowed already."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(n, before))
    try:
        yield
    finally:
        torch.set_num_threads(before)
