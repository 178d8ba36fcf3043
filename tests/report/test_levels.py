"""Reports of levels: text, document, tables, page and plots say the same, before and after fallback."""

import csv
import json

import numpy as np
import pytest

from twoflow.evaluation.hierarchy.answers import compare_paths
from twoflow.report import ConfusionDisplay, LevelsDisplay, RiskDisplay, RocDisplay, format_text, to_document

from .made import comparison, levels
from .pages import paths, written


@pytest.fixture(scope="module")
def found():
    return levels()


@pytest.fixture(scope="module")
def document(found):
    return json.loads(json.dumps(to_document(found), allow_nan=False))


def test_what_images_say_at_a_level_and_nothing_else_is_counted(found, document):
    hierarchy = document["dataset"]["hierarchy"]
    assert [(each["name"], each["n_classes"]) for each in hierarchy["levels"]] == [("kind", 3), ("model <b>", 3)]
    nodes = {tuple(each["path"]): (each["n_images"], each["is_leaf"]) for each in hierarchy["nodes"]}
    assert nodes["shoes",] == (24, False) and nodes["shoes", "boot"] == (11, True) and nodes["hats",] == (12, True)
    assert hierarchy["n_leaves"] == 4
    # Each class is followed by those below it.
    assert list(nodes)[-3:] == [("shoes",), ("shoes", "boot"), ("shoes", 'clog <script>"')]
    tree = document["methods"][1]
    assert sum(tree["per_class"]["support"]) == 60 - 12 - 2  # those that have a model
    assert sum(tree["other_targets"]["kind"]["per_class"]["support"]) == 60
    # Probabilities are not those of images that are out of scope.
    assert sum(tree["calibration"]["n"]) <= 60 - 12 - 2 - 12
    assert any("partly labeled" in note for note in found.collection.label_notes)


def test_before_and_after_fallback_are_side_by_side(found, document):
    flat, tree = document["methods"]
    assert flat["before_fallback"] is None and not found["flat"].falls_back and found["tree"].falls_back
    before, after = tree["before_fallback"], tree["scores"]
    assert before["exact_match"]["mean"] == flat["scores"]["exact_match"]["mean"] > after["exact_match"]["mean"]
    assert before["unknown"]["mean"] == 0 < after["unknown"]["mean"] and after["stopped:kind"]["mean"] > 0
    assert len(before["exact_match"]["confidence_interval"]) == 2
    assert flat["scores"]["right_auroc"]["mean"] is None and flat["risk_coverage"] is None  # no probabilities
    columns = dict(found.level_columns())
    row = columns["score"].index("exact_match")
    assert list(columns) == ["score", "flat", "tree", "tree, before fallback"]
    assert columns["tree, before fallback"][row] == before["exact_match"]["mean"]
    frame = found.levels_frame()
    assert list(frame.columns) == list(columns) and len(frame) == len(columns["score"])


def test_the_exact_match_and_its_test_see_the_same_images(found):
    right = found.is_right("tree")
    assert [each.mean() for each in right] == found["tree"].scores["exact_match"].tolist()
    fold = found.folds.splits[0]
    expected = compare_paths(found.tree, found.collection.labels[fold.test], found["tree"].predicted[0]).is_right
    assert (right[0] == expected).all()


def test_text(found):
    text = format_text(found)
    assert "\n60 images, levels kind: 3 classes, model <b>: 3 classes\n" in text
    lines = [line for line in text.splitlines() if line.startswith("AUROC, right against wrong")]
    assert lines and lines[0].split()[-3] == "–"
    assert "tree, before fallback" in text and "conditional accuracy of model <b>" in text
    assert max(len(line) for line in text.splitlines() if line.startswith("flat")) < 160  # not a column for each score


def test_page(found, tmp_path):
    page, document = written(found, tmp_path)
    told = {"/methods/1/before_fallback/exact_match/mean", "/methods/1/scores/hierarchical_f1/mean",
            "/methods/1/scores/accuracy:kind/mean", "/methods/1/risk_coverage/risk/19", "/dataset/hierarchy/n_leaves",
            "/methods/1/other_targets/kind/per_class/f1/0"}
    assert told <= paths(page)
    text = " ".join("".join(page.stray).split())
    assert "Other levels" in text and "Hierarchy" in text and "Other targets" not in text
    with open(tmp_path / "scores.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows[::3]] == ["flat", "tree", "tree, before fallback"]
    assert rows[0]["right_auroc"] == "" and float(rows[3]["exact_match"]) == found["tree"].scores["exact_match"][0]


def test_without_images_out_of_scope(tmp_path):
    _, document = written(levels(outside=False), tmp_path)
    names = [score["name"] for score in document["scores"]]
    assert "scope_auroc" not in names and "outside_rejected" not in names


def test_plots_draw_the_figures_of_the_document(found, document):
    ax = LevelsDisplay.from_comparison(found).plot().ax_
    assert [text.get_text() for text in ax.get_yticklabels()] == ["kind", "model <b>", "all levels"]
    signs = [line.get_xdata() for line in ax.lines if len(line.get_xdata()) == 3]
    tree, before = (document["methods"][1][kind] for kind in ("scores", "before_fallback"))
    names = ("accuracy:kind", "accuracy:model <b>", "exact_match")
    shown = [[each[name]["mean"] for name in names] for each in (tree, before)]
    assert all(any(np.allclose(sign, values) for sign in signs) for values in shown)
    curves = RiskDisplay.from_comparison(found)
    assert curves.names == ["tree"] and curves.risk == [document["methods"][1]["risk_coverage"]["risk"]]
    (line,) = curves.plot().ax_.lines
    assert line.get_ydata().tolist() == curves.risk[0]


def test_plots_of_a_level(found, document):
    roc = RocDisplay.from_document(document, target="kind")
    assert roc.roc_auc == [document["methods"][1]["other_targets"]["kind"]["roc"]["macro_auc"]]
    assert RocDisplay.from_document(document).roc_auc == RocDisplay.from_document(document, target="model <b>").roc_auc
    matrix = ConfusionDisplay.from_document(document, target="kind", method=1)
    assert matrix.display_labels == ["bags", "hats", "shoes", "unknown"]
    counts = [n for _, predicted, n in document["methods"][1]["other_targets"]["kind"]["confusion"]
              if predicted is not None]
    assert np.sum(matrix.confusion_matrix) == sum(counts)
    with pytest.raises(ValueError, match="target: expected one of 'kind', 'model <b>', got 'size'"):
        RocDisplay.from_document(document, target="size")


@pytest.mark.parametrize("display", [LevelsDisplay, RiskDisplay])
def test_plots_of_independent_targets(display):
    with pytest.raises(ValueError, match="the targets of the comparison are no levels"):
        display.from_comparison(comparison())
    assert all(not values for _, values in comparison().level_columns())
