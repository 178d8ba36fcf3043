"""Images, folders and tables behind URLs: fsspec's memory and local files, and a web server on this machine."""

import gzip
import http.server
import io
import os
import socket
import sys
import threading
import zipfile
import zlib
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
from joblib import Parallel, delayed, parallel_config

from twoflow import FlowUnion, ImageReadError, PixelProjection, RawPixels, load_folder, load_table, make_shop
from twoflow.commands.arguments import CommandParser, add_collection_arguments
from twoflow.commands.loading import allow_named_hosts, load_collection
from twoflow.flows.engine.extraction import extract
from twoflow.images import LoadedImage, allow_hosts, read_image, remote, web
from twoflow.images.passed_over import PassedOver
from twoflow.images.reading import describe
from twoflow.images.remote import RemoteError, is_url, mask

from ..lanes import unavailable
from .hostile import UNREADABLE, encoded, photo

try:
    import aiohttp
    import fsspec
except ModuleNotFoundError:
    aiohttp = fsspec = None

JPEG = encoded(photo(), "JPEG")


@pytest.fixture
def memory():
    """fsspec's file system in memory, empty."""
    if fsspec is None:
        unavailable("needs fsspec and aiohttp, the extra remote")
    filesystem = fsspec.filesystem("memory")
    filesystem.rm("/", recursive=True)
    yield filesystem
    filesystem.rm("/", recursive=True)


class _Handler(http.server.SimpleHTTPRequestHandler):
    """Files, and what else web servers do."""

    def do_GET(self):
        if self.path.startswith("/forbidden"):
            self.send_error(403)
        elif self.path.startswith("/cut-off"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(JPEG)))
            self.end_headers()
            self.wfile.write(JPEG[:-100])
        elif self.path.startswith("/silent"):
            self.server.released.wait()
        elif self.path.startswith("/slow"):
            self.send_response(200)
            self.end_headers()
            while not self.server.released.wait(0.1):
                self.wfile.write(b"x")
                self.wfile.flush()
        elif self.path.startswith("/endless"):
            self.send_endless("gzip" if "gzip" in self.path else None)
        elif self.path.startswith("/redirect"):
            self.send_response(302)
            self.send_header("Location", self.path.partition("?")[2])
            self.end_headers()
        elif self.path.startswith("/encoded"):
            self.send_response(200)
            self.send_header("Content-Encoding", self.path.partition("?")[2])
            self.end_headers()
            self.wfile.write(self.server.content)
        elif self.path.startswith("/rude"):
            self.send_response(418, "first\x1b[31m\x07second" + "-" * 999)
            self.end_headers()
        else:
            super().do_GET()

    def send_endless(self, encoding):
        self.send_response(200)
        if encoding:
            self.send_header("Content-Encoding", encoding)
        self.end_headers()
        part = bytes(2**20)
        if encoding:
            part = gzip.compress(part)  # a member behind the other
        with suppress(OSError):  # the client has heard enough
            while not self.server.released.is_set():
                self.wfile.write(part)
                self.server.n_parts += 1

    def log_message(self, *_):
        self.server.n_requests += 1


@pytest.fixture
def site(server, monkeypatch):
    """The folder of a web server that may be read from, and its address."""
    monkeypatch.setenv(web.VARIABLE, "127.0.0.1")
    return server.folder, server.address


@pytest.fixture
def server(tmp_path, memory, monkeypatch):
    """A web server on this machine, which may not be read from."""
    monkeypatch.delenv(web.VARIABLE, raising=False)
    folder = tmp_path / "site"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=folder)) as server:
        server.released, server.n_parts, server.n_requests, server.content = threading.Event(), 0, 0, b""
        server.folder, server.address = folder, f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("source, expected", [
    ("s3://bucket/a.jpg", True), ("memory://a.jpg", True), ("zip://a.jpg::s3://b/c.zip", True), ("C:/a.jpg", False),
    ("c://a.jpg", False), ("shoes/http://a.jpg", False), ("a.jpg", False), (b"http://a", False), (7, False),
])
def test_what_is_a_url(source, expected):
    assert is_url(source) == expected


@pytest.mark.parametrize("url, shown", [
    ("s3://user:secret@bucket/a.jpg", "s3://***@bucket/a.jpg"),
    ("s3://user:sec/re:t@bucket/a.jpg", "s3://***@bucket/a.jpg"),
    ("ftp://user:se@cret@host/a.jpg", "ftp://***@host/a.jpg"),
    ("https://secret@host:80/a@2x.jpg", "https://***@host:80/a@2x.jpg"),
    ("https://host/a@2x.jpg", "https://host/a@2x.jpg"),
    ("http://localhost:8000/a@2x.jpg", "http://localhost:8000/a@2x.jpg"),
    ("https://h/a.jpg?id=7&X-Amz-Signature=secret;v=", "https://h/a.jpg?id=***&X-Amz-Signature=***;v=***"),
    ("https://h/a.jpg?secret&x=secret=secret#secret", "https://h/a.jpg?***&x=***#***"),
    ("https://h/a.jpg#id_token=secret?a=b", "https://h/a.jpg#***"),
    ("https://h/a?u=https://secret:secret@h/secret", "https://h/a?u=***"),
    ("https://[::1]:80/a@2x.jpg", "https://[::1]:80/a@2x.jpg"),
    ("https://user:80secret@host/a", "https://***@host/a"),
    ("s3://user:se//cr://secret@bucket/a", "s3://***@bucket/a"),
    ("s3://bucket/shoe#1.jpg", "s3://bucket/shoe#1.jpg"),
    ("zip://a.jpg::https://host:80/b@2.zip", "zip://a.jpg::https://host:80/b@2.zip"),
    ("https://host/x::https://user:secret@host/y", "https://host/x::https://***@host/y"),
    ("https://h/a.jpg?sig=secret", "https://h/a.jpg?sig=***"),
    ("zip://a.jpg::ftp://user:secret@host/b.zip", "zip://a.jpg::ftp://***@host/b.zip"),
])
def test_secrets_are_not_shown(url, shown):
    assert describe(url) == mask(url) == shown
    assert mask(f"first, url='{url}'") == f"first, url='{shown}'"


class Counted(str):
    """Counts the letters that are looked at to find others."""

    def __contains__(self, part):
        self.n = getattr(self, "n", 0) + len(self)
        return super().__contains__(part)

    def find(self, part, start=0, end=None):
        found = super().find(part, start, end)
        self.n = getattr(self, "n", 0) + (found if found >= 0 else len(self) if end is None else end) - start
        return found

    def rfind(self, part, start=0, end=None):
        found = super().rfind(part, start, end)
        self.n = getattr(self, "n", 0) + (len(self) if end is None else end) - max(found, start)
        return found


@pytest.mark.parametrize("part", [
    "a://", "://", "a:", "a://b:c", "a://b@", "a://b:c/", "?a=b&", "/@", "a::b://", "[", "a://[", "@://", "#", "x"
])
@pytest.mark.parametrize("end", ["", "@", "://", "?", "a://b:c@d"])
def test_hostile_text_is_masked_in_one_pass(part, end):
    text = Counted(part * (2**20 // len(part)) + end)
    masked = remote._mask_word(text)
    assert text.n <= 9 * len(text) and len(masked) <= 4 * len(text)


def test_a_url_gives_the_same_pixels(site, memory, tmp_path):
    folder, address = site
    (folder / "ein Schuh - туфля - 靴.jpg").write_bytes(JPEG)
    memory.pipe("/shop/a b.jpg", JPEG)
    expected = read_image(JPEG)
    for url in (f"{address}/ein Schuh - туфля - 靴.jpg", "memory://shop/a b.jpg",
                f"file://{folder}/ein Schuh - туфля - 靴.jpg"):
        assert (read_image(url) == expected).all()
        assert LoadedImage(url).digest == LoadedImage(JPEG).digest


def test_what_is_read_is_read_once(memory, monkeypatch):
    memory.pipe("/a.jpg", JPEG)
    read, remote_read = [], remote.read
    monkeypatch.setattr(remote, "read", lambda url: read.append(url) or remote_read(url))
    image = LoadedImage("memory://a.jpg")
    assert image.digest == LoadedImage(JPEG).digest and image.rgb.size == (40, 30)
    assert read == ["memory://a.jpg"]


@pytest.mark.parametrize("path, reason", [
    ("none.jpg", "no such file"), ("forbidden.jpg", "HTTP status 403: Forbidden"), ("cut-off.jpg", "not completed"),
    *((f"{name}.jpg", word) for name, (_, word) in UNREADABLE.items()),
])
def test_what_a_web_server_gives_that_is_no_image(site, path, reason):
    folder, address = site
    for name, (content, _) in UNREADABLE.items():
        (folder / f"{name}.jpg").write_bytes(content)
    url = f"{address.replace('//', '//user:secret@')}/{path}?token=secret"
    with pytest.raises(ImageReadError, match=reason) as caught:
        read_image(url)
    assert caught.value.name == f"{address.replace('//', '//***@')}/{path}?token=***"
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_server_that_does_not_answer(site, monkeypatch):
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
def test_a_body_without_end(server, site, monkeypatch, path):
    """It is read up to the limit, and no further."""
    monkeypatch.setattr(web, "MAX_BYTES", 8 * 2**20)
    with pytest.raises(ImageReadError, match="larger than the limit of 8 MB"):
        read_image(f"{server.address}/{path}.jpg")
    if path == "endless":  # what is on its way lies in buffers
        assert server.n_parts < 40


@pytest.mark.parametrize("url", ["memory://large.jpg", "file://{folder}/large.jpg", "zip://large.jpg::memory://a.zip"])
def test_files_that_are_too_large(memory, tmp_path, monkeypatch, url):
    """Compressed ones too: no more than the limit is read of them."""
    monkeypatch.setattr(web, "MAX_BYTES", 2**20)
    content, archive = bytes(2**20 + 1), io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("large.jpg", content)
    memory.pipe("/large.jpg", content)
    memory.pipe("/a.zip", archive.getvalue())
    (tmp_path / "large.jpg").write_bytes(content)
    with pytest.raises(ImageReadError, match="larger than the limit of 1 MB"):
        read_image(url.format(folder=tmp_path))
    monkeypatch.setattr(web, "MAX_BYTES", 2**20 + 1)
    assert remote.read(url.format(folder=tmp_path)) == content


@pytest.mark.parametrize("encoding, content", [
    ("gzip", gzip.compress(JPEG)), ("gzip", gzip.compress(JPEG[:99]) + gzip.compress(JPEG[99:])), ("identity", JPEG),
    ("x-gzip", gzip.compress(JPEG)), ("deflate", zlib.compress(JPEG)), ("GZIP", gzip.compress(JPEG, 0)),
])
def test_bodies_that_are_compressed(server, site, encoding, content):
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


def test_a_server_s_words_are_one_line(server, site):
    with pytest.raises(ImageReadError) as caught:
        read_image(f"{server.address}/rude.jpg")
    reason = caught.value.reason
    assert reason.startswith("HTTP status 418: first") and reason.isprintable() and len(reason) <= 300


@pytest.mark.parametrize("host", [
    "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "[::1]", "[::]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "user:password@127.0.0.1", "shop.example",
])
@pytest.mark.parametrize("chain", ["", "zip://a.jpg::"])
def test_an_address_that_is_not_public(server, monkeypatch, host, chain):
    """However it is written, whatever name leads there: nothing is sent to it."""
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
def test_a_host_that_is_allowed(server, monkeypatch, allowed):
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


def test_a_redirect_is_checked_too(server, site):
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
def test_which_addresses_are_public(address, is_public):
    if is_public:
        web.check_address(address, ())
    else:
        with pytest.raises(OSError, match=f"{address} is not a public address"):
            web.check_address(address, ("8.8.8.8", "1.0.0.0/8"))
        web.check_address(address, ("0.0.0.0/0", "::/0"))


@pytest.mark.parametrize("host", ["http://127.0.0.1", "127.0.0.1:80", "", "a b", "a@b", "127.0.0.1/99", "a,b", "a\n"])
def test_what_is_no_host(monkeypatch, host):
    monkeypatch.setenv(web.VARIABLE, "before")
    with pytest.raises(ValueError, match="expected a host, an IP address or a network, got"):
        allow_hosts("localhost", host)
    assert web.allowed_hosts() == ("before",)


def test_hosts_are_allowed_on_the_command_line_and_in_processes(server, monkeypatch):
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
    with parallel_config("loky"):
        found = Parallel(n_jobs=2)(delayed(remote.read)(path) for path in shop.paths)
    assert (RawPixels((4, 3)).fit_transform(found) == expected).all()


@pytest.mark.parametrize("url, reason", [
    ("memory://none.jpg", "no such file"), ("file:///none.jpg", "no such file"), ("file:///", "is a directory"),
    ("nonsense://a.jpg", "nonsense"), ("file:///dev/null", "not a regular file"),
])
def test_what_cannot_be_read(memory, url, reason):
    with pytest.raises(ImageReadError, match=f"{url}: .*{reason}"):
        read_image(url)


def test_a_named_pipe_behind_a_url(memory, tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(ImageReadError, match="not a regular file"):
        read_image(f"file://{tmp_path}/a.jpg")


def test_without_fsspec_no_image_is_to_blame(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    expected = r'^s3://\*\*\*@b/a.jpg needs fsspec: pip install "twoflow\[remote\]"$'
    with pytest.raises(ModuleNotFoundError, match=expected):
        read_image("s3://user:secret@b/a.jpg")
    with pytest.raises(ModuleNotFoundError, match="needs fsspec"):
        RawPixels((2, 2), on_error="nan").fit_transform(["s3://bucket/a.jpg"])
    with pytest.raises(ModuleNotFoundError, match="needs fsspec"):
        load_folder("memory://shop")
    assert (read_image(JPEG) == read_image(JPEG)).all()


def test_without_what_a_scheme_needs(memory, monkeypatch):
    def refuse(url):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", refuse)
    with pytest.raises(ModuleNotFoundError, match="^s3://bucket/a.jpg: Install s3fs to access S3$"):
        read_image("s3://bucket/a.jpg")


def test_features_of_urls(site, memory):
    """Row i is image i, from wherever; what cannot be read is named by its URL."""
    folder, address = site
    shop = make_shop(2, 3, folder=folder, random_state=0)
    union = FlowUnion([("pixels", RawPixels((4, 3))), ("projection", PixelProjection(8, random_state=0))], n_jobs=2)
    expected = union.fit_transform(shop.paths)
    urls = [path.replace(str(folder), address) for path in shop.paths]
    assert (union.transform(urls) == expected).all()
    for path in shop.paths[3:]:
        memory.put_file(path, path.replace(str(folder), "/shop"))
    mixed = [*urls[:2], f"{address}/none.jpg", *(path.replace(str(folder), "memory://shop") for path in shop.paths[3:])]
    found = extract(union.set_params(on_error="nan"), mixed)
    assert [(position, error.name) for position, error in found.errors] == [(2, mixed[2])]
    assert np.isnan(found.features[2]).all() and (np.delete(found.features - expected, 2, axis=0) == 0).all()


def test_a_folder_behind_a_url_is_like_one_here(memory, tmp_path):
    names = ["b.x/boot/b.JPG", "b/boot/a.png", "b/clog/deeper/c.webp", "b/clog/notes.txt", ".hidden/b/d.jpg",
             "b/boot/._a.jpg", "__MACOSX/b/e.jpg", "labels.csv"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"not looked at")
        memory.pipe(f"/shop/{name}", b"not looked at")
    for levels in (None, 1):
        here = load_folder(tmp_path, levels)
        for root in ("memory://shop", "memory:///shop/"):
            there = load_folder(root, levels)
            assert there.paths == [path.replace(str(tmp_path), root.rstrip("/")) for path in here.paths]
            assert there.labels.tolist() == here.labels.tolist() and there.columns.keys() == here.columns.keys()
            assert there.notes == here.notes and there.passed_over == tuple(
                PassedOver(each.reason, tuple(path.replace(str(tmp_path), root.rstrip("/")) for path in each.paths))
                for each in here.passed_over
            )
        assert load_folder(f"file://{tmp_path}", levels).paths == here.paths
    memory.pipe("/a.jpg", b"")
    with pytest.raises(ValueError, match="^memory://a.jpg is in no class folder; expected memory://"):
        load_folder("memory://")


def test_bad_folders_behind_urls(memory, site, tmp_path):
    with pytest.raises(NotADirectoryError, match="^memory://none is not a folder"):
        load_folder("memory://none")
    with pytest.raises(NotADirectoryError, match="none is not a folder"):
        load_folder(f"file://{tmp_path}/none")
    memory.mkdir("/empty")
    with pytest.raises(ValueError, match="^memory://empty has no images; expected memory://empty/<class>/"):
        load_folder("memory://empty")
    with pytest.raises(ValueError, match="a web server does not list its files; name them in a table"):
        load_folder(site[1])
    with pytest.raises(RemoteError, match="^cannot read nonsense://a: .*nonsense"):
        load_folder("nonsense://a")


def test_tables_of_urls(site, memory):
    """The table, the folder it counts from and its cells may be URLs, or not."""
    folder, address = site
    shop = make_shop(2, 2, folder=folder, random_state=0)
    expected = [read_image(path) for path in shop.paths]
    table = (folder / "labels.csv").read_text("utf-8")
    memory.pipe("/labels.csv", table.encode())
    for line in table.splitlines()[1:]:
        memory.put_file(folder / line.split(",")[0], f"/shop/{line.split(',')[0]}")
    (folder / "urls.csv").write_text(table.replace("\n", f"\n{address}/").removesuffix(f"{address}/"))
    (folder / "local.csv").write_text(table.replace("\n", f"\nfile://{folder}/").removesuffix(f"file://{folder}/"))
    for source, root in (
        (folder / "labels.csv", address), (f"{address}/labels.csv", "memory://shop"), ("memory://labels.csv", folder),
        (folder / "urls.csv", folder), (folder / "urls.csv", "memory://nowhere"),
        (folder / "local.csv", f"file://{folder}"),
    ):
        found = load_table(source, root, columns=["color"])
        assert found.labels.tolist() == shop.labels.tolist()
        assert all((read_image(path) == pixels).all() for path, pixels in zip(found.paths, expected))


@pytest.mark.parametrize("root", ["{folder}", "memory://shop"])
@pytest.mark.parametrize("cell, message", [
    ("file:///etc/passwd", "file:///etc/passwd leads out of"), ("../a.jpg", r"\.\./a.jpg leads out of"),
    ("/etc/passwd", "/etc/passwd leads out of"), (".", r"\. leads out of"),
    ("zip://a.jpg::file:///etc/a.zip", "is a chain of URLs"), ("local:///etc/passwd", "leads out of"),
])
def test_a_table_does_not_lead_out_of_its_folder(memory, tmp_path, root, cell, message):
    memory.pipe("/labels.csv", f"path,class\na.jpg,boot\n{cell},boot\n".encode())
    (tmp_path / "a.jpg").write_bytes(b"not looked at")
    with pytest.raises(ValueError, match=f"^row 2: .*{message}"):
        load_table("memory://labels.csv", root.format(folder=tmp_path))


def test_a_table_behind_a_url_without_a_folder(memory, site, tmp_path):
    """Its paths are relative to where it lies, and never name a file of the user's."""
    touched = tmp_path / "a.jpg"
    touched.write_bytes(JPEG)
    content = "path,class\na.jpg,boot\ndeep/b.jpg,clog\n"
    memory.pipe("/shop/labels.csv", content.encode())
    (site[0] / "labels.csv").write_text(content)
    assert load_table("memory://shop/labels.csv").paths == ["memory://shop/a.jpg", "memory://shop/deep/b.jpg"]
    url = f"{site[1]}/labels.csv?token=secret"
    assert load_table(url).paths == [f"{site[1]}/a.jpg", f"{site[1]}/deep/b.jpg"]
    for cell in (touched, f"file://{touched}", "../a.jpg"):
        memory.pipe("/shop/labels.csv", f"path,class\n{cell},boot\n".encode())
        with pytest.raises(ValueError, match="leads out of memory://shop"):
            load_table("memory://shop/labels.csv")
    (tmp_path / "labels.csv").write_text(f"path,class\na.jpg,boot\nfile://{touched},boot\n")
    assert load_table(f"file://{tmp_path}/labels.csv").paths == [str(touched)] * 2


def test_bad_tables_behind_urls(site):
    with pytest.raises(OSError, match="^cannot read http://.*/none.csv: no such file"):
        load_table(f"{site[1]}/none.csv", site[0])
    (site[0] / "labels.csv").write_bytes(b"path,class\na.jpg,\xff\xfe\n")
    with pytest.raises(ValueError, match=r"^http://.*/labels.csv\?token=\*\*\* is not a CSV file in UTF-8"):
        load_table(f"{site[1]}/labels.csv?token=secret", site[0])
