"""The page: what it says is what report.json says, and nothing that is in a name can act on it."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from twoflow.evaluation.folds import Fold, Folds, draw_folds, official_split
from twoflow.evaluation.leakage import Leaks
from twoflow.images import ImageCollection
from twoflow.images.passed_over import PassedOver
from twoflow.report import write_report

from .made import LABELS, comparison, two_targets

VOID = {"meta", "link", "img", "br", "input", "path", "use"}

#: How each figure is to be written; not the table of the package, which may be wrong.
WRITTEN = {
    "count": lambda value: format(round(value), ","),
    "least": lambda values: format(min(values), ","),
    "most": lambda values: format(max(values), ","),
    "score": lambda value: "%.3f" % value,
    "signed": lambda value: "%+.3f" % (round(value, 3) + 0),  # no negative zero
    "p": lambda value: "< 0.001" if value < 0.001 else "%.3f" % value,
    "share": lambda value: "%.1f%%" % (100 * value),
    "whole-share": lambda value: "%.0f%%" % (100 * value),
    "seconds": lambda value: "%.2f" % value if value < 10 else format(round(value), ","),
    "megabytes": lambda value: format(round(value / 1e6), ","),
    "edge": lambda value: "%g" % value,
    "rate": lambda value: "%.4f" % value,
    "text": str,
}

#: Elements whose text is a name, code or an image; figures elsewhere must be those of the document.
NAMES = {"bdi", "code", "svg", "style", "title", "h1", "figcaption"}


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
    assert not re.search(r"https?:|<script|@import|url\((?!#)", html)
    return page, document


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


def test_every_figure_is_that_of_the_document(tmp_path):
    found = comparison(groups=np.arange(60) // 2, shares=(0.3, 0.6), candidates=("one", "two"))
    first, *others = found.methods
    methods = (first, *(replace(method, train_accuracy=method.scores["accuracy"] + 0.01) for method in others))
    page, document = written(replace(found, methods=methods), tmp_path)
    best = int(np.argmax([method["scores"]["accuracy"]["mean"] for method in document["methods"]]))
    assert best > 0
    for i, method in enumerate(document["methods"]):
        told = ["scores/accuracy/mean", "scores/accuracy/std", "scores/macro_f1/mean", "fit_seconds",
                "predict_seconds", "roc/macro_auc", "roc/micro_auc", "calibration/expected_error",
                "importances/pixels", "importances/network"]
        told += [f"scores/accuracy/folds/{fold}" for fold in range(5)]
        told += [f"roc/{average}/{point}" for average in ("macro", "micro") for point in range(51)]
        told += [f"calibration/accuracy/{edge}" for edge in range(10)]
        told += [f"train_accuracy/{part}" for part in ("mean", "std")] if i else []
        if i in (0, best):
            told += [f"pooled_accuracy/{each}" for each in ("accuracy", "n_groups", "confidence_interval/0")]
            measures = ("precision", "recall", "f1", "support")
            told += [f"per_class/{measure}/{k}" for measure in measures for k in range(3)]
            told += [f"confusion/{k}/2" for k in range(len(method["confusion"]))]
            told += [f"confused/{k}/count" for k in range(len(method["confused"]))]
        assert not {f"/methods/{i}/{each}" for each in told} - paths(page)
    for i in range(3):
        told = ["mean_difference", "p_holm", "effect_size", "equivalence/better", "equivalence/equivalent"]
        assert {f"/pairwise/{i}/{each}" for each in told} <= paths(page)
        assert {f"/learning_curve/methods/{i}/scores/accuracy/{k}/mean" for k in range(3)} <= paths(page)
    assert {f"/comparisons/{i}/p_value" for i in range(4)} <= paths(page)
    assert {f"/methods/2/choices/{fold}/candidates/{i}/accuracy" for fold in range(5) for i in range(2)} <= paths(page)
    assert {"/environment/seconds", "/environment/peak_memory_bytes", "/environment/images_per_second",
            "/dataset/groups", "/folds/seed", "/tested/n_predictions"} <= paths(page)


@pytest.mark.parametrize("n_images", [0, 1, 3])
def test_leaks_are_told(tmp_path, n_images):
    leaks = Leaks(n_images, n_images, np.array([n_images, 0, 0, 0, 0]), n_images)
    page, document = written(replace(comparison(), leaks=leaks), tmp_path)
    assert document["leaks"]["images"] == n_images
    assert ("/leaks/images" in paths(page)) == bool(n_images)
    assert ("--group-duplicates" in "".join(page.stray)) == bool(n_images)


def test_the_numbers_in_a_plot_are_those_of_the_document(tmp_path):
    page, document = written(comparison(), tmp_path)
    text = "".join(page.svg_text)
    for method in document["methods"]:
        assert f"{method['name']} ({method['roc']['macro_auc']:.3f})" in text
        assert f"{method['name']} ({method['calibration']['expected_error']:.3f})" in text
    assert all(str(count) in text for _, _, count in document["methods"][0]["confusion"])


def test_the_sections_are_there_for_what_there_is(tmp_path):
    def sections(found, folder):
        page, _ = written(found, tmp_path / folder)
        names = [attributes["id"] for attributes in page.all("section")]
        assert names == [attributes["href"][1:] for attributes in page.all("a")][1:]  # the skip link is the first
        return names

    everything = sections(comparison(shares=(0.5,), candidates=("one", "two")), "everything")
    assert everything == ["compared", "scores", "pairs", "classes", "confusions", "probabilities", "flows", "choices",
                          "learning", "cost", "left-out", "reproduce"]
    assert "choices" not in sections(comparison(), "no choice")
    assert "learning" not in sections(comparison(), "no curve")
    assert "pairs" not in sections(comparison(n_methods=1), "one method")
    found = comparison()
    methods = tuple(replace(method, probabilities=None, importances=None) for method in found.methods)
    assert not {"probabilities", "flows"} & set(sections(replace(found, methods=methods), "labels only"))


def test_a_row_without_probabilities_among_others(tmp_path):
    found = comparison()
    found = replace(found, methods=(replace(found.methods[0], probabilities=None), *found.methods[1:]))
    page, document = written(found, tmp_path)
    assert document["methods"][0]["roc"] is None and document["methods"][0]["calibration"] is None
    assert document["methods"][0]["confused"][0]["images"][0]["probability"] is None
    assert "These methods have no probabilities:" in " ".join("".join(page.stray).split())


@pytest.mark.parametrize(
    "folds, labels",
    [
        (official_split(np.where(np.arange(60) % 3 == 0, "test", "train"), LABELS), LABELS),
        (draw_folds(LABELS, n_splits=2, repeats=3), LABELS),
        (draw_folds(LABELS, test_size=0.2, repeats=4), LABELS),
        (draw_folds(LABELS[:40], n_splits=5), LABELS[:40]),
        # The last class is in no test fold, and the only one tested is tested alone.
        (Folds("official split", 1, 1, None, (Fold(0, 0, np.arange(10, 60), np.arange(10)),)), LABELS),
        (draw_folds(np.arange(60) % 3, n_splits=3), np.arange(60) % 3),
    ],
    ids=["official split", "repeats", "random splits", "two classes", "classes not tested", "numbers for classes"],
)
@pytest.mark.parametrize("n_methods", [1, 2])
def test_every_protocol(tmp_path, folds, labels, n_methods):
    page, document = written(comparison(folds, labels=labels, n_methods=n_methods), tmp_path)
    n = sum(len(fold.test) for fold in folds)
    assert document["tested"]["n_predictions"] == n
    text = " ".join("".join(page.stray).split())
    assert ("count each time" in text) == (n > document["tested"]["n_images"])
    assert ("Not tested in any fold" in text) == bool(document["tested"]["classes_not_tested"])
    assert ("only one split" in text) == (len(folds) == 1)


HOSTILE = [
    '<script>alert("1")</script>', "a\nb\t'c' & \"d\"", "$x^2$ _{y} \\frac", "\u202eעברית ابجد", "靴 👟 \udcff half",
    "</style></svg><img src=x onerror=alert(1)>", "w" * 300, "a.b/c~d{{ 7 * 7 }}{0}%s", "\x00\x07\x1b[31m\u2028",
]


def test_names_are_text_wherever_they_are(tmp_path):
    labels = np.repeat(np.array(HOSTILE, dtype=object), 6)
    names = [f"{name} method" for name in HOSTILE]
    folds = draw_folds(labels, n_splits=2)
    found = comparison(folds, labels=labels, names=names, shares=(0.5,), candidates=HOSTILE)
    flows = {name: 1 / 8 for name in HOSTILE if "\udcff" not in name}  # which are names in a program, not of files
    methods = tuple(replace(method, importances=flows) for method in found.methods)
    found.collection.small_classes = dict.fromkeys(HOSTILE, 1)
    found.collection.passed_over = [PassedOver(name, tuple(HOSTILE)) for name in HOSTILE]
    found.collection.notes = tuple(HOSTILE)
    left_out = {name: name for name in HOSTILE}
    page, document = written(replace(found, methods=methods, left_out=left_out), tmp_path, command=" ".join(HOSTILE))
    assert [each["name"] for each in document["dataset"]["classes"]] == sorted(HOSTILE)
    assert not page.all("script") and len(page.all("style")) == 1
    assert all(attributes["src"].startswith("data:image/jpeg;base64,") for attributes in page.all("img"))
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    text = "".join(page.svg_text)
    assert '<script>alert("1")</sc' in text and "$x^2$ _{y} \\frac" in text and "\\udcff half" in text


def test_a_page_of_several_targets(tmp_path):
    found = two_targets(shares=(0.5,))
    page, document = written(found, tmp_path)
    assert document["tested_score"] == "exact_match"
    told = {"/methods/0/scores/exact_match/mean", "/methods/1/scores/accuracy:brand/std",
            "/methods/1/scores/macro_f1:model/mean", "/dataset/targets/0/n_classes", "/dataset/targets/1/n_classes",
            "/methods/0/scores/exact_match/folds/4", "/methods/0/per_class/f1/2", "/methods/0/roc/macro_auc",
            "/learning_curve/methods/1/scores/exact_match/1/mean"}
    assert told <= paths(page)
    text = " ".join("".join(page.stray).split())
    assert "the finest target" in text and "difference in exact match" in text
    assert "the finest target" not in " ".join("".join(written(comparison(), tmp_path)[0].stray).split())


def test_names_of_targets_are_text_wherever_they_are(tmp_path):
    found = two_targets(names=HOSTILE[:2], brands=HOSTILE[2:4])
    page, document = written(found, tmp_path)
    assert not page.all("script") and [each["name"] for each in document["dataset"]["targets"]] == HOSTILE[:2]


def test_files_that_are_gone_have_a_box_that_says_so(tmp_path):
    images = [f"/nowhere/{i}.jpg" for i in range(60)]
    page, _ = written(comparison(images=images), tmp_path)
    assert not page.all("img") and "can no longer be read" in "".join(page.stray)


def test_answers_that_are_none_of_the_classes(tmp_path):
    found = comparison()
    odd = tuple(np.array(["no idea", *fold[1:]]) for fold in found.methods[0].predicted)
    found = replace(found, methods=(replace(found.methods[0], predicted=odd), *found.methods[1:]))
    _, document = written(found, tmp_path)
    confusion = document["methods"][0]["confusion"]
    assert sum(count for _, predicted, count in confusion if predicted is None) == 5
    assert sum(count for _, _, count in confusion) == 60


def test_what_was_left_out_and_how_to_make_it_again(tmp_path):
    found = replace(comparison(), left_out={"convnet": "needs torch"})
    found.collection.small_classes = {"mule": 3}
    found.collection.passed_over = (PassedOver("odd files", tuple(f"{i}.txt" for i in range(12))),)
    found.collection.notes = ("how it was read",)
    write_report(found, tmp_path, "twoflow cv 'my shoes/' --seed 3")
    html = (tmp_path / "report.html").read_text("utf-8")
    for text in ("convnet", "needs torch", "mule", "a b/\\udcffé.jpg", "the file is empty", "odd files", "9.txt",
                 "report.json lists all", "how it was read", "twoflow cv &#39;my shoes/&#39; --seed 3",
                 "--folds-from report.json"):
        assert text in html
    assert "10.txt" not in html
    write_report(comparison(), tmp_path)
    assert "The line that made this report" not in (tmp_path / "report.html").read_text("utf-8")


def test_equal_comparisons_give_equal_pages(tmp_path):
    for name in ("one", "two"):
        write_report(comparison(), tmp_path / name)
    assert (tmp_path / "one/report.html").read_bytes() == (tmp_path / "two/report.html").read_bytes()


def large(folder, n_classes=200, n=20_000, n_methods=6):
    """Make a comparison of many classes and images. Only the few images that are shown are files."""
    from PIL import Image

    rng = np.random.default_rng(0)
    labels = np.array([f"brand {i % 20} model {i % n_classes:03d}" for i in range(n)])
    for i in range(60):
        noise = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((400, 300)).save(folder / f"{i}.jpg")
    images = [folder / f"{i % 60}.jpg" for i in range(n)]
    names = [f"method {i}" for i in range(n_methods)]
    return comparison(draw_folds(labels, n_splits=10), labels=labels, images=images, names=names)


def test_200_classes_and_20_000_images_are_a_small_page(tmp_path):
    found = large(tmp_path)
    assert isinstance(found.collection, ImageCollection) and len(found.collection) == 20_000
    page, document = written(found, tmp_path / "report")
    assert (tmp_path / "report/report.html").stat().st_size < 3e6
    assert len(page.all("img")) == 60
    assert len(document["methods"][0]["confusion"]) > 1000
