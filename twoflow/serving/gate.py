"""What every request passes: who may ask, limits of time, headers of the answer, and the count of requests."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import logging
import re
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

from .._text import printable
from .limits import Limits
from .metrics import ServiceMetrics
from .refusal import Refusal, headers_too_large

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")

#: What may be asked for without a token: it says nothing about the model but its digest.
_OPEN_PATHS = ("/", "/health", "/ready", "/docs", "/openapi.json")
_DISCARD_S = 1.0
_LINE = len(": \r\n")
_HARMLESS_METHODS = ("GET", "HEAD", "OPTIONS")
#: A page of another site may neither frame, embed nor read the answers. The page itself says what it may load.
_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^\[\]:@/]+))(?::\d*)?")
_log = logging.getLogger("twoflow.serving")


class Gate:
    """An ASGI application around the service's own.

    Parameters
    ----------
    app : ASGI application
    metrics : ServiceMetrics
        Counts the requests.
    is_draining : callable
        Returns whether the service refuses new work.
    limits : Limits
    names : sequence of str or None
        The host names by which the service may be called. None takes any. This stops DNS rebinding: the owner of a
        site can point a name of it to this machine, but a browser then calls the service by that name.
    token : str
        The bearer token; "" if none is needed.
    is_verbose : bool
        Whether to log each request.
    """

    def __init__(
        self, app: Any, metrics: ServiceMetrics, is_draining: Callable[[], bool], *, limits: Limits,
        names: Sequence[str] | None, token: str, is_verbose: bool,
    ) -> None:
        self._app, self._metrics, self._is_draining = app, metrics, is_draining
        self._limits, self._names, self._is_verbose = limits, names, is_verbose
        self._token = token.encode()
        self.n_active = 0

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._limits.body_seconds, self._is_draining)
        began = time.perf_counter()
        self.n_active += 1
        try:
            await self._answer(scope, exchange)
        finally:
            self.n_active -= 1
            self._note(scope, exchange.status, time.perf_counter() - began)

    async def _answer(self, scope: Scope, exchange: _Exchange) -> None:
        try:
            self._check(scope)
            await self._app(scope, exchange.receive, exchange.send)
        except Refusal as refusal:
            await exchange.refuse(refusal.status, refusal.body, refusal.headers)
        except Exception:
            _log.exception("%s %s failed; this is a bug in twoflow", scope["method"], printable(scope["path"], 200))

    def _check(self, scope: Scope) -> None:
        n_bytes = len(scope["raw_path"]) + len(scope["query_string"]) + sum(
            len(name) + len(value) + _LINE for name, value in scope["headers"])
        if n_bytes > self._limits.max_header_bytes:  # h11 refuses only what does not come at once
            raise headers_too_large(self._limits)
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if self._names is not None and _name_of(host) not in self._names:
            raise Refusal(421, f"expected a host name among {', '.join(self._names)}, got {printable(host, 100)!r}; "
                               "use one of them, or start the service with --server-names")
        is_change = scope["method"] not in _HARMLESS_METHODS
        if is_change and _is_from_elsewhere(headers, host):
            raise Refusal(403, "expected a request of the service's own page or of a program, got one from a page of "
                               "another site; use the service's page")
        path = scope["path"]
        if self._token and path not in _OPEN_PATHS:
            given = headers.get(b"authorization", "")
            kind, _, token = given.partition(" ")
            if kind.lower() != "bearer" or not hmac.compare_digest(token.strip().encode("latin-1"), self._token):
                raise Refusal(401, "expected the service's token, got "
                                   f"{'another one' if given else 'none'}; send the header Authorization: Bearer TOKEN",
                              WWW_Authenticate="Bearer")
        if is_change and self._is_draining():
            raise Refusal(503, "the service is stopping; send the request to another one, or try again later")

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        path = getattr(scope.get("route"), "path", "other")
        # A method is any word; only those that the service has become labels.
        method = scope["method"] if scope["method"] in ("GET", "POST") else "other"
        self._metrics.requests.add(method, path, str(status or 499))  # 499: the client left before the answer
        self._metrics.request_seconds.observe(seconds, path)
        if self._is_verbose:
            client = (scope.get("client") or ("unknown",))[0]
            _log.info("%s %s %s %s %.0f ms", client, method, printable(scope["path"], 200), status, 1000 * seconds)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, scope: Scope, receive: Any, send: Any, body_seconds: float, is_draining: Callable[[], bool]
    ) -> None:
        self._receive, self._send = receive, send
        self._body_seconds, self._is_draining = body_seconds, is_draining
        self._deadline: float | None = None
        self._has_body = False
        names = {name for name, _ in scope["headers"]}
        # Who expects to be asked for the body sends none after a refusal.
        self._is_sent = not names.isdisjoint((b"content-length", b"transfer-encoding")) and b"expect" not in names
        self.status = 0

    async def receive(self) -> Message:
        """Receive the next message of the body, which must be there in time as a whole."""
        if self._has_body:
            return await self._receive()  # waits until the client leaves
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + self._body_seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise Refusal(408, f"expected the body within {self._body_seconds:g} seconds; send it faster, or less",
                          Connection="close") from None
        self._has_body = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            if self._is_sent:
                await self._discard()
            headers = {name.lower() for name, _ in message["headers"]}
            own = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
            added = [(name, value) for name, value in own if name not in headers]
            if self._is_draining():
                added.append((b"connection", b"close"))
            message = {**message, "headers": [*message["headers"], *added]}
        await self._send(message)

    async def _discard(self) -> None:
        """Take the rest of the body for a moment: most clients read no answer before they have sent everything."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_DISCARD_S):
                while not self._has_body:
                    message = await self._receive()
                    self._has_body = not message.get("more_body", False)

    async def refuse(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Answer with an error."""
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
        await self.send({
            "type": "http.response.start", "status": status,
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in fields.items()],
        })
        await self.send({"type": "http.response.body", "body": body})


def is_loopback(host: str) -> bool:
    """Return whether a host is only reached from this machine."""
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _name_of(host: str) -> str:
    """Return the name in a Host header, without the port and the brackets of an IPv6 address; "" if it is none."""
    found = _HOST.fullmatch(host)
    return "" if found is None else (found[1] or found[2]).lower()


def _is_from_elsewhere(headers: Mapping[bytes, str], host: str) -> bool:
    """Return whether a browser says that a page of another site sends the request; programs say nothing."""
    if headers.get(b"sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get(b"origin")
    return origin is not None and origin.partition("://")[2].lower() != host.lower()
