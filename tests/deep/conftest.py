"""What tests of networks that are trained here share."""

import pytest

from twoflow.deep.extra import missing_reason

from ..lanes import unavailable


@pytest.fixture(scope="session")
def torch():
    """The module, where the extra is installed."""
    reason = missing_reason()
    if reason is not None:
        unavailable(reason)
    import torch

    return torch
