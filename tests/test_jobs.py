"""Run tasks in order with joblib."""

from concurrent.futures import ThreadPoolExecutor

import joblib
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
