"""uvicorn's HTTP connection, with a limit on connections, on the time that headers take, and with errors as JSON."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol

from .limits import Limits
from .refusal import Refusal, headers_too_large

_LINGER_S = 1.0


def make_protocol(limits: Limits) -> type[asyncio.Protocol]:
    """Return the class of connections with these limits; uvicorn takes it as ``Config(http=...)``.

    uvicorn itself waits for ever for the headers of a first request, and for the rest of a body whose request has its
    answer. Its own errors are plain text.
    """

    class Protocol(_LimitedProtocol):
        our_limits = limits

    return Protocol


class _LimitedProtocol(H11Protocol):
    our_limits: Limits

    def __init__(self, config: Config, *arguments: Any, **options: Any) -> None:
        super().__init__(config, *arguments, **options)
        self._timer: asyncio.TimerHandle | None = None
        self._waits_for = ""
        self._is_refused = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.our_limits.max_connections:
            self._refuse(Refusal(503, f"{self.our_limits.max_connections:,} connections are open; try again later"))
            return
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        self._unset_keepalive_if_required()  # uvicorn leaves its timer after an error
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused or self.transport.is_closing():
            return
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            self._watch()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP request; uvicorn calls it while it handles the error."""
        if getattr(sys.exception(), "error_status_hint", 400) == 431:
            self._refuse(headers_too_large(self.our_limits))
        else:
            self._refuse(Refusal(400, "expected an HTTP/1.1 request, got something else; use an HTTP client"))

    def _watch(self) -> None:
        """Limit the time of what the connection waits for now: the headers, or a body that nobody reads."""
        state = self.conn.their_state
        if state is h11.IDLE:
            waits_for, seconds = "headers", self.our_limits.header_seconds
        elif state is h11.SEND_BODY and self.conn.our_state is h11.DONE:
            waits_for, seconds = "body", self.our_limits.body_seconds
        else:
            self._stop_watching()
            return
        if self._waits_for != waits_for:
            self._stop_watching()
            self._waits_for = waits_for
            self._timer = self.loop.call_later(seconds, self._end_late)

    def _stop_watching(self) -> None:
        self._waits_for = ""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end_late(self) -> None:
        self._timer = None
        if self._waits_for == "headers" and self.conn.trailing_data[0]:
            seconds = self.our_limits.header_seconds
            self._refuse(Refusal(408, f"expected the headers within {seconds:g} seconds; send them sooner"))
        else:
            self.transport.close()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer and close; where an answer has begun, only close.

        What the client still sends is ignored for a moment, because its system would forget the answer if the
        connection were reset before.
        """
        self._is_refused = True
        self._stop_watching()
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = {"Content-Type": "application/json", "Content-Length": str(len(refusal.body)),
                       "Connection": "close", "X-Content-Type-Options": "nosniff", **refusal.headers}
            response = h11.Response(status_code=refusal.status, headers=list(headers.items()))
            for event in (response, h11.Data(data=refusal.body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
            self.transport.write_eof()
            self._timer = self.loop.call_later(_LINGER_S, self.transport.close)
        else:
            self.transport.close()
