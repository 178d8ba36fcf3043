"""An exported model answers in Ray Serve as in onnxruntime and as itself; Triton and KServe read their configuration.

The engine runs in an environment of its own, without twoflow: `TWOFLOW_ENGINE` names the folder of its virtual
environment (tests/README.md, "Lanes"). It runs on two nodes with loopback addresses of their own, one replica on each.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from PIL import Image

from twoflow import make_model, make_shop
from twoflow.images import read_image
from twoflow.models.onnx_export import export_onnx, write_triton
from twoflow.networks.runtime import load_onnxruntime

from ..lanes import unavailable

SERVICE = Path(__file__).parents[2] / "experiments/engines"
#: Ray does not use 127.0.0.1 between nodes, and it draws the ports of workers from 10002 to 19999.
HEAD, SECOND, PORTS = "127.0.0.2", "127.0.0.3", range(20_000, 30_000)
_MARK = "TWOFLOW_ENGINE_TEST"
_START_S, _STOP_S, _REQUEST_S = 120, 60, 30


class Engine:
    """Ray Serve with the service on two nodes, and whatever it writes in one folder."""

    def __init__(self, program: Path, model: Path, folder: Path) -> None:
        self.program, self.folder = program, folder
        self.mark = f"{os.getpid()}-{time.time_ns()}"
        gcs, self.port = free_ports(2)
        self.environment = {
            "PATH": f"{program}:/usr/bin:/bin", "HOME": str(folder / "home"), "RAY_TMPDIR": str(folder),
            "RAY_USAGE_STATS_ENABLED": "0", "RAY_ADDRESS": f"{HEAD}:{gcs}", "PYTHONDONTWRITEBYTECODE": "1",
            "RAY_AUTH_MODE": "token", "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "1", _MARK: self.mark,
        }
        (folder / "home").mkdir()
        self.call("ray", "get-auth-token", "--generate")
        self.running = [self.start("ray", "start", "--head", "--block", "--num-cpus=1", "--include-dashboard=false",
                                   f"--node-ip-address={HEAD}", f"--port={gcs}")]
        self.until(lambda: self.call("ray", "status", check=False).returncode == 0)
        self.running.append(self.start("ray", "start", "--block", f"--address={HEAD}:{gcs}", "--num-cpus=1",
                                       f"--node-ip-address={SECOND}"))
        self.call("serve", "start", "--http-host=127.0.0.1", f"--http-port={self.port}", "--proxy-location=HeadOnly")
        self.running.append(self.start("serve", "run", "--working-dir=.", "service:build", f"model={model}",
                                       "replicas=2"))
        self.until(lambda: "2.0/2.0 CPU" in self.call("ray", "status").stdout and self.send("GET", b"")[0] == 405)

    def start(self, *command: str) -> subprocess.Popen:
        with open(self.folder / "log.txt", "ab") as log:
            return subprocess.Popen([self.program / command[0], *command[1:]], cwd=SERVICE, env=self.environment,
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def call(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        return subprocess.run([self.program / command[0], *command[1:]], cwd=SERVICE, env=self.environment, text=True,
                              capture_output=True, check=check, timeout=_START_S)

    def until(self, is_ready: Any) -> None:
        end = time.monotonic() + _START_S
        while True:
            try:
                if is_ready():
                    return
            except OSError:
                pass  # nothing listens yet
            died = [process.args for process in self.running if process.poll() is not None]
            if died or time.monotonic() > end:
                raise AssertionError(f"{died or 'too slow'}\n{(self.folder / 'log.txt').read_text('utf-8', 'replace')}")
            time.sleep(0.5)

    def send(self, method: str, content: bytes) -> tuple[int, dict[str, Any]]:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=_REQUEST_S)) as connection:
            connection.request(method, "/", content)
            response = connection.getresponse()
            return response.status, json.loads(response.read())

    def answer(self, content: bytes) -> np.ndarray:
        status, body = self.send("POST", content)
        assert status == 200, body
        [answer] = body["answers"]
        return np.array(answer["probabilities"])

    def stop(self) -> None:
        """End everything from the last to the first, as an operator would."""
        for process in reversed(self.running):
            process.send_signal(signal.SIGTERM)
            process.wait(_STOP_S)

    def processes(self) -> list[int]:
        """The processes that the engine started and that still run, whoever their parent is by now."""
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self.mark in environment(pid)]


def environment(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_text("utf-8", "replace")
    except OSError:
        return ""  # it has ended, or is another user's


def free_ports(n: int) -> list[int]:
    with ExitStack() as stack:
        ports: list[int] = []
        for port in PORTS:
            if len(ports) < n:
                taken = stack.enter_context(socket.socket())
                with suppress(OSError):
                    taken.bind(("", port))
                    ports.append(port)
        return ports


@pytest.fixture(scope="module")
def program() -> Path:
    named = os.environ.get("TWOFLOW_ENGINE")
    if not named:
        unavailable("needs TWOFLOW_ENGINE, a virtual environment with experiments/engines/requirements.txt")
    return Path(named) / "bin"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return make_shop(n_classes=3, n_per_class=6, folder=tmp_path_factory.mktemp("shop"), random_state=0)


@pytest.fixture(scope="module")
def model(shop):
    return make_model("fast", random_state=0).fit(shop)


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("exported") / "shoes.onnx"
    return path, export_onnx(model, path)


@pytest.fixture(scope="module")
def engine(program, exported):
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="e")))  # short, as Ray opens sockets below it
        engine = Engine(program, exported[0], folder)
        stack.callback(engine.stop)
        yield engine


@pytest.fixture(scope="module")
def alone(exported):
    """Compute the probabilities with onnxruntime alone, of an image in a file."""
    session = load_onnxruntime().InferenceSession(exported[0], providers=["CPUExecutionProvider"])
    return lambda content: session.run(["probabilities"], {"image": read_image(content)})[0]


def contents(shop):
    return [Path(path).read_bytes() for path in shop.paths]


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def test_the_engine_has_no_twoflow(program):
    done = subprocess.run([program / "python", "-I", "-c", "import twoflow"], capture_output=True, text=True)
    assert "No module named 'twoflow'" in done.stderr


def test_answers_are_those_of_onnxruntime_and_of_the_model(engine, alone, model, shop):
    answers = np.array([engine.answer(content) for content in contents(shop)])
    np.testing.assert_allclose(answers, [alone(content) for content in contents(shop)], atol=1e-6)
    expected = model.predict_proba(shop.paths)
    np.testing.assert_allclose(answers, expected, atol=1e-3)
    assert (answers.argmax(1) == expected.argmax(1)).all()
    assert engine.send("POST", contents(shop)[0])[1]["answers"][0]["label"] == model.predict(shop.paths[:1])[0]


def test_files_are_read_as_twoflow_reads_them(engine, alone, shop):
    photo = Image.open(shop.paths[0]).convert("RGB").crop((0, 0, 120, 90))
    turned = Image.Exif()
    turned[0x0112] = 6
    transparent = photo.convert("RGBA")
    transparent.putalpha(Image.linear_gradient("L").resize(photo.size))
    for content in (
        encoded(photo, "JPEG", exif=turned), encoded(photo.convert("L"), "PNG"), encoded(photo.quantize(16), "PNG"),
        encoded(transparent, "PNG"), encoded(photo.convert("CMYK"), "JPEG"), encoded(photo, "WEBP", lossless=True),
    ):
        np.testing.assert_allclose(engine.answer(content), alone(content), atol=1e-4)


def test_many_requests_at_the_same_time_get_their_own_answers(engine, shop):
    photos = contents(shop)
    one_by_one = [engine.answer(photo) for photo in photos]
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(engine.answer, 3 * photos))
    np.testing.assert_array_equal(together, 3 * one_by_one)


@pytest.mark.parametrize("method, content, status, said", [
    ("GET", b"", 405, "expected POST, got GET"),
    ("POST", b"", 422, "expected an image, got 0 bytes"),
    ("POST", b"hello", 422, "expected an image, got 5 bytes"),
    ("POST", b"\xff\xd8\xff\xe0" + bytes(999), 422, "expected an image"),
    ("POST", bytes(20 * 2**20 + 1), 413, "expected at most 20,971,520 bytes"),
    ("POST", encoded(Image.new("1", (10_000, 5_001)), "PNG"), 413, "expected at most 50,000,000 pixels"),
])
def test_refusals_say_why(method, content, status, said, engine):
    found, body = engine.send(method, content)
    assert (found, body.keys()) == (status, {"error"}) and said in body["error"]


def test_both_nodes_work(engine):
    """A replica takes one core, and each node has one."""
    status = engine.call("ray", "status").stdout
    assert len(re.findall("node_[0-9a-f]+", status)) == 2 and "2.0/2.0 CPU" in status


def test_it_ends_clean(engine):
    """No process stays, and the home folder holds no more than the cluster's token: no identifier for telemetry."""
    assert len(engine.processes()) > 4
    engine.stop()
    assert engine.processes() == []
    files = [path for path in (engine.folder / "home").rglob("*") if path.is_file()]
    assert [path.relative_to(engine.folder / "home").as_posix() for path in files] == [".ray/auth_token"]
    assert not list((SERVICE).rglob("__pycache__"))


def read_with(program: Path, code: str, path: Path) -> Any:
    """Run code in the engine's environment; it prints what it reads from a path as JSON."""
    done = subprocess.run([program / "python", "-I", "-c", code, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_triton_reads_the_configuration(program, exported, tmp_path):
    """With the server's own message; an unknown field or a wrong type is an error."""
    made, _ = write_triton(exported[1], tmp_path, "shoes")
    found = read_with(program, """
import sys
from google.protobuf import json_format, text_format
from tritonclient.grpc import model_config_pb2
text = open(sys.argv[1], encoding="utf-8").read()
print(json_format.MessageToJson(text_format.Parse(text, model_config_pb2.ModelConfig())))
""", made / "config.pbtxt")
    assert found == {
        "name": "shoes",
        "backend": "onnxruntime",
        "input": [{"name": "image", "dataType": "TYPE_UINT8", "dims": ["-1", "-1", "3"]}],
        "output": [{"name": "probabilities", "dataType": "TYPE_FP32", "dims": ["3"], "labelFilename": "labels.txt"}],
        "instanceGroup": [{"count": 1, "kind": "KIND_CPU"}],
        "parameters": {"intra_op_thread_count": {"stringValue": "1"}},
    }


def test_kserve_gets_a_service_of_its_form(program, exported, tmp_path):
    """The fields of an InferenceService, as KServe documents them for Triton and protocol version 2."""
    _, service = write_triton(exported[1], tmp_path, "shoes")
    found = read_with(program, "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))", service)
    assert found == {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": "shoes"},
        "spec": {"predictor": {"model": {
            "modelFormat": {"name": "triton", "version": "2"}, "protocolVersion": "v2",
            "storageUri": "pvc://CLAIM/FOLDER",
        }}},
    }
