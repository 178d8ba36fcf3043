"""What a test does where something it needs is not installed."""

import os
from typing import NoReturn

import pytest


def unavailable(reason: str) -> NoReturn:
    """Skip the test, or the module, with the reason; but fail in a lane, which is there to run what needs an extra."""
    if os.environ.get("TWOFLOW_LANE"):
        pytest.fail(reason)
    pytest.skip(reason, allow_module_level=True)
