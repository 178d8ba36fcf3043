"""The report of several data sets: text, files, page and plot say what was found."""

import csv
import json
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from twoflow.evaluation.datasets import compare_datasets
from twoflow.report import CriticalDifferenceDisplay, format_datasets, write_datasets
from twoflow.report.datasets.document import datasets_document
from twoflow.report.svg import to_svg

from ..evaluation.datasets.reports import report, require_baycomp, write_reports
from .pages import Page, check_structure, look_up

HOSTILE = ["<script>alert(1)</script>", "\"quoted\" & 'single'", "two\nlines", "\u202egpj.exe", "=1+1"]
WRITTEN = {
    "count": lambda value: format(value, ","),
    "score": lambda value: "%.3f" % value,
    "signed": lambda value: "%+.3f" % (round(value, 3) + 0),
    "p": lambda value: "< 0.001" if value < 0.001 else "%.3f" % value,
    "share": lambda value: "%.1f%%" % (100 * value),
    "rank": lambda value: "%.2f" % value,
    "edge": lambda value: "%g" % value,
}


def compared(folder, n, methods=("cnn", "fast", "pixels")):
    """Compare methods; each is better than the next one on most data sets."""
    rng = np.random.default_rng(0)
    level = np.linspace(0.8, 0.5, len(methods)) + rng.normal(0, 0.02, size=(n, 1))
    return compare_datasets(write_reports(folder, level + rng.normal(0, 0.02, size=(n, len(methods))), methods))


@pytest.fixture
def found(tmp_path):
    return compared(tmp_path / "in", 9)


def written(found, folder, command=None):
    """Write the report; return the page, which is checked, and its document."""
    files = write_datasets(found, folder, command)
    assert [file.name for file in files] == ["datasets.json", "datasets.csv", "datasets.html"]
    document = json.loads((folder / "datasets.json").read_text("utf-8"))
    html = (folder / "datasets.html").read_text("utf-8")
    page = Page(html)
    check_structure_of(page)
    assert not re.search(r"https?:|<script|@import|url\((?!#)", html)
    for attributes, text in page.figures:
        value = look_up(document, attributes["data-path"])
        assert text == ("–" if value is None else WRITTEN[attributes["data-format"]](value)), attributes
    return page, document


def check_structure_of(page):
    """The page has two tables; the rules for all pages count three or more in a comparison."""
    tables = page.all("table")
    assert len(tables) == len(page.all("caption")) == 2
    page.elements += [("table", {}), ("caption", {})]
    check_structure(page)


def test_the_page_shows_every_score_rank_and_test(found, tmp_path):
    page, document = written(found, tmp_path)
    paths = {attributes["data-path"] for attributes, _ in page.figures}
    assert {f"/datasets/{i}/scores/{k}" for i in range(9) for k in range(3)} <= paths
    assert {f"/methods/{k}/{each}" for k in range(3) for each in ("mean_rank", "mean_score")} <= paths
    told = ("p_value", "p_holm", "median_difference", "n_better", "n_equal", "n_worse")
    assert {f"/pairs/{k}/{each}" for k in range(3) for each in told} <= paths
    html = (tmp_path / "datasets.html").read_text("utf-8")
    assert all(sentence.replace("'", "&#39;").replace("<", "&lt;") in html for sentence in document["sentences"])
    assert ("/pairs/0/practical/better" in paths) == (document["pairs"][0]["practical"] is not None)


def test_the_document(found):
    document = datasets_document(found, "twoflow datasets a b")
    assert document["schema"] == 1 and document["best"] == found.best and document["command"] == "twoflow datasets a b"
    assert [method["name"] for method in document["methods"]] == list(found.methods)
    assert [entry["scores"] for entry in document["datasets"]] == found.scores.tolist()
    assert [entry["ranks"] for entry in document["datasets"]] == found.ranks.tolist()
    assert [pair["p_holm"] for pair in document["pairs"]] == [pair.p_holm for pair in found.pairs]
    assert document["friedman"]["p_value"] == found.friedman.p_value
    assert [[found.methods[i] for i in group] for group in document["groups"]] == [list(each) for each in found.groups]


def test_equal_reports_give_equal_files(found, tmp_path):
    for folder in ("a", "b"):
        write_datasets(compare_datasets([report.path for report in found.reports]), tmp_path / folder)
    for name in ("datasets.json", "datasets.csv", "datasets.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_table_of_scores(found, tmp_path):
    write_datasets(found, tmp_path)
    with open(tmp_path / "datasets.csv", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == ["data set", *found.methods]
    assert [row[0] for row in rows] == list(found.names)
    assert [[float(cell) for cell in row[1:]] for row in rows] == found.scores.tolist()


def test_the_text(found):
    text = format_datasets(found)
    assert str(found) == text and text.startswith("\n".join(found.sentences))
    lines = text.splitlines()
    for name, scores in zip(found.names, found.scores):
        (line,) = [line for line in lines if line.startswith(f"{name} ")]
        assert line.split() == [name, "600", "20", *(f"{score:.3f}" for score in scores)]
    assert next(line.split()[2:] for line in lines if line.startswith("mean rank")) == [
        f"{rank:.2f}" for rank in found.mean_ranks
    ]
    for pair in found.pairs[:2]:
        cells = next(line.split() for line in lines if line.startswith(f"{pair.second} "))
        assert cells[1:6] == [
            str(pair.result.n_higher), str(pair.result.n_equal), str(pair.result.n_lower),
            f"{pair.result.median_difference:+.3f}", f"{pair.p_holm:.3f}",
        ]


def test_probabilities_are_shown(found, tmp_path):
    require_baycomp()
    practical = found.pairs[0].practical
    (line,) = [line for line in format_datasets(found).splitlines() if line.startswith(f"{found.methods[1]} ")]
    assert line.split()[6:] == [f"{share:.2f}" for share in (practical.better, practical.equivalent, practical.worse)]
    page, _ = written(found, tmp_path)
    assert {"/pairs/2/practical/worse", "/margin"} <= {attributes["data-path"] for attributes, _ in page.figures}


def test_without_baycomp_no_probabilities_are_shown(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "baycomp", None)
    found = compared(tmp_path / "in", 9)
    text = format_datasets(found)
    assert "P(better)" not in text and "\nNote: there are no probabilities of equivalence" in text
    page, document = written(found, tmp_path / "out")
    assert document["pairs"][0]["practical"] is None
    assert not any("practical" in attributes["data-path"] for attributes, _ in page.figures)
    assert "twoflow[datasets]" in (tmp_path / "out/datasets.html").read_text("utf-8")


def test_few_data_sets_have_no_p(tmp_path):
    found = compared(tmp_path / "in", 3)
    text = format_datasets(found)
    assert "This may be chance: with 3 data sets and 3 pairs" in text and "P(better)" not in text
    page, document = written(found, tmp_path / "out")
    assert {pair["p_holm"] for pair in document["pairs"]} == {pair["practical"] for pair in document["pairs"]} == {None}
    assert not any("practical" in attributes["data-path"] for attributes, _ in page.figures)
    assert [text for attributes, text in page.figures if attributes["data-path"] == "/pairs/0/p_holm"] == ["–"]


def test_two_methods_have_no_friedman_test(tmp_path):
    found = compared(tmp_path / "in", 7, ("cnn", "fast"))
    assert "Friedman" not in format_datasets(found)
    assert written(found, tmp_path / "out")[1]["friedman"] is None


def test_methods_left_out_and_notes_are_listed(found, tmp_path):
    found = replace(found, left_out={"<best>": ("set1", "set2")}, notes=("a\x1b note",))
    text = format_datasets(found)
    assert "Not compared: <best>, because it is not in the report of set1, set2" in text
    assert "Note: a\\x1b note" in text
    page, document = written(found, tmp_path)
    assert document["left_out"] == [{"name": "<best>", "lacking": ["set1", "set2"]}]
    assert "&lt;best&gt;" in (tmp_path / "datasets.html").read_text("utf-8")


def test_hostile_names(tmp_path):
    rng = np.random.default_rng(0)
    paths = {}
    for number, name in enumerate(HOSTILE):
        paths[name] = tmp_path / f"{number}.json"
        paths[name].write_text(json.dumps(report(dict(zip(HOSTILE, rng.random(5).tolist())))), "utf-8")
    found = compare_datasets(paths)
    text = format_datasets(found)
    assert "\u202e" not in text and "two\nlines" not in text and "<script>" in text
    page, _ = written(found, tmp_path / "out", "twoflow datasets '<b>'")
    html = (tmp_path / "out/datasets.html").read_text("utf-8")
    assert "&lt;script&gt;" in html and "<b>" not in html
    assert "'=1+1" in (tmp_path / "out/datasets.csv").read_text("utf-8")
    assert "<script" not in found._repr_html_()


def test_a_notebook_shows_the_answer_the_plot_and_the_scores(found):
    html = found._repr_html_()
    assert html.count("<table>") == html.count("<svg") == 1
    assert f'data-path="/datasets/0/scores/0" data-format="score">{found.scores[0, 0]:.3f}<' in html
    assert found.sentences[0] in html


def test_the_diagram(found):
    display = CriticalDifferenceDisplay.from_comparison(found).plot()
    other = CriticalDifferenceDisplay.from_document(datasets_document(found)).plot()
    assert (display.names, display.groups) == (tuple(other.names), other.groups)
    legs = [line for line in display.ax_.lines if len(line.get_xdata()) == 3]
    assert [line.get_xdata()[0] for line in legs] == found.mean_ranks.tolist()
    assert [text.get_text() for text in display.ax_.texts] == [
        f"{name} ({rank:.2f})" for name, rank in zip(found.methods, found.mean_ranks)
    ]


def test_a_bar_has_a_point_for_each_of_its_methods():
    ax = Figure().add_subplot()
    display = CriticalDifferenceDisplay(names="abcd", mean_ranks=[1.1, 2, 3, 3.9], groups=[[0, 2], [2, 3]]).plot(ax)
    bars = [line for line in ax.lines if line.get_marker() == "o"]
    assert display.ax_ is ax and [list(bar.get_xdata()) for bar in bars] == [[1.1, 3], [3, 3.9]]
    assert len({bar.get_ydata()[0] for bar in bars}) == 2
    labels = {text.get_text()[0]: text.get_horizontalalignment() for text in ax.texts}
    assert labels == {"a": "right", "b": "right", "c": "left", "d": "left"}


def test_names_of_the_diagram_are_no_formulas_and_no_elements():
    svg = str(to_svg(CriticalDifferenceDisplay(names=["$x^2$", "<b>"], mean_ranks=[1, 2], groups=[])))
    assert "$x^2$ (1.00)" in svg and "&lt;b&gt;" in svg and "<b>" not in svg
