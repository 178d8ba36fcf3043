"""What tests share: a small generated shop, and the real photographs where there are any."""

import os
from pathlib import Path

import pytest
from platformdirs import user_cache_dir

from twoflow import make_shop

MATPLOTLIB_FOLDER = os.environ.get("MPLCONFIGDIR", user_cache_dir("matplotlib"))


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    """What commands keep stays inside the test; but matplotlib's list of fonts is the same for all."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MPLCONFIGDIR", MATPLOTLIB_FOLDER)


@pytest.fixture(scope="session")
def shop():
    """Four classes of eight pictures, as arrays."""
    return make_shop(n_classes=4, n_per_class=8, random_state=0)


@pytest.fixture(scope="session")
def data():
    """The folder of real photographs that the variable TWOFLOW_DATA names."""
    if not os.environ.get("TWOFLOW_DATA"):
        pytest.skip("needs real photographs: set TWOFLOW_DATA to a folder that holds them")
    return Path(os.environ["TWOFLOW_DATA"]).resolve(strict=True)
