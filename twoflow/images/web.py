"""What images are read from web servers through: bounded in size and time, and from public addresses only.

A table of URLs may come from anybody, and what it names must not reach the services of this machine or its network, nor
fill its memory. The address is checked where a socket is made for it, so a name that leads to a private address, an
address written in another way and a redirect are all found out.
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

#: How much of a body is kept at most, after it is decompressed: as much as a file may have.
MAX_BYTES = MOST_FILE
#: How long a request may take in all.
PATIENCE_S = 60.0
#: Where the hosts are that were allowed; processes that are started later inherit it.
VARIABLE = "TWOFLOW_ALLOW_HOSTS"

_CHUNK = 2**18
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # IPv4 addresses behind a translator, RFC 6052
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class RefusedAddressError(OSError):
    """An address may not be connected to."""


def allow_hosts(*hosts: str) -> None:
    """Allow web servers with private addresses, in this process and those that it starts from now on.

    Images behind ``http://`` and ``https://`` are read from public addresses only, unless their host is named here:
    not from this machine (127.0.0.1, ::1), nor from private networks (10.0.0.0/8, 192.168.0.0/16, ...), the services
    of a cloud (169.254.169.254), or any other special range. Each call replaces the hosts of the call before.

    Workers on other machines have a setting of their own: the hosts, separated by commas, in their environment variable
    ``TWOFLOW_ALLOW_HOSTS``.

    Parameters
    ----------
    *hosts : str
        Names of hosts, IP addresses or networks, such as "images.intranet", "127.0.0.1" or "10.1.0.0/16". None: public
        addresses only, the default.

    Raises
    ------
    ValueError
        If something else is given, such as a URL.

    Examples
    --------
    >>> from twoflow.images import allow_hosts
    >>> allow_hosts("images.intranet", "10.1.0.0/16")
    >>> allow_hosts()
    """
    for host in hosts:
        is_name = host and not set(host) & set("/:@,") and host.isprintable() and " " not in host
        if not is_name and _network(host) is None:
            raise InputError(f"expected a host, an IP address or a network, got {host!r}; write it without http:// and "
                             "port, such as 127.0.0.1")
    os.environ[VARIABLE] = ",".join(hosts)


def allowed_hosts() -> tuple[str, ...]:
    """The hosts that were allowed, here or where this process was started."""
    return tuple(host for host in os.environ.get(VARIABLE, "").split(",") if host)


def http_options() -> dict[str, Any]:
    """The options of fsspec's file systems for ``http://`` and ``https://`` that keep to the limits."""
    return {"get_client": partial(_open_session, allowed_hosts())}


def check_address(text: str, allowed: tuple[str, ...]) -> None:
    """Raise `RefusedAddressError` for an IP address that is not public, unless it is that of an allowed host."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if all(each.is_global and not each.is_multicast for each in _addresses_in(address)):
        return
    if not any(address_ in _addresses_of(host) for host in allowed for address_ in _addresses_in(address)):
        raise RefusedAddressError(errno.EACCES, f"{text} is not a public address; to read from it, allow its host: "
                                                "--allow-hosts, or twoflow.images.allow_hosts")


def _addresses_in(address: _Address) -> Iterator[_Address]:
    """An address and the IPv4 address in it, which is where packets end."""
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
    """What contains the addresses of a host: a network, or a set of those that its name has now."""
    network = _network(host)
    if network is not None:
        return network
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return ()
    return {ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found}


async def _open_session(allowed: tuple[str, ...], **options: Any) -> aiohttp.ClientSession:
    """A session of aiohttp's that connects only where it may, and reads no more than it may."""
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
        "auto_decompress": False,  # which has no limit
    })


async def _read_limited(response: aiohttp.ClientResponse) -> bytes:
    """The whole body, decompressed; ValueError where it is larger than allowed or cannot be decompressed."""
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
        response.close()  # or what is still to come would be awaited
        raise
    return body.getvalue()


class _Body(io.BytesIO):
    """What was read so far of a body, and what decompresses the rest."""

    is_whole = True
    decompressor: Any = None

    def write_limited(self, part: bytes) -> None:
        if self.tell() + len(part) > MAX_BYTES:
            raise InputError(f"larger than the limit of {MAX_BYTES / 1e6:,.0f} MB")
        self.write(part)


def _copy(chunk: bytes, body: _Body) -> None:
    body.write_limited(chunk)


def _decompress(chunk: bytes, body: _Body) -> None:
    """Decompress gzip, of one or several members, or zlib, never more than a chunk at a time."""
    while chunk:
        if body.decompressor is None:
            body.decompressor = zlib.decompressobj(wbits=47)  # either format, by its header
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
