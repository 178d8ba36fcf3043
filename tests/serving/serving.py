"""A service on loopback for tests, around a model that needs no network."""

import io
import threading
import time
from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np
from PIL import Image
from sklearn.base import BaseEstimator, ClassifierMixin

from ..lanes import unavailable

if missing := [name for name in ("fastapi", "uvicorn", "python_multipart", "httpx") if find_spec(name) is None]:
    unavailable(f"needs {', '.join(missing)}: pip install 'twoflow[serve,serve-test]'")

from twoflow.images import read_image
from twoflow.models.model_file import Expectation, HeldOut, ModelCard, ModelFile, TargetCard
from twoflow.serving.app import make_app
from twoflow.serving.gate import LOOPBACK_NAMES
from twoflow.serving.limits import Limits
from twoflow.serving.server import Server
from twoflow.serving.service import Service

CLASSES = ("blue", "green", "red")


class Brightest(ClassifierMixin, BaseEstimator):
    """Answers with the strongest color channel; `hook` is called before each image."""

    classes_ = np.array(CLASSES)

    def __init__(self, hook=None):
        self.hook = hook

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False  # it takes images
        return tags

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def predict_proba(self, X):
        rows = []
        for image in X:
            pixels = read_image(image)
            if self.hook is not None:
                self.hook()
            means = pixels.mean(axis=(0, 1))[::-1] + 1
            rows.append(means / means.sum())
        return np.array(rows)


def color(red, green, blue, side=24):
    """The bytes of a PNG of one color."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), (red, green, blue)).save(file, "PNG")
    return file.getvalue()


RED, GREEN, BLUE = color(250, 10, 10), color(10, 250, 10), color(10, 10, 250)


def model_file(hook=None, threshold=None, model=None):
    rng = np.random.default_rng(0)
    n = 300
    predicted = rng.integers(0, 3, n).astype(np.int32)
    held_out = HeldOut(predicted, predicted, rng.uniform(0.8, 1.0, n).astype(np.float32))
    target = TargetCard("class", CLASSES, (9, 9, 9), {}, Expectation(0.9, (0.8, 0.95), 0.95, "5 folds"), held_out)
    card = ModelCard("colors", "2025-01-31", (target,), threshold=threshold)
    return ModelFile(model or Brightest(hook), card, "ab" * 32, {("class", 2): b"\xff\xd8 a small JPEG"})


class Running:
    """A service that runs: its address, and what a test may look at."""

    def __init__(self, server, service, gate):
        self.server, self.service, self.gate = server, service, gate
        self.url = server.address.rstrip("/")
        self.n_cut_off = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        self.n_cut_off = self.server.run()

    def wait_until_ready(self):
        wait_for(lambda: self.service.is_ready)

    def stop(self):
        self.server.stop()

    def join(self):
        self._thread.join(60)
        assert not self._thread.is_alive()


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.005)


@contextmanager
def serving(hook=None, *, file=None, rules=None, names=LOOPBACK_NAMES, token="", threshold=None, corrections=None,
            n_workers=2, drain_seconds=30, grace_seconds=0, is_verbose=False, **limits):
    """Run a service of a model file, by default the one above, until the context ends."""
    service = Service(
        file or model_file(hook, threshold), rules=rules, limits=Limits(**limits), n_workers=n_workers,
        corrections=corrections, needs_token=bool(token),
    )
    gate = make_app(service, names=names, token=token, is_verbose=is_verbose)
    running = Running(
        Server(service, gate, port=0, drain_seconds=drain_seconds, grace_seconds=grace_seconds), service, gate)
    try:
        running.wait_until_ready()
        yield running
    finally:
        running.stop()
        running.stop()
        running.join()
