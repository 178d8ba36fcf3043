"""Import onnxruntime late, and without its telemetry."""

from __future__ import annotations

import os
from types import ModuleType


def load_onnxruntime() -> ModuleType:
    """Import onnxruntime with its telemetry switched off.

    From version 1.29 on, onnxruntime reports to its makers what it runs, and stores an identifier of the device in
    the user's cache folder. It does neither if ``ORT_DISABLE_TELEMETRY`` is 1 before the first import. A user who
    wants the telemetry sets the variable to 0.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime
