"""Plots: what is drawn is what was found, on axes that are given or on a figure that nothing else holds."""

import subprocess
import sys
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from twoflow.evaluation.folds import draw_folds, official_split
from twoflow.images import LoadedImage
from twoflow.report import (
    ComparisonDisplay,
    ConfusionDisplay,
    DifferencesDisplay,
    ImportancesDisplay,
    LearningCurveDisplay,
    ReliabilityDisplay,
    RocDisplay,
    to_document,
)
from twoflow.report.displays.base import label, styles
from twoflow.report.svg import to_svg

from .made import LABELS, comparison, two_targets

ALL = [ComparisonDisplay, ConfusionDisplay, DifferencesDisplay, ImportancesDisplay, LearningCurveDisplay,
       ReliabilityDisplay, RocDisplay]


@pytest.fixture(scope="module")
def found():
    return comparison(shares=(0.3,))


@pytest.mark.parametrize("display", ALL)
def test_axes_of_its_own_and_axes_that_are_given(found, display):
    own = display.from_comparison(found).plot()
    assert own.figure_ is own.ax_.figure and own.figure_.axes == [own.ax_]
    ax = Figure().add_subplot()
    given = display.from_document(to_document(found)).plot(ax)
    assert given.ax_ is ax and given.figure_ is ax.figure
    assert [len(ax.lines), len(ax.patches)] == [len(own.ax_.lines), len(own.ax_.patches)]


def lines(ax, n_points):
    return [line for line in ax.lines if len(line.get_xdata()) == n_points]


def test_accuracies(found):
    ax = ComparisonDisplay.from_comparison(found).plot().ax_
    folds = lines(ax, 5)
    accuracy = [method.scores["accuracy"] for method in found.methods]
    assert [line.get_xdata().tolist() for line in folds] == [each.tolist() for each in accuracy]
    assert len({tuple(line.get_ydata() - i) for i, line in enumerate(folds)}) <= 3  # but for rounding, one
    assert [line.get_xdata()[0] for line in lines(ax, 1)] == [each.mean() for each in accuracy]
    for method, line in zip(to_document(found)["methods"], lines(ax, 2)):
        assert line.get_xdata().tolist() == method["scores"]["accuracy"]["confidence_interval"]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["method0", "method1", "method2"]


def test_the_interval_of_an_accuracy_is_that_of_its_corrected_variance(found):
    """Nadeau and Bengio: (1/J + n_test/n_train) s², Student's t with J - 1 degrees of freedom."""
    scores = found.methods[0].scores["accuracy"]
    low, high = to_document(found)["methods"][0]["scores"]["accuracy"]["confidence_interval"]
    assert (low + high) / 2 == pytest.approx(scores.mean())
    assert (high - low) / 2 == pytest.approx(2.7764451 * np.sqrt((1 / 5 + 1 / 4) * scores.var(ddof=1)))


def test_differences(found):
    ax = DifferencesDisplay.from_comparison(found).plot().ax_
    corrected = [each.result for each in found.differences if each.result.test.startswith("corrected")]
    assert [line.get_xdata()[0] for line in lines(ax, 1)][1:] == [each.mean_difference for each in corrected]
    intervals = [tuple(line.get_xdata()) for line in lines(ax, 2)]
    assert all(each.confidence_interval in intervals for each in corrected)


def test_confusions(found):
    document = to_document(found)
    display = ConfusionDisplay.from_document(document, method=1).plot()
    for true, predicted, count in document["methods"][1]["confusion"]:
        assert display.confusion_matrix[true, predicted] == count
    assert display.confusion_matrix.sum() == 60
    drawn = {text.get_position(): text.get_text() for text in display.ax_.texts}
    assert drawn == {(j, i): str(n) for (i, j), n in np.ndenumerate(display.confusion_matrix) if n}


@pytest.mark.parametrize("average", ["macro", "micro"])
def test_roc_curves(found, average):
    ax = RocDisplay.from_comparison(found, average=average).plot().ax_
    for method, line in zip(to_document(found)["methods"], lines(ax, 51)):
        assert line.get_ydata().tolist() == method["roc"][average]


def test_reliability_without_empty_bins(found):
    display = ReliabilityDisplay.from_comparison(found).plot()
    for accuracy, line in zip(display.accuracy, display.ax_.lines[1:]):
        assert line.get_ydata().tolist() == [each for each in accuracy if each is not None]


def test_learning_curves_and_importances(found):
    display = LearningCurveDisplay.from_comparison(found).plot()
    assert [line.get_ydata().tolist() for line in lines(display.ax_, 2)[:1]] == [
        found.learning_curve.scores["method0"]["accuracy"].mean(axis=1).tolist()
    ]
    with pytest.raises(ValueError, match="ask for one with train_sizes"):
        LearningCurveDisplay.from_comparison(comparison())
    bars = ImportancesDisplay.from_comparison(found).plot().ax_.patches
    assert [bar.get_width() for bar in bars] == [0.25] * 3 + [0.75] * 3
    assert [bar.get_x() for bar in bars] == [0] * 3 + [0.25] * 3


def test_one_split_has_points_and_no_intervals():
    single = comparison(official_split(np.where(np.arange(60) % 3 == 0, "test", "train"), LABELS), shares=(0.5,))
    assert not lines(ComparisonDisplay.from_comparison(single).plot().ax_, 2)
    for display in ALL:
        to_svg(display.from_comparison(single))


def test_no_two_lines_look_alike_and_none_is_told_by_color_alone():
    for n in (6, 12, 30):
        assert len(set(map(str, styles(n)))) == n
    assert len({str(style.line) for style in styles(6)}) == len({style.marker for style in styles(6)}) == 6
    assert all(to_hex(style.color) == style.color for style in styles(6))


def test_names_are_one_short_line():
    assert label("a\nb\t c") == "a b c"
    assert label("x" * 100) == "x" * 23 + "…"
    assert label("\udcff \u202e \x00") == "\\udcff \\u202e \\x00"
    assert label("靴" * 100).strip() == "靴" * 11 + "…"


def test_svg_shares_a_page_with_others(found):
    document = to_document(found)
    elements = [to_svg(display.from_document(document), "what it is", f"plot-{i}") for i, display in enumerate(ALL)]
    parsed = [ElementTree.fromstring(element) for element in elements]
    ids = [each.get("id") for root in parsed for each in root.iter() if each.get("id")]
    assert len(ids) == len(set(ids)) > 10
    for element, root in zip(elements, parsed):
        assert root.get("role") == "img" and root.get("aria-label") == "what it is"
        assert "currentColor" in element and "#00000" not in element and "<style" not in element
        assert "http" not in element and "font-family: " not in element
        assert {each.get("href")[1:] for each in root.iter("use")} <= set(ids)
    assert "method0 (" in "".join(parsed[-1].itertext())


def test_names_are_no_formulas(found):
    methods = tuple(replace(method, name=f"$x^{i}$ \\frac <b>") for i, method in enumerate(found.methods))
    root = ElementTree.fromstring(to_svg(RocDisplay.from_comparison(replace(found, methods=methods))))
    assert "$x^0$ \\frac <b> (" in "".join(root.itertext())


def test_a_notebook_shows_a_comparison_and_a_display(found):
    html = found._repr_html_()
    assert html.count("<table>") == html.count("<svg") == 1
    mean = found.methods[1].scores["accuracy"].mean()
    assert f'data-path="/methods/1/scores/accuracy/mean" data-format="score">{mean:.3f}<' in html
    assert ComparisonDisplay.from_comparison(found)._repr_html_().startswith("<svg")
    hostile = comparison(draw_folds(LABELS, n_splits=2), names=["<script>", "b"])
    assert "<script" not in hostile._repr_html_()


def test_a_notebook_reads_no_image_and_tests_no_pair(monkeypatch):
    """Neither the content of images in memory nor the pairs of methods matter for the table of scores."""
    found = comparison(images=[np.full((2, 2), i, np.uint8) for i in range(60)])
    digests = []
    read = LoadedImage.digest.func
    monkeypatch.setattr(LoadedImage, "digest", property(lambda self: digests.append(self) or read(self)))
    found._repr_html_()
    ComparisonDisplay.from_comparison(found).plot()
    assert not digests and not {"pairwise", "details"} & set(vars(found))
    to_document(found)
    assert len(digests) == 60 and {"pairwise", "details"} <= set(vars(found))


def test_a_notebook_shows_the_tested_score_of_several_targets():
    html = two_targets(names=("<script>", "model"))._repr_html_()
    assert "<script" not in html and 'data-path="/methods/1/scores/exact_match/mean"' in html
    assert "Exact match of each method" in html


def test_matplotlib_is_loaded_by_the_first_plot_and_pyplot_never():
    script = """
import sys
import twoflow.report
assert "matplotlib" not in sys.modules
display = twoflow.report.ComparisonDisplay(names=["a"], scores=[[0.5, 0.6]], intervals=[(0.4, 0.7)])
display._repr_html_()
assert "matplotlib" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize(
    "name", ["#0072b2", "#000001", "font-family: x;", ' id="a_1"', "url(#x)", "<!-- x -->", "xlink:href"]
)
def test_a_name_that_looks_like_a_plots_own_words_stays(found, name):
    """Only the tags are adapted to the page, not the text between them."""
    named = replace(found, methods=(replace(found.methods[0], name=name), *found.methods[1:]))
    svg = ElementTree.fromstring(str(to_svg(ComparisonDisplay.from_comparison(named), "x")))
    assert name.strip() in ["".join(text.itertext()).strip() for text in svg.iter() if text.tag.endswith("text")]
