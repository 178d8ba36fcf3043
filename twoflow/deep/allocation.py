"""Memory that training frees and takes again at each step, kept rather than given back to the system."""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator
from contextlib import contextmanager

# mallopt(3): what each setting is called by number, and its two values in bytes. glibc adapts both thresholds to what
# is freed, up to the second value, unless they are set; that is what is left behind, since adapting cannot be resumed.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_SETTINGS = {_TRIM_THRESHOLD: (2**31 - 1, 2**26), _MMAP_THRESHOLD: (2**30, 2**25)}


@contextmanager
def kept_memory() -> Iterator[None]:
    """Let glibc's allocator keep freed memory meanwhile; does nothing with another C library.

    Else each step of training returns megabytes to the system and the next one faults the same pages in anew: measured
    on one thread, a tenth to a sixth of the processor time of training `ConvNetClassifier`.
    """
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    libc = ctypes.CDLL(None)
    for setting, (value, _) in _SETTINGS.items():
        libc.mallopt(setting, value)
    try:
        yield
    finally:
        for setting, (_, value) in _SETTINGS.items():
            libc.mallopt(setting, value)
        libc.malloc_trim(0)
