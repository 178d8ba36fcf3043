"""The drawing of a confusion matrix: every cell is there, for any number of classes, and no name can act."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from twoflow.report.matrix import matrix_svg

COUNTS = [(0, 0, 3), (0, 1, 1), (1, 1, 4), (2, 0, 2), (2, None, 5)]
NAMES = ["boot", "clog", "mule"]


def drawn(counts, names, order):
    return ElementTree.fromstring(str(matrix_svg(counts, names, order, "what it is")))


def squares(svg, kind):
    """Row and column of each square of a kind, with its opacity."""
    return {
        (int(y), int(x)): float(path.get("fill-opacity"))
        for path in svg.iter("path") if path.get("class") == kind
        for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", path.get("d"))
    }


def test_cells_are_at_the_places_of_their_classes():
    svg = drawn(COUNTS, NAMES, [2, 0, 1])
    assert set(squares(svg, "right")) == {(1, 1), (2, 2)} and set(squares(svg, "wrong")) == {(1, 2), (0, 1)}
    assert json.loads(svg.get("data-classes")) == ["mule", "boot", "clog"]
    assert svg.get("data-cells") == "0 1 2 1 1 3 1 2 1 2 2 4"
    assert sorted(text.text for text in svg.iter("text") if text.get("class") == "count") == ["1", "2", "3", "4"]


def test_a_color_is_stronger_for_a_larger_share_of_the_true_class():
    svg = drawn([(0, 0, 90), (0, 1, 9), (0, 2, 1), (1, 1, 1), (2, 2, 1)], NAMES, [0, 1, 2])
    wrong = squares(svg, "wrong")
    assert 0 < wrong[0, 2] < wrong[0, 1] < squares(svg, "right")[0, 0] <= squares(svg, "right")[1, 1] == 1


def test_the_title_of_a_row_tells_all_answers_without_a_script():
    titles = [title.text for title in drawn(COUNTS, NAMES, [2, 0, 1]).iter("title")]
    assert titles == [
        "mule, predicted as\nanother answer: 5\nboot: 2", "boot, predicted as\nboot: 3\nclog: 1",
        "clog, predicted as\nclog: 4",
    ]
    many = [(0, k, 20 - k) for k in range(12)]
    first = next(drawn(many, [f"class {k}" for k in range(12)], range(12)).iter("title")).text
    assert first.endswith("class 7: 13\nand 4 more")


@pytest.mark.parametrize("n", [2, 30, 31, 70, 71, 500])
def test_any_number_of_classes(n):
    """Counts are written up to 30 classes, names up to 70, and it is never much wider than a screen."""
    rng = np.random.default_rng(0)
    counts = [(k, k, 9) for k in range(n)] + [(int(a), int(b), 1) for a, b in rng.integers(n, size=(n, 2)) if a != b]
    svg = drawn(counts, [f"class {k}" for k in range(n)], rng.permutation(n).tolist())
    kinds = [text.get("class") for text in svg.iter("text")]
    assert ("count" in kinds) == (n <= 30)
    assert kinds.count("of-row") == kinds.count("of-column") == (n if n <= 70 else 0)
    assert len(list(svg.iter("path"))) <= 16 and float(svg.get("width")) < 1200
    assert len(squares(svg, "right")) == n == len(list(svg.iter("title")))


def test_hostile_names():
    names = ["<script>alert(1)</script>", "\"' onload=x", "靴" * 40]
    svg = drawn(COUNTS, names, [0, 1, 2])
    assert not list(svg.iter("script")) and json.loads(svg.get("data-classes")) == names
    assert not any(key.startswith("on") for each in svg.iter() for key in each.keys())
    assert matrix_svg([(0, 0, 1)], ["\udcff\x00"], [0], "x").count("\\udcff") >= 2
