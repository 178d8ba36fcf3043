"""Run the service on a socket, until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import uvicorn

from .._jobs import one_native_thread
from .._text import counted
from ..errors import OutsideError
from .gate import Gate
from .protocol import make_protocol
from .service import Service

_KEEP_ALIVE_S = 5  # between two requests of a connection
_CLOSING_S = 5  # for connections, after the last answer, and for the image that a worker is at
_TICK_S = 0.02
_log = logging.getLogger("twoflow.serving")


class Server:
    """The service on a socket.

    The socket is bound at once, so that `address` can be shown, and connections wait until `run` takes them.

    Parameters
    ----------
    service : Service
    gate : Gate
        The application; see `make_app`.
    host : str
        The address or name to listen on. The default is "127.0.0.1", which only this machine reaches.
    port : int
        The default is 8000; 0 is any free port.
    grace_seconds : float
        How long new work is still taken after `stop`, while ``/ready`` says no. The default is 0.
    drain_seconds : float
        How long accepted work may take after that. The default is 30.

    Raises
    ------
    OSError
        If the socket cannot be had.
    """

    def __init__(
        self, service: Service, gate: Gate, *, host: str = "127.0.0.1", port: int = 8000, grace_seconds: float = 0.0,
        drain_seconds: float = 30.0,
    ) -> None:
        self._service, self._gate = service, gate
        self._grace_seconds, self._drain_seconds = grace_seconds, drain_seconds
        self._socket = _bind(host, port)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._n_asked = 0

    @property
    def address(self) -> str:
        """The address of the page."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    def run(self) -> int:
        """Serve until `stop` is called and the accepted work is done.

        Returns
        -------
        int
            How many accepted requests were cut off, because they took longer than `drain_seconds`.
        """
        # Here once for all: workers would set and restore this limit of the whole process at different times.
        with closing(self._socket), one_native_thread():
            return asyncio.run(self._serve())

    def stop(self) -> None:
        """Ask `run` to end; a second time, not to wait for accepted work. Any thread or signal handler may call it."""
        self._n_asked += 1
        if self._loop is not None and self._stop is not None:
            with suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._stop.set)

    async def _serve(self) -> int:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        if self._n_asked:
            self._stop.set()
        limits = self._service.limits
        server = _Uvicorn(uvicorn.Config(
            self._gate, http=make_protocol(limits), ws="none", lifespan="off", log_config=None, access_log=False,
            server_header=False, proxy_headers=False, h11_max_incomplete_event_size=limits.max_header_bytes,
            timeout_keep_alive=_KEEP_ALIVE_S, timeout_graceful_shutdown=_CLOSING_S,
        ))
        serving = asyncio.create_task(server.serve(sockets=[self._socket]))
        warming = asyncio.create_task(self._service.warm_up())
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait([warming, stopping], return_when=asyncio.FIRST_COMPLETED)
            if warming.done():
                warming.result()  # raises its error
                await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
            return await self._drain()
        finally:
            server.should_exit = True
            await serving
            for task in (warming, stopping):
                task.cancel()
            self._service.workers.stop(_CLOSING_S)

    async def _drain(self) -> int:
        """Take the service out of work: not ready first, then no new work, then wait for the accepted requests."""
        self._service.is_stopping = True
        await self._wait(self._grace_seconds, lambda: True)
        self._service.is_draining = True
        if self._gate.n_active:
            _log.warning("stopping when %s in work are answered", counted(self._gate.n_active, "request"))
        await self._wait(self._drain_seconds, lambda: self._gate.n_active > 0)
        n_cut_off = self._gate.n_active
        self._service.workers.refuse_all()
        return n_cut_off

    async def _wait(self, seconds: float, goes_on: Callable[[], bool]) -> None:
        """Wait while something goes on, for so many seconds at most, and only until `stop` is called again."""
        end = asyncio.get_running_loop().time() + seconds
        while goes_on() and self._n_asked < 2 and asyncio.get_running_loop().time() < end:
            await asyncio.sleep(_TICK_S)


class _Uvicorn(uvicorn.Server):
    """uvicorn without its own handling of signals; the command handles them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(address[:2], family=family, backlog=1024)
    except OSError as error:
        # Python's own text of a failed bind repeats the address.
        reason = (os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)).lower()
        raise OutsideError(f"cannot listen on {host}, port {port}: {reason}; name another --host or --port") from None
