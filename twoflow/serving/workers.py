"""Answer for images on worker threads, behind one bounded queue.

Each job is one image. A worker takes it from its bytes to its prediction before it takes the next, with the linear
algebra on one thread, so an answer is the same to the byte whatever else is asked for at the same time. Decoding, the
network and the head all release Python's lock, so threads use all cores, and share one model in memory.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

from .refusal import Refusal

Result = TypeVar("Result")


class _Job(NamedTuple):
    """One image: what computes its result, the client that waits for it, and the future of the event loop."""

    work: Callable[[], Any]
    client: str
    future: asyncio.Future


class Workers:
    """Threads that take jobs from one bounded queue, in the order in which they came.

    Parameters
    ----------
    n_workers : int
        How many images are worked on at the same time; by the service one for each core.
    max_queue, max_per_client : int
        See `Limits`.
    """

    def __init__(self, n_workers: int, max_queue: int, max_per_client: int) -> None:
        self.n_workers = n_workers
        self._max_queue, self._max_per_client = max_queue, max_per_client
        self._jobs: deque[_Job] = deque()
        self._by_client: Counter[str] = Counter()
        self._changed = threading.Condition()
        self._stopped = False
        self._open: set[asyncio.Future] = set()  # of accepted jobs; only the event loop changes it
        self._threads: list[threading.Thread] = []

    async def start(self, first: Callable[[], Any]) -> None:
        """Start the threads, and wait until each has called `first`; raise the error of the first that fails."""
        loop = asyncio.get_running_loop()
        started = [_Job(first, "", loop.create_future()) for _ in range(self.n_workers)]
        for job in started:
            thread = threading.Thread(target=self._run, args=(loop, job), name="twoflow-worker", daemon=True)
            thread.start()
            self._threads.append(thread)
        await asyncio.gather(*(job.future for job in started))

    @property
    def n_waiting(self) -> int:
        """How many images wait for a worker."""
        return len(self._jobs)

    def check_room(self, client: str, n: int = 1) -> None:
        """Raise `Refusal` if the queue cannot take `n` more images of this client now."""
        if len(self._jobs) + n > self._max_queue:
            raise Refusal(503, f"the queue of {self._max_queue:,} images is full; try again later, or with fewer "
                               "images")
        if self._by_client[client] + n > self._max_per_client:
            raise Refusal(429, f"expected at most {self._max_per_client:,} images in work for one client, got more; "
                               "wait for their answers")

    async def run(self, work: Sequence[Callable[[], Result]], client: str, seconds: float) -> list[Result]:
        """Run all functions on the workers, and return their results in order.

        Parameters
        ----------
        work : sequence of callable
            One for each image. Either all are accepted or none.
        client : str
            The address that waits for them.
        seconds : float
            How long it may take. What still waits then is dropped.

        Raises
        ------
        Refusal
            If the queue is full, or the time is over.
        """
        loop = asyncio.get_running_loop()
        with self._changed:
            self.check_room(client, len(work))
            jobs = [_Job(each, client, loop.create_future()) for each in work]
            self._jobs.extend(jobs)
            self._by_client[client] += len(jobs)
            self._changed.notify(len(jobs))
        futures = {job.future for job in jobs}
        self._open |= futures
        try:
            async with asyncio.timeout(seconds):
                return list(await asyncio.gather(*(job.future for job in jobs)))
        except TimeoutError:
            self._drop(jobs)
            raise Refusal(503, f"expected an answer within {seconds:g} seconds, but there is too much to do; try again "
                               "later") from None
        except BaseException:  # also if the client has gone, and the request is canceled
            self._drop(jobs)
            raise
        finally:
            self._open -= futures

    def refuse_all(self) -> None:
        """Answer all requests in work with 503; the event loop calls it when they may not take longer."""
        for future in self._open:
            _set_exception(future, Refusal(503, "the service has stopped before the answer was there; try again later"))

    def stop(self, seconds: float) -> None:
        """Let the workers end after their current image, and wait for them, but no longer than so many seconds."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(seconds)

    def _drop(self, jobs: Sequence[_Job]) -> None:
        """Take jobs that nobody waits for any more out of the queue."""
        ours = {id(job) for job in jobs}
        with self._changed:
            waiting = [job for job in self._jobs if id(job) not in ours]
            n_dropped = len(self._jobs) - len(waiting)
            if n_dropped:
                self._jobs = deque(waiting)
                self._forget(jobs[0].client, n_dropped)

    def _forget(self, client: str, n: int) -> None:
        self._by_client[client] -= n
        if not self._by_client[client]:
            del self._by_client[client]

    def _run(self, loop: asyncio.AbstractEventLoop, first: _Job) -> None:
        _do(first, loop)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._jobs or self._stopped)
                if self._stopped:
                    return
                job = self._jobs.popleft()
            _do(job, loop)
            with self._changed:
                self._forget(job.client, 1)
            del job  # with the bytes of its image, which would else stay until the next job


def _do(job: _Job, loop: asyncio.AbstractEventLoop) -> None:
    """Do a job, and hand its result or its error to the event loop."""
    hand_over: Callable[[asyncio.Future, Any], None] = _set_result
    try:
        outcome = job.work()
    except BaseException as error:
        hand_over, outcome = _set_exception, error
    with suppress(RuntimeError):  # the loop has ended, and nobody waits
        loop.call_soon_threadsafe(hand_over, job.future, outcome)


def _set_result(future: asyncio.Future, result: Any) -> None:
    if not future.done():  # the request may have gone
        future.set_result(result)


def _set_exception(future: asyncio.Future, error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
