"""The page in a browser: on a phone and on a desk, in light and in dark, without a network."""

import numpy as np
import pytest

from twoflow.evaluation.folds import draw_folds
from twoflow.report import write_report

from ..lanes import unavailable
from .browser import browser, missing
from .made import comparison
from .test_html import HOSTILE

WINDOWS = {"phone": (360, 740), "desk": (1280, 900)}


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    """One browser for all pages."""
    if missing():
        unavailable(f"needs {' and '.join(missing())}: apt-get install chromium chromium-driver")
    with browser(tmp_path_factory.mktemp("chromium")) as each:
        yield each


@pytest.fixture(scope="module", params=["plain", "hostile"])
def page(request, tmp_path_factory):
    """The address of a report with every section: with the names of most people, and with the worst ones."""
    folder = tmp_path_factory.mktemp("report")
    if request.param == "plain":
        candidates = ("one network", "two networks")
        found = comparison(groups=np.arange(60) // 2, shares=(0.3,), candidates=candidates)
    else:
        labels = np.repeat(np.array(HOSTILE, dtype=object), 6)
        folds = draw_folds(labels, n_splits=2)
        found = comparison(folds, labels=labels, names=HOSTILE, shares=(0.3,), candidates=HOSTILE)
    write_report(found, folder, "twoflow cv " + "long/" * 60)
    return (folder / "report.html").as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", WINDOWS)
def test_a_page_fits_says_nothing_and_asks_for_nothing(window, page, size, scheme):
    window.show("about:blank", *WINDOWS[size], scheme)
    window.console(), window.requests()
    window.show(page, *WINDOWS[size], scheme)
    window.run("document.querySelectorAll('details').forEach(each => each.open = true)")
    width, room = window.run("const root = document.documentElement; return [root.scrollWidth, root.clientWidth]")
    assert WINDOWS[size][0] - 20 <= room <= WINDOWS[size][0]  # a scroll bar may take some
    assert width <= room
    assert window.console() == []
    asked = window.requests()
    assert page in asked and all(each == page or each.startswith("data:") for each in asked)
    paper, ink = window.run("const it = getComputedStyle(document.body); return [it.backgroundColor, it.color]")
    assert (brightness(paper) > brightness(ink)) == (scheme == "light")
    # Text of plots is drawn in the page's ink.
    assert window.run("return getComputedStyle(document.querySelector('svg text')).fill") == ink


def test_the_test_sees_what_it_looks_for(window, tmp_path):
    """A page that does everything that a report must not."""
    (tmp_path / "bad.html").write_text(
        "<!doctype html><p style='width: 2000px'>wide<img src='none.png' alt=''><script>console.error('oh')</script>"
    )
    window.show("about:blank", *WINDOWS["phone"], "light")
    window.console(), window.requests()
    window.show((tmp_path / "bad.html").as_uri(), *WINDOWS["phone"], "light")
    assert window.run("return document.documentElement.scrollWidth") > 360
    assert any("oh" in each for each in window.console())
    assert (tmp_path / "none.png").as_uri() in window.requests()


def test_the_skip_link_is_the_first_stop_and_leads_to_the_content(window, page):
    window.show(page, *WINDOWS["desk"], "light")
    for kind in ("keyDown", "keyUp"):
        window.command("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert window.run("return document.activeElement.className") == "skip"
    assert window.run("return document.querySelector(document.activeElement.hash).tagName") == "MAIN"


def brightness(color):
    """Of a CSS rgb(...), the mean of its parts."""
    return np.mean([float(part) for part in color[color.index("(") + 1:-1].split(",")[:3]])
