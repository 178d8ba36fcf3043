"""twoflow serve: a process that serves a model file until a signal comes."""

import re
import signal
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest

from twoflow import FlowClassifier, RawPixels, load, make_shop, save
from twoflow.commands import serve
from twoflow.commands.program import run

from ..lanes import unavailable
from ..terminal import default_signals
from .calling import call_with


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A model file, and the images that it was fitted on."""
    from sklearn.linear_model import LogisticRegression

    shop = make_shop(n_classes=2, n_per_class=6, folder=tmp_path_factory.mktemp("shop") / "shoes", random_state=0)
    fitted = FlowClassifier([("pixels", RawPixels((16, 16)), "passthrough")], LogisticRegression()).fit(shop)
    path = tmp_path_factory.mktemp("model") / "shoes.twoflow"
    save(fitted, path)
    return path, shop


@pytest.fixture
def httpx():
    for name in ("fastapi", "uvicorn", "python_multipart", "httpx"):
        if find_spec(name) is None:
            unavailable(f"needs {name}: pip install 'twoflow[serve]' httpx")
    import httpx

    return httpx


class Process:
    """The command in a process of its own."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "twoflow", "serve", *map(str, arguments), "--port", "0"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, preexec_fn=default_signals,
        )
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line + self.process.stderr.read()
        self.url = found[0]

    def end(self, number=signal.SIGTERM):
        """Send the signal; return the exit status and what was printed to stderr."""
        self.process.send_signal(number)
        _, error = self.process.communicate(timeout=60)
        return self.process.returncode, error


def wait_until_ready(httpx, url):
    for _ in range(600):
        if httpx.get(f"{url}ready").status_code == 200:
            return
        threading.Event().wait(0.1)
    raise AssertionError("it does not become ready")


def test_answers_are_those_of_the_model(model, httpx):
    path, shop = model
    served = Process(path, "--threshold", "0")
    wait_until_ready(httpx, served.url)
    assert httpx.get(f"{served.url}model").json()["threshold"] == 0
    images = [("images", (str(number), Path(image).read_bytes())) for number, image in enumerate(shop.paths)]
    body = httpx.post(f"{served.url}predict", files=images, timeout=60).json()
    assert served.end() == (0, "")
    expected = load(path)
    assert [each["answers"][0]["label"] for each in body["predictions"]] == expected.predict(shop).tolist()
    for each, row in zip(body["predictions"], (expected.predict_proba([image])[0] for image in shop.paths)):
        assert each["answers"][0]["confidence"] == row.max()
    assert re.fullmatch("[0-9a-f]{64}", body["model"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_every_accepted_request_is_answered_at_a_signal_under_load(model, httpx, number):
    path, shop = model
    served = Process(path, "--jobs", "1")
    wait_until_ready(httpx, served.url)
    content = Path(shop.paths[0]).read_bytes()
    statuses, n_asked, begun = [], [0], threading.Event()

    def ask():
        try:
            with httpx.Client(timeout=60) as client:
                while True:
                    n_asked[0] += 1
                    if n_asked[0] > 40:
                        begun.set()
                    found = client.post(f"{served.url}predict", files=[("images", ("a", content))] * 4)
                    statuses.append(found.status_code)
                    if found.status_code != 200:
                        return
        except httpx.ConnectError:
            statuses.append("refused")  # the service has ended before this request

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert begun.wait(60)
    status, error = served.end(number)
    for thread in threads:
        thread.join(60)
    assert status == 0 and "Traceback" not in error
    assert set(statuses) <= {200, 503, "refused"} and statuses.count(200) > 20


def test_a_missing_extra_is_one_line(model, capsys, monkeypatch):
    for name in ("uvicorn", "fastapi", "python_multipart"):
        monkeypatch.setitem(sys.modules, name, None)
    status, out, error = call_with(capsys, lambda argv: run(serve.main, argv), model[0])
    assert (status, out) == (2, "")
    assert error == 'error: the service needs fastapi, uvicorn and python-multipart: pip install "twoflow[serve]"\n'


def test_errors_before_it_serves(model, httpx, capsys, tmp_path, monkeypatch):
    def call(*arguments):
        status, out, error = call_with(capsys, lambda argv: run(serve.main, argv), *arguments)
        assert status == 2 and out == "" and error.count("\n") == 1, error
        return error

    assert "none.twoflow" in call("none.twoflow")
    (tmp_path / "token").write_text("short\n")
    assert "16 to" in call(model[0], "--token-file", tmp_path / "token")
    monkeypatch.setenv("TWOFLOW_TOKEN", "short")
    assert "TWOFLOW_TOKEN: expected a token" in call(model[0])
    monkeypatch.delenv("TWOFLOW_TOKEN")
    assert "expected" in call(model[0], "--digest", "ab" * 32)
    assert "from 0 to 65535" in call(model[0], "--port", "99999")
    (tmp_path / "a.csv").write_text("path,color\n")
    assert "no column" in call(model[0], "--corrections", tmp_path / "a.csv")


def test_rules_are_read_for_the_threshold_that_is_served(model, httpx, monkeypatch):
    """What a rule promises depends on which answers are a class."""
    given = []

    def look(server):
        server._socket.close()
        given.append(server._service.describe().threshold)

    monkeypatch.setattr("twoflow.predicting.rules.read_rules", lambda path, card: given.append(card.threshold))
    monkeypatch.setattr("twoflow.serving.server.Server.run", look)
    serve.main([str(model[0]), "--port", "0", "--rules", "rules.toml", "--threshold", "0.3"])
    assert given == [0.3, 0.3]


def test_a_signal_just_after_the_address_is_printed(model, httpx, monkeypatch, capsys):
    """Whoever reads the address may send one at once."""
    import builtins
    import os

    def print_and_end(*values, **options):
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(builtins, "print", print_and_end)
    assert run(serve.main, [str(model[0]), "--port", "0"]) == 0


def test_a_port_that_is_taken(model, httpx, capsys):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, out, error = call_with(capsys, lambda argv: run(serve.main, argv), model[0], "--port", port)
    assert status == 2 and error == (
        f"error: cannot listen on 127.0.0.1, port {port}: address already in use; name another --host or --port\n")


def test_an_open_service_without_a_token_warns(model, httpx):
    served = Process(model[0], "--host", "0.0.0.0")
    status, error = served.end()
    assert status == 0
    assert error == "warning: everyone who reaches 0.0.0.0 can use the service; name a --token-file\n"


def test_help_names_every_limit_with_its_default(capsys):
    status, out, _ = call_with(capsys, serve.make_parser().parse_args, "--help")
    from dataclasses import fields

    from twoflow.serving.limits import Limits

    assert status == 0
    for field in fields(Limits):
        assert f"--{field.name.replace('_', '-')}" in out
