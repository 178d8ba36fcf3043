"""Limit what is read from web servers: size, time, compression and addresses."""

import gzip
import socket
import zlib

import pytest
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky import get_reusable_executor

from twoflow import ImageReadError, RawPixels, make_shop
from twoflow.commands.arguments import CommandParser, add_collection_arguments
from twoflow.commands.loading import allow_named_hosts, load_collection
from twoflow.images import allow_hosts, read_image, remote, web
from twoflow.images.remote import RemoteError

from .hostile import JPEG


def test_slow_and_absent_servers(site, monkeypatch):
    folder, address = site
    monkeypatch.setattr(web, "PATIENCE_S", 1)
    for name in ("silent", "slow"):
        with pytest.raises(ImageReadError, match=f"{name}.jpg: not read within 1 seconds"):
            read_image(f"{address}/{name}.jpg")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ImageReadError, match=f"http://127.0.0.1:{port}/a.jpg: .*connect.*failed"):
        read_image(f"http://127.0.0.1:{port}/a.jpg")


@pytest.mark.parametrize("path", ["endless", "endless-gzip"])
def test_an_endless_body_is_cut_off(server, site, monkeypatch, path):
    """Reading stops at the limit."""
    monkeypatch.setattr(web, "MAX_BYTES", 8 * 2**20)
    with pytest.raises(ImageReadError, match="larger than the limit of 8 MB"):
        read_image(f"{server.address}/{path}.jpg")
    if path == "endless":  # some more parts may be in buffers
        assert server.n_parts < 40


@pytest.mark.parametrize("encoding, content", [
    ("gzip", gzip.compress(JPEG)), ("gzip", gzip.compress(JPEG[:99]) + gzip.compress(JPEG[99:])), ("identity", JPEG),
    ("x-gzip", gzip.compress(JPEG)), ("deflate", zlib.compress(JPEG)), ("GZIP", gzip.compress(JPEG, 0)),
])
def test_compressed_bodies(server, site, encoding, content):
    server.content = content
    assert remote.read(f"{server.address}/encoded?{encoding}") == JPEG


@pytest.mark.parametrize("encoding, content, reason", [
    ("br", b"", "expected a body without compression, or gzip, got content encoding br"),
    ("gzip,gzip", b"", "got content encoding gzip,gzip"), ("gzip", JPEG, "the compressed body is damaged"),
    ("gzip", gzip.compress(JPEG)[:-9], "the compressed body ends too early"),
])
def test_bodies_that_cannot_be_decompressed(server, site, encoding, content, reason):
    server.content = content
    with pytest.raises(ImageReadError, match=reason):
        read_image(f"{server.address}/encoded?{encoding}")


def test_messages_of_a_server_are_one_printable_line(server, site):
    with pytest.raises(ImageReadError) as caught:
        read_image(f"{server.address}/rude.jpg")
    reason = caught.value.reason
    assert reason.startswith("HTTP status 418: first") and reason.isprintable() and len(reason) <= 300


@pytest.mark.parametrize("host", [
    "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "[::1]", "[::]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "user:password@127.0.0.1", "shop.example",
])
@pytest.mark.parametrize("chain", ["", "zip://a.jpg::"])
def test_private_addresses_are_refused(server, monkeypatch, host, chain):
    """Nothing is sent to a private address, in any spelling and behind any host name."""
    lookup = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda name, *rest, **named: lookup(
            "127.0.0.1" if name == "shop.example" else name, *rest, **named)
    )
    with pytest.raises(ImageReadError) as caught:
        read_image(f"{chain}http://{host}:{server.server_port}/a.jpg")
    assert server.n_requests == 0
    if host in ("127.0.0.1", "localhost", "0.0.0.0", "user:password@127.0.0.1", "shop.example"):
        assert "is not a public address; to read from it, allow its host" in caught.value.reason


@pytest.mark.parametrize("allowed", [
    "127.0.0.1", "localhost", "10.0.0.1,127.0.0.0/8", "shop.example", "nowhere.invalid,::1,127.0.0.1"
])
def test_allowed_hosts_are_read(server, monkeypatch, allowed):
    (server.folder / "a.jpg").write_bytes(JPEG)
    lookup = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda name, *rest, **named: lookup(
            "127.0.0.1" if name == "shop.example" else name, *rest, **named)
    )
    monkeypatch.setenv(web.VARIABLE, "")
    for _ in range(2):
        allow_hosts(*allowed.split(","))
        assert remote.read(f"{server.address}/a.jpg") == JPEG
        allow_hosts()
        with pytest.raises(RemoteError, match="is not a public address; to read from it, allow its host"):
            remote.read(f"{server.address}/a.jpg")


def test_redirects_are_checked(server, site):
    (server.folder / "a.jpg").write_bytes(JPEG)
    assert remote.read(f"{server.address}/redirect?{server.address}/a.jpg") == JPEG
    for target in (f"http://127.0.0.2:{server.server_port}/a.jpg", "http://169.254.169.254/latest", "http://10.0.0.1/"):
        with pytest.raises(RemoteError, match="is not a public address"):
            remote.read(f"{server.address}/redirect?{target}")
    with pytest.raises(RemoteError, match="file:///etc/passwd"):
        remote.read(f"{server.address}/redirect?file:///etc/passwd")


@pytest.mark.parametrize("address, is_public", [
    ("8.8.8.8", True), ("2606:4700::1111", True), ("::ffff:8.8.8.8", True), ("64:ff9b::808:808", True),
    ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False),
    ("100.64.0.1", False), ("224.0.0.1", False), ("240.0.0.1", False), ("255.255.255.255", False), ("0.0.0.0", False),
    ("127.255.0.1", False), ("::", False), ("fe80::1%eth0", False), ("fc00::1", False), ("ff02::1", False),
    ("::ffff:10.0.0.1", False), ("2002:7f00:1::", False), ("64:ff9b::7f00:1", False), ("2001:db8::1", False),
])
def test_public_addresses(address, is_public):
    if is_public:
        web.check_address(address, ())
    else:
        with pytest.raises(OSError, match=f"{address} is not a public address"):
            web.check_address(address, ("8.8.8.8", "1.0.0.0/8"))
        web.check_address(address, ("0.0.0.0/0", "::/0"))


@pytest.mark.parametrize("host", ["http://127.0.0.1", "127.0.0.1:80", "", "a b", "a@b", "127.0.0.1/99", "a,b", "a\n"])
def test_invalid_hosts(monkeypatch, host):
    monkeypatch.setenv(web.VARIABLE, "before")
    with pytest.raises(ValueError, match="expected a host, an IP address or a network, got"):
        allow_hosts("localhost", host)
    assert web.allowed_hosts() == ("before",)


def test_hosts_are_allowed_by_command_line_and_in_workers(server, monkeypatch):
    make_shop(2, 2, folder=server.folder, random_state=0)
    monkeypatch.setenv(web.VARIABLE, "")
    parser = CommandParser()
    add_collection_arguments(parser)
    given = [server.address, "--labels", f"{server.address}/labels.csv"]
    with pytest.raises(RemoteError, match="is not a public address"):
        load_collection(parser.parse_args(given))
    arguments = parser.parse_args([*given, "--allow-hosts", "localhost,127.0.0.1"])
    allow_named_hosts(arguments)
    shop = load_collection(arguments)
    expected = RawPixels((4, 3)).fit_transform(shop)
    get_reusable_executor().shutdown()  # workers that are running already do not know the hosts
    with parallel_config("loky"):
        found = Parallel(n_jobs=2)(delayed(remote.read)(path) for path in shop.paths)
    assert (RawPixels((4, 3)).fit_transform(found) == expected).all()
