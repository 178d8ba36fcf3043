"""Check the memory that a fit takes at least, and that a fit that cannot succeed is refused."""

import numpy as np
import pytest

from twoflow import _free_memory
from twoflow.heads import CappedClassifier, KernelRidgeClassifier
from twoflow.heads.needed_memory import check_memory, least_memory, memory_of_products


def test_the_smaller_system_counts():
    assert memory_of_products(1000, 28_096) == 8 * 1000**2
    assert memory_of_products(100_000, 500) == 4 * 8 * 500**2
    needed = [memory_of_products(1000, n_features) for n_features in (0, 10, 499, 500, 501, 10_000)]
    assert needed == sorted(needed) and needed[-3] == needed[-1]


def test_an_estimator_that_does_not_say_takes_nothing():
    assert least_memory(KernelRidgeClassifier(), 20, 30) == 8 * 20**2
    assert least_memory(CappedClassifier(KernelRidgeClassifier()), 20, 30) == 0  # it takes fewer rows


def test_a_fit_that_does_not_fit_in_memory_is_refused(monkeypatch):
    monkeypatch.setattr("twoflow.heads.needed_memory.free_memory", lambda: 8 * 60**2 - 1)
    X, y = np.random.default_rng(0).normal(size=(60, 90)), np.arange(60) % 3
    message = "on 60 images of 90 features takes at least 0.0 GB of memory, and 0.0 GB are free; take fewer features of"
    with pytest.raises(ValueError, match=message):
        KernelRidgeClassifier().fit(X, y)
    assert KernelRidgeClassifier().fit(X[:59], y[:59]).n_features_in_ == 90
    assert CappedClassifier(KernelRidgeClassifier(), max_per_class=10).fit(X, y).n_features_in_ == 90


def test_a_system_that_does_not_report_its_memory_refuses_nothing(monkeypatch):
    monkeypatch.setattr("twoflow.heads.needed_memory.free_memory", lambda: None)
    check_memory(10**18, 10**9, 10**9)


def test_free_memory_is_that_of_the_machine_or_its_container(tmp_path, monkeypatch):
    found = _free_memory.free_memory()
    assert found is None or 10**6 < found < 10**14
    files = {"memory.max": "1000", "memory.current": "900", "memory.stat": "anon 5\ninactive_file 40"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(_free_memory, "_CONTAINER", tmp_path)
    assert _free_memory.free_memory() == 140
    (tmp_path / "memory.max").write_text("max")
    assert _free_memory.free_memory() != 140
