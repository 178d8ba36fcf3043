"""The page of the service for a model with a tree of classes: paths, levels, reasons, corrections level by level."""

import pytest

from .serving import serving  # isort: skip; skips where the extra is missing

from twoflow.serving.corrections import Corrections

from .painted_tree import painted_leaf, tree_model
from .test_page_in_browser import WINDOWS, answered, ask, kept_rows, pretend, show, text, texts


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Where the service keeps corrections."""
    return tmp_path_factory.mktemp("corrections") / "corrections.csv"


@pytest.fixture(scope="module")
def service(window, table):
    """The address of a service that keeps corrections."""
    file = tree_model()
    with serving(file=file, corrections=Corrections(table, file.card)) as running:
        yield f"{running.url}/"


@pytest.fixture
def answer(window, service, tmp_path):
    """Show the answer for a painted photo."""
    def show_answer(*painted, size="desk", scheme="light"):
        photo = tmp_path / "photo.png"
        photo.write_bytes(painted_leaf(*painted))
        show(window, service, size, scheme)
        ask(window, photo)

    return show_answer


def steps(window):
    return [each.split("\n") for each in texts(window, ".steps li")]


def test_a_path_is_shown_with_the_confidence_of_each_level(window, answer):
    answer("shoes/boots", 93)
    assert text(window, ".label") == "shoes › boots 0.93"
    assert steps(window) == [["category", "shoes", "1.00", "answered"], ["article", "boots", "0.93", "answered"]]
    assert texts(window, ".reason") == [] and text(window, ".kind") is None
    assert texts(window, ".answer-of > .likely:not(.steps) .class")[:2] == ["shoes › boots", "shoes › heels"]
    assert text(window, ".scope").startswith("Likeness to the training photos: 0.8, at least 0.5")
    assert text(window, "#said") == "article: shoes, boots, confidence 0.93."


def test_a_broader_class_has_its_level_and_the_reason(window, answer):
    answer("shoes/boots", 60)
    assert text(window, ".label") == "shoes 1.00"
    assert text(window, ".kind") == "a broader class, of the level category"
    assert "boots" in text(window, ".reason")
    assert steps(window) == [["category", "shoes", "1.00", "answered"], ["article", "boots", "0.60", "not answered"]]


def test_a_finer_class_elsewhere_is_shown_with_its_whole_path(window, service, tmp_path):
    (tmp_path / "photo.png").write_bytes(painted_leaf("hats"))
    show(window, service)
    body = answered("shoes", "category", 0.6, "the likeliest article is not below shoes", [("bags/other", 0.4, 1)])
    steps_of = body["predictions"][0]["answers"][0]
    steps_of["steps"] = [
        {"level": "category", "path": ["shoes"], "confidence": 0.6, "answered": True},
        {"level": "article", "path": ["bags", "other"], "confidence": 0.4, "answered": False},
    ]
    steps_of["target"], steps_of["path"] = "article", ["shoes"]
    pretend(window, "/predict", body=body)
    ask(window, tmp_path / "photo.png")
    pretend(window, "")
    assert [each[1] for each in steps(window)] == ["shoes", "bags › other"]


def test_an_image_out_of_scope_says_why(window, answer):
    answer("shoes/boots", 93, 20)
    assert text(window, ".label") == "unknown" and "nothing in the training images" in text(window, ".reason")
    assert text(window, ".scope").endswith("0.2, below 0.5: nothing that the model knows.")
    assert [each[-1] for each in steps(window)] == ["not answered"] * 2


def test_the_tree_of_classes_is_listed(window, service):
    show(window, service)
    assert text(window, "#lead") == "our shop: category (3 classes), article (5 classes)."
    window.run("document.querySelector('#classes summary').click()")
    assert text(window, "#classes .tree").split() == [
        "bags", "other", "tote", "bags", "hats", "shoes", "boots", "heels", "other"]
    assert "below" not in text(window, "#facts")


def test_a_correction_is_chosen_level_by_level_with_the_keyboard(window, answer, table):
    answer("shoes/boots", 60, size="phone")
    while text(window, ":focus") != "Name the class":
        window.press("Tab")
    window.press("Enter")
    assert len(texts(window, ".correction input")) == 1
    window.press("sho")
    window.press("ArrowDown")
    window.press("Enter")
    assert texts(window, ".correction label") == [
        "The right category", "The right article (leave it empty if you are not sure)"]
    window.press("Tab")
    window.press("heels")
    window.press("Enter")
    window.wait("return document.querySelector('.thanks')")
    assert text(window, ".thanks") == "Thank you. The photo is kept as shoes › heels."
    assert kept_rows(table)[-1][1:] == ["shoes", "heels"]


@pytest.mark.parametrize("label, row", [("hats", ["hats", ""]), ("unknown", ["unknown", ""]), ("bags", ["bags", ""])])
def test_a_correction_may_end_at_any_level(window, answer, table, label, row):
    answer("shoes/boots", 90 - len(label))
    window.run("document.querySelector('.correction button').click()")
    window.press(label)
    assert len(texts(window, ".correction input")) == 1 + (label == "bags")
    window.press("Enter")
    window.wait("return document.querySelector('.thanks')")
    assert kept_rows(table)[-1][1:] == row


def test_another_choice_takes_the_levels_below_with_it(window, answer):
    answer("shoes/boots", 93)
    window.run("document.querySelector('.correction button').click()")
    window.press("shoes")
    assert len(texts(window, ".correction input")) == 2
    window.press("x")
    assert len(texts(window, ".correction input")) == 1
    window.press("Enter")
    assert window.run("return document.activeElement.validity.customError") and not texts(window, ".thanks")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", WINDOWS)
def test_it_fits_and_can_be_read(window, answer, size, scheme):
    answer("shoes/boots", 60, size=size, scheme=scheme)
    window.run("document.querySelectorAll('details').forEach(each => each.open = true); "
               "document.querySelector('.correction button').click(); document.activeElement.click()")
    width, room = window.run("const root = document.documentElement; return [root.scrollWidth, root.clientWidth]")
    assert width <= room <= WINDOWS[size][0]
    ratio, worst = window.contrast()
    assert 4.5 <= ratio < 99, worst
    assert window.run("return [...document.querySelectorAll('input')].every(each => each.labels.length)")
    assert window.console() == []
