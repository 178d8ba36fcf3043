"""What tests of backbones share."""

import numpy as np
import pytest

from twoflow.deep.extra import TRANSFORMERS, missing_reason

from ...lanes import unavailable
from ...networks.hub.conftest import client, constants, hub, offline  # noqa: F401
from . import tiny


@pytest.fixture(scope="session")
def pixels():
    """Return a function that makes random images as one array."""
    def make(width, height, n=3):
        return np.random.default_rng(0).integers(0, 256, (n, height, width, 3), np.uint8)
    return make


@pytest.fixture(scope="session")
def transformers(torch):
    """The module, where it and what goes with it is installed."""
    reason = missing_reason(TRANSFORMERS)
    if reason is not None:
        unavailable(reason)
    import transformers

    return transformers


@pytest.fixture(scope="session")
def tiny_folder(transformers, tmp_path_factory):
    """Return a function that returns the folder of a tiny network of a family, which is written once."""
    written = {}

    def find(kind):
        if kind not in written:
            written[kind] = tiny.write(tmp_path_factory.mktemp("tiny") / kind, kind)
        return written[kind]
    return find
