"""Routes, limits and errors of the service, over real connections."""

import io
import json
import re
import socket
import tempfile
import threading
import time

import pytest

from .serving import BLUE, CLASSES, GREEN, RED, color, serving, wait_for  # isort: skip

import httpx

from ..images.hostile import UNREADABLE


@pytest.fixture(scope="module")
def service():
    with serving() as running:
        yield running


def files(*contents, field="images"):
    return [(field, (f"{number}.png", content, "image/png")) for number, content in enumerate(contents)]


def predict(running, *contents, **options):
    return httpx.post(f"{running.url}/predict", files=files(*contents), timeout=30, **options)


def error_of(response):
    body = response.json()
    assert response.headers["content-type"] == "application/json" and list(body) == ["error"]
    return body["error"]


def test_answers_in_the_order_of_the_images(service):
    response = predict(service, RED, BLUE, GREEN)
    assert response.status_code == 200 and response.json()["model"] == "ab" * 32
    found = response.json()["predictions"]
    assert [each["name"] for each in found] == ["0.png", "1.png", "2.png"]
    assert [each["answers"][0]["label"] for each in found] == ["red", "blue", "green"]
    first = found[0]["answers"][0]
    assert first["top"][0] == {"label": "red", "confidence": first["confidence"], "position": CLASSES.index("red")}
    assert first["confidence"] == pytest.approx(251 / 273) and found[0]["error"] is None


def test_an_answer_does_not_depend_on_the_other_images(service):
    alone = [predict(service, each).json()["predictions"][0]["answers"] for each in (RED, GREEN, BLUE)]
    together = predict(service, RED, GREEN, BLUE).json()["predictions"]
    assert [each["answers"] for each in together] == alone


@pytest.mark.parametrize("top, n", [(1, 1), (2, 2), (3, 3), (100, 3)])
def test_top(service, top, n):
    response = predict(service, RED, params={"top": top})
    assert len(response.json()["predictions"][0]["answers"][0]["top"]) == n


@pytest.mark.parametrize("top", ["0", "101", "many", "-1"])
def test_a_wrong_top(service, top):
    response = predict(service, RED, params={"top": top})
    assert response.status_code == 422
    assert error_of(response) == f"top: expected an integer from 1 to 100, got '{top}'; see /docs"


def test_unknown_says_why():
    with serving(threshold=0.99) as running:
        answer = predict(running, RED).json()["predictions"][0]["answers"][0]
    assert (answer["label"], answer["level"]) == ("unknown", "") and "0.99" in answer["reason"]


def test_one_unreadable_image_among_others(service):
    response = predict(service, RED, b"no image", BLUE)
    found = response.json()["predictions"]
    assert response.status_code == 200
    assert [bool(each["error"]) for each in found] == [False, True, False] and found[1]["answers"] == []


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_image(service, name):
    content, word = UNREADABLE[name]
    response = predict(service, content)
    assert response.status_code == 422
    assert word in response.json()["error"] and word in response.json()["predictions"][0]["error"]


def test_too_many_pixels_by_the_header():
    with serving(max_pixels=1000) as running:
        assert predict(running, color(0, 0, 9, side=31)).status_code == 200
        response = predict(running, color(0, 0, 9, side=32))
    assert response.status_code == 422 and "at most 1,000 pixels, got 32 x 32" in response.json()["error"]


@pytest.mark.parametrize("form, word", [
    ({"files": files(RED, field="image")}, "got image;"),
    ({"files": [*files(RED), *files(RED, field="more")]}, "got images, more;"),
    ({"files": files(RED), "data": {"top": "1"}}, "got images, top;"),
    ({"files": files(*[RED] * 17)}, "at most 16 files"),
    ({"files": files(RED), "data": {f"a{i}": "1" for i in range(9)}}, "at most 8 fields"),
    ({"content": b"not what it says", "headers": {"Content-Type": "multipart/form-data; boundary=a"}}, "RFC 7578"),
    ({"content": b"--a\r\n\r\nx", "headers": {"Content-Type": "multipart/form-data"}}, "RFC 7578"),
    ({"content": b"--a\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\ncut off",
      "headers": {"Content-Type": "multipart/form-data; boundary=a"}}, "last boundary"),
])
def test_another_form(service, form, word):
    response = httpx.post(f"{service.url}/predict", **form)
    assert response.status_code == 422 and word in error_of(response)


@pytest.mark.parametrize("kind", ["image/png", "application/json", "application/x-www-form-urlencoded", ""])
def test_another_type_of_body(service, kind):
    response = httpx.post(f"{service.url}/predict", content=RED, headers={"Content-Type": kind})
    assert response.status_code == 415 and "multipart/form-data" in error_of(response)


@pytest.mark.parametrize("name", ["../../etc/passwd", "\x1b[31m\u202egpj.png", "a" * 5000, "", "\ud800", "=1+1"])
def test_names_of_files(service, name):
    encoded = name.encode("utf-8", "surrogatepass").replace(b'"', b"%22")
    body = (b'--b\r\nContent-Disposition: form-data; name="images"; filename="' + encoded + b'"\r\n\r\n' + RED
            + b"\r\n--b--\r\n")
    response = httpx.post(
        f"{service.url}/predict", content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    if len(encoded) > 4096:
        assert response.status_code == 422
    else:
        shown = response.json()["predictions"][0]["name"]
        assert response.status_code == 200 and shown.isprintable() and len(shown) <= 255


def test_the_model(service):
    body = httpx.get(f"{service.url}/model").json()
    assert body["targets"][0]["classes"] == list(CLASSES) and body["digest"] == "ab" * 32
    assert body["targets"][0]["accuracy"] == {
        "accuracy": 0.9, "interval": [0.8, 0.95], "confidence": 0.95, "source": "5 folds"}
    assert (body["exact_match"], body["n_images"], body["targets"][0]["n_labeled"]) == (None, None, 27)
    assert body["limits"] == {"max_images": 16, "max_bytes": 32_000_000, "max_pixels": 50_000_000}
    assert (body["corrections"], body["token"], body["targets"][0]["has_examples"]) == (False, False, True)


def test_examples(service):
    response = httpx.get(f"{service.url}/examples/class/2")
    assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")
    assert response.content == b"\xff\xd8 a small JPEG"
    for path, status in (("class/1", 404), ("none/2", 404), ("class/-1", 404), ("class/x", 422), ("a%2Fb/2", 404)):
        missing = httpx.get(f"{service.url}/examples/{path}")
        assert missing.status_code == status and error_of(missing)


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/none", 404), ("GET", "/predict", 405), ("POST", "/health", 405), ("DELETE", "/model", 405),
    ("PUT", "/corrections", 405), ("POST", "/corrections", 404), ("BREW", "/", 405),
])
def test_another_page_or_method(service, method, path, status):
    response = httpx.request(method, service.url + path)
    assert response.status_code == status and error_of(response)


def test_every_page_works_without_anything_from_elsewhere(service):
    for path in ("/", "/docs"):
        response = httpx.get(service.url + path)
        assert response.status_code == 200 and response.headers["content-type"] == "text/html; charset=utf-8"
        foreign = r"""(?:src|href|action)=["']?(?:https?:|//)[^"' >]*|url\([^)]*\)|@import"""
        assert re.findall(foreign, response.text) == []
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
    assert "/predict" in httpx.get(f"{service.url}/docs").text


@pytest.mark.parametrize("path", ["/", "/docs", "/health", "/model", "/none", "/metrics", "/openapi.json"])
def test_headers_against_other_sites(service, path):
    headers = httpx.get(service.url + path).headers
    assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
    assert headers["cross-origin-resource-policy"] == "same-origin" and headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers and "server" not in headers


@pytest.mark.parametrize("host, status", [
    ("localhost", 200), ("127.0.0.1:8000", 200), ("[::1]:8000", 200), ("LOCALHOST:1", 200), ("evil.example", 421),
    ("127.0.0.1.evil.example", 421), ("localhost.evil.example:8000", 421), ("", 421), ("[::1].evil", 421),
])
def test_a_name_that_another_site_points_here(service, host, status):
    """A browser that is led here by DNS rebinding sends the name of the other site."""
    response = httpx.get(f"{service.url}/model", headers={"Host": host})
    assert response.status_code == status and (status == 200 or error_of(response))


@pytest.mark.parametrize("headers, status", [
    ({}, 200), ({"Sec-Fetch-Site": "same-origin"}, 200), ({"Sec-Fetch-Site": "none"}, 200),
    ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Origin": "https://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Origin": "http://127.0.0.1:1"}, 403),
])
def test_a_request_from_a_page_of_another_site(service, headers, status):
    assert predict(service, RED, headers=headers).status_code == status


def test_a_request_from_the_own_page(service):
    assert predict(service, RED, headers={"Origin": service.url}).status_code == 200


TOKEN = "0123456789abcdef"


@pytest.mark.parametrize("given, status", [
    (None, 401), ("", 401), ("Bearer", 401), ("Bearer wrong", 401), (f"Basic {TOKEN}", 401), (f"Bearer {TOKEN}x", 401),
    (f"Bearer {TOKEN}", 200), (f"bearer  {TOKEN}", 200), ("Bearer \xff\xfe", 401),
])
def test_token(given, status, secured):
    headers = {} if given is None else {"Authorization": given.encode("latin-1")}
    for path in ("/model", "/metrics", "/examples/class/2"):
        response = httpx.get(secured.url + path, headers=headers)
        assert response.status_code == status
    response = predict(secured, RED, headers=headers)
    assert response.status_code == status
    if status == 401:
        assert response.headers["www-authenticate"] == "Bearer" and TOKEN not in error_of(response)


@pytest.fixture(scope="module")
def secured():
    with serving(token=TOKEN) as running:
        yield running


@pytest.mark.parametrize("path", ["/", "/health", "/ready", "/docs", "/openapi.json"])
def test_what_is_open_without_the_token(secured, path):
    assert httpx.get(secured.url + path).status_code == 200


def test_the_document_declares_the_token(service, secured):
    with_token, without = (httpx.get(f"{each.url}/openapi.json").json() for each in (secured, service))
    assert with_token["paths"]["/predict"]["post"]["security"] == [{"bearer": []}]
    assert "401" in with_token["paths"]["/predict"]["post"]["responses"]
    assert "security" not in without["paths"]["/predict"]["post"]


class Hold:
    """Holds the workers at an image until it is released; lets the generated image of the warm-up pass."""

    def __init__(self):
        self.event = threading.Event()
        self.n = 0
        self.is_on = False

    def __call__(self):
        if self.is_on:
            self.n += 1
            assert self.event.wait(30)


@pytest.fixture
def hold():
    hold = Hold()
    yield hold
    hold.event.set()


class Asking:
    """A request on its own thread."""

    def __init__(self, running, *contents):
        self.response = None
        self.error = None
        self._thread = threading.Thread(target=self._ask, args=(running, contents), daemon=True)
        self._thread.start()

    def _ask(self, running, contents):
        try:
            self.response = predict(running, *contents)
        except httpx.HTTPError as error:
            self.error = error

    def result(self):
        self._thread.join(30)
        return self.response


def test_a_full_queue_is_503_and_others_are_answered(hold):
    with serving(hold, n_workers=1, max_queue=2, max_per_client=9) as running:
        hold.is_on = True
        asked = [Asking(running, RED)]
        wait_for(lambda: hold.n == 1)
        asked += [Asking(running, GREEN), Asking(running, BLUE)]
        wait_for(lambda: running.service.workers.n_waiting == 2)
        refused = predict(running, RED)
        assert refused.status_code == 503 and refused.headers["retry-after"] == "1" and "queue" in error_of(refused)
        assert httpx.get(f"{running.url}/health").status_code == 200, "the event loop is free"
        hold.event.set()
        assert [each.result().json()["predictions"][0]["answers"][0]["label"] for each in asked] == [
            "red", "green", "blue"]
        assert predict(running, RED).status_code == 200


def test_one_client_with_too_many_images_is_429(hold):
    with serving(hold, n_workers=1, max_per_client=3) as running:
        hold.is_on = True
        asked = Asking(running, RED, GREEN)
        wait_for(lambda: hold.n == 1)
        refused = predict(running, RED, GREEN)
        assert refused.status_code == 429 and refused.headers["retry-after"] == "1" and "at most 3" in error_of(refused)
        hold.event.set()
        assert asked.result().status_code == 200 and predict(running, RED, GREEN).status_code == 200


def test_an_answer_that_takes_too_long_is_503_and_what_waits_is_dropped(hold):
    with serving(hold, n_workers=1, answer_seconds=0.2) as running:
        hold.is_on = True
        late = predict(running, RED, GREEN, BLUE)
        assert late.status_code == 503 and "0.2 seconds" in error_of(late)
        assert running.service.workers.n_waiting == 0 and hold.n == 1
        hold.event.set()
        hold.is_on = False
        wait_for(lambda: predict(running, RED).status_code == 200)


def test_what_a_client_that_leaves_asked_for_is_dropped(hold):
    with serving(hold, n_workers=1) as running:
        hold.is_on = True
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{running.url}/predict", files=files(RED, GREEN, BLUE), timeout=0.3)
        wait_for(lambda: running.service.workers.n_waiting == 0)
        assert hold.n == 1
        wait_for(lambda: running.gate.n_active == 0 and running.service.uploads.n_bytes == 0)


def test_a_large_body_is_413_by_its_announced_length():
    with serving(max_bytes=10_000) as running:
        with connect(running) as connection:
            connection.sendall(head(running, "Content-Length: 99999999999"))
            assert status_of(connection) == 413
        response = predict(running, RED + bytes(20_000))
        assert response.status_code == 413 and "10,000 bytes" in error_of(response)


def test_a_large_body_without_a_length_is_413_and_no_more_is_kept(service):
    with serving(max_bytes=100_000) as running:
        def chunks():
            yield b'--b\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\n'
            for _ in range(100):
                assert running.service.uploads.n_bytes <= 100_000
                yield bytes(10_000)

        response = httpx.post(f"{running.url}/predict", content=chunks(),
                              headers={"Content-Type": "multipart/form-data; boundary=b"})
        assert response.status_code == 413
        wait_for(lambda: running.service.uploads.n_bytes == 0)


def test_all_uploads_together_are_limited(hold):
    with serving(hold, n_workers=1, max_buffered=150_000) as running:
        hold.is_on = True
        asked = Asking(running, RED + bytes(100_000))
        wait_for(lambda: hold.n == 1)
        refused = predict(running, RED + bytes(100_000))
        assert refused.status_code == 503 and "uploads" in error_of(refused)
        hold.event.set()
        assert asked.result().status_code == 200
        assert predict(running, RED + bytes(100_000)).status_code == 200


def test_nothing_of_an_upload_touches_the_disk(service, monkeypatch, tmp_path):
    """Starlette keeps a file of more than 1 MB in a temporary file by default."""
    made = []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda *args, **options: made.append(args) or io.BytesIO())
    monkeypatch.setattr(tempfile, "NamedTemporaryFile", lambda *args, **options: made.append(args) or io.BytesIO())
    response = predict(service, RED + bytes(5_000_000), GREEN + bytes(3_000_000))
    assert response.status_code == 200 and made == [] and list(tmp_path.iterdir()) == []


def connect(running):
    port = int(running.url.rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=20)


def head(running, *more):
    lines = ["POST /predict HTTP/1.1", "Host: localhost", "Content-Type: multipart/form-data; boundary=b", *more]
    return "\r\n".join([*lines, "", ""]).encode()


def received(connection):
    content = b""
    while part := connection.recv(65536):
        content += part
    return content


def status_of(connection):
    return int(connection.recv(65536).split()[1])


def test_slow_headers_are_408():
    with serving(header_seconds=0.2) as running:
        with connect(running) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: local")
            answer = received(connection)
        assert answer.startswith(b"HTTP/1.1 408") and b'{"error": ' in answer
        with connect(running) as connection:
            assert received(connection) == b"", "a connection that says nothing is closed"
        assert httpx.get(f"{running.url}/health").status_code == 200


def test_slow_headers_of_a_second_request_are_408():
    with serving(header_seconds=0.3) as running, connect(running) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert status_of(connection) == 200
        connection.sendall(b"GET /hea")
        assert b"HTTP/1.1 408" in received(connection)


def test_a_slow_body_is_408():
    with serving(body_seconds=0.3) as running:
        with connect(running) as connection:
            connection.sendall(head(running, "Content-Length: 1000") + b"--b\r\n")
            answer = received(connection)
        assert answer.startswith(b"HTTP/1.1 408") and b"0.3 seconds" in answer
        wait_for(lambda: running.service.uploads.n_bytes == 0)


def test_a_body_that_goes_on_after_its_answer_ends_in_time():
    with serving(body_seconds=0.3, max_bytes=1000) as running, connect(running) as connection:
        connection.sendall(head(running, "Transfer-Encoding: chunked") + b"5000\r\n" + bytes(0x5000) + b"\r\n")
        assert status_of(connection) == 413
        began = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() < began + 20:
                connection.sendall(b"1\r\na\r\n")
                time.sleep(0.05)


@pytest.mark.parametrize("content, status", [
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 431),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: a\r\n" * 10_000 + b"\r\n", 431),
    (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 431),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
    (b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
])
def test_what_is_no_request(service, content, status):
    with connect(service) as connection:
        connection.sendall(content)
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 %d" % status)
    assert list(json.loads(answer.partition(b"\r\n\r\n")[2])) == ["error"]


def test_a_damaged_chunk_in_a_body(service):
    with connect(service) as connection:
        connection.sendall(head(service, "Transfer-Encoding: chunked") + b"5\r\n--")
        time.sleep(0.1)
        connection.sendall(b"b\r\nzz\r\nno chunk")
        assert received(connection).startswith(b"HTTP/1.1 400")
    assert predict(service, RED).status_code == 200


def test_too_many_connections_are_503():
    with serving(max_connections=3) as running:
        held = [connect(running) for _ in range(3)]
        wait_for(lambda: len(held) == 3)
        time.sleep(0.1)
        with connect(running) as connection:
            answer = received(connection)
        assert answer.startswith(b"HTTP/1.1 503") and b"retry-after: 1" in answer.lower()
        for each in held:
            each.close()
        wait_for(lambda: _answers(running))


def _answers(running):
    try:
        return httpx.get(f"{running.url}/health").status_code == 200
    except httpx.HTTPError:
        return False


def test_a_bug_is_logged_and_not_told(capfd, monkeypatch):
    from twoflow.serving.log import log_to_stderr

    log_to_stderr(False)
    with serving() as running:
        def fail(*args):
            raise RuntimeError("/secret/path \x1b[31m")

        monkeypatch.setattr(running.service, "describe", fail)
        response = httpx.get(f"{running.url}/model")
        assert response.status_code == 500 and "secret" not in response.text and "log" in error_of(response)
    error = capfd.readouterr().err
    assert "/secret/path \\x1b[31m" in error and "Traceback" in error and "\x1b" not in error


def test_the_log_names_requests_only_if_verbose_and_never_uploads(capfd):
    from twoflow.serving.log import log_to_stderr

    for is_verbose in (False, True):
        log_to_stderr(is_verbose)
        with serving(is_verbose=is_verbose) as running:
            httpx.post(f"{running.url}/predict", files=[("images", ("my-secret.png", RED))])
            httpx.get(f"{running.url}/%1b%5b31m")
        error = capfd.readouterr().err
        assert "my-secret" not in error and "\x1b" not in error
        assert ("POST /predict 200" in error) == is_verbose
