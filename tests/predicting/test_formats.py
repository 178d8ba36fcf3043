"""Lines of CSV and JSON say the same, whatever names and labels are."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twoflow.models.model_file import ModelCard, TargetCard
from twoflow.predicting import Answer, Decision, Prediction
from twoflow.predicting.formats import FORMATS, Columns

COLUMNS = Columns(("class", "brand"), 2, with_decisions=True, with_items=True)
NAN = float("nan")


def answer(target="class", label="boot", confidence=0.75, top=(("boot", 0.75), ("clog", 0.25))):
    return Answer(target, label, target, confidence, "", top)


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def write(format, predictions, columns=COLUMNS):
    return FORMATS[format].head(columns) + "".join(FORMATS[format].line(each, columns) for each in predictions)


def test_a_table():
    unknown = Answer("brand", "unknown", "", 0.4, "no class reaches 0.50", (("nike", 0.4), ("puma", 0.3)))
    text = write("csv", [Prediction("a.jpg", (answer(), unknown), Decision("review", "the rest"), "", 2)])
    assert read_csv(text) == [{
        "group": "a.jpg",
        "class_label": "boot", "class_confidence": "0.75", "class_level": "class", "class_reason": "",
        "class_label_1": "boot", "class_confidence_1": "0.75", "class_label_2": "clog", "class_confidence_2": "0.25",
        "brand_label": "unknown", "brand_confidence": "0.4", "brand_level": "", "brand_reason": "no class reaches 0.50",
        "brand_label_1": "nike", "brand_confidence_1": "0.4", "brand_label_2": "puma", "brand_confidence_2": "0.3",
        "decision": "review", "rule": "the rest", "n_images": "2", "error": "",
    }]


def test_an_unreadable_image_has_empty_cells():
    row, = read_csv(write("csv", [Prediction("a.jpg", (), None, "the file is empty", 0)]))
    assert {name for name, cell in row.items() if cell} == {"group", "n_images", "error"}
    document = json.loads(write("jsonl", [Prediction("a.jpg", (), None, "the file is empty", 0)]))
    assert document == {"group": "a.jpg", "answers": [], "decision": None, "n_images": 0, "error": "the file is empty"}


def test_an_object_on_each_line():
    columns = Columns(("class",), 2, with_decisions=False, with_items=False)
    predictions = [Prediction("a.jpg", (answer(),)), Prediction("b.jpg", (answer(confidence=NAN, top=()),))]
    text = write("jsonl", predictions, columns)
    first, second = map(json.loads, text.splitlines())
    assert first == {"path": "a.jpg", "error": None, "answers": [{
        "target": "class", "label": "boot", "level": "class", "confidence": 0.75, "reason": "",
        "top": [{"label": "boot", "confidence": 0.75}, {"label": "clog", "confidence": 0.25}],
    }]}
    assert second["answers"][0]["confidence"] is None


def test_the_header_names_no_more_classes_than_there_are():
    targets = (TargetCard("class", ("a", "b", "c")), TargetCard("brand", ("x", "y")))
    columns = Columns.of(ModelCard("", "", targets), 9, False, False)
    row, = read_csv(write("csv", [Prediction("a", (answer(), answer("brand")))], columns))
    assert columns.top == 3 and row["brand_label_3"] == "" and None not in row


labels = st.one_of(st.text(st.characters()), st.integers(), st.floats(allow_nan=False), st.booleans())


@given(st.text(st.characters(), min_size=1), labels)
def test_any_name_and_label(name, label):
    columns = Columns(("class",), 1, with_decisions=False, with_items=False)
    prediction = Prediction(name, (answer(label=label, top=((label, 1.0),)),))
    for format in FORMATS:
        text = write(format, [prediction] * 2, columns).encode("utf-8", "backslashreplace").decode()
        if format == "jsonl":
            found = [json.loads(line) for line in text.split("\n")[:-1]]
            assert [each["path"] for each in found] == [name] * 2
            if not isinstance(label, float):
                assert [each["answers"][0]["label"] for each in found] == [label] * 2
        else:
            found = read_csv(text)
            assert len(found) == 2 and all(None not in row for row in found)
            escaped = name.encode("utf-8", "backslashreplace").decode()
            assert {row["path"].removeprefix("'") for row in found} == {escaped.removeprefix("'")}


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(name):
    columns = Columns(("class",), 1, with_decisions=False, with_items=False)
    row, = read_csv(write("csv", [Prediction(name, (answer(label=name, top=((name, 1.0),)),), None, name)], columns))
    assert all(row[column] == f"'{name}" for column in ("path", "class_label", "class_label_1", "error"))
