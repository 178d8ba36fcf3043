"""Loading onnxruntime, late and without what it would report to its makers."""

from __future__ import annotations

import os
from types import ModuleType


def load_onnxruntime() -> ModuleType:
    """Import onnxruntime with its telemetry switched off.

    From 1.29 on its builds send what they run to their makers, and keep a number for the device in the user's cache
    folder, unless this variable is set before the first import. Whoever wants that sets it to 0.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime
