"""Import onnxruntime late, and without its telemetry; put its errors into one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from ..errors import InputError


def load_onnxruntime() -> ModuleType:
    """Import onnxruntime with its telemetry switched off.

    From version 1.29 on, onnxruntime reports to its makers what it runs, and stores an identifier of the device in
    the user's cache folder. It does neither if ``ORT_DISABLE_TELEMETRY`` is 1 before the first import. A user who
    wants the telemetry sets the variable to 0.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


@contextmanager
def onnxruntime_errors() -> Iterator[None]:
    """Turn what onnxruntime raises into an InputError; its errors have no common base class."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        remedy = _REMEDIES.get(type(error).__name__, "export it again, or name another file")
        raise InputError(f"onnxruntime cannot run it: {error}; {remedy}") from error


#: What to do about some of onnxruntime's errors, by the name of their class.
_REMEDIES = {"NotImplemented": "export it in float32, or update onnxruntime"}
