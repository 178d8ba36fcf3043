"""The page in a browser: on a phone, a tablet and a desk, in light, in dark and in print, without a network."""

import re

import numpy as np
import pytest

from twoflow.evaluation.folds import draw_folds
from twoflow.report import write_report

from .made import comparison
from .test_html import HOSTILE

WINDOWS = {"phone": (360, 740), "tablet": (768, 1024), "desk": (1280, 900)}


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


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The folder of a report of four classes with images that differ."""
    folder = tmp_path_factory.mktemp("plain")
    images = [np.full((40, 30, 3), 6 * i, np.uint8) for i in range(40)]
    labels = np.repeat(["boot", "clog", "mule", "pump"], 10)
    write_report(comparison(labels=labels, images=images, names=["pixels", "cnn", "fast"]), folder)
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", WINDOWS)
def test_a_page_fits_says_nothing_and_asks_for_nothing(window, page, size, scheme):
    window.show("about:blank", *WINDOWS[size], scheme)
    window.console(), window.requests()
    window.show(page, *WINDOWS[size], scheme)
    window.run("document.querySelectorAll('details:not(.zoom)').forEach(each => each.open = true)")
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
    window.press("Tab")
    assert window.run("return document.activeElement.className") == "skip"
    assert window.run("return document.querySelector(document.activeElement.hash).tagName") == "MAIN"


def show(window, folder, name="report.html", size=(1280, 800), scheme="light"):
    window.show("about:blank", *size, scheme)  # so that nothing of the page before stays
    window.show((folder / name).as_uri(), *size, scheme)


@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_the_first_screen_has_the_answer_the_table_and_the_plot(window, plain, size):
    show(window, plain, size=size)
    for part in (".sentences", "table.answer", ".overview svg"):
        top, bottom = window.run(f"const it = document.querySelector('{part}').getBoundingClientRect(); "
                                 "return [it.top, it.bottom]")
        assert 0 <= top < bottom <= size[1], part
    right = window.run("return Math.max(...[...document.querySelectorAll('table.answer tr')].map("
                       "row => row.cells[3].getBoundingClientRect().right))")
    assert right <= size[0]  # the difference and its p, without scrolling


def column(window, selector, n):
    return window.run(f"return [...document.querySelector('{selector}').tBodies[0].rows].filter(row => !row.hidden)"
                      f".map(row => row.cells[{n}].textContent.trim())")


def test_a_table_is_sorted_by_a_click_and_searched(window, plain):
    show(window, plain)
    table, head = "#classes table.sortable", "#classes table.sortable thead tr:last-child th:first-child"
    before = column(window, table, 1)
    for direction in ("descending", "ascending"):
        window.run(f"document.querySelector('{head} button').click()")
        assert window.run(f"return document.querySelector('{head}').ariaSort") == direction
        found = [float(text.split("[")[0]) for text in column(window, table, 1)]
        assert found == sorted(found, reverse=direction == "descending")
    assert sorted(column(window, table, 1)) == sorted(before)
    window.run("const it = document.querySelector('#classes input'); it.value = 'CLOG'; "
               "it.dispatchEvent(new Event('input'))")
    assert column(window, table, 0) == ["clog"]
    assert window.run("return document.querySelector('#classes [role=status]').textContent") == "1 of 4 rows"
    # Empty cells are last, in both directions.
    pairs = "#confusions table.sortable"
    for _ in range(2):
        window.run(f"document.querySelector('{pairs} th:last-child button').click()")
        found = column(window, pairs, 4)
        assert "" in found and found[found.index(""):] == [""] * found.count("")


def test_a_matrix_names_the_cell_under_the_pointer(window, plain):
    show(window, plain)
    box = window.run("const it = document.querySelector('svg.matrix .frame'); it.scrollIntoView({block: 'center'}); "
                     "const box = it.getBoundingClientRect(); return [box.left, box.top, box.width]")
    name = window.run("return JSON.parse(document.querySelector('svg.matrix').dataset.classes)[0]")
    count = window.run("return document.querySelector('svg.matrix').dataset.cells.split(' ')[2]")
    window.command("Input.dispatchMouseEvent", type="mouseMoved", x=box[0] + box[2] / 8, y=box[1] + box[2] / 8)
    text = window.run("return document.querySelector('.readout').textContent")
    assert text == f"{name}, predicted as the same: {count} image" + ("s" if count != "1" else "")


def width_of_image(window):
    return window.run("return document.querySelector('.zoom img').getBoundingClientRect().width")


@pytest.mark.parametrize("name", ["report.html", "without.html"])
def test_an_image_is_enlarged_by_a_click_and_put_back(window, plain, name):
    """Also without the script; with it, Escape puts the image back too."""
    html = (plain / "report.html").read_text("utf-8")
    (plain / "without.html").write_text(re.sub("<script>.*</script>", "", html, flags=re.DOTALL), "utf-8")
    show(window, plain, name)
    small = width_of_image(window)
    assert 160 <= small <= 200
    window.run("document.querySelector('.zoom summary').click()")
    assert width_of_image(window) > 3 * small
    window.run("document.querySelector('.zoom summary').click()")
    assert width_of_image(window) == small
    window.run("document.querySelector('.zoom summary').click(); "
               "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))")
    assert (width_of_image(window) == small) == (name == "report.html")


def test_paper_shows_what_is_folded_and_cuts_no_table(window, plain):
    show(window, plain, size=(718, 1000))  # A4 without margins of a centimeter, in CSS pixels
    window.command("Emulation.setEmulatedMedia", media="print")
    try:
        height = "return document.querySelector('details.printed:not([open]) table').getBoundingClientRect().height"
        assert window.run(height) > 20
        assert window.run("return document.querySelector('.search').getBoundingClientRect().height") == 0
        edges = window.run("return [...document.querySelectorAll('table, svg')].map(it => it.getBoundingClientRect())"
                           ".filter(box => box.width).map(box => box.right)")
        assert len(edges) > 8 and max(edges) <= 718
    finally:
        window.command("Emulation.setEmulatedMedia", media="")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read_and_all_controls_have_names(window, plain, scheme):
    show(window, plain, scheme=scheme)
    window.run("document.querySelectorAll('details:not(.zoom)').forEach(each => each.open = true)")
    ratio, text = window.contrast()
    assert 4.5 <= ratio < 99, text
    assert window.run("return [...document.querySelectorAll('input')].every(it => it.labels.length)")
    assert window.run("return [...document.querySelectorAll('button, summary')].every("
                      "it => it.textContent.trim() || it.querySelector('img').alt)")


def test_the_test_of_contrast_sees_gray_on_gray(window, tmp_path):
    (tmp_path / "bad.html").write_text("<!doctype html><body style='background: #888'><p style='color: #777'>gray")
    show(window, tmp_path, "bad.html")
    assert window.contrast()[0] < 1.5


def brightness(color):
    """Of a CSS rgb(...), the mean of its parts."""
    return np.mean([float(part) for part in color[color.index("(") + 1:-1].split(",")[:3]])
