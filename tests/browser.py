"""Chromium without a window, driven over W3C WebDriver, which is plain HTTP and needs no library.

https://www.w3.org/TR/webdriver2/, and https://chromedevtools.github.io/devtools-protocol/ for what is Chromium's own.
"""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)
_PATIENCE_S = 60
_KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40}
_MOST_STARTS = 5
_PORT = "was started successfully on port "

_CONTRAST = """
const parse = text => { const n = text.match(/[\\d.]+/g).map(Number); return n.length > 3 ? n : [...n, 1]; };
const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
const light = color => {
  const [r, g, b] = color.slice(0, 3).map(x => x / 255).map(x => x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b;
};
const behind = element => {
  const chain = [];
  for (let it = element; it; it = it.parentElement) chain.unshift(parse(getComputedStyle(it).backgroundColor));
  return chain.reduce((below, top) => over(top, below), [255, 255, 255, 1]);
};
let worst = [99, ""];
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || element.closest("svg, script") || !element.getClientRects().length) continue;
  const paper = behind(element);
  const [a, b] = [over(parse(getComputedStyle(element).color), paper), paper].map(light);
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (ratio < worst[0]) worst = [ratio, walker.currentNode.data.trim().slice(0, 60)];
}
return worst;
"""

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

    def wait(self, script: str) -> Any:
        """What a function of this body returns, once that is true."""
        end = time.monotonic() + _PATIENCE_S
        while not (found := self.run(script)):
            assert time.monotonic() < end, script
            time.sleep(0.02)
        return found

    def press(self, key: str) -> None:
        """Press and release a key, or type a text."""
        code = _KEYS.get(key)
        if code is None:
            self.command("Input.insertText", text=key)
            return
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.command("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def choose(self, selector: str, paths: Sequence[Path]) -> None:
        """Choose files in an input of this type."""
        found = self.command("Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})")
        self.command("DOM.setFileInputFiles", files=[str(each) for each in paths], objectId=found["result"]["objectId"])

    def contrast(self) -> tuple[float, str]:
        """The lowest contrast of text to what is behind it, and that text; WCAG 2.2, 1.4.3, asks for 4.5."""
        ratio, text = self.run(_CONTRAST)
        return ratio, text

    def image(self, path: Path) -> None:
        """Save the whole page as it looks, as a PNG."""
        shot = self.command("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A new Chromium that knows of nothing; `folder` is an empty one for what it keeps."""
    driver, port = _start_driver()
    try:
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


def _start_driver() -> tuple[subprocess.Popen, str]:
    """Start the driver; return it, and the port that it has chosen.

    It takes a free port, then the same one for IPv6. It ends if another process has taken that in between.
    """
    for _ in range(_MOST_STARTS):
        driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert driver.stdout is not None
        printed = []
        for line in driver.stdout:
            printed.append(line)
            if _PORT in line:
                return driver, line.split(_PORT)[1].strip(".\n ")
        driver.communicate()
    raise RuntimeError(f"chromedriver ended {_MOST_STARTS} times without a port; at last it said: {''.join(printed)}")


def ask(address: str, method: str = "POST", **parameters: Any) -> Any:
    """The value that the driver answers with; it is on this machine, whatever proxy there is."""
    body = json.dumps(parameters).encode() if method == "POST" else None
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_PATIENCE_S) as answer:
        return json.load(answer)["value"]
