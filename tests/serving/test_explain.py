"""POST /explain: the reasons for the answer to one image, within limits."""

import base64
import io
import threading

import numpy as np
import pytest

from .serving import GREEN, RED, Brightest, color, model_file, serving  # isort: skip; skips where the extra is missing

import httpx
from PIL import Image


class TakesFeatures(Brightest):
    """A model that says that it takes no images."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


@pytest.fixture(scope="module")
def service():
    with serving(max_pixels=1000, max_images=2) as running:
        yield running


def explain(running, *contents, field="image", **options):
    files = [(field, (f"{i}.png", content)) for i, content in enumerate(contents)]
    return httpx.post(f"{running.url}/explain", files=files, timeout=30, **options)


def image(address):
    kind, _, content = address.partition(";base64,")
    assert kind in ("data:image/png", "data:image/jpeg")
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        image.load()
        return image.copy()


def test_the_map_says_where_the_color_is(service):
    pixels = np.full((24, 24, 3), 128, np.uint8)
    pixels[:12, :12] = 250, 0, 0
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    response = explain(service, content.getvalue())
    assert response.status_code == 200
    body = response.json()
    reason, = body["reasons"]
    assert (body["name"], body["model"], reason["target"], reason["label"]) == ("0.png", "ab" * 32, "class", "red")
    assert reason["method"] == "occlusion" and reason["neighbors"] is None and len(reason["sentences"]) == 3
    opacity = np.asarray(image(reason["map"]["image"]).convert("RGBA"))[..., 3].astype(int)
    assert image(body["image"]).size == (24, 24) == opacity.shape
    assert opacity[3:9, 3:9].mean() > 3 * opacity[15:21, 15:21].mean()


@pytest.mark.parametrize("contents, field, said", [
    ([b"no image"], "image", "cannot read the image"),
    ([color(9, 9, 9, side=32)], "image", "at most 1,000 pixels"),
    ([RED, GREEN], "image", "one file in the field image"),
    ([RED], "images", "one file in the field image"),
])
def test_what_cannot_be_explained_is_one_sentence(service, contents, field, said):
    response = explain(service, *contents, field=field)
    assert response.status_code == 422 and said in response.json()["error"]
    assert "\n" not in response.json()["error"]


def test_a_model_that_cannot_be_explained_says_so():
    with serving(file=model_file(model=TakesFeatures())) as running:
        response = explain(running, RED)
    assert response.status_code == 422 and "cannot explain this model" in response.json()["error"]


def test_explanations_are_few_at_a_time_and_are_measured():
    entered, go_on = threading.Event(), threading.Event()

    def hook():
        entered.set()
        assert go_on.wait(30)

    go_on.set()
    with serving(hook, max_explanations=1) as running:
        go_on.clear()
        entered.clear()
        found = []
        first = threading.Thread(target=lambda: found.append(explain(running, RED)))
        first.start()
        assert entered.wait(30)
        refused = explain(running, GREEN)
        assert refused.status_code == 503 and "at most 1 explanations" in refused.json()["error"]
        go_on.set()
        first.join()
        assert found[0].status_code == 200 and explain(running, GREEN).status_code == 200
        assert "twoflow_explanation_seconds_count 2" in httpx.get(f"{running.url}/metrics").text


def test_the_gate_stands_before_it():
    with serving(token="secret") as running:
        assert explain(running, RED).status_code == 401
        headers = {"Authorization": "Bearer secret", "Origin": "http://a.b"}
        assert explain(running, RED, headers=headers).status_code == 403
