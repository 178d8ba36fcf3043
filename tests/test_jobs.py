"""Run tasks in order with joblib."""

import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from twoflow._jobs import one_blas_thread, run_in_order


def square(number):
    return number**2


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing", "sequential"])
def test_results_come_in_order(backend):
    with joblib.parallel_config(backend, n_jobs=1 if backend == "sequential" else 2):
        assert list(run_in_order(map(joblib.delayed(square), range(25)), None)) == [i**2 for i in range(25)]
        assert list(run_in_order([], None)) == []


def test_a_backend_without_generators_does_not_wait_for_all_tasks():
    """It waits neither for all results, nor for the iterable of tasks to end."""
    taken = []

    def tasks():
        for i in range(100):
            taken.append(i)
            yield joblib.delayed(square)(i)

    with joblib.parallel_config("multiprocessing", n_jobs=2):
        results = run_in_order(tasks(), None)
        assert next(results) == 0 and len(taken) < 100
        results.close()


_kept = []


def keep_more_each_time(number):
    """Keep 200 MB, as a worker keeps networks, and take long enough for joblib to look at the memory after it."""
    _kept.append(np.ones(25 * 10**6))
    time.sleep(1.1)
    return number, os.getpid()


@pytest.mark.skipif(find_spec("psutil") is None, reason="without psutil joblib does not look at a worker's memory")
def test_a_worker_that_keeps_much_is_replaced_without_a_warning():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = list(run_in_order(map(joblib.delayed(keep_more_each_time), range(8)), 2))
    numbers, workers = zip(*results)
    assert numbers == tuple(range(8)) and len(set(workers)) > 2  # so joblib did replace one
    assert not caught


def test_one_blas_thread_is_set_by_the_main_thread_alone():
    def threads():
        return {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}

    def inside():
        with one_blas_thread():
            return threads()

    with threadpool_limits(2, "blas"):
        before = threads()
        assert inside() == {1} and threads() == before
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(inside).result() == before
