"""Plots: what is drawn is what was found, on axes that are given or on a figure that nothing else holds."""

import re
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
    CoverageDisplay,
    DifferencesDisplay,
    ImportancesDisplay,
    JointErrorsDisplay,
    LearningCurveDisplay,
    ReliabilityDisplay,
    RocDisplay,
    to_document,
)
from twoflow.report.displays.base import label, styles
from twoflow.report.svg import to_svg

from .made import LABELS, comparison, two_targets

ALL = [ComparisonDisplay, ConfusionDisplay, CoverageDisplay, DifferencesDisplay, ImportancesDisplay,
       LearningCurveDisplay, ReliabilityDisplay, RocDisplay]


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
    methods = [found.methods[i] for i in found.order]
    accuracy = [method.scores["accuracy"] for method in methods]
    assert [line.get_xdata().tolist() for line in folds] == [each.tolist() for each in accuracy]
    assert len({tuple(line.get_ydata() - i) for i, line in enumerate(folds)}) <= 3  # but for rounding, one
    assert [line.get_xdata()[0] for line in lines(ax, 1)] == [each.mean() for each in accuracy]
    for method, line in zip(methods, lines(ax, 2)):
        assert line.get_xdata().tolist() == list(found.intervals[method.name]["accuracy"].ends)
    assert [text.get_text() for text in ax.get_yticklabels()] == [method.name for method in methods]
    assert found.order != [0, 1, 2]


def test_the_interval_of_an_accuracy_is_that_of_its_corrected_variance(found):
    """Nadeau and Bengio: (1/J + n_test/n_train) s², Student's t with J - 1 degrees of freedom; then the logit."""
    scores = found.methods[0].scores["accuracy"]
    ends = np.array(to_document(found)["methods"][0]["scores"]["accuracy"]["confidence_interval"])
    mean, half = scores.mean(), 2.7764451 * np.sqrt((1 / 5 + 1 / 4) * scores.var(ddof=1))
    reach = half / (mean * (1 - mean))
    assert np.log(ends / (1 - ends)) == pytest.approx(np.log(mean / (1 - mean)) + np.array([-reach, reach]))


def test_differences_to_the_best(found):
    """Whatever the order of the pair, the difference is of the method minus the best, with the adjusted interval."""
    turned = replace(found, methods=found.methods[::-1])
    for each in (found, turned):
        ax = DifferencesDisplay.from_comparison(each).plot().ax_
        best, *others = [each.methods[i] for i in each.order]
        means = [method.scores["accuracy"].mean() - best.scores["accuracy"].mean() for method in others]
        assert [line.get_xdata()[0] for line in lines(ax, 1)][1:] == pytest.approx(means)
        drawn = [sorted(map(abs, line.get_xdata())) for line in lines(ax, 2) if line.get_linewidth() == 2]
        pairs = {frozenset((pair.difference.first, pair.difference.second)): pair for pair in each.pairwise}
        expected = [pairs[frozenset((best.name, method.name))].difference.interval for method in others]
        assert drawn == [sorted(map(abs, ends)) for ends in expected]


def test_confusions(found):
    document = to_document(found)
    display = ConfusionDisplay.from_document(document, method=1).plot()
    order = document["dataset"]["class_order"]
    for true, predicted, count in document["methods"][1]["confusion"]:
        assert display.confusion_matrix[order.index(true), order.index(predicted)] == count
    assert display.confusion_matrix.sum() == 60
    drawn = {text.get_position(): text.get_text() for text in display.ax_.texts}
    assert drawn == {(j, i): str(n) for (i, j), n in np.ndenumerate(display.confusion_matrix) if n}


@pytest.mark.parametrize("n_classes", [2, 31, 71])
def test_confusions_of_any_number_of_classes(n_classes):
    """Counts are written up to 30 classes, names up to 70; confused classes are neighbors."""
    labels = np.repeat([f"class {i:02d}" for i in range(n_classes)], 4)
    document = to_document(comparison(draw_folds(labels, n_splits=2), labels=labels))
    display = ConfusionDisplay.from_document(document).plot()
    order = document["dataset"]["class_order"]
    best = document["methods"][document["best"]]
    for true, predicted, count in best["confusion"]:
        assert display.confusion_matrix[order.index(true), order.index(predicted)] == count
    assert list(display.display_labels) == [document["dataset"]["classes"][k]["name"] for k in order]
    assert bool(display.ax_.texts) == (n_classes <= 30) and bool(display.ax_.images) == (n_classes > 30)
    assert len(display.ax_.get_yticklabels()) == (n_classes if n_classes <= 70 else 0)


def test_roc_curves_and_coverage(found):
    document = to_document(found)
    methods = [document["methods"][i] for i in document["order"]]
    drawn = lines(RocDisplay.from_comparison(found).plot().ax_, 51)
    assert [line.get_ydata().tolist() for line in drawn] == [method["roc"]["macro"] for method in methods]
    ax = CoverageDisplay.from_comparison(found).plot().ax_
    for key, get in (("coverage", "get_xdata"), ("accuracy", "get_ydata")):
        assert [list(getattr(line, get)()) for line in ax.lines] == [method["coverage"][key] for method in methods]


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


def test_one_split_has_a_point_and_an_interval_for_each_method():
    single = comparison(official_split(np.where(np.arange(60) % 3 == 0, "test", "train"), LABELS), shares=(0.5,))
    ax = ComparisonDisplay.from_comparison(single).plot().ax_
    assert [line.get_xdata().tolist() for line in lines(ax, 2)] == [
        list(single.intervals[single.methods[i].name]["accuracy"].ends) for i in single.order
    ]
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
    assert html.count("<table") == html.count("<svg") == 1
    first, *_ = found.answer.sentences
    assert html.index(first) < html.index("<table") < html.index("<svg")
    mean = found.methods[1].scores["accuracy"].mean()
    assert f'data-path="/methods/1/scores/accuracy/mean" data-format="score">{mean:.3f}<' in html
    assert ComparisonDisplay.from_comparison(found)._repr_html_().startswith("<svg")
    hostile = comparison(draw_folds(LABELS, n_splits=2), names=["<script>", "b"])
    assert "<script" not in hostile._repr_html_()


def test_a_notebook_keeps_its_own_colors(found):
    """A color of paper, or one of ink that is not the notebook's, would be unreadable in a dark or a light one."""
    html = found._repr_html_()
    assert "currentColor" in html
    assert not re.search(r"background|#fff|white|(?<![-\w])color:", html)


def test_a_notebook_reads_no_image_and_describes_no_prediction(monkeypatch):
    """Neither the content of images in memory nor details of predictions matter for the answer and its table."""
    found = comparison(images=[np.full((2, 2), i, np.uint8) for i in range(60)])
    digests = []
    read = LoadedImage.digest.func
    monkeypatch.setattr(LoadedImage, "digest", property(lambda self: digests.append(self) or read(self)))
    found._repr_html_()
    ComparisonDisplay.from_comparison(found).plot()
    assert not digests and "details" not in vars(found)
    to_document(found)
    assert len(digests) == 60 and "details" in vars(found)


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


def test_joint_errors():
    found = two_targets()
    display = JointErrorsDisplay.from_comparison(found).plot()
    best = found.joint_errors[found.best]
    names = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert names == ["only brand", "only model", "brand and model"]
    filled, hollow = display.ax_.lines[:2]
    assert filled.get_xdata().tolist() == [each.share for each in best.patterns] and best.patterns[1].n > 0
    assert hollow.get_xdata() == pytest.approx([each.expected / best.n for each in best.patterns])
    assert hollow.get_markerfacecolor() == "none"
    with pytest.raises(ValueError, match="one target, or levels; compare a collection of several targets"):
        JointErrorsDisplay.from_comparison(comparison())
