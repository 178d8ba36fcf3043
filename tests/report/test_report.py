import csv
import json
import os
import re
from dataclasses import replace

import numpy as np
import pytest

from twoflow._text import escape_controls
from twoflow.evaluation.comparison import _differences
from twoflow.evaluation.folds import draw_folds, official_split
from twoflow.evaluation.statistics import corrected_resampled_ttest, holm, probability_of_equivalence
from twoflow.images import ImageReadError
from twoflow.images.missing_images import MissingImageError
from twoflow.images.passed_over import PassedOver
from twoflow.report import format_text, to_document, write_report

from .made import LABELS, UNREADABLE, comparison, two_targets, with_scores
from .pages import written


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
        "levels": [],
        "hierarchy": None,
        "groups": None,
        "small_classes": [],
        "unreadable": [{"path": UNREADABLE.name, "reason": "the file is empty"}],
        "passed_over": [],
        "lookalikes": [],
        "notes": [],
        "color_profiles": {"converted": 0, "damaged": []},
        "class_order": found.class_order,
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
        assert score["mean"] == found.methods[0].means[name]
        assert score["std"] == found.methods[0].scores[name].std(ddof=1)
        assert (score["min"], score["max"]) == (min(score["folds"]), max(score["folds"]))
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
    assert text.startswith("\n".join(document["answer"]["sentences"]) + "\n\n60 images in 30 groups, 3 classes\n")
    assert "\n5-fold stratified group cross-validation, seed 0" in text
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("method ")) + 2
    best = document["methods"][document["best"]]["name"]
    for position, line in zip(document["order"], lines[start:]):
        method = document["methods"][position]
        accuracy = method["scores"]["accuracy"]
        assert line.startswith(method["name"] + " ")
        assert "{mean:.3f} ± {std:.3f} ({min:.3f} to {max:.3f})".format(**accuracy) in line
        assert f" {method['scores']['macro_f1']['mean']:.3f} " in line
        assert f" {method['train_accuracy']['mean']:.3f} " in line
        for pair in document["pairwise"]:
            if {pair["first"], pair["second"]} == {method["name"], best}:
                sign, ends = (1, pair["interval"]) if pair["second"] == best else (-1, pair["interval"][::-1])
                low, high = (sign * end for end in ends)
                assert f"{sign * pair['mean_difference']:+z.3f} [{low:+z.3f}, {high:+z.3f}]" in line
                assert line.endswith(f"  {pair['p_holm']:.3f}")
    assert "1 image that cannot be read:\n  a b/" in text and "the file is empty" in text


def test_the_table_of_three_methods_fits_a_terminal():
    table = format_text(comparison(names=["two-flow", "cnn", "fast"])).splitlines()
    assert max(map(len, table)) <= 120
    assert "p (Holm): corrected resampled t-test, adjusted for 3 pairs of methods; below 0.05 is significant." in table
    assert "interval: 95%, corrected resampled t, Bonferroni for 3 tests; all intervals hold together." in table


@pytest.mark.parametrize(("gap", "is_told"), [(0.020, True), (0.024, False)])
def test_an_interval_that_contains_zero_beside_a_significant_difference_is_explained(tmp_path, gap, is_told):
    found = comparison()
    worst, near, best = found.methods
    accuracy = np.array([0.70, 0.72, 0.74, 0.76, 0.78])
    found = replace(found, methods=(
        with_scores(worst, accuracy=accuracy - [0.3, 0.31, 0.3, 0.31, 0.3]),
        with_scores(near, accuracy=accuracy - gap + [0.008, -0.002, -0.012, -0.002, 0.008]),
        with_scores(best, accuracy=accuracy),
    ))
    test = found.to_best[near.name]
    assert test.p_holm < 0.05 and (test.interval[1] > 0) == is_told
    page, _ = written(found, tmp_path)
    for text in (format_text(found), "".join(page.stray)):
        assert ("So it may contain zero although the difference is significant." in text) == is_told


def test_training_accuracy_of_every_method():
    found = comparison()
    first, *others = found.methods
    found = replace(found, methods=(replace(first, train_accuracy=np.array([0.5, 0.6, 0.5, 0.6, 0.55])), *others))
    assert to_document(found)["methods"][0]["train_accuracy"] == {
        "mean": pytest.approx(0.55), "std": pytest.approx(0.05), "min": 0.5, "max": 0.6,
        "folds": [0.5, 0.6, 0.5, 0.6, 0.55],
    }


def test_the_answer_in_the_document():
    found = comparison(skill=0.7)
    document = json.loads(json.dumps(to_document(found)))
    answer = document["answer"]
    assert answer["best"] == found.best == document["methods"][document["order"][0]]["name"]
    assert answer["sentences"] == list(found.answer.sentences)
    assert {*answer["not_worse"], *answer["worse"], *answer["untested"], answer["best"]} == {
        method["name"] for method in document["methods"]
    }
    assert answer["next"] == ["fast"]


def test_details_in_the_document():
    found = comparison()
    for entry, method in zip(to_document(found)["methods"], found.methods):
        details = found.details[method.name]["class"]
        assert entry["per_class"]["recall_interval"] == details.by_class.recall_interval.tolist()
        assert entry["calibration"]["floor"] == details.calibration.floor
        assert (entry["log_loss"], entry["brier"]) == (details.log_loss, details.brier)
        assert entry["coverage"]["accuracy"] == details.coverage.accuracy.tolist()
        assert entry["coverage"]["accuracy"][-1] == pytest.approx(entry["pooled_accuracy"]["accuracy"])
        for pair in entry["confused"]:
            pooled = found.pooled(method.name)
            for side in ("true", "predicted"):
                (at,) = np.flatnonzero(pooled.images == pair["right"][side])
                assert pooled.true[at] == pooled.predicted[at] == pair[side]


def test_what_has_no_probabilities_is_null():
    found = comparison()
    methods = tuple(replace(method, probabilities=None) for method in found.methods)
    entry = to_document(replace(found, methods=methods))["methods"][0]
    assert {entry[name] for name in ("roc", "calibration", "log_loss", "brier", "coverage")} == {None}


def test_a_recall_that_is_not_known_has_no_interval():
    marks = np.where(LABELS == LABELS[0], "train", np.where(np.arange(60) % 2, "train", "test"))
    entry = to_document(comparison(official_split(marks, LABELS)))["methods"][0]["per_class"]
    untested = np.unique(LABELS).tolist().index(LABELS[0])
    assert entry["recall"][untested] is None and entry["recall_interval"][untested] is None
    assert all(len(ends) == 2 for k, ends in enumerate(entry["recall_interval"]) if k != untested)


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
    assert "Left out, 1,050 images that cannot be read:\n  0.jpg: no such file\n" in text
    assert text.endswith("\n  49.jpg: no such file\n  and 1,000 more; report.json lists all")
    assert len(to_document(found)["dataset"]["unreadable"]) == 1050


def test_what_an_official_split_leaves_out_is_counted():
    marks = np.array(["train", "test", "validation"])[np.arange(60) % 3]
    assert "at least 20 trained on, 20 tested, 20 neither\n" in format_text(comparison(official_split(marks, LABELS)))
    assert "neither" not in format_text(single_split())


def test_text_of_a_single_split_and_of_a_single_method():
    text = format_text(single_split())
    assert "official split" in text and "p (Holm): McNemar's test" in text
    assert "nan" not in text and "±" not in text and not re.search(r"\d to \d", text)
    assert [("p (Holm)" in format_text(comparison(n_methods=n))) for n in (1, 2)] == [False, True]
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
    assert list(rows[0]) == ["method", "repeat", "fold", "n_train", "n_test", "accuracy", "macro_f1"]
    accuracy = np.concatenate([method.scores["accuracy"] for method in found.methods])
    assert [float(row["accuracy"]) for row in rows] == accuracy.tolist()
    assert [row["fold"] for row in rows] == list("01234") * 3 and {row["n_train"] for row in rows} == {"48"}
    assert json.loads((folder / "report.json").read_text("utf-8"))["schema"] == 2
    assert (folder / "report.txt").read_text("utf-8") == escape_controls(format_text(found)) + "\n"
    assert sorted(os.listdir(folder)) == ["predictions.csv", "report.html", "report.json", "report.txt", "scores.csv"]


def test_predictions_are_written_in_full(tmp_path):
    found = comparison(draw_folds(LABELS, n_splits=3, repeats=2), names=["=1+1", "fast"])
    write_report(found, tmp_path)
    with open(tmp_path / "predictions.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = ["image", "repeat", "fold", "true", "'=1+1", "'=1+1 probability", "fast", "fast probability"]
    assert list(rows[0]) == names and len(rows) == 120
    images = to_document(found)["folds"]["images"]
    assert [row["image"] for row in rows] == [images[i] for i in found.tested]
    assert [row["true"] for row in rows] == LABELS[found.tested].tolist()
    assert [row["fast"] for row in rows] == np.concatenate(found["fast"].predicted).tolist()
    given = np.concatenate(found["fast"].probabilities).max(axis=1)
    assert [float(row["fast probability"]) for row in rows] == pytest.approx(given.tolist(), abs=1e-6)
    assert {(row["repeat"], row["fold"]) for row in rows} == {(r, f) for r in "01" for f in "012"}


def with_accuracy(found, name, accuracy):
    """The first method beside another with these accuracies."""
    first = found.methods[0]
    methods = (first, replace(with_scores(first, accuracy=accuracy), name=name))
    return replace(found, methods=methods, differences=_differences(methods, found.folds, "accuracy"))


def test_what_cannot_be_tested_has_no_p(tmp_path):
    same = comparison()
    found = with_accuracy(same, "better", same.methods[0].scores["accuracy"] + 0.1)
    entry = to_document(found)["comparisons"][0]
    assert entry["p_value"] is entry["p_holm"] is entry["statistic"] is None
    assert entry["confidence_interval"] == [None, None] and "the test cannot judge" in entry["sentence"]
    (pair,) = to_document(found)["pairwise"]
    assert pair["p_holm"] is None and pair["interval"] == [None, None] and pair["n_tests"] == 0
    text = format_text(found)
    page, _ = written(found, tmp_path)
    assert re.search(r"method0 .*  -0.100  +–\n", text)
    for each in (text, "".join(page.stray)):
        assert "No test could judge any difference, so there is no interval and no p." in each and "nan" not in each


def test_no_difference_has_no_sign_of_its_own():
    same = comparison()
    found = with_accuracy(same, "other", same.methods[0].scores["accuracy"] - 1e-6)
    assert "  +0.000  " in format_text(found)


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
        assert pair["n_tests"] == 3 and pair["interval_confidence"] == 0.95
        wider = corrected_resampled_ttest(first, second, [48] * 5, [12] * 5, confidence=1 - 0.05 / 3)
        assert pair["interval"] == pytest.approx(wider.confidence_interval)
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
        ("exact_match", "exact match", None), ("hamming_loss", "Hamming loss", None),
        ("accuracy:brand", "accuracy", "brand"),
        ("macro_f1:brand", "macro F1", "brand"), ("accuracy:model", "accuracy", "model"),
        ("macro_f1:model", "macro F1", "model"),
    ]
    for entry, method in zip(document["methods"], found.methods):
        assert list(entry["scores"]) == list(found.scores)
        brand = entry["other_targets"]["brand"]
        assert brand["confusion"] == [[0, 0, 30], [1, 1, 30]] and brand["roc"]["macro_auc"] == 1
        assert brand["brier"] == 0 and brand["log_loss"] == pytest.approx(0, abs=1e-6)
        assert entry["per_class"]["support"] == [20, 20, 20]
        assert entry["pooled_accuracy"]["accuracy"] == pytest.approx(method.scores["accuracy:model"].mean())
    (first,) = {each["mean_difference"] for each in document["comparisons"]}
    scores = [entry["scores"]["exact_match"]["mean"] for entry in document["methods"]]
    assert first == pytest.approx(scores[1] - scores[0])
    text = format_text(found)
    assert "\n60 images, brand: 2 classes, model: 3 classes\n" in text and "highest exact match" in text.splitlines()[0]
    assert "accuracy of brand" in text and "\ndifference: exact match of the method minus that of the best.\n" in text
    write_report(found, tmp_path)
    with open(tmp_path / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:6] == ["method", "repeat", "fold", "n_train", "n_test", "exact_match"]
    assert [float(row["accuracy:brand"]) for row in rows] == [1.0] * 10
    assert [float(row["exact_match"]) for row in rows[:5]] == found.methods[0].scores["exact_match"].tolist()


def test_the_best_method_has_the_best_tested_score():
    found = comparison()
    first = found.methods[0]
    best = replace(with_scores(first, accuracy=np.ones(5), macro_f1=np.zeros(5)), name="best")
    found = replace(found, methods=(first, best, replace(best, name="equal")))
    assert found.order == to_document(found)["order"] == [1, 2, 0]
    assert found.best == "best" and to_document(found)["best"] == 1
