"""Reports come from outside: whatever is wrong in them is named, with the file."""

import json
import os

import pytest

from twoflow.errors import InputError, OutsideError
from twoflow.evaluation.datasets import compare_datasets, name_reports
from twoflow.evaluation.datasets.reading import read_report

from .reports import report, write_reports


def write(folder, document):
    path = folder / "report.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document), "utf-8")
    return path


def test_a_report_is_read(tmp_path):
    scores = {"fast": {"accuracy": 0.9, "macro_f1": 0.8}, "cnn": {"accuracy": 0.7, "macro_f1": 1}}
    found = read_report("shoes", write(tmp_path, report(scores)))
    assert (found.name, found.n_images, found.n_classes, found.tested_score) == ("shoes", 600, 20, "accuracy")
    assert found.means == scores and list(found.scores) == ["accuracy", "macro_f1"]
    assert found.scores["macro_f1"].greater_is_better


@pytest.mark.parametrize("content, what", [
    ("", "no JSON"),
    ("{", "no JSON"),
    ("[" * 100_000, "no JSON"),
    ("\x00", "no JSON"),
    ("[]", "no key 'schema'"),
    ('{"schema": 3}', "schema 3 instead of 2"),
    ('{"schema": true}', "True for 'schema'"),
    ('{"schema": NaN}', "the number NaN"),
    ('{"schema": 2}', "no key 'dataset'"),
    (report({"a": 1.0}, dataset=[]), r"\[\] for 'dataset'"),
    (report({"a": 1.0}, dataset={"n_images": 0, "n_classes": 1}), "0 for 'n_images'"),
    (report({"a": 1.0}, dataset={"n_images": 10**30, "n_classes": 1}), "for 'n_images'"),
    (report({"a": 1.0}, methods=[]), "no method"),
    (report({"a": 1.0}, methods=[1]), "no method 'name'"),
    (report({"a": 1.0}, methods=[{"name": "a"}]), "no key 'scores'"),
    (report({"a": 1.0}, methods=[{"name": "a", "scores": {}}]), "no score of the method 'a' 'accuracy'"),
    (report({"a": 1.0}, scores=[{"name": "accuracy"}]), "no key 'label'"),
    (report({"a": 1.0}, tested_score="other"), "no score with the name of its tested score, 'other'"),
    (report({"a": 1.0}, folds={}), "no key 'images'"),
    (report({"a": {"accuracy": "0.5"}}), "'0.5' for 'mean'"),
    (report({"a": {"accuracy": None}}), "None for 'mean'"),
    (report({"a": {"accuracy": False}}), "False for 'mean'"),
    (report({"a": {"accuracy": 10**400}}), "for 'mean'"),
    (report({"a": {"accuracy": float("inf")}}), "the number Infinity"),
    (report({"a": 1.0}, methods=[{"name": "\x1b[31m", "scores": {}}]), r"method '\\x1b\[31m'"),
])
def test_other_files_are_refused(tmp_path, content, what):
    path = write(tmp_path, content)
    with pytest.raises(InputError, match=f"expected the report.json of twoflow cv, got .*{what}") as error:
        read_report("a", path)
    message = str(error.value)
    assert message.startswith(f"{path}: ") and message.endswith("; run twoflow cv again") and "\n" not in message


def test_methods_and_scores_with_the_same_name_are_refused(tmp_path):
    one = report({"a": 1.0})
    for key, what in (("methods", "two methods with the name 'a'"), ("scores", "two scores with the name 'accuracy'")):
        with pytest.raises(InputError, match=what):
            read_report("a", write(tmp_path, one | {key: one[key] * 2}))


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "report.json"
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match="no JSON"):
        read_report("a", path)


def test_files_that_cannot_be_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, reason in ((tmp_path / "none", "no such file"), (tmp_path / "pipe", "a named pipe")):
        with pytest.raises(OutsideError, match=f"cannot read .*{path.name}: {reason}.*; name the folder"):
            read_report("a", path)


def test_large_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("twoflow.evaluation.datasets.reading._MOST_BYTES", 100)
    with pytest.raises(InputError, match="got a file of more than 0 MB"):
        read_report("a", write(tmp_path, report({"a": 1.0})))


def test_a_data_set_without_a_name_gets_that_of_its_folder_or_file(tmp_path, monkeypatch):
    (tmp_path / "shoes").mkdir()
    monkeypatch.chdir(tmp_path / "shoes")
    given = [(None, tmp_path / "shoes"), ("boots", "report.json"), (None, "../hats/report.json"), (None, "bags.json")]
    named = name_reports(given)
    assert list(named) == ["shoes", "boots", "hats", "bags"]
    assert named["shoes"] == tmp_path / "shoes/report.json"
    assert list(name_reports([(None, "report.json")])) == ["shoes"]


def test_names_that_clash_or_are_empty():
    with pytest.raises(InputError, match="a different name for each data set, got 'a' for .* and .*; give one of them"):
        name_reports([(None, "a/report.json"), (None, "b/a.json")])
    with pytest.raises(InputError, match="expected a name of its data set, got none"):
        name_reports([(" ", "a/report.json")])
    with pytest.raises(InputError, match="expected a name of its data set, got none"):
        name_reports([(None, "/report.json")])


def test_the_same_report_twice_is_refused(tmp_path):
    first, other = write_reports(tmp_path, [[0.9, 0.8], [0.7, 0.6]], ["a", "b"])
    (other / "report.json").write_bytes((first / "report.json").read_bytes())
    with pytest.raises(InputError, match="got the same results in .*set1.* and .*set2"):
        compare_datasets([first, other])
    with pytest.raises(InputError, match="the same results"):
        compare_datasets({"a": first, "b": first})


def test_the_same_images_are_noted(tmp_path):
    folders = write_reports(tmp_path, [[0.9, 0.8], [0.7, 0.6]], ["a", "b"], folds={"images": ["1.jpg", "2.jpg"]})
    (note,) = [note for note in compare_datasets(folders).notes if "images" in note]
    assert note.startswith("set1 and set2 have images with the same names.")
