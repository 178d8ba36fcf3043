"""What every test of the page needs: to read it, and to check it against all rules."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

from twoflow import report
from twoflow.report import write_report

VOID = {"meta", "link", "img", "br", "input", "path", "use"}

#: How each figure is to be written; not the table of the package, which may be wrong.
WRITTEN = {
    "count": lambda value: format(round(value), ","),
    "least": lambda values: format(min(values), ","),
    "most": lambda values: format(max(values), ","),
    "score": lambda value: "%.3f" % value,
    "signed": lambda value: "%+.3f" % (round(value, 3) + 0),  # no negative zero
    "opposite": lambda value: "%+.3f" % (round(-value, 3) + 0),
    "p": lambda value: "< 0.001" if value < 0.001 else "%.3f" % value,
    "share": lambda value: "%.1f%%" % (100 * value),
    "whole-share": lambda value: "%.0f%%" % (100 * value),
    "seconds": lambda value: "%.2f" % value if value < 10 else format(round(value), ","),
    "megabytes": lambda value: format(round(value / 1e6), ","),
    "edge": lambda value: "%g" % value,
    "tenth": lambda value: format(round(value, 1), ",.1f"),
    "rate": lambda value: "%.4f" % value,
    "text": str,
}

#: Elements whose text is a name, code or an image; figures elsewhere must be those of the document.
NAMES = {"bdi", "code", "svg", "style", "script", "title", "h1", "figcaption"}


class Page(HTMLParser):
    """What a test wants to know of a page."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.figures, self.stray, self.svg_text = [], [], [], [], []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.elements.append((tag, attributes))
        if tag == "data":
            self.figures.append([attributes, ""])
        if tag not in VOID:
            self.open.append((tag, attributes.get("class") or ""))

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop()[0] == tag, f"</{tag}> closes something else"

    def handle_data(self, data):
        tags = {tag for tag, _ in self.open}
        if "data" in tags:
            self.figures[-1][1] += data
        elif "svg" in tags:
            self.svg_text.append(data)
        elif not tags & NAMES and not any("name" in kinds.split() for _, kinds in self.open):
            self.stray.append(data)

    def all(self, *tags):
        return [attributes for tag, attributes in self.elements if tag in tags]


def look_up(document, path):
    for step in path.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        document = document[int(key) if isinstance(document, list) else key]
    return document


def written(found, folder, command=None):
    """Write a report; return the page, which is checked against all rules, and its document."""
    write_report(found, folder, command)
    html = (folder / "report.html").read_text("utf-8")
    document = json.loads((folder / "report.json").read_text("utf-8"))
    page = Page(html)
    check_figures(page, document)
    check_structure(page)
    assert not re.search(r"https?:|@import|url\((?!#)", html)
    check_script(html)
    return page, document


def check_script(html):
    """There is one script, that of the package, and the policy allows this one only."""
    (script,) = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    assert html.count("<script") == 1
    assert script == Path(report.__file__).with_name("templates").joinpath("report.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"; form-action 'none'; script-src 'sha256-{digest}'\">" in html


def check_figures(page, document):
    assert len(page.figures) > 20
    for attributes, text in page.figures:
        value = look_up(document, attributes["data-path"])
        assert text == ("–" if value is None else WRITTEN[attributes["data-format"]](value)), attributes
        if isinstance(value, (int, float)):
            assert float(attributes["value"]) == value
    assert not re.search(r"\d", "".join(page.stray).replace("F1", ""))


def check_structure(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    targets = [attributes["href"] for attributes in page.all("a", "use")]
    assert {target.removeprefix("#") for target in targets} <= set(ids)
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:]))
    assert all("scope" in attributes for attributes in page.all("th"))
    assert len(page.all("table")) == len(page.all("caption")) > 2
    assert all(attributes["alt"].strip() for attributes in page.all("img"))
    assert all(attributes["aria-label"].strip() for attributes in page.all("svg"))


def paths(page):
    return {attributes["data-path"] for attributes, _ in page.figures}
