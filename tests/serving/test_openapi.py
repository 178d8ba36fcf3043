"""The OpenAPI document is true: schemathesis calls the service by it and compares."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

from ..lanes import unavailable

from .serving import serving  # isort: skip; skips where the extra is missing

import httpx

from twoflow.serving.bodies import Predictions
from twoflow.serving.corrections import Corrections

from .test_app import TOKEN
from .test_corrections import CARD

#: A schema cannot say which bytes are an image, so random ones may be refused.
_CONFIGURATION = """
[checks.positive_data_acceptance]
expected-statuses = [200, 201, 401, 403, 404, 413, 422, 429, 503]
"""
EVERY = {"400", "408", "421", "431", "500", "503"}


@pytest.fixture(scope="module")
def document():
    with serving(token=TOKEN) as running:
        return httpx.get(f"{running.url}/openapi.json").json()


def test_every_call_and_status_is_described(document):
    paths = document["paths"]
    assert sorted(paths) == ["/", "/corrections", "/docs", "/examples/{target}/{position}", "/explain", "/health",
                             "/metrics", "/model", "/openapi.json", "/predict", "/ready"]
    for path, calls in paths.items():
        for method, call in calls.items():
            assert EVERY <= set(call["responses"]), path
            assert call["summary"] and "HTTPValidationError" not in str(call)
            if method == "post":
                assert {"401", "403", "413", "415", "422", "429"} <= set(call["responses"])


def test_every_error_is_described_as_json(document):
    for path, calls in document["paths"].items():
        for call in calls.values():
            for status, response in call["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/json"], (path, status)


def test_the_example_of_several_targets_is_an_answer(document):
    example, = document["components"]["schemas"]["Predictions"]["examples"]
    assert Predictions.model_validate(example).model_dump(mode="json") == example
    assert [answer["target"] for answer in example["predictions"][0]["answers"]] == ["type", "color"]


@pytest.mark.parametrize("token", ["", TOKEN])
def test_schemathesis_finds_nothing(token, tmp_path):
    try:
        version("schemathesis")
    except PackageNotFoundError:
        unavailable("needs schemathesis: pip install schemathesis")
    with serving(token=token, corrections=Corrections(tmp_path / "a.csv", CARD), max_images=4) as running:
        (tmp_path / "schemathesis.toml").write_text(_CONFIGURATION)
        header = ["--header", f"Authorization: Bearer {token}"] if token else []
        done = subprocess.run(
            [sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml", "run",
             f"{running.url}/openapi.json", "--checks", "all",
             "--max-examples", "15", "--seed", "1", "--workers", "1", "--no-color", *header],
            capture_output=True, text=True, cwd=tmp_path, timeout=280,
        )
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        assert httpx.get(f"{running.url}/health").status_code == 200
