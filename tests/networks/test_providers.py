"""Accelerators, with a stand-in for onnxruntime's: it computes on the processor and records what it is asked for."""

import warnings

import numpy as np
import pytest

from twoflow import CNNEmbedding
from twoflow.flows.engine.extraction import extract
from twoflow.networks import resolve
from twoflow.networks.acceleration import BATCH
from twoflow.networks.providers import available, choose
from twoflow.networks.runtime import load_onnxruntime
from twoflow.networks.session import find_provider

from .onnx.nets import constant, node, plain, write

onnxruntime = load_onnxruntime()
CUDA = "CUDAExecutionProvider"
IMAGES = list(np.random.default_rng(0).integers(0, 256, (11, 8, 8, 3), np.uint8))


class StandIn:
    """What a test sets: which providers are there, whether one starts, and an error that it adds to its outputs."""

    def __init__(self):
        self.there, self.starts, self.error, self.batches = [CUDA], True, 0.0, []


@pytest.fixture
def accelerator(monkeypatch):
    settings, real = StandIn(), onnxruntime.InferenceSession

    class Session:
        def __init__(self, content, options, providers, **rest):
            self._names = [each if isinstance(each, str) else each[0] for each in providers]
            self._session = real(content, options, providers=["CPUExecutionProvider"], **rest)

        def get_providers(self):
            return self._names if settings.starts else self._names[-1:]

        def get_inputs(self):
            return self._session.get_inputs()

        def get_outputs(self):
            return self._session.get_outputs()

        def run(self, names, feed, *rest):
            outputs = self._session.run(names, feed, *rest)
            if len(self._names) == 1:
                return outputs
            settings.batches.append(len(*feed.values()))
            noise = np.random.default_rng(1)
            return [each + np.float32(settings.error * noise.normal(size=each.shape)) for each in outputs]

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [*settings.there, "CPUExecutionProvider"])
    return settings


def test_auto_takes_the_first_that_is_there(accelerator):
    accelerator.there = ["CoreMLExecutionProvider", "DmlExecutionProvider"]
    assert available() == ("directml", "coreml") and choose() == "directml" and choose("cpu") == "cpu"
    accelerator.there = ["AzureExecutionProvider"]
    assert choose() == "cpu"


@pytest.mark.parametrize("provider, remedy", [
    ("cuda", "pip install onnxruntime-gpu"), ("directml", "onnxruntime-directml"), ("coreml", "on macOS"),
])
def test_a_provider_that_is_not_there(tmp_path, provider, remedy):
    with pytest.raises(ModuleNotFoundError, match=f'provider="{provider}": expected an onnxruntime with .*{remedy}'):
        CNNEmbedding(plain(tmp_path / "net.onnx"), provider=provider).fit(IMAGES)


def test_batches(tmp_path, accelerator):
    """Each row is its image's, whatever is beside it; the last batch is filled up."""
    path = plain(tmp_path / "net.onnx")
    exact = CNNEmbedding(path, provider="cpu").fit_transform(IMAGES)
    assert accelerator.batches == []
    flow = CNNEmbedding(path).fit(IMAGES)
    found = flow.transform(IMAGES)
    assert set(accelerator.batches) == {BATCH} and len(accelerator.batches) == 1 + 2, "the comparison, then 11 images"
    np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-5)
    assert (flow.transform(IMAGES[::-1])[::-1] == found).all() and (flow.transform(IMAGES[:1]) == found[:1]).all()


def test_an_unreadable_image_does_not_lose_its_batch(tmp_path, accelerator):
    path = plain(tmp_path / "net.onnx")
    images = [*IMAGES[:3], b"no image", *IMAGES[3:]]
    result = extract(CNNEmbedding(path, on_error="nan").fit(IMAGES), images)
    assert [position for position, _ in result.errors] == [3] and np.isnan(result.features[3]).all()
    whole = CNNEmbedding(path).fit_transform(IMAGES)
    assert (np.delete(result.features, 3, axis=0) == whole).all()


def test_a_graph_that_is_made_for_one_image_runs_one_at_a_time(tmp_path, accelerator):
    nodes = [node("Reshape", "map one", "flat"), node("ReduceMean", "flat", "out", axes=[2], keepdims=0)]
    path = write(tmp_path / "net.onnx", nodes, [constant("one", [1, 6, 16], np.int64)])
    found = CNNEmbedding(path, "out").fit_transform(IMAGES)
    assert set(accelerator.batches) == {1}
    np.testing.assert_allclose(found, CNNEmbedding(path, "out", provider="cpu").fit_transform(IMAGES), rtol=1e-5)


def test_an_accelerator_that_computes_something_else(tmp_path, accelerator):
    path = plain(tmp_path / "net.onnx")
    accelerator.error = 100
    with pytest.warns(UserWarning, match="cuda computes out of .* with a cosine of .*; it runs on the CPU"):
        assert find_provider(resolve(path), "out") == "cpu"
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is said once
        found = CNNEmbedding(path, "out").fit_transform(IMAGES)
    assert (found == CNNEmbedding(path, "out", provider="cpu").fit_transform(IMAGES)).all()
    with pytest.warns(UserWarning, match='cuda computes out .*; provider="cpu" is exact'):
        assert find_provider(resolve(path), "out", "cuda") == "cuda"


def test_an_accelerator_that_does_not_start(tmp_path, accelerator):
    path = plain(tmp_path / "net.onnx")
    accelerator.starts = False
    with pytest.warns(UserWarning, match="cuda: .* cannot start cuda; install the driver .*; it runs on the CPU"):
        assert find_provider(resolve(path), "out") == "cpu"
    with pytest.raises(ValueError, match="net.onnx: onnxruntime cannot start cuda"):
        CNNEmbedding(path, "out", provider="cuda").fit_transform(IMAGES)


def test_the_store_keeps_providers_apart_and_a_fitted_flow_resolves_anew(tmp_path, accelerator):
    path, store = plain(tmp_path / "net.onnx"), tmp_path / "store"
    flow = CNNEmbedding(path, "out", store=store).fit(IMAGES)
    assert extract(flow, IMAGES).n_computed == len(IMAGES) and extract(flow, IMAGES).n_computed == 0
    accelerator.there = []
    assert extract(flow, IMAGES).n_computed == len(IMAGES)
    assert extract(CNNEmbedding(path, "out", store=store, provider="cpu").fit(IMAGES), IMAGES).n_computed == 0


def test_8_bit_integers_run_on_the_processor(tmp_path, accelerator):
    path = plain(tmp_path / "net.onnx")
    with pytest.raises(ValueError, match='precision="int8" runs on the processor only, got provider="cuda"'):
        CNNEmbedding(path, precision="int8", provider="cuda").fit(IMAGES)
    assert CNNEmbedding(path, precision="int8").batch_size == 1
