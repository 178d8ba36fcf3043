"""What no client should send; ``python -m tests.serving.hostile`` sends far more of it."""

import os

import pytest

from .serving import serving  # isort: skip; skips where the extra is missing

from .hostile import Hostile, ask, attack, form, request
from .serving import RED

KINDS = {
    "random bytes": {422}, "truncated image": {422}, "damaged image": {200, 422}, "unreadable": {422},
    "bomb": {413, 422},
    "large headers": {200, 431}, "many headers": {200, 400, 431, 503}, "wrong type": {415},
    "damaged form": {200, 400, 415, 422}, "damaged boundary": {400, 413, 422}, "many parts": {422},
    "odd name": {200, 422}, "odd field": {200, 422},
    "odd path": {400, 404, 405}, "wrong length": {400}, "too large": {413, 422},
    "too large, announced": {413}, "no HTTP": {400}, "damaged chunks": {0, 400, 408, 422}, "a good one": {200},
}


@pytest.fixture(scope="module")
def running():
    with serving(max_bytes=1_000_000, header_seconds=1, body_seconds=1) as running:
        yield running


@pytest.fixture(scope="module")
def hostile():
    return Hostile(0)


def test_every_kind_is_tested(hostile):
    assert set(hostile.kinds) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_kind(running, hostile, kind):
    port = int(running.url.rpartition(":")[2])
    assert {ask(port, hostile.kinds[kind]()) for _ in range(3)} <= KINDS[kind]
    assert ask(port, request(form(RED))) == 200


def test_a_mixture_at_once(running):
    port = int(running.url.rpartition(":")[2])
    found, _ = attack(port, 200, 1, os.getpid(), n_threads=4)
    assert {status for _, status in found} <= {0, 200, 400, 404, 405, 408, 413, 415, 421, 422, 429, 431, 503}
    assert sum(found.values()) == 200 and ask(port, request(form(RED))) == 200
