"""Run tasks in order with joblib."""

import joblib
import pytest

from twoflow._jobs import run_in_order


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
