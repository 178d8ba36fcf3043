"""Tests that need torch skip without it, except in the lane that is there to run them."""

import os

import pytest

from twoflow.deep.extra import missing_reason


@pytest.fixture(scope="session")
def torch():
    """The module, where the extra is installed."""
    reason = missing_reason()
    if reason is not None and os.environ.get("TWOFLOW_LANE") != "torch":
        pytest.skip(reason)
    import skorch  # noqa: F401, the lane must fail without it
    import torch

    return torch
