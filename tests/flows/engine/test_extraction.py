"""Each worker computes on one thread: more would wait for each other, and BLAS rounds in another way with more."""

from pathlib import Path

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from twoflow import ImageReadError
from twoflow.flows import Flow
from twoflow.flows.engine.extraction import _cut, extract
from twoflow.store import FeatureStore


def count_blas_threads():
    """Without the BLAS that MXNet brings, where a process has loaded it: its limit is one of each thread by itself."""
    return max(
        pool["num_threads"] for pool in threadpool_info()
        if pool["user_api"] == "blas" and Path(pool["filepath"]).parent.name != "mxnet"
    )


class BlasThreads(Flow):
    """How many threads BLAS has while features are computed."""

    feature_prefix, n_features_out = "threads", 1

    def extract(self, image, n_threads):
        return np.array([count_blas_threads()], np.float32)

    def __sklearn_is_fitted__(self):
        return True


@pytest.mark.parametrize("backend, options", [("threading", {}), ("loky", {"inner_max_num_threads": 2})])
def test_blas_has_one_thread(shop, backend, options):
    with threadpool_limits(2):
        if count_blas_threads() != 2:
            pytest.skip("BLAS has no more than one thread here")
        with joblib.parallel_config(backend, n_jobs=2, **options):
            assert (BlasThreads().transform(shop) == 1).all()
        assert count_blas_threads() == 2


class InBatches(Flow):
    """The mean of an image, of four images at a time."""

    feature_prefix, n_features_out, batch_size = "mean", 1, 4

    def extract(self, image, n_threads):
        return np.array([np.mean(image.rgb)], np.float32)

    def __sklearn_is_fitted__(self):
        return True


def test_a_batch_that_ends_early_leaves_nothing_unfinished_in_the_store(shop, tmp_path):
    store = FeatureStore(tmp_path)
    images = list(shop)[:6]
    with pytest.raises(ImageReadError):
        InBatches(store=store, n_jobs=1).transform([*images[:2], b"no image", *images[2:]])
    found = extract(InBatches(store=store, n_jobs=1), images)
    assert (found.features == InBatches().transform(images)).all() and found.n_computed == len(images)


@pytest.mark.parametrize(
    "n_rows, n_workers, batch_size", [(1, 8, 1), (100, 1, 1), (384, 2, 1), (384, 2, 8), (50, 64, 1)]
)
def test_the_last_tasks_are_small(n_rows, n_workers, batch_size):
    """Workers take tasks one by one, so none waits longer for another than the last task takes."""
    tasks = list(_cut(np.arange(n_rows), n_workers, batch_size))
    assert np.concatenate(tasks).tolist() == list(range(n_rows))
    sizes = [len(task) for task in tasks]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] <= 16
    assert all(size % batch_size == 0 for size in sizes[:-1])
    assert sizes[-1] <= batch_size
    assert len(sizes) <= n_rows / 16 + 10 * n_workers
