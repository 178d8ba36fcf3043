"""The page of the service in a browser: from photos to answers and corrections."""

import base64
import csv
import json
from contextlib import contextmanager
from io import BytesIO

import pytest

from .serving import serving  # isort: skip; skips where the extra is missing

from PIL import Image

from twoflow.predicting import Decision
from twoflow.serving.corrections import Corrections

from .painted import CLASSES, HOSTILE, painted_model, painted_photo

WINDOWS = {"phone": (390, 844), "tablet": (768, 1024), "desk": (1280, 900), "zoomed": (640, 450)}
IS_READY = "!document.getElementById('upload').hidden"


@contextmanager
def running(file, table=None, *, allows_new=False, **options):
    """The address of a service, which keeps corrections if there is a table."""
    kept = Corrections(table, file.card, allows_new=allows_new) if table else None
    with serving(file=file, corrections=kept, max_images=4, max_bytes=1_000_000, **options) as running:
        yield f"{running.url}/"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Where the service keeps corrections."""
    return tmp_path_factory.mktemp("corrections") / "corrections.csv"


@pytest.fixture(scope="module")
def service(window, table):
    """The address of a service that keeps corrections."""
    with running(painted_model(), table) as address:
        yield address


@pytest.fixture
def photo(tmp_path):
    """A clog."""
    return write(tmp_path / "photo.png")


def write(path, label="clog", percent=93, **options):
    path.write_bytes(painted_photo(label, percent, **options))
    return path


def show(window, address, size="desk", scheme="light", is_ready=IS_READY):
    window.show("about:blank", *WINDOWS[size], scheme)
    window.console(), window.requests()
    window.show(address, *WINDOWS[size], scheme)
    window.wait(f"return {is_ready}")


def pretend(window, path, status=200, body="", **headers):
    """Let the service of the page that is shown answer so, until `pretend(window, "")`."""
    options = json.dumps({"status": status, "headers": {name.replace("_", "-"): it for name, it in headers.items()}})
    body = body if isinstance(body, str) else json.dumps(body)
    window.run(f"window.real ??= window.fetch; const path = {json.dumps(path)}; window.fetch = async (address, it) => "
               f"path && address.includes(path) ? new Response({json.dumps(body)}, {options}) : real(address, it)")


def answered(label, level, confidence, reason, top):
    """A body of /predict with one answer."""
    top = [{"label": each, "confidence": share, "position": position} for each, share, position in top]
    answer = {"target": "class", "label": label, "level": level, "confidence": confidence, "reason": reason, "top": top,
              "path": [], "steps": [], "scope": None}
    return {"model": "ab12" * 16, "predictions": [{"name": "it", "answers": [answer], "decision": None, "error": None}]}


class Approve:
    """Rules of moderation that approve everything."""

    needs_probabilities = False

    def decide(self, answers):
        return Decision("approved", "class clog, confidence from 0.90")


def text(window, selector):
    return window.run(f"return document.querySelector('{selector}')?.innerText ?? null")


def texts(window, selector):
    return window.run(f"return [...document.querySelectorAll('{selector}')].map(each => each.innerText)")


def ask(window, *photos):
    """Choose photos, and wait until all have an answer or a problem."""
    window.run("document.querySelectorAll('.result').forEach(each => each.remove())")
    window.choose("#choose", photos)
    window.wait(f"return document.querySelectorAll('.result').length === {len(photos)} "
                "&& !document.querySelector('.busy')")


def kept_rows(table):
    """The paths and labels of the table of corrections."""
    with open(table, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def sent(window):
    """How many photos the page has sent since it was asked last."""
    return sum(each.endswith("/predict") for each in window.requests())


def test_a_photo_is_seen_and_answered(window, service, photo):
    show(window, service)
    ask(window, photo)
    assert text(window, ".label") == "clog 0.93"
    assert texts(window, ".likely .class") == ["clog", "mule", HOSTILE[0]]
    assert texts(window, ".likely .share") == ["0.93", "0.07", "<0.01"]
    widths = window.run("return [...document.querySelectorAll('.likely .bar')].map(each => "
                        "each.getBoundingClientRect().width / each.parentElement.getBoundingClientRect().width)")
    assert widths[:2] == pytest.approx([0.93, 0.07], abs=0.01)
    assert window.run("return document.querySelector('.photo img').naturalWidth") == 120
    assert text(window, "#said") == "class: clog, confidence 0.93."
    assert sent(window) == 1


def test_the_page_says_what_the_model_is(window, service):
    show(window, service)
    assert text(window, "h1") == "Classify photos"
    expected = "91% [89%, 93%] of the answers are expected to be right"
    assert text(window, "#lead") == f"our shoes: 507 classes; {expected}."
    facts = text(window, "#facts")
    assert all(each in facts for each in ("5 folds of 3,068 images", "0.70", "2026-11-26", "ab12" * 16, "1.0 MB"))
    window.run("document.querySelector('#classes summary').click()")
    assert len(texts(window, "#classes li")) == len(CLASSES)
    assert text(window, "#privacy") == "A photo is kept only if you correct its answer."
    window.run("document.querySelector('#about > details > summary').click()")
    assert text(window, "#curl") == f"curl -F images=@photo.jpg {service}predict"
    window.run("document.getElementById('copy').click()")
    assert window.wait("return document.getElementById('copied').textContent")


def test_an_unknown_has_its_reason_and_a_broader_class_its_level(window, service, tmp_path):
    show(window, service)
    ask(window, write(tmp_path / "photo.png", "clog", 60))
    assert (text(window, ".label"), text(window, ".kind")) == ("unknown", None)
    assert text(window, ".correction button") == "Name the class"
    reason = text(window, ".reason")
    assert reason.startswith("No class reaches 0.70") and "clog" in reason
    assert "class: unknown. no class reaches" in text(window, "#said")
    pretend(window, "/predict", body=answered("shoes", "family", 0.95, "none is certain", [("clog", 0.6, 1)]))
    ask(window, tmp_path / "photo.png")
    assert text(window, ".label") == "shoes 0.95"
    assert text(window, ".kind") == "a broader class, of the level family"


def test_each_likely_class_has_an_example(window, service, tmp_path):
    show(window, service)
    ask(window, write(tmp_path / "photo.png", "ankle boot"))
    window.wait("return [...document.querySelectorAll('.example img')].filter(each => each.naturalWidth).length === 2")
    alternatives = window.run("return [...document.querySelectorAll('.example')].map(each => each.firstElementChild)"
                              ".map(each => each && [each.alt, each.naturalWidth])")
    assert alternatives == [None, ["Example of clog", 64], ["Example of mule", 64]]


def test_several_targets_and_a_decision(window, photo):
    with running(painted_model(n_targets=2), rules=Approve()) as address:
        show(window, address)
        assert text(window, "#lead") == (
            "our shoes: class (507 classes), the color (2 classes); 87% [89%, 93%] of the photos are expected to be "
            "right in all of these."
        )
        facts = dict(zip(texts(window, "#facts dt"), texts(window, "#facts dd")))
        assert facts["expected right, all targets"].startswith("87% [89%, 93%] of new photos; in brackets, ")
        assert facts["expected right, the color"] == "not measured"
        assert facts["trained on, the color"] == "6 of 9 photos, those with a label of it"
        assert "trained on, class" not in facts
        assert text(window, "#privacy") == "Photos are not kept."
        ask(window, photo)
        assert texts(window, ".target") == ["class", "the color"]
        assert texts(window, ".label") == ["clog 0.93", "blue 0.93"]
        assert text(window, ".decision") == "approved class clog, confidence from 0.90"
        second = "document.querySelectorAll('.answer-of')[1]"
        assert window.run(f"return {second}.querySelectorAll('.example').length") == 0
        assert not texts(window, ".correction")


def test_a_model_without_confidences(window, service, photo):
    show(window, service)
    pretend(window, "/predict", body=answered("clog", "class", None, "", [("clog", None, 1), ("mule", None, 2)]))
    ask(window, photo)
    assert text(window, ".label").strip() == "clog"
    assert not texts(window, ".likely .bar") and "no confidences" in text(window, ".caption")


def reasons_of(label, n=1):
    """A body of /explain: a map that is red everywhere, and training images for and against."""
    file = BytesIO()
    Image.new("RGB", (60, 40), "green").save(file, "PNG")
    image = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    near = {"label": label, "term": 0.25, "similarity": 0.9, "thumbnail": image}
    neighbors = {"for_it": [near], "against_it": [{**near, "term": -0.125, "thumbnail": None}], "rest": 0.0,
                 "constant": 0.1, "is_exact": False}
    reason = {"target": "class", "label": label, "confidence": 0.9, "score": 1.0, "constant": 0.4, "method": "exact",
              "map": {"strongest": 0.01, "image": image}, "flows": [{"name": label, "share": 0.6, "without_place": 0}],
              "neighbors": neighbors, "sentences": [f"Orange places spoke for {label}.", "The score is a sum."]}
    return {"model": "ab12" * 16, "name": "it", "image": image, "reasons": [reason] * n}


def test_the_reasons_are_asked_for_once_with_the_keyboard_shown_and_hidden(window, service, photo):
    show(window, service, "phone")
    ask(window, photo)
    pretend(window, "/explain", 200, reasons_of("clog"))
    while text(window, ":focus") != "Why?":
        window.press("Tab")
    assert window.run("return document.activeElement.getAttribute('aria-label')") == "Why: class clog"
    window.press("Enter")
    window.wait("return document.querySelector('.explanation')")
    assert window.run("return document.activeElement.getAttribute('aria-expanded')") == "true"
    assert text(window, "#said") == "Orange places spoke for clog. The score is a sum."
    assert texts(window, ".explanation .figure") == ["+0.600", "+0.400", "1.000"]
    assert texts(window, ".near li") == ["clog\n+0.25", "clog\n-0.125"]
    assert window.run("return [...document.querySelectorAll('.explanation img')].every(each => each.alt)")
    seen = "return getComputedStyle(document.querySelector('.over')).visibility"
    assert window.run(seen) == "visible"
    window.press("Tab")
    assert window.run("return document.activeElement.className") == "toggle"
    window.run("document.activeElement.click()")
    assert window.run(seen) == "hidden"
    window.requests()
    for shown in ("Why?", "Hide the reasons"):
        window.run("document.querySelector('.reasons button').click()")
        assert text(window, ".reasons button") == shown
    assert not any("explain" in each for each in window.requests())


def test_the_map_lies_on_the_photo(window, service, photo):
    show(window, service)
    ask(window, photo)
    pretend(window, "/explain", 200, reasons_of("clog"))
    window.run("document.querySelector('.reasons button').click()")
    window.wait("return document.querySelector('.over')?.complete")
    below, above = window.run(
        "return [...document.querySelectorAll('.stack img')].map(each => { const it = each.getBoundingClientRect(); "
        "return [it.x, it.y, it.width, it.height].map(Math.round); })"
    )
    assert below == above and below[2] > 100


@pytest.mark.parametrize("status, body, said, again", [
    (503, {"error": "expected at most 2 explanations"}, ("busy", "at most 2 explanations"), True),
    (422, {"error": "cannot explain this model"}, ("no reasons", "cannot explain this model"), False),
    (200, {"reasons": [{"target": "class"}]}, ("cannot be understood",), True),
])
def test_reasons_that_fail_are_said_in_words(window, service, photo, status, body, said, again):
    show(window, service)
    ask(window, photo)
    pretend(window, "/explain", status, body)
    window.run("document.querySelector('.reasons button').click()")
    window.wait("return document.querySelector('.reasons .problem')")
    assert all(each in text(window, ".reasons .problem") for each in said)
    assert window.run("return document.querySelectorAll('.reasons .problem button').length") == again
    assert text(window, ".label") == "clog 0.93"
    if again:
        pretend(window, "/explain", 200, reasons_of("clog"))
        window.run("document.querySelector('.reasons .problem button').click()")
        window.wait("return document.querySelector('.explanation')")


def test_several_photos_are_answered_one_by_one(window, service, tmp_path, photo):
    (tmp_path / "text.jpg").write_text("no image")
    show(window, service)
    ask(window, photo, tmp_path / "text.jpg", write(tmp_path / "other.png", "mule"))
    assert text(window, "#results-title") == "Answers for 3 photos"
    assert texts(window, ".result .label") == ["clog 0.93", "mule 0.93"]
    title, _, detail = text(window, ".result:nth-child(2) .problem").partition("\n\n")
    assert title == "The photo cannot be read" and "not an image in a known format" in detail
    assert text(window, ".result:nth-child(2) .photo .unreadable") == "no preview"
    assert sent(window) == 3


def test_limits_are_checked_before_anything_is_sent(window, service, photo, tmp_path):
    (tmp_path / "large.png").write_bytes(photo.read_bytes() + bytes(1_000_000))
    show(window, service)
    ask(window, tmp_path / "large.png")
    assert "too large" in text(window, ".result .problem") and "got 1.0 MB" in text(window, ".result .problem")
    window.choose("#choose", [photo] * 5)
    assert "at most 4 photos at once, got 5" in window.wait("return document.querySelector('#problem').innerText")
    assert sent(window) == 0


@pytest.mark.parametrize("status, headers, body, said, again", [
    (429, {"Retry_After": "2"}, {"error": "too many"}, ("busy", "too many", "Wait 2 seconds"), True),
    (503, {}, {"error": "expected room in the queue"}, ("busy", "room in the queue"), True),
    (415, {}, {"error": "expected an image"}, ("not an image", "expected an image"), False),
    (403, {}, {"error": "another site"}, ("refused", "another site"), True),
    (500, {}, "<html>", ("failed", "status 500"), True),
    (200, {}, "<html>", ("cannot be understood",), True),
    (200, {}, {"predictions": [{"answers": [{"label": "clog"}]}]}, ("cannot be understood",), True),
    (200, {}, {"predictions": []}, ("cannot be understood",), True),
])
def test_what_went_wrong_is_said_in_words(window, service, photo, status, headers, body, said, again):
    show(window, service)
    pretend(window, "/predict", status, body, **headers)
    ask(window, photo)
    assert all(each in text(window, ".result .problem") for each in said)
    assert all(each in text(window, "#said") for each in said[:1])
    assert window.run("return document.querySelectorAll('.result .problem button').length") == again
    if again:
        pretend(window, "")
        window.run("document.querySelector('.result .problem button').click()")
        window.wait("return document.querySelector('.label')?.innerText === 'clog 0.93'")


def test_a_photo_that_has_changed_since_is_not_sent(window, service, photo):
    show(window, service)
    pretend(window, "/predict", 503, {"error": "busy"})
    ask(window, photo)
    pretend(window, "")
    photo.unlink()
    window.requests()
    window.run("document.querySelector('.result .problem button').click()")
    window.wait("return document.querySelector('.result .problem')?.innerText.includes('has changed')")
    assert sent(window) == 0


def test_another_model_is_described_before_it_answers(window, service, photo):
    show(window, service)
    window.run("model.digest = 'other'; model.title = 'other'; showAbout(model)")
    assert text(window, "#lead").startswith("other: 507 classes")
    ask(window, photo)
    assert text(window, ".label") == "clog 0.93" and text(window, "#lead").startswith("our shoes: 507 classes")


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


def test_a_token_is_asked_for_and_kept_in_memory_only(window, photo):
    with running(painted_model(), token="secret") as address:
        show(window, address, is_ready="!document.getElementById('token').hidden")
        assert window.run("return document.activeElement.id") == "token-input"
        window.press("wrong")
        window.press("Enter")
        window.wait("return document.getElementById('token').innerText.includes('not accepted')")
        window.press("secret")
        window.press("Enter")
        window.wait(f"return {IS_READY}")
        ask(window, photo)
        window.wait("return document.querySelectorAll('.example img').length === 3")
        assert "$TOKEN" in window.run("return document.getElementById('curl').textContent")
        assert "secret" not in window.run("return document.documentElement.outerHTML + document.cookie "
                                          "+ JSON.stringify(localStorage) + JSON.stringify(sessionStorage)")


def test_a_photo_is_corrected_with_the_keyboard_alone(window, service, table, photo):
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
    before = kept_rows(table)
    window.press("Enter")
    window.wait("return document.activeElement.className === 'thanks'")
    assert text(window, ".thanks") == "Thank you. The photo is kept as sandal 249."
    (path, label), = [each for each in kept_rows(table) if each not in before]
    assert label == "sandal 249" and (table.parent / path).read_bytes() == photo.read_bytes()


@pytest.mark.parametrize("label", [*HOSTILE])
def test_every_class_can_be_chosen_with_the_mouse(window, service, table, tmp_path, label):
    show(window, service)
    ask(window, write(tmp_path / "photo.png", size=(90 + HOSTILE.index(label), 90)))
    window.run("document.querySelector('.correction button').click()")
    place = CLASSES.index(label)
    window.run(f"document.activeElement.click(); document.querySelectorAll('[role=option]')[{place}].click()")
    window.run("document.querySelector('.correction [type=submit]').click()")
    window.wait("return document.querySelector('.thanks')")
    assert kept_rows(table)[-1][1] == label


def test_a_new_class_is_written_where_the_service_takes_it(window, tmp_path, photo):
    table = tmp_path / "corrections.csv"
    with running(painted_model(), table, allows_new=True) as address:
        show(window, address)
        ask(window, photo)
        window.run("document.querySelector('.correction button').click()")
        assert "write a new one" in text(window, ".correction")
        window.press("flip flop")
        window.press("Enter")
        window.wait("return document.querySelector('.thanks')")
    assert [label for _, label in kept_rows(table)] == ["flip flop"]


def test_a_correction_can_be_left_and_fails_in_words(window, service, photo):
    show(window, service)
    ask(window, photo)
    pretend(window, "/corrections", 503, {"error": "no more room"})
    window.run("document.querySelector('.correction button').click()")
    window.press("Escape")
    assert text(window, ":focus") == "This is wrong"
    window.press("Enter")
    window.press("no such class")
    window.press("Enter")
    assert window.run("return document.activeElement.validity.customError")
    assert not texts(window, ".thanks, .correction .problem")
    window.run("document.activeElement.value = ''")
    window.press("mule")
    window.press("Enter")
    window.wait("return document.querySelector('.correction .problem')")
    assert "no more room" in text(window, ".correction .problem")


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_photos_are_dropped_and_pasted(window, service, way):
    show(window, service)
    events = {"drop": "new DragEvent('drop', options)", "paste": "new ClipboardEvent('paste', options)"}
    window.run("const data = new DataTransfer(); "
               "data.items.add(new File(['a photo'], 'it.jpg', {type: 'image/jpeg'})); "
               "const options = {bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data}; "
               f"document.body.dispatchEvent({events[way]})")
    window.wait("return document.querySelector('.result .problem')")
    assert (texts(window, ".file"), sent(window)) == (["it.jpg"], 1)


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
    exif[274] = 6  # turned to the left
    show(window, service)
    ask(window, write(tmp_path / "turned.png", exif=exif))
    assert window.run("return document.querySelector('.photo img').naturalWidth") == 90


@pytest.fixture(scope="module")
def hostile(window, tmp_path_factory):
    """The address of a service with hostile names everywhere."""
    with running(painted_model(title="".join(HOSTILE)), tmp_path_factory.mktemp("hostile") / "them.csv") as address:
        yield address


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", WINDOWS)
def test_the_page_fits_says_nothing_and_asks_no_one_else(window, hostile, tmp_path, size, scheme):
    photo = write(tmp_path / f"{'long' * 40}<b>.png", HOSTILE[1], 60)
    try:
        window.command("Emulation.setTouchEmulationEnabled", enabled=True)
        show(window, hostile, size, scheme)
        ask(window, photo)
        pretend(window, "/explain", 200, reasons_of("".join(HOSTILE)))
        window.run("document.querySelector('.reasons button').click()")
        window.wait("return document.querySelector('.explanation')")
        window.run("document.querySelectorAll('details').forEach(each => each.open = true); "
                   "document.querySelector('.correction button').click(); document.activeElement.click()")
        width, room = window.run("const root = document.documentElement; return [root.scrollWidth, root.clientWidth]")
        assert width <= room <= WINDOWS[size][0]
        assert texts(window, ".likely .class") == ["\\u202eevil\\x07", *HOSTILE[2:]]
        ratio, worst = window.contrast()
        assert 4.5 <= ratio < 99, worst
        # WCAG 2.2, 2.5.5: targets of 44 pixels.
        small = window.run("return [...document.querySelectorAll('button, .button, summary, "
                           "input:not([type=file]):not(.toggle), .switch, [role=option]')]"
                           ".filter(each => each.getClientRects().length && "
                           "each.getBoundingClientRect().height < 44).map(each => each.outerHTML)")
        assert small == []
        assert window.run("return [...document.querySelectorAll('input')].every(each => each.labels.length)")
        paper, ink = window.run("const it = getComputedStyle(document.body); return [it.backgroundColor, it.color]")
        assert (paper == "rgb(255, 255, 255)") == (scheme == "light") and paper != ink
    finally:
        window.command("Emulation.setTouchEmulationEnabled", enabled=False)
    assert window.console() == []
    assert all(each.startswith((hostile, "data:", "blob:")) for each in window.requests())


def test_the_busy_state_is_seen_and_a_new_photo_ends_the_old_one(window, service, photo, tmp_path):
    show(window, service)
    window.run("const real = window.fetch; let n = 0; window.fetch = async (...given) => {"
               "if (!n++) await new Promise(resolve => { window.release = resolve; }); return real(...given); }")
    window.choose("#choose", [photo])
    assert window.wait("return document.querySelector('[aria-busy=true] .busy')?.innerText") == "Looking at the photo"
    ask(window, write(tmp_path / "other.png", "mule"))
    window.wait("return document.querySelector('.label')")
    window.run("window.release()")
    assert window.run("return new Promise(resolve => setTimeout(() => resolve(document.querySelector('.label')"
                      ".innerText), 300))") == "mule 0.93"
    assert texts(window, ".file") == ["other.png"]


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
