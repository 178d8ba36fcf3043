import csv
import json
import math
import os
from dataclasses import replace

import numpy as np
import pytest

from twoflow.evaluation.comparison import _differences
from twoflow.evaluation.folds import draw_folds, official_split
from twoflow.evaluation.statistics import corrected_resampled_ttest, holm, probability_of_equivalence
from twoflow.images import ImageReadError
from twoflow.images.missing_images import MissingImageError
from twoflow.images.passed_over import PassedOver
from twoflow.report import format_text, to_document, write_report

from .made import LABELS, UNREADABLE, comparison, two_targets


def single_split():
    return comparison(official_split(np.where(np.arange(60) % 3 == 0, "test", "train"), LABELS))


def test_schema_2():
    found = comparison()
    document = json.loads(json.dumps(to_document(found), allow_nan=False))
    assert document["dataset"] == {
        "n_images": 60,
        "n_classes": 3,
        "classes": [{"name": name, "n_images": 20} for name in np.unique(LABELS)],
        "targets": [
            {"name": "class", "n_classes": 3, "classes": [{"name": name, "n_images": 20} for name in np.unique(LABELS)]}
        ],
        "finest": "class",
        "groups": None,
        "small_classes": [],
        "unreadable": [{"path": UNREADABLE.name, "reason": "the file is empty"}],
        "passed_over": [],
        "lookalikes": [],
        "notes": [],
        "color_profiles": {"converted": 0, "damaged": []},
    }
    folds = document["folds"]
    assert (folds["kind"], folds["n_splits"], folds["repeats"], folds["seed"]) == ("stratified k-fold", 5, 1, 0)
    assert folds["train_sizes"] == [48] * 5 and folds["test_sizes"] == [12] * 5
    method = document["methods"][0]
    assert {"name", "n_features", "scores", "fit_seconds", "predict_seconds"} <= set(method)
    assert document["tested_score"] == "accuracy" and list(method["scores"]) == ["accuracy", "macro_f1"]
    assert [(each["name"], each["label"], each["target"]) for each in document["scores"]] == [
        ("accuracy", "accuracy", None), ("macro_f1", "macro F1", None)
    ]
    for name, score in method["scores"].items():
        assert score["folds"] == found.methods[0].scores[name].tolist()
        assert score["mean"] == found.methods[0].scores[name].mean()
        assert score["std"] == found.methods[0].scores[name].std(ddof=1)
    assert len(document["comparisons"]) == 4
    for entry, difference in zip(document["comparisons"], found.differences):
        assert (entry["first"], entry["second"]) == (difference.first, "method0")
        assert entry["statistic"] == difference.result.statistic and entry["p_value"] == difference.result.p_value
        assert entry["p_holm"] == difference.p_holm and entry["degrees_of_freedom"] == 4
        assert tuple(entry["confidence_interval"]) == difference.result.confidence_interval
    assert {"versions", "cpu_count", "seconds"} <= set(document["environment"])
    assert document["environment"]["versions"]["twoflow"]


def test_what_has_no_value_is_null():
    document = to_document(single_split())
    assert document["methods"][0]["scores"]["accuracy"]["std"] is None
    assert document["comparisons"][0]["p_value"] is None
    assert document["comparisons"][0]["confidence_interval"] == [None, None]
    assert document["folds"]["seed"] is None
    json.dumps(document, allow_nan=False)


def test_text_states_the_figures_of_the_document():
    found = comparison(groups=np.arange(60) // 2)
    text = format_text(found)
    document = to_document(found)
    assert text.startswith("60 images in 30 groups, 3 classes\n5-fold stratified group cross-validation, seed 0")
    for method in document["methods"]:
        (line,) = [line for line in text.splitlines() if line.startswith(method["name"] + " ")]
        for score in method["scores"].values():
            assert f"{score['mean']:.3f} ± {score['std']:.3f}" in line
        for entry in document["comparisons"]:
            if entry["first"] == method["name"]:
                assert f"{entry['p_value']:.3f}" in line
            if entry["first"] == method["name"] and entry["test"].startswith("corrected"):
                low, high = entry["confidence_interval"]
                assert f"{entry['mean_difference']:+.3f} [{low:+.3f}, {high:+.3f}]" in line
                assert f"{entry['p_holm']:.3f}" in line
    assert "1 image that cannot be read:\n  a b/" in text and "the file is empty" in text


def test_training_accuracy_is_reported_where_there_is_one():
    found = comparison()
    first, *others = found.methods
    found = replace(found, methods=(replace(first, train_accuracy=np.array([0.5, 0.6, 0.5, 0.6, 0.55])), *others))
    methods = to_document(found)["methods"]
    assert methods[0]["train_accuracy"]["folds"] == [0.5, 0.6, 0.5, 0.6, 0.55]
    assert set(methods[0]["train_accuracy"]) == {"mean", "std", "folds"} and "train_accuracy" not in methods[1]
    text = format_text(found)
    assert "method0: accuracy on the training images 0.550 ± 0.050\n" in text
    assert text.count("the training images") == 1


def test_rows_that_were_left_out_are_named():
    found = replace(comparison(), left_out={"convnet": "needs torch: pip install it"})
    assert to_document(found)["left_out"] == [{"name": "convnet", "reason": "needs torch: pip install it"}]
    assert "\nNot compared: convnet: needs torch: pip install it\n" in format_text(found)
    assert to_document(comparison())["left_out"] == [] and "Not compared" not in format_text(comparison())


def test_small_classes_are_named():
    found = comparison()
    found.collection.small_classes = {"mule\nsandal": 3, "clog": 1}
    assert to_document(found)["dataset"]["small_classes"] == [
        {"name": "mule\nsandal", "n_images": 3}, {"name": "clog", "n_images": 1}
    ]
    assert "\nLeft out, 2 classes with too few images: mule sandal (3), clog (1)\n" in format_text(found)
    assert to_document(comparison())["dataset"]["small_classes"] == []
    assert "too few images" not in format_text(comparison())


def test_how_the_source_was_read_is_told():
    labels = np.repeat(["boot", "Boot", "b\u043e\u043et", "clog"], 15)
    found = comparison(labels=labels)
    found.collection.passed_over = (
        PassedOver("files with the ending .txt", tuple(f"{i}\n.txt" for i in range(5))),
        PassedOver("hidden files and folders", (".a",)),
    )
    found.collection.notes = ("a class is\nthe first folder",)
    dataset = to_document(found)["dataset"]
    assert dataset["passed_over"][0] == {
        "reason": "files with the ending .txt", "n_paths": 5, "paths": [f"{i}\n.txt" for i in range(5)]
    }
    assert dataset["lookalikes"] == [["Boot", "boot", "b\u043e\u043et"]]
    assert dataset["notes"] == ["a class is\nthe first folder"]
    assert format_text(found).endswith(
        "\n\nClasses whose names look alike: 1 group\n  'Boot' and 'boot' and 'b\u043e\u043et' ('b\\u043e\\u043et')\n"
        "\n6 files or folders passed over:\n  files with the ending .txt: 5 (0 .txt, 1 .txt, 2 .txt and 2 more)\n"
        "  hidden files and folders: 1 (.a)\n\nNote: a class is the first folder"
    )
    assert "passed over" not in format_text(comparison()) and "Note:" not in format_text(comparison())


def test_missing_images_were_never_in_the_store():
    found = comparison()
    assert "(61 of" not in format_text(found) and "images/s)" in format_text(found)
    found.collection.unreadable += (MissingImageError("gone.jpg", "no such file"),)
    assert "from the store" not in format_text(found) and "gone.jpg: no such file" in format_text(found)


def test_the_first_of_many_unreadable_images():
    found = comparison()
    found.collection.unreadable = tuple(ImageReadError(f"{i}.jpg", "no such file") for i in range(1050))
    text = format_text(found)
    assert "Left out, 1050 images that cannot be read:\n  0.jpg: no such file\n" in text
    assert text.endswith("\n  49.jpg: no such file\n  and 1,000 more; report.json lists all")
    assert len(to_document(found)["dataset"]["unreadable"]) == 1050


def test_what_an_official_split_leaves_out_is_counted():
    marks = np.array(["train", "test", "validation"])[np.arange(60) % 3]
    assert "at least 20 trained on, 20 tested, 20 neither\n" in format_text(comparison(official_split(marks, LABELS)))
    assert "neither" not in format_text(single_split())


def test_text_of_a_single_split_and_of_a_single_method():
    text = format_text(single_split())
    assert "official split" in text and "There is only one split, so" in text
    assert "nan" not in text and "±" not in text
    assert [("p corrected and" in format_text(comparison(n_methods=n))) for n in (1, 2)] == [False, True]
    paper = format_text(comparison(draw_folds(LABELS, test_size=0.1, repeats=10)))
    assert "10 stratified random splits, seed 0" in paper
    assert "5-fold stratified cross-validation, 2 repeats" in format_text(
        comparison(draw_folds(LABELS, n_splits=5, repeats=2))
    )


def test_scores_are_written_in_full_and_without_times(tmp_path):
    found = comparison()
    folder = tmp_path / "report"  # beside the cache, where matplotlib may keep its fonts
    write_report(found, folder)
    with open(folder / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["row", "repeat", "fold", "n_train", "n_test", "accuracy", "macro_f1"]
    accuracy = np.concatenate([method.scores["accuracy"] for method in found.methods])
    assert [float(row["accuracy"]) for row in rows] == accuracy.tolist()
    assert [row["fold"] for row in rows] == list("01234") * 3 and {row["n_train"] for row in rows} == {"48"}
    assert json.loads((folder / "report.json").read_text("utf-8"))["schema"] == 2
    assert (folder / "report.txt").read_text("utf-8").startswith("60 images")
    assert sorted(os.listdir(folder)) == ["report.html", "report.json", "report.txt", "scores.csv"]


def with_accuracy(found, name, accuracy):
    """The first method beside another with these accuracies."""
    first = found.methods[0]
    methods = (first, replace(first, name=name, scores={**first.scores, "accuracy": accuracy}))
    return replace(found, methods=methods, differences=_differences(methods, found.folds, "accuracy"))


def test_differences_without_spread_have_no_p():
    same = comparison()
    found = with_accuracy(same, "better", same.methods[0].scores["accuracy"] + 0.1)
    entry = to_document(found)["comparisons"][0]
    assert entry["p_value"] is entry["p_holm"] is entry["statistic"] is None
    assert entry["confidence_interval"] == [None, None] and "the test cannot judge" in entry["sentence"]


def test_every_pair():
    found = comparison()
    pairs = to_document(found)["pairwise"]
    assert [(pair["first"], pair["second"]) for pair in pairs] == [
        ("method0", "method1"), ("method0", "method2"), ("method1", "method2")
    ]
    for pair in pairs:
        first, second = (found[pair[side]].scores["accuracy"] for side in ("first", "second"))
        result = corrected_resampled_ttest(first, second, [48] * 5, [12] * 5)
        assert (pair["mean_difference"], pair["effect_size"]) == (result.mean_difference, result.effect_size)
        equal = probability_of_equivalence(first, second, [48] * 5, [12] * 5)
        assert pair["equivalence"] == {
            "margin": 0.01, "worse": equal.worse, "equivalent": equal.equivalent, "better": equal.better
        }
    assert [pair["p_holm"] for pair in pairs] == holm([pair["p_value"] for pair in pairs])


@pytest.mark.parametrize("groups", [None, np.arange(60) // 4])
def test_accuracy_of_all_predictions(groups):
    folds = draw_folds(LABELS, groups, n_splits=3, repeats=2)
    found = comparison(folds, groups)
    for entry, method in zip(to_document(found)["methods"], found.methods):
        right = np.concatenate(method.predicted) == LABELS[found.tested]
        assert entry["pooled_accuracy"]["accuracy"] == right.mean()
        assert entry["pooled_accuracy"]["n_groups"] == (60 if groups is None else 15)
        low, high = entry["pooled_accuracy"]["confidence_interval"]
        assert low < right.mean() < high


def test_color_profiles_are_counted_and_named():
    found = replace(comparison(images=[f"{i}.jpg" for i in range(60)]), n_converted=3, damaged_profiles=(7,))
    assert to_document(found)["dataset"]["color_profiles"] == {"converted": 3, "damaged": ["7.jpg"]}
    text = format_text(found)
    assert "Converted to sRGB by color profile: 3 images" in text
    assert "Color profile damaged and ignored, 1 image:\n  7.jpg" in text


def test_several_targets(tmp_path):
    found = two_targets()
    document = json.loads(json.dumps(to_document(found), allow_nan=False))
    dataset = document["dataset"]
    assert (dataset["finest"], dataset["n_classes"]) == ("model", 3) and dataset["classes"][0]["n_images"] == 20
    assert [(each["name"], each["n_classes"]) for each in dataset["targets"]] == [("brand", 2), ("model", 3)]
    assert [(each["name"], each["label"], each["target"]) for each in document["scores"]] == [
        ("exact_match", "exact match", None), ("accuracy:brand", "accuracy", "brand"),
        ("macro_f1:brand", "macro F1", "brand"), ("accuracy:model", "accuracy", "model"),
        ("macro_f1:model", "macro F1", "model"),
    ]
    for entry, method in zip(document["methods"], found.methods):
        assert list(entry["scores"]) == list(found.scores)
        brand = entry["other_targets"]["brand"]
        assert brand["confusion"] == [[0, 0, 30], [1, 1, 30]] and brand["roc"]["macro_auc"] == 1
        assert entry["per_class"]["support"] == [20, 20, 20]
        assert entry["pooled_accuracy"]["accuracy"] == pytest.approx(method.scores["accuracy:model"].mean())
    (first,) = {each["mean_difference"] for each in document["comparisons"]}
    scores = [entry["scores"]["exact_match"]["mean"] for entry in document["methods"]]
    assert first == pytest.approx(scores[1] - scores[0])
    text = format_text(found)
    assert text.startswith("60 images, brand: 2 classes, model: 3 classes\n")
    assert "exact match" in text and "accuracy of brand" in text and "mean difference in exact match." in text
    write_report(found, tmp_path)
    with open(tmp_path / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:6] == ["row", "repeat", "fold", "n_train", "n_test", "exact_match"]
    assert [float(row["accuracy:brand"]) for row in rows] == [1.0] * 10
    assert [float(row["exact_match"]) for row in rows[:5]] == found.methods[0].scores["exact_match"].tolist()


def test_the_best_method_has_the_best_tested_score():
    found = comparison()
    first = found.methods[0]
    best = replace(first, name="best", scores={"accuracy": np.ones(5), "macro_f1": np.zeros(5)})
    found = replace(found, methods=(first, best, replace(best, name="equal")))
    assert found.best == to_document(found)["best"] == 1
