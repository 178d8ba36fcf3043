"""huggingface_hub itself, with a hub on this machine."""

import importlib.util
import sys

import pytest

from twoflow.networks.hub import checkpoint, remote

from ...lanes import unavailable
from .server import Hub


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """Import huggingface_hub, which reads its settings once, for the hub on this machine."""
    if importlib.util.find_spec("huggingface_hub") is None:
        unavailable("needs huggingface_hub, of the extra hub")
    server = Hub()
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "huggingface_hub"}
    settings = {
        "HF_ENDPOINT": server.address, "HF_HOME": str(tmp_path_factory.mktemp("home")), "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
            patch.delenv(name, raising=False)
        importlib.import_module("huggingface_hub.constants")
        yield server
    server.close()
    for name in list(sys.modules):
        if name.split(".")[0] == "huggingface_hub":
            del sys.modules[name]
    sys.modules.update(before)


@pytest.fixture
def constants(client, tmp_path, monkeypatch):
    """An empty cache, and nothing known from before."""
    found = importlib.import_module("huggingface_hub.constants")
    monkeypatch.setattr(found, "HF_HUB_CACHE", str(tmp_path / "cache"))
    for module in (remote, checkpoint):
        monkeypatch.setattr(module, "_fetched", {})
    return found


@pytest.fixture
def hub(client, constants):
    for table in (client.commits, client.refs, client.gated, client.sizes, client.asked):
        table.clear()
    yield client


@pytest.fixture
def offline(constants, monkeypatch):
    """Return a function that goes offline, as a process does that begins anew with HF_HUB_OFFLINE."""
    def go():
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        for module in (remote, checkpoint):
            monkeypatch.setattr(module, "_fetched", {})
    return go
