"""Chromium without a window, driven over W3C WebDriver, which is plain HTTP and needs no library.

https://www.w3.org/TR/webdriver2/, and https://chromedevtools.github.io/devtools-protocol/ for what is Chromium's own.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)
_PATIENCE_S = 60
_PORT = "was started successfully on port "

#: What must be installed; Debian's packages chromium and chromium-driver.
PROGRAMS = ("chromium", "chromedriver")


def missing() -> list[str]:
    """The programs that are not installed."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


class Browser:
    """One window."""

    def __init__(self, session: str) -> None:
        self._session = session

    def show(self, address: str, width: int, height: int, scheme: str) -> None:
        """Open a page in a window of this size; the scheme is "light" or "dark"."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.command("Emulation.setDeviceMetricsOverride", **size)
        self.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        ask(f"{self._session}/url", url=address)

    def run(self, script: str) -> Any:
        """What a function of this body returns."""
        return ask(f"{self._session}/execute/sync", script=script, args=[])

    def command(self, name: str, **parameters: Any) -> Any:
        """The answer to a command of the DevTools protocol."""
        return ask(f"{self._session}/goog/cdp/execute", cmd=name, params=parameters)

    def console(self) -> list[str]:
        """What the page has said since it was asked last, as on Chromium's console."""
        return [entry["message"] for entry in ask(f"{self._session}/se/log", type="browser")]

    def requests(self) -> list[str]:
        """The addresses asked for since it was asked last."""
        entries = ask(f"{self._session}/se/log", type="performance")
        events = [json.loads(entry["message"])["message"] for entry in entries]
        return [each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"]

    def image(self, path: Path) -> None:
        """Save the whole page as it looks, as a PNG."""
        shot = self.command("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A new Chromium that knows of nothing; `folder` is an empty one for what it keeps."""
    driver = subprocess.Popen(
        ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert driver.stdout is not None
        port = next(line.split(_PORT)[1].strip(".\n ") for line in driver.stdout if _PORT in line)
        root = f"http://127.0.0.1:{port}/session"
        options = {"args": [*_FLAGS, f"--user-data-dir={folder}"]}
        logs = {"browser": "ALL", "performance": "ALL"}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs}
        session = f"{root}/{ask(root, capabilities={'alwaysMatch': wanted})['sessionId']}"
        try:
            yield Browser(session)
        finally:
            ask(session, method="DELETE")
    finally:
        driver.terminate()
        driver.communicate()


def ask(address: str, method: str = "POST", **parameters: Any) -> Any:
    """The value that the driver answers with; it is on this machine, whatever proxy there is."""
    body = json.dumps(parameters).encode() if method == "POST" else None
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_PATIENCE_S) as answer:
        return json.load(answer)["value"]
