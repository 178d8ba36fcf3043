"""Run tasks with joblib, on this machine or on a Dask cluster, with shared values."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
import threading
import time
import warnings
from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from itertools import islice
from typing import Any

from joblib import Parallel, effective_n_jobs, parallel_config
from joblib.parallel import BACKENDS, get_active_backend
from threadpoolctl import ThreadpoolController

_TASKS_AT_A_TIME = 4  # per worker, on a backend that returns no result before all tasks are done
_CHECK_EVERY_S = 1.0  # how often a worker checks that its parent is alive


def is_on_cluster() -> bool:
    """Return whether parallel work goes to a Dask cluster now."""
    return type(get_active_backend()[0]) is BACKENDS.get("dask")  # joblib registers it on first use


def threads_per_task(n_jobs: int | None, n_tasks: int) -> int:
    """Return how many threads each task may use, so that all tasks together use no more threads than cores.

    On a cluster it is one, because a worker there runs one task per core.

    Parameters
    ----------
    n_jobs : int or None
        How many workers may run; None means joblib's default.
    n_tasks : int
        How many tasks run at the same time.
    """
    return 1 if is_on_cluster() else max(1, effective_n_jobs(n_jobs) // n_tasks)


def run_in_order(tasks: Iterable[Any], n_jobs: int | None, **options: Any) -> Generator[Any, None, None]:
    """Run joblib's delayed tasks, and yield their results in the order of the tasks, each as soon as possible.

    Some backends, such as "multiprocessing", return results only when all tasks are done. They get a few tasks per
    worker at a time, so progress is visible and not all results are in memory at once.

    Parameters
    ----------
    tasks : iterable of results of `joblib.delayed`
        The tasks; they are taken as workers become free.
    n_jobs : int or None
        How many workers run; None means joblib's default, -1 all cores.
    **options
        Further options of `joblib.Parallel`, such as ``prefer="threads"``.
    """
    yield from _run(tasks, n_jobs, "generator", options)


def run_as_done(tasks: Iterable[Any], n_jobs: int | None, **options: Any) -> Generator[Any, None, None]:
    """Run tasks like `run_in_order`, but yield each result when it is there, in no order."""
    yield from _run(tasks, n_jobs, "generator_unordered", options)


def _run(tasks: Iterable[Any], n_jobs: int | None, return_as: str, options: Any) -> Generator[Any, None, None]:
    if not is_on_cluster():  # workers of a cluster are not children of this process
        options["initializer"] = _watch_parent
        _expect_restarts()
    if get_active_backend()[0].supports_return_generator:
        yield from Parallel(n_jobs=n_jobs, return_as=return_as, **options)(tasks)
        return
    left, size = iter(tasks), _TASKS_AT_A_TIME * effective_n_jobs(n_jobs)
    while batch := list(islice(left, size)):
        yield from Parallel(n_jobs=n_jobs, **options)(batch)


def _expect_restarts() -> None:
    """Ignore joblib's warning that a worker process was replaced, for the rest of this process.

    If psutil is installed, joblib replaces a worker whose memory has grown by 300 MB since its first task, and warns of
    a leak. Three networks and PyTorch, which a worker keeps for its next task, are more than that. No result is lost.
    In a program that turns warnings into errors, it would end the thread that starts the new worker, and all would wait
    for ever.
    """
    warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)


def _watch_parent() -> None:
    """Make a worker process of joblib end when its parent process ends.

    Otherwise, if the parent is killed, the worker waits for work for minutes and keeps its memory.
    """
    parent = multiprocessing.parent_process()

    def watch() -> None:
        while parent is not None and os.getppid() == parent.pid:
            time.sleep(_CHECK_EVERY_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def share(value: Any) -> Any:
    """Return a placeholder for a value that many tasks take, so that a cluster sends it once to each worker.

    In the task, `take` returns the value. Without a cluster, the placeholder is the value itself.

    joblib itself scatters arrays, but scattered data is lost when the worker that holds it dies, and then the run
    fails. This placeholder is the result of a Dask task, which the scheduler runs again if the result is lost.
    """
    if not is_on_cluster():
        return value
    import cloudpickle  # Dask uses it too; it can pickle classes of a notebook
    import dask

    client = get_active_backend()[0].client
    # Dask warns of tasks above 10 MB, as a likely mistake. It is not one here: the value is sent only once.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 PiB"}):
        return client.submit(pickle.loads, cloudpickle.dumps(value), pure=False)


def take(shared: Any) -> Any:
    """Return the value of a placeholder that `share` made.

    Dask has usually replaced the placeholder by the value. But if the cluster has only one thread left, joblib runs the
    tasks in this process, where Dask never sees them.
    """
    if not is_on_cluster():
        return shared
    from distributed import Future

    return shared.result() if isinstance(shared, Future) else shared


def one_blas_thread() -> AbstractContextManager:
    """Limit linear algebra to one thread, so that results do not depend on the number of cores, nor of workers.

    Sums are rounded in another way with another number of threads, and iterative solvers enlarge the difference. The
    limit holds for the whole process, so only its main thread sets it: threads that run beside each other would restore
    it at different times.
    """
    is_main = threading.current_thread() is threading.main_thread()
    return one_native_thread("blas") if is_main else nullcontext()


def one_native_thread(kind: str | None = None) -> AbstractContextManager:
    """Limit native libraries to one thread each, as `threadpool_limits` does, but without looking for them each time.

    Finding the loaded libraries takes 4 ms, a tenth of what an image takes. They are looked for again only if a module
    was imported since, which is how another library comes.

    Parameters
    ----------
    kind : {"blas", "openmp"}, optional
        Which libraries. Default: all.
    """
    return _libraries(len(sys.modules)).limit(limits=1, user_api=kind)


@lru_cache(maxsize=1)
def _libraries(n_modules: int) -> ThreadpoolController:
    return ThreadpoolController()


def stay_in_worker() -> AbstractContextManager:
    """Keep nested parallel work inside the current task of a cluster; joblib would send it to other workers.

    joblib's own worker processes need no such care: they run nested work sequentially by default.
    """
    return parallel_config("threading", n_jobs=1) if is_on_cluster() else nullcontext()
