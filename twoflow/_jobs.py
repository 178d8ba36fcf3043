"""Running tasks with joblib: in order, with values shared, here or on a Dask cluster."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import Any

from joblib import Parallel, effective_n_jobs, parallel_config
from joblib.parallel import BACKENDS, get_active_backend

_TASKS_AT_A_TIME = 4  # for each worker of a backend that gives no result before it has all
_LOOK_S = 1.0  # how often a worker looks whether its parent is still there


def is_on_cluster() -> bool:
    """Whether work that is made parallel now goes to a cluster."""
    return type(get_active_backend()[0]) is BACKENDS.get("dask")  # which joblib knows once it was asked for


def threads_per_task(n_jobs: int | None, n_tasks: int) -> int:
    """How many threads each of some tasks may have, so that all of them together have no more than there are cores.

    On a cluster one: a worker there takes as many tasks at the same time as it has cores.
    """
    return 1 if is_on_cluster() else max(1, effective_n_jobs(n_jobs) // n_tasks)


def run_in_order(tasks: Iterable[Any], n_jobs: int | None, **options: Any) -> Generator[Any, None, None]:
    """Run joblib's delayed tasks and give their results in the order of the tasks, each as soon as it is there.

    Some backends, such as "multiprocessing", hand results over only when all tasks are done; these get a few tasks for
    each worker at a time, so that progress shows and results need not all be in memory.

    Parameters
    ----------
    tasks : iterable of what `joblib.delayed` makes
    n_jobs : int or None
    **options
        Those of `joblib.Parallel`, such as ``prefer="threads"``.
    """
    if not is_on_cluster():  # whose workers are not this process's
        options["initializer"] = _watch_parent
    if get_active_backend()[0].supports_return_generator:
        yield from Parallel(n_jobs=n_jobs, return_as="generator", **options)(tasks)
        return
    left, size = iter(tasks), _TASKS_AT_A_TIME * effective_n_jobs(n_jobs)
    while batch := list(islice(left, size)):
        yield from Parallel(n_jobs=n_jobs, **options)(batch)


def _watch_parent() -> None:
    """Have a worker of joblib's end with the process that started it.

    It would wait for more work for minutes, with all its memory, where that process is killed.
    """
    parent = multiprocessing.parent_process()

    def watch() -> None:
        while parent is not None and os.getppid() == parent.pid:
            time.sleep(_LOOK_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def share(value: Any) -> Any:
    """What stands for a value among the arguments of many tasks, so that a cluster's workers are sent it once each.

    In the task, `take` gives the value.

    joblib would scatter arrays by itself, but what is scattered dies with the worker that holds it, and the run with
    that. This is the result of a task, and the scheduler has that made again where it is lost.
    """
    if not is_on_cluster():
        return value
    import cloudpickle  # as Dask does: it also takes classes of a notebook
    import dask

    client = get_active_backend()[0].client
    # Dask would warn of anything above 10 MB, as a mistake; it need not be one in each task, and is not.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 PiB"}):
        return client.submit(pickle.loads, cloudpickle.dumps(value), pure=False)


def take(shared: Any) -> Any:
    """The value that was shared.

    Dask has put it in the place of what stood for it; but joblib runs the tasks here, and Dask never sees them, if the
    cluster has a single thread at the moment, as others may have died.
    """
    if not is_on_cluster():
        return shared
    from distributed import Future

    return shared.result() if isinstance(shared, Future) else shared


def stay_in_worker() -> AbstractContextManager:
    """Inside a task of a cluster: have nothing in it made parallel again, which joblib would send to other workers.

    In processes of joblib's own nothing is by default.
    """
    return parallel_config("threading", n_jobs=1) if is_on_cluster() else nullcontext()
