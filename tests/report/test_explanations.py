"""Explanations for people: maps over photos, sentences, pages and files say what the numbers say."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from twoflow.report import ExplanationDisplay
from twoflow.report.explanations import (
    ExplanationFiles,
    blend,
    explanation_document,
    explanation_fragment,
    files,
    make_entry,
    overlay,
    overlay_png,
)
from twoflow.report.explanations.words import amounts, legend, where

from .made_explanation import MAP, made_explanation


@pytest.fixture(scope="module")
def found():
    return made_explanation()


def test_the_color_is_the_sign_and_the_opacity_the_strength():
    pixels = np.asarray(overlay(np.array([[-1.0, 0.0, 0.5]]), (300, 100)).convert("RGBA")).astype(int)
    against, nothing, half = pixels[50, 20], pixels[50, 150], pixels[50, 280]
    assert against[2] > against[0] and half[0] > half[2]
    assert nothing[3] == 0 and against[3] == pytest.approx(2 * half[3], abs=5) and against[3] == pixels[..., 3].max()


def test_a_map_keeps_its_places_and_nothing_is_colored_without_a_contribution():
    photo = np.full((40, 60, 3), 128, np.uint8)
    blended = np.asarray(blend(photo, MAP)).astype(int)
    assert blended[2, 2, 2] > 140 and blended[38, 55, 0] > 150 and (blended[20, 20] == 128).all()
    assert (np.asarray(blend(photo, np.zeros((4, 6)))) == photo).all()
    assert (np.asarray(blend(photo, None)) == photo).all()
    turned = np.asarray(overlay(MAP[::-1, ::-1], (60, 40)).convert("RGBA"))
    assert (np.abs(turned[::-1, ::-1].astype(int) - np.asarray(overlay(MAP, (60, 40)).convert("RGBA"))) <= 5).all()


@pytest.mark.parametrize("size, shown", [((60, 40), (60, 40)), ((1200, 600), (320, 160)), ((1, 900), (1, 320))])
def test_an_overlay_has_the_shape_of_its_photo(size, shown):
    assert Image.open(io.BytesIO(overlay_png(MAP, size))).size == shown


def test_sentences_say_what_the_numbers_say(found):
    first, second = found.reasons
    assert legend(first) == "Orange places spoke for Heels, blue places spoke against it."
    assert where(first) == "100% of what spoke for Heels lies at the lower right of the photo."
    assert amounts(first) == (
        "The score 1.000 is the sum of +0.600 from places, +0.300 without a place and +0.100 that is the same for "
        "every photo.")
    assert "no map" in legend(second) and where(second) == ""
    assert amounts(second) == "The score 0.500 is the sum of -0.250 without a place and +0.750 that is the same for " \
                              "every photo."
    covered = replace(first, method="occlusion")
    assert "is covered" in legend(covered) and amounts(covered).endswith("if the whole photo is covered, it is 0.100.")
    assert legend(replace(first, method="shap")) == legend(first)
    assert legend(replace(first, map=np.zeros((2, 2)))) == "No place of the photo spoke for Heels or against it."


def test_a_place_on_the_border_of_two_thirds_counts_for_both():
    reason = replace(made_explanation().reasons[0], map=np.array([[0.0, 1.0], [0.0, 0.0]]))
    assert where(reason).startswith("44% of what spoke for Heels lies at the upper right")


def test_the_document_holds_all_numbers_and_is_json(found):
    document = json.loads(json.dumps(explanation_document(found), allow_nan=False))
    first, second = document["reasons"]
    assert first["constant"] + sum(flow["share"] for flow in first["flows"]) == pytest.approx(first["score"])
    placed = np.array(first["map"]["contributions"])
    assert placed.sum() + first["constant"] + sum(each["without_place"] for each in first["flows"]) == pytest.approx(1)
    near = first["neighbors"]
    assert [each["term"] for each in near["for"]] == [0.5, 0.25]
    assert [each["term"] for each in near["against"]] == [-0.125]
    terms = sum(each["term"] for side in ("for", "against") for each in near[side])
    assert terms + near["rest"] + near["constant"] == pytest.approx(first["score"])
    assert second["map"] is None and second["confidence"] is None and second["neighbors"] is None


def test_a_cell_of_a_notebook_asks_for_no_file_and_runs_no_text(found):
    html = found._repr_html_()
    assert html == explanation_fragment(found)
    assert "<b>" not in html and "<i>" not in html and "&lt;i&gt;Boots" in html and "<script" not in html
    sources = [part.split('"')[0] for part in html.split('src="')[1:]]
    assert sources and all(source.startswith("data:image/") for source in sources)
    assert html.count("<img") == html.count('alt="') and "are approximate" in html


def test_files_of_images_with_the_same_name_differ_and_pages_are_bounded(tmp_path, found, monkeypatch):
    monkeypatch.setattr(files, "_PER_PAGE", 2)
    (tmp_path / "maps").mkdir()
    for earlier in ("maps/000009-type-old.png", "page-7.html"):
        (tmp_path / earlier).write_bytes(b"")
    (tmp_path / "page-notes.txt").write_text("mine")
    with ExplanationFiles(tmp_path, "<our> shoes") as written:
        for folder in ("a", "b", "c"):
            written.add(replace(found, image_name=f"{folder}/../same: name?.jpg"), ["", "The answer is unknown."])
        written.add_unreadable("bad.jpg", "not an image")
        written.add(found)
    assert written.n_pages == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "explanations.jsonl", "index.html", "maps", "page-2.html", "page-3.html", "page-notes.txt"]
    maps = sorted(path.name for path in (tmp_path / "maps").iterdir())
    assert maps == ["000001-type-same_name.png", "000002-type-same_name.png", "000003-type-same_name.png",
                    "000005-type-b_photo.png"]
    with Image.open(tmp_path / "maps" / maps[0]) as first_map:
        assert first_map.size == (60, 40)
    lines = [json.loads(line) for line in (tmp_path / "explanations.jsonl").read_text("utf-8").splitlines()]
    assert [line["image"] for line in lines] == [1, 2, 3, 4, 5] and lines[3]["error"] == "not an image"
    assert lines[1]["reasons"][0]["map"]["file"] == f"maps/{maps[1]}"
    pages = ("index.html", "page-2.html", "page-3.html")
    first, second, last = ((tmp_path / name).read_text("utf-8") for name in pages)
    assert 'href="page-2.html"' in first and "Previous" not in first and "&lt;our&gt; shoes" in first
    assert 'href="index.html"' in second and 'href="page-3.html"' in second and "not an image" in second
    assert "Next" not in last and "The answer is unknown." in first


def test_an_error_leaves_no_page_that_looks_whole(tmp_path, found):
    with pytest.raises(RuntimeError), ExplanationFiles(tmp_path, "shoes") as written:
        written.add(found)
        raise RuntimeError
    assert not (tmp_path / "index.html").exists()


def test_only_images_that_can_be_read_have_thumbnails(found):
    assert sorted(make_entry(found).thumbnails) == [3, 7]


def test_the_display_draws_a_row_for_each_target(found):
    display = ExplanationDisplay(found).plot()
    first, second = display.axes_
    assert first["map"].get_title() == "type: Heels" and second["map"].get_title() == "color: Red"
    assert [bar.get_width() for bar in first["shares"].patches] == [0.6, 0.3, 0.1]
    assert [bar.get_width() for bar in second["shares"].patches] == [-0.25, 0.75]
    assert len({tuple(bar.get_facecolor()) for bar in second["shares"].patches}) == 2
    assert first["for 1"].get_xlabel().endswith("+0.5") and first["against 1"].get_xlabel().endswith("-0.125")
    assert len(first["for 1"].images) == 1 and not first["against 1"].images and set(second) == {"map", "shares"}
    assert "<svg" in display._repr_html_()
    figure = display.figure_
    assert ExplanationDisplay(found).plot(figure).figure_ is figure
