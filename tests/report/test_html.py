"""The page: what it says is what report.json says, and nothing that is in a name can act on it."""

import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from PIL import Image

from twoflow.evaluation.folds import Fold, Folds, draw_folds, official_split
from twoflow.evaluation.leakage import Leaks
from twoflow.images.passed_over import PassedOver
from twoflow.report import to_document, write_report
from twoflow.report.html import to_html

from .made import LABELS, comparison, two_targets
from .pages import Page, check_figures, paths, written


def test_every_figure_is_that_of_the_document(tmp_path):
    page, document = written(
        comparison(groups=np.arange(60) // 2, shares=(0.3, 0.6), candidates=("one", "two")), tmp_path
    )
    best, runner_up, _ = document["order"]
    assert best == np.argmax([method["scores"]["accuracy"]["mean"] for method in document["methods"]]) > 0
    for i, method in enumerate(document["methods"]):
        spread = ("mean", "std", "min", "max")
        told = [f"scores/{score}/{part}" for score in ("accuracy", "macro_f1") for part in spread]
        told += [f"train_accuracy/{part}" for part in spread]
        told += ["fit_seconds", "predict_seconds", "roc/macro_auc", "calibration/expected_error", "calibration/floor",
                 "log_loss", "brier", "coverage/area", "importances/pixels", "importances/network"]
        told += [f"scores/accuracy/folds/{fold}" for fold in range(5)]
        told += [f"roc/macro/{point}" for point in range(51)]
        told += [f"coverage/accuracy/{point}" for point in range(len(method["coverage"]["accuracy"]))]
        told += [f"calibration/accuracy/{edge}" for edge in range(10)]
        told += [f"per_class/{measure}/{k}" for measure in ("recall", "f1") for k in range(3)]
        wrong = [k for k, (true, predicted, _) in enumerate(method["confusion"]) if true != predicted]
        told += [f"confusion/{k}/2" for k in wrong]
        if i == best:
            told += [f"per_class/{measure}/{k}" for measure in ("precision", "support") for k in range(3)]
            told += [f"per_class/recall_interval/{k}/{end}" for k in range(3) for end in range(2)]
        if i in (best, runner_up):
            told += [f"pooled_accuracy/{each}" for each in ("accuracy", "n_groups", "confidence_interval/0")]
            told += [f"confusion/{k}/2" for k in range(len(method["confusion"]))]
            told += [f"confused/{k}/count" for k in range(len(method["confused"]))]
        assert not {f"/methods/{i}/{each}" for each in told} - paths(page)
    for i in range(3):
        told = ["mean_difference", "p_value", "p_holm", "interval/0", "interval/1", "interval_confidence", "n_tests",
                "effect_size", "equivalence/better", "equivalence/equivalent"]
        told = told[:5] + told[7:] if i else told
        assert {f"/pairwise/{i}/{each}" for each in told} <= paths(page)
        assert {f"/learning_curve/methods/{i}/scores/accuracy/{k}/mean" for k in range(3)} <= paths(page)
    assert {f"/methods/2/choices/{fold}/candidates/{i}/accuracy" for fold in range(5) for i in range(2)} <= paths(page)
    assert {"/environment/seconds", "/environment/peak_memory_bytes", "/environment/images_per_second",
            "/dataset/groups", "/folds/seed", "/tested/n_predictions"} <= paths(page)


def test_the_answer_comes_first_and_its_table_starts_with_the_best_method(tmp_path):
    page, document = written(comparison(), tmp_path)
    html = (tmp_path / "report.html").read_text("utf-8")
    main = html[html.index("<main"):]
    sentences = [unescape(each) for each in re.findall(r"<p><bdi>(.*?)</bdi></p>", main)]
    assert sentences[:len(document["answer"]["sentences"])] == document["answer"]["sentences"]
    names = re.findall(r'<th scope="row" class="name">(.*?)</th>', main)
    assert names[:3] == [document["methods"][i]["name"] for i in document["order"]] != [*sorted(names[:3])]


def test_a_difference_is_that_of_the_method_to_the_best_whatever_the_order_of_the_pair(tmp_path):
    """The last method is the best, so that it is second in its pairs, and in the other page it is first."""
    found = comparison()
    for folder, methods in (("last", found.methods), ("first", found.methods[::-1])):
        _, document = written(replace(found, methods=methods), tmp_path / folder)
        html = (tmp_path / folder / "report.html").read_text("utf-8")
        table = html[html.index('<table class="answer"'):html.index("</table>")]
        best, *others = [document["methods"][i]["scores"]["accuracy"]["mean"] for i in document["order"]]
        differences = re.findall(r'mean_difference" data-format="\w+">(.*?)</data>', table)
        assert differences == [f"{each - best:+.3f}" for each in others] and len(others) == 2
        ends = [float(each) for each in re.findall(r'/interval/\d" data-format="\w+">(.*?)</data>', table)]
        for low, high, each in zip(ends[::2], ends[1::2], others):
            assert low < each - best < high


def test_how_much_could_be_found_is_beside_the_pairs():
    found = comparison()
    document = to_document(found)
    document["power"] = {
        "power": 0.8, "smallest": 0.1, "sentences": ["These folds find 0.1 <or more>."],
        "pairs": [
            {"first": each["first"], "second": each["second"], "smallest": 0.1 + k, "repeats": k or None}
            for k, each in enumerate(document["pairwise"])
        ][::-1],
    }
    html = to_html(document, found.collection.images)
    page = Page(html)
    check_figures(page, document)
    assert "These folds find 0.1 &lt;or more&gt;." in html[html.index('id="pairs"'):html.index('id="classes"')]
    assert {f"/power/pairs/{k}/{part}" for k in range(3) for part in ("smallest", "repeats")} <= paths(page)
    pairs = html[html.index("Each pair with its interval"):]
    assert [int(k) for k in re.findall(r"/power/pairs/(\d)/smallest", pairs)] == [2, 1, 0]


def test_every_confusion_is_beside_right_examples_of_both_classes(tmp_path):
    _, document = written(comparison(images=[np.full((30, 30), 4 * i, np.uint8) for i in range(60)]), tmp_path)
    html = (tmp_path / "report.html").read_text("utf-8")
    classes = [each["name"] for each in document["dataset"]["classes"]]
    method = document["methods"][document["order"][0]]
    shown = re.findall(r'<ul class="tiles">(.*?)</ul>', html, flags=re.DOTALL)
    for pair, tiles in zip(method["confused"], shown):
        alts = [unescape(each) for each in re.findall(r'alt="(.*?)"', tiles, flags=re.DOTALL)]
        files = document["folds"]["images"]
        true, predicted = classes[pair["true"]], classes[pair["predicted"]]
        assert alts == [
            f"{true}, rightly predicted: {files[pair['right']['true']]}",
            f"{predicted}, rightly predicted: {files[pair['right']['predicted']]}",
            *(f"{true}, predicted as {predicted}: {files[each['image']]}" for each in pair["images"]),
        ]
        assert tiles.count('class="zoom"') == len(alts) == tiles.count("data:image/jpeg")


@pytest.mark.parametrize(("n_images", "n_same_photo"), [(0, 0), (1, 1), (3, 0), (3, 2)])
def test_leaks_are_told_with_how_many_show_the_same_photo(tmp_path, n_images, n_same_photo):
    leaks = Leaks(n_images, n_images, np.array([n_images, 0, 0, 0, 0]), n_same_photo)
    page, document = written(replace(comparison(), leaks=leaks), tmp_path)
    assert document["leaks"]["images"] == n_images and document["leaks"]["same_photo"] == n_same_photo
    # In the answer, and where the page says what was compared.
    told = [attributes["data-path"] for attributes, _ in page.figures if attributes["data-path"].startswith("/leaks")]
    assert told == ["/leaks/images", "/leaks/same_photo"] * 2 * bool(n_images)
    text = "".join(page.stray)
    assert text.count("--group-duplicates") == 2 * bool(n_images)
    assert text.count("the others of one that looks alike") == 2 * (n_same_photo < n_images)


def test_the_numbers_in_a_plot_are_those_of_the_document(tmp_path):
    page, document = written(comparison(), tmp_path)
    text = "".join(page.svg_text)
    for method in document["methods"]:
        assert f"{method['name']} ({method['roc']['macro_auc']:.3f})" in text
        assert f"{method['name']} ({method['calibration']['expected_error']:.3f})" in text
        assert f"{method['name']} ({method['coverage']['area']:.3f})" in text
    assert all(str(count) in text for _, _, count in document["methods"][document["best"]]["confusion"])


def test_the_sections_are_there_for_what_there_is(tmp_path):
    def sections(found, folder):
        page, _ = written(found, tmp_path / folder)
        names = [attributes["id"] for attributes in page.all("section")]
        links = [attributes["href"][1:] for attributes in page.all("a")]
        assert names[0] == "answer" and names[1:] == links[-len(names) + 1:]  # before are those in the answer
        return names

    everything = sections(comparison(shares=(0.5,), candidates=("one", "two"), n_epochs=[4] * 5), "everything")
    assert everything == ["answer", "scores", "pairs", "classes", "confusions", "probabilities", "flows", "choices",
                          "learning", "training", "cost", "compared", "left-out", "reproduce"]
    assert "choices" not in sections(comparison(), "no choice")
    assert not {"learning", "training"} & set(sections(comparison(), "no curve"))
    assert "pairs" not in sections(comparison(n_methods=1), "one method")
    assert "targets" in sections(two_targets(), "two targets")
    found = comparison()
    methods = tuple(replace(method, probabilities=None, importances=None) for method in found.methods)
    assert not {"probabilities", "flows"} & set(sections(replace(found, methods=methods), "labels only"))


def test_a_method_without_probabilities_among_others(tmp_path):
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
    html = re.sub(' data-path="[^"]*"', "", (tmp_path / "report.html").read_text("utf-8"))  # exact, and not shown
    assert html.replace("\n", "").isprintable()
    assert len(page.all("script")) == len(page.all("style")) == 1
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
            "/methods/1/other_targets/brand/per_class/recall/1", "/methods/0/other_targets/brand/per_class/f1/0",
            "/methods/1/other_targets/brand/pooled_accuracy/accuracy", "/methods/0/scores/hamming_loss/mean",
            "/methods/1/joint_errors/patterns/1/n", "/methods/0/joint_errors/patterns/2/expected",
            "/methods/0/joint_errors/n_right", "/methods/0/joint_errors/combinations/0/share",
            "/learning_curve/methods/1/scores/exact_match/1/mean"}
    assert told <= paths(page)
    text = " ".join("".join(page.stray).split())
    assert "the finest target" in text and "Exact match by fold" in text
    assert "the finest target" not in " ".join("".join(written(comparison(), tmp_path)[0].stray).split())


def test_names_of_targets_are_text_wherever_they_are(tmp_path):
    found = two_targets(names=HOSTILE[:2], brands=HOSTILE[2:4])
    page, document = written(found, tmp_path)
    assert [each["name"] for each in document["dataset"]["targets"]] == HOSTILE[:2]
    assert any(path.startswith("/methods/0/other_targets/") for path in paths(page))


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


def large(folder, n_classes, n=20_000):
    """Make a comparison of many classes and images. Only the few images that are shown are files."""
    rng = np.random.default_rng(0)
    labels = np.array([f"brand {i % n_classes % 20} model {i % n_classes:03d}" for i in range(n)])
    for i in range(60):
        noise = rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((800, 600)).save(folder / f"{i}.jpg")
    images = [folder / f"{i % 60}.jpg" for i in range(n)]
    return comparison(draw_folds(labels, n_splits=10), labels=labels, images=images)


def test_107_classes_and_20_000_images_are_a_small_page(tmp_path):
    found = large(tmp_path, 107)
    page, document = written(found, tmp_path / "report")
    assert len(found.collection) == 20_000
    assert (tmp_path / "report/report.html").stat().st_size < 15e6
    assert len(page.all("img")) == 100
    assert len(document["methods"][0]["confusion"]) > 1000
    squares = [attributes for attributes in page.all("path") if attributes.get("class") in ("right", "wrong")]
    assert len(squares) <= 2 * 16 and all(attributes["d"] for attributes in squares)
