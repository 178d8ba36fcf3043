"""What tests share: a small generated shop, and the real photographs where there are any."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from twoflow import make_shop
from twoflow.networks.providers import VARIABLE

from .browser import browser, missing
from .lanes import unavailable

# No example may fail for being slow on a loaded machine, and the checkout may be one that cannot be written to.
settings.register_profile("twoflow", deadline=None, database=None)
settings.load_profile("twoflow")


@pytest.fixture(scope="session")
def matplotlib_folder(tmp_path_factory):
    """Where matplotlib keeps its list of fonts, once for all tests and whether or not there is a home folder."""
    return tmp_path_factory.mktemp("matplotlib")


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, matplotlib_folder, monkeypatch):
    """What commands keep stays inside the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MPLCONFIGDIR", str(matplotlib_folder))


@pytest.fixture(autouse=True)
def provider(monkeypatch):
    """What a command says about the provider stays inside the test."""
    monkeypatch.setenv(VARIABLE, "")


@pytest.fixture(scope="session")
def shop():
    """Four classes of eight images, as arrays."""
    return make_shop(n_classes=4, n_per_class=8, random_state=0)


@pytest.fixture(scope="session")
def data():
    """The folder of real photographs that the variable TWOFLOW_DATA names."""
    if not os.environ.get("TWOFLOW_DATA"):
        pytest.skip("needs real photographs: set TWOFLOW_DATA to a folder that holds them")
    return Path(os.environ["TWOFLOW_DATA"]).resolve(strict=True)


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    """One browser for all pages of a module."""
    if missing():
        unavailable(f"needs {' and '.join(missing())}: apt-get install chromium chromium-driver")
    with browser(tmp_path_factory.mktemp("chromium")) as each:
        yield each
