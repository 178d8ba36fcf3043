"""What a test does where something it needs is not installed."""

import os
from typing import NoReturn

import pytest


def unavailable(reason: str) -> NoReturn:
    """Skip with the reason; but fail in the lane that is there to run what needs the extras."""
    if os.environ.get("TWOFLOW_LANE") == "extras":
        pytest.fail(reason)
    pytest.skip(reason)
