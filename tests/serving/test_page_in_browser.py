"""The page of the service in a browser: from photos to answers and corrections."""

import time

import pytest
from PIL import Image

from ..browser import browser, missing
from ..lanes import unavailable
from .stand_in import jpeg, standing

WINDOWS = {"phone": (390, 844), "tablet": (768, 1024), "desk": (1280, 900), "zoomed": (640, 450)}
HOSTILE = ["<img src=x onerror=console.error(1)>", "\u202eevil\x07", "חולצה כחולה", "long" * 60, "a\nb"]
CLASSES = ["ankle boot", "clog", "mule", *HOSTILE, *(f"sandal {i}" for i in range(500))]


def target(name="class", classes=CLASSES, **others):
    accuracy = {"accuracy": 0.912, "interval": [0.89, 0.93], "confidence": 0.95, "source": "5 folds of 3,068 images"}
    return {"name": name, "classes": classes, "levels": {}, "accuracy": accuracy, "has_examples": True, **others}


def model(**others):
    limits = {"max_images": 4, "max_bytes": 1_000_000, "max_pixels": 50_000_000}
    return {"title": "our shoes", "digest": "ab12" * 16, "created": "2026-11-26", "targets": [target()],
            "threshold": 0.7, "limits": limits, "corrections": True, "token": False, **others}


def answer(label="clog", level="class", confidence=0.93, reason="", of="class", top=None):
    top = top or [("clog", 0.93, 1), ("mule", 0.05, 2), ("ankle boot", 0.001, 0)]
    top = [{"label": label, "confidence": share, "position": position} for label, share, position in top]
    return {"target": of, "label": label, "level": level, "confidence": confidence, "reason": reason, "top": top}


def predictions(*answers, decision=None):
    prediction = {"name": "photo.jpg", "answers": list(answers), "decision": decision, "error": None}
    return {"model": "ab12" * 16, "predictions": [prediction]}


@pytest.fixture(scope="module")
def window(tmp_path_factory):
    if missing():
        unavailable(f"needs {' and '.join(missing())}: apt-get install chromium chromium-driver")
    with browser(tmp_path_factory.mktemp("chromium")) as each:
        yield each


@pytest.fixture
def service():
    """The stand-in, with an address; its answers are changed by tests."""
    replies = {
        ("GET", "model"): (200, {}, model()),
        ("POST", "predict"): (200, {}, predictions(answer())),
        ("GET", "examples"): (200, {"Content-Type": "image/jpeg"}, jpeg("red")),
        ("POST", "corrections"): (201, {}, {}),
    }
    with standing(replies) as (address, stand_in):
        stand_in.address = address
        yield stand_in


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg("teal"))
    return path


def show(window, service, size="desk", scheme="light", is_ready="!document.getElementById('upload').hidden"):
    window.show("about:blank", *WINDOWS[size], scheme)
    window.console(), window.requests()
    window.show(service.address, *WINDOWS[size], scheme)
    window.wait(f"return {is_ready}")


def text(window, selector):
    return window.run(f"return document.querySelector('{selector}')?.innerText ?? null")


def texts(window, selector):
    return window.run(f"return [...document.querySelectorAll('{selector}')].map(each => each.innerText)")


def ask(window, *photos, n=None):
    """Choose photos, and wait until all have an answer or a problem."""
    window.choose("#choose", photos)
    window.wait(f"return document.querySelectorAll('.result').length === {n or len(photos)} "
                "&& !document.querySelector('.busy')")


def posted(service, path="/predict"):
    return [body for method, each, body, _ in service.asked if method == "POST" and each == path]


def test_a_photo_is_seen_and_answered(window, service, photo):
    show(window, service)
    ask(window, photo)
    assert text(window, ".label") == "clog 0.93"
    assert texts(window, ".likely .class") == ["clog", "mule", "ankle boot"]
    assert texts(window, ".likely .share") == ["0.93", "0.05", "<0.01"]
    widths = window.run("return [...document.querySelectorAll('.likely .bar')].map(each => "
                        "each.getBoundingClientRect().width / each.parentElement.getBoundingClientRect().width)")
    assert widths[:2] == pytest.approx([0.93, 0.05], abs=0.01)
    assert window.run("return document.querySelector('.photo img').naturalWidth") == 120
    assert text(window, "#said") == "class: clog, confidence 0.93."
    (body,) = posted(service)
    assert photo.read_bytes() in body and b'name="images"; filename="photo.jpg"' in body


def test_the_page_says_what_the_model_is(window, service):
    show(window, service)
    assert text(window, "h1") == "Classify photos"
    expected = "91% [89%, 93%] of the answers are expected to be right"
    assert text(window, "#lead") == f"our shoes: 508 classes; {expected}."
    facts = text(window, "#facts")
    assert all(each in facts for each in ("5 folds of 3,068 images", "0.70", "2026-11-26", "ab12" * 16, "1.0 MB"))
    window.run("document.querySelector('#classes summary').click()")
    assert len(texts(window, "#classes li")) == len(CLASSES)
    assert text(window, "#privacy") == "A photo is kept only if you correct its answer."
    window.run("document.querySelector('#about > details > summary').click()")
    assert text(window, "#curl") == f"curl -F images=@photo.jpg {service.address}predict"
    window.run("document.getElementById('copy').click()")
    assert window.wait("return document.getElementById('copied').textContent")


def test_an_unknown_has_its_reason_and_a_broader_class_its_level(window, service, photo):
    reason = "no class reaches 0.70: the likeliest, clog, has 0.41"
    show(window, service)
    service.replies["POST", "predict"] = 200, {}, predictions(answer("unknown", "", 0.41, reason))
    ask(window, photo)
    assert (text(window, ".label"), text(window, ".kind")) == ("unknown", None)
    assert text(window, ".reason").lower() == reason
    assert "unknown. no class" in text(window, "#said")
    service.replies["POST", "predict"] = 200, {}, predictions(answer("shoes", "family", 0.95, "none is certain"))
    ask(window, photo)
    window.wait("return document.querySelector('.label').innerText === 'shoes 0.95'")
    assert text(window, ".kind") == "a broader class, of the level family"


def test_each_likely_class_has_an_example(window, service, photo):
    service.replies["GET", "examples"] = lambda path, body, headers: (
        (404, {}, {"error": "no example"}) if path.endswith("/2")
        else (200, {"Content-Type": "image/jpeg"}, jpeg("red"))
    )
    show(window, service)
    ask(window, photo)
    window.wait("return document.querySelectorAll('.example img').length === 2")
    assert window.run("return [...document.querySelectorAll('.example img')].map(each => each.alt)") == [
        "Example of clog", "Example of ankle boot"
    ]
    asked = {path for method, path, *_ in service.asked if path.startswith("/examples")}
    assert asked == {"/examples/class/0", "/examples/class/1", "/examples/class/2"}


def test_several_targets_and_a_decision(window, service, photo):
    color = target("the color", ["red", "blue"], has_examples=False, accuracy=None)
    service.replies["GET", "model"] = 200, {}, model(targets=[target(), color], corrections=False)
    of_color = answer("red", "the color", 0.8, of="the color", top=[("red", 0.8, 0), ("blue", 0.2, 1)])
    decision = {"name": "approved", "rule": "class clog, confidence from 0.90"}
    service.replies["POST", "predict"] = 200, {}, predictions(answer(), of_color, decision=decision)
    show(window, service)
    ask(window, photo)
    assert texts(window, ".target") == ["class", "the color"]
    assert texts(window, ".label") == ["clog 0.93", "red 0.80"]
    assert text(window, ".decision") == "approved class clog, confidence from 0.90"
    assert window.run("return document.querySelectorAll('.answer-of')[1].querySelectorAll('.example').length") == 0
    assert text(window, "#privacy") == "Photos are not kept." and not texts(window, ".correction")


def test_a_model_without_confidences(window, service, photo):
    top = [("clog", None, 1), ("mule", None, 2)]
    service.replies["POST", "predict"] = 200, {}, predictions(answer(confidence=None, top=top))
    show(window, service)
    ask(window, photo)
    assert text(window, ".label").strip() == "clog"
    assert not texts(window, ".likely .bar") and "no confidences" in text(window, ".caption")


def test_several_photos_are_answered_one_by_one(window, service, photo, tmp_path):
    (tmp_path / "text.jpg").write_text("no image")
    service.replies["POST", "predict"] = lambda path, body, headers: (
        (422, {}, {"error": "expected an image, got text; send an image"}) if b"no image" in body
        else (200, {}, predictions(answer()))
    )
    show(window, service)
    ask(window, photo, tmp_path / "text.jpg", photo)
    assert text(window, "#results-title") == "Answers for 3 photos"
    assert texts(window, ".result .label") == ["clog 0.93", "clog 0.93"]
    assert text(window, ".result:nth-child(2) .problem").split("\n\n") == [
        "The photo cannot be read", "expected an image, got text; send an image"
    ]
    assert text(window, ".result:nth-child(2) .photo .unreadable") == "no preview"
    assert len(posted(service)) == 3


def test_limits_are_checked_before_anything_is_sent(window, service, photo, tmp_path):
    (tmp_path / "large.jpg").write_bytes(photo.read_bytes() + bytes(1_000_000))
    show(window, service)
    ask(window, tmp_path / "large.jpg")
    assert "too large" in text(window, ".result .problem") and "got 1.0 MB" in text(window, ".result .problem")
    window.choose("#choose", [photo] * 5)
    assert "at most 4 photos at once, got 5" in window.wait("return document.querySelector('#problem').innerText")
    assert posted(service) == []


@pytest.mark.parametrize("status, headers, body, said, again", [
    (429, {"Retry-After": "2"}, {"error": "too many"}, ("busy", "too many", "Wait 2 seconds"), True),
    (503, {}, {"error": "expected room in the queue"}, ("busy", "room in the queue"), True),
    (415, {}, {"error": "expected an image"}, ("not an image", "expected an image"), False),
    (500, {}, b"<html>", ("failed", "status 500"), True),
    (200, {}, b"<html>", ("cannot be understood",), True),
    (200, {}, {"predictions": [{"answers": [{"label": "clog"}]}]}, ("cannot be understood",), True),
    (200, {}, {"predictions": []}, ("cannot be understood",), True),
])
def test_what_went_wrong_is_said_in_words(window, service, photo, status, headers, body, said, again):
    service.replies["POST", "predict"] = status, headers, body
    show(window, service)
    ask(window, photo)
    assert all(each in text(window, ".result .problem") for each in said)
    assert text(window, "#said")
    assert window.run("return document.querySelectorAll('.result .problem button').length") == again
    if again:
        service.replies["POST", "predict"] = 200, {}, predictions(answer())
        window.run("document.querySelector('.result .problem button').click()")
        window.wait("return document.querySelector('.label')?.innerText === 'clog 0.93'")


def test_without_a_network_the_page_says_so(window, service, photo):
    show(window, service)
    window.command("Network.enable")
    offline = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    try:
        window.command("Network.emulateNetworkConditions", offline=True, **offline)
        ask(window, photo)
        assert "cannot be reached" in text(window, ".result .problem")
    finally:
        window.command("Network.emulateNetworkConditions", offline=False, **offline)
    window.run("document.querySelector('.result .problem button').click()")
    window.wait("return document.querySelector('.label')")


def test_a_token_is_asked_for_and_kept_in_memory_only(window, service, photo):
    def guard(reply):
        return lambda path, body, headers: (
            reply if headers.get("Authorization") == "Bearer secret" else (401, {}, {"error": "expected the token"})
        )
    for key, reply in service.replies.items():
        service.replies[key] = guard((200, {}, model(token=True)) if key[1] == "model" else reply)
    show(window, service, is_ready="!document.getElementById('token').hidden")
    assert window.run("return document.activeElement.id") == "token-input"
    for word in ("wrong", "secret"):
        window.press(word)
        window.press("Enter")
        window.wait("return !document.getElementById('token').hidden && document.getElementById('token-problem')"
                    ".innerText.includes('not accepted') || !document.getElementById('upload').hidden")
    window.wait("return !document.getElementById('upload').hidden")
    ask(window, photo)
    window.wait("return document.querySelectorAll('.example img').length === 3")
    assert "$TOKEN" in window.run("return document.getElementById('curl').textContent")
    assert "secret" not in window.run("return document.documentElement.outerHTML + document.cookie "
                                      "+ JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")


def test_a_photo_is_corrected_with_the_keyboard_alone(window, service, photo):
    show(window, service, "phone")
    stops = []
    while "choose" not in stops:
        window.press("Tab")
        stops.append(window.run("return document.activeElement.id || document.activeElement.className"))
    assert stops == ["skip", "choose"]
    ask(window, photo)
    while text(window, ":focus") != "This is wrong":
        window.press("Tab")
    window.press("Enter")
    assert window.run("return document.activeElement.getAttribute('role')") == "combobox"
    assert "will be kept" in text(window, ".correction")
    window.press("sandal 49")
    window.wait("return document.querySelectorAll('[role=option]:not([hidden])').length === 15")
    for _ in range(3):
        window.press("ArrowDown")
    active = window.run("return document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))"
                        ".innerText")
    assert active == "sandal 249"
    window.press("Enter")
    assert window.run("return document.activeElement.value") == active
    assert window.run("return document.activeElement.getAttribute('aria-expanded')") == "false"
    window.press("Enter")
    window.wait("return document.activeElement.className === 'thanks'")
    assert text(window, ".thanks") == "Thank you. The photo is kept as sandal 249."
    (body,) = posted(service, "/corrections")
    assert photo.read_bytes() in body
    assert all(each in body for each in (b'name="target"\r\n\r\nclass', b'name="label"\r\n\r\nsandal 249'))


def test_a_correction_can_be_left_and_fails_in_words(window, service, photo):
    service.replies["POST", "corrections"] = 404, {}, {"error": "corrections are off"}
    show(window, service)
    ask(window, photo)
    window.run("document.querySelector('.correction button').click()")
    window.press("Escape")
    assert text(window, ":focus") == "This is wrong"
    window.press("Enter")
    window.press("no such class")
    window.press("Enter")
    assert window.run("return document.activeElement.validity.customError") and not posted(service, "/corrections")
    window.run("document.activeElement.value = ''")
    window.press("mule")
    window.press("Enter")
    window.wait("return document.querySelector('.correction .problem')")
    assert "corrections are off" in text(window, ".correction .problem")


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_photos_are_dropped_and_pasted(window, service, way):
    show(window, service)
    events = {"drop": "new DragEvent('drop', options)", "paste": "new ClipboardEvent('paste', options)"}
    window.run("const data = new DataTransfer(); "
               "data.items.add(new File(['a photo'], 'it.jpg', {type: 'image/jpeg'})); "
               "const options = {bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data}; "
               f"document.body.dispatchEvent({events[way]})")
    window.wait("return document.querySelector('.label')")
    assert b"a photo" in posted(service)[0]


def test_a_photo_is_taken_where_there_is_a_finger(window, service, photo):
    try:
        for is_finger in (False, True):
            window.command("Emulation.setTouchEmulationEnabled", enabled=is_finger)
            show(window, service, "phone")
            camera = window.run("const it = document.getElementById('camera'); "
                                "return [it.getAttribute('capture'), it.accept, it.getClientRects().length > 0]")
            assert camera == ["environment", "image/*", is_finger]
        window.choose("#camera", [photo])
        window.wait("return document.querySelector('.label')")
    finally:
        window.command("Emulation.setTouchEmulationEnabled", enabled=False)


def test_a_photo_lies_as_its_exif_data_say(window, service, tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (120, 90)).save(tmp_path / "turned.jpg", exif=exif)
    show(window, service)
    ask(window, tmp_path / "turned.jpg")
    assert window.run("return document.querySelector('.photo img').naturalWidth") == 90


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", WINDOWS)
def test_the_page_fits_says_nothing_and_asks_no_one_else(window, service, photo, size, scheme):
    names = [(each, 0.3, 3 + i) for i, each in enumerate(HOSTILE)]
    hostile = answer(HOSTILE[3], "class", 0.3, HOSTILE[0] + HOSTILE[3], top=names)
    decision = {"name": HOSTILE[0], "rule": HOSTILE[3]}
    service.replies["POST", "predict"] = 200, {}, predictions(hostile, decision=decision)
    service.replies["GET", "model"] = 200, {}, model(title=HOSTILE[0] + HOSTILE[3])
    try:
        window.command("Emulation.setTouchEmulationEnabled", enabled=True)
        show(window, service, size, scheme)
        ask(window, photo)
        window.run("document.querySelectorAll('details').forEach(each => each.open = true); "
                   "document.querySelector('.correction button').click(); document.activeElement.click()")
        width, room = window.run("const root = document.documentElement; return [root.scrollWidth, root.clientWidth]")
        assert width <= room <= WINDOWS[size][0]
        assert texts(window, ".likely .class")[:2] == [HOSTILE[0], "\\u202eevil\\x07"]
        ratio, worst = window.contrast()
        assert 4.5 <= ratio < 99, worst
        # WCAG 2.2, 2.5.5: targets of 44 pixels.
        small = window.run("return [...document.querySelectorAll('button, .button, summary, input:not([type=file]), "
                           "[role=option]')].filter(each => each.getClientRects().length && "
                           "each.getBoundingClientRect().height < 44).map(each => each.outerHTML)")
        assert small == []
        assert window.run("return [...document.querySelectorAll('input')].every(each => each.labels.length)")
        paper, ink = window.run("const it = getComputedStyle(document.body); return [it.backgroundColor, it.color]")
        assert (paper == "rgb(255, 255, 255)") == (scheme == "light") and paper != ink
    finally:
        window.command("Emulation.setTouchEmulationEnabled", enabled=False)
    assert window.console() == []
    assert all(each.startswith((service.address, "data:", "blob:")) for each in window.requests())


def test_the_busy_state_is_seen_and_a_new_photo_ends_the_old_one(window, service, photo, tmp_path):
    other = tmp_path / "other.jpg"
    other.write_bytes(jpeg("navy"))

    def reply(path, body, headers):
        if photo.read_bytes() in body:
            time.sleep(1)
        return 200, {}, predictions(answer("mule" if photo.read_bytes() in body else "clog"))

    service.replies["POST", "predict"] = reply
    show(window, service)
    window.choose("#choose", [photo])
    assert window.wait("return document.querySelector('[aria-busy=true] .busy')?.innerText") == "Looking at the photo"
    ask(window, other)
    time.sleep(1.5)
    assert texts(window, ".label") == ["clog 0.93"] and texts(window, ".file") == ["other.jpg"]


def test_bars_are_seen_in_forced_colors_and_nothing_turns_with_reduced_motion(window, service, photo):
    show(window, service)
    features = [{"name": "forced-colors", "value": "active"}, {"name": "prefers-reduced-motion", "value": "reduce"}]
    window.command("Emulation.setEmulatedMedia", features=features)
    ask(window, photo)
    bar, track = window.run("return ['.bar', '.track'].map(each => "
                            "getComputedStyle(document.querySelector(each)).backgroundColor)")
    assert bar != track
    window.run("document.querySelector('.caption').className = 'busy'")
    assert window.run("return getComputedStyle(document.querySelector('.busy'), '::before').animationName") == "none"
