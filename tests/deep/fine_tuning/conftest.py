"""What tests of fine-tuning share."""

import pytest


@pytest.fixture(scope="session")
def tiny(torch):
    from . import tiny

    return tiny
