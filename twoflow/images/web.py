"""Limit what is read from web servers: its size, its time, and the addresses.

A table of URLs may come from anyone. Its URLs must not reach the services of this machine or its network, nor fill its
memory. The address is checked when a socket is opened. This also catches a host name with a private address, an unusual
spelling of an address, and a redirect.
"""

from __future__ import annotations

import errno
import io
import ipaddress
import os
import socket
import zlib
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from .budget import MOST_FILE

if TYPE_CHECKING:
    import aiohttp

#: The largest body in bytes, after decompression: as much as a file may have.
MAX_BYTES = MOST_FILE
#: The longest time for a whole request, in seconds.
PATIENCE_S = 60.0
#: The environment variable that holds the allowed hosts; later processes inherit it.
VARIABLE = "TWOFLOW_ALLOW_HOSTS"

_CHUNK = 2**18
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # IPv4 addresses translated to IPv6, RFC 6052
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class RefusedAddressError(OSError):
    """The error for an address that must not be connected to."""


def allow_hosts(*hosts: str) -> None:
    """Allow web servers with private addresses, in this process and in those that it starts later.

    By default, images behind ``http://`` and ``https://`` are read from public addresses only. Refused are this machine
    (127.0.0.1, ::1), private networks (10.0.0.0/8, 192.168.0.0/16, ...), the services of a cloud (169.254.169.254), and
    all other special ranges. Each call replaces the hosts of the previous call.

    Workers on other machines need their own setting: the hosts, separated by commas, in their environment variable
    ``TWOFLOW_ALLOW_HOSTS``.

    Parameters
    ----------
    *hosts : str
        Host names, IP addresses or networks to allow, such as "images.intranet", "127.0.0.1" or "10.1.0.0/16". Without
        any, only public addresses are allowed.

    Raises
    ------
    ValueError
        If an argument is anything else, such as a URL.

    Examples
    --------
    >>> from twoflow.images import allow_hosts
    >>> allow_hosts("images.intranet", "10.1.0.0/16")
    >>> allow_hosts()
    """
    for host in hosts:
        is_name = host and not set(host) & set("/:@,") and host.isprintable() and " " not in host
        if not is_name and _network(host) is None:
            raise InputError(f"expected a host, an IP address or a network, got {host!r}; write it without http:// "
                             "and port, such as 127.0.0.1")
    os.environ[VARIABLE] = ",".join(hosts)


def allowed_hosts() -> tuple[str, ...]:
    """Return the hosts that were allowed, in this process or in the one that started it."""
    return tuple(host for host in os.environ.get(VARIABLE, "").split(",") if host)


def http_options() -> dict[str, Any]:
    """Return options for fsspec's file systems ``http://`` and ``https://`` that enforce the limits."""
    return {"get_client": partial(_open_session, allowed_hosts())}


def check_address(text: str, allowed: tuple[str, ...]) -> None:
    """Raise `RefusedAddressError` if an IP address is neither public nor that of an allowed host."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if all(each.is_global and not each.is_multicast for each in _addresses_in(address)):
        return
    if not any(each in _addresses_of(host) for host in allowed for each in _addresses_in(address)):
        raise RefusedAddressError(errno.EACCES, f"{text} is not a public address; to read from it, allow its host: "
                                                "--allow-hosts, or twoflow.images.allow_hosts")


def _addresses_in(address: _Address) -> Iterator[_Address]:
    """Yield an address and the IPv4 addresses embedded in it, which packets would be sent on to."""
    yield address
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _TRANSLATED:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        yield from (each for each in inner if each is not None)


def _network(host: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(host.strip("[]"), strict=False)
    except ValueError:
        return None


def _addresses_of(host: str) -> Any:
    """Return the addresses of a host: a network, or the set of addresses that its name resolves to now."""
    network = _network(host)
    if network is not None:
        return network
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return ()
    return {ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found}


async def _open_session(allowed: tuple[str, ...], **options: Any) -> aiohttp.ClientSession:
    """Open an aiohttp session that connects to permitted addresses only, and that reads at most `MAX_BYTES`."""
    import aiohttp

    def make_socket(info: Any) -> socket.socket:
        family, kind, protocol, _, address = info
        check_address(address[0], allowed)
        return socket.socket(family, kind, protocol)

    class LimitedResponse(aiohttp.ClientResponse):
        async def read(self) -> bytes:
            return await _read_limited(self)

    options["headers"] = {"Accept-Encoding": "identity", **options.get("headers", {})}
    options.setdefault("timeout", aiohttp.ClientTimeout(total=PATIENCE_S))
    return aiohttp.ClientSession(**{
        **options, "connector": aiohttp.TCPConnector(socket_factory=make_socket), "response_class": LimitedResponse,
        "auto_decompress": False,  # aiohttp's decompression has no limit
    })


async def _read_limited(response: aiohttp.ClientResponse) -> bytes:
    """Read and decompress the whole body; raises ValueError if it is too large or cannot be decompressed."""
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    decoder = _DECODERS.get(encoding)
    if decoder is None:
        response.close()
        raise InputError(f"expected a body without compression, or gzip, got content encoding {encoding:.40}")
    body = _Body()
    try:
        async for chunk in response.content.iter_chunked(_CHUNK):
            decoder(chunk, body)
        if not body.is_whole:
            raise InputError("the compressed body ends too early")
    except BaseException:
        response.close()  # otherwise the rest of the body would be awaited
        raise
    return body.getvalue()


class _Body(io.BytesIO):
    """The part of a body that was read so far, and the decompressor for the rest."""

    is_whole = True
    decompressor: Any = None

    def write_limited(self, part: bytes) -> None:
        if self.tell() + len(part) > MAX_BYTES:
            raise InputError(f"larger than the limit of {MAX_BYTES / 1e6:,.0f} MB")
        self.write(part)


def _copy(chunk: bytes, body: _Body) -> None:
    body.write_limited(chunk)


def _decompress(chunk: bytes, body: _Body) -> None:
    """Decompress gzip (one or several members) or zlib, at most one chunk at a time."""
    while chunk:
        if body.decompressor is None:
            body.decompressor = zlib.decompressobj(wbits=47)  # detects gzip or zlib by the header
        try:
            body.write_limited(body.decompressor.decompress(chunk, _CHUNK))
        except zlib.error as error:
            raise InputError(f"the compressed body is damaged ({error})") from None
        chunk = body.decompressor.unconsumed_tail
        body.is_whole = body.decompressor.eof
        if body.is_whole:
            chunk, body.decompressor = body.decompressor.unused_data, None


_DECODERS = {
    "": _copy, "identity": _copy, "gzip": _decompress, "x-gzip": _decompress, "deflate": _decompress,
}
