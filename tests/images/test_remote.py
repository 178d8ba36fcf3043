"""Pictures, folders and tables behind URLs: fsspec's memory and local files, and a web server on this machine."""

import http.server
import socket
import sys
import threading
from functools import partial

import numpy as np
import pytest

from twoflow import FlowUnion, ImageReadError, PixelProjection, RawPixels, load_folder, load_table, make_shop
from twoflow.flows.extraction import extract
from twoflow.images import Picture, read_image, remote
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
        else:
            super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def site(tmp_path, memory):
    """The folder of a web server, and its address."""
    folder = tmp_path / "site"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=folder)) as server:
        server.released = threading.Event()
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
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
    ("https://h/a.jpg?id=7&X-Amz-Signature=secret&v=1", "https://h/a.jpg?id=7&X-Amz-Signature=***&v=1"),
    ("https://h/a.jpg?sig=secret", "https://h/a.jpg?sig=***"),
    ("zip://a.jpg::ftp://user:secret@host/b.zip", "zip://***@host/b.zip"),
])
def test_secrets_are_not_shown(url, shown):
    assert describe(url) == mask(url) == shown
    assert mask(f"first, url='{url}'").endswith(f"{shown}'") and "secret" not in mask(f"first, url='{url}'")


def test_a_url_gives_the_same_pixels(site, memory, tmp_path):
    folder, address = site
    (folder / "ein Schuh - туфля - 靴.jpg").write_bytes(JPEG)
    memory.pipe("/shop/a b.jpg", JPEG)
    expected = read_image(JPEG)
    for url in (f"{address}/ein Schuh - туфля - 靴.jpg", "memory://shop/a b.jpg",
                f"file://{folder}/ein Schuh - туфля - 靴.jpg"):
        assert (read_image(url) == expected).all()
        assert Picture(url).digest == Picture(JPEG).digest


def test_what_is_read_is_read_once(memory, monkeypatch):
    memory.pipe("/a.jpg", JPEG)
    read, remote_read = [], remote.read
    monkeypatch.setattr(remote, "read", lambda url: read.append(url) or remote_read(url))
    picture = Picture("memory://a.jpg")
    assert picture.digest == Picture(JPEG).digest and picture.rgb.size == (40, 30)
    assert read == ["memory://a.jpg"]


@pytest.mark.parametrize("path, reason", [
    ("none.jpg", "no such file"), ("forbidden.jpg", "HTTP status 403: Forbidden"), ("cut-off.jpg", "not completed"),
    *((f"{name}.jpg", word) for name, (_, word) in UNREADABLE.items()),
])
def test_what_a_web_server_gives_that_is_no_picture(site, path, reason):
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
    monkeypatch.setattr(remote, "_PATIENCE_S", 1)
    with pytest.raises(ImageReadError, match="silent.jpg: no answer within 1 seconds"):
        read_image(f"{address}/silent.jpg")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(ImageReadError, match=f"http://127.0.0.1:{port}/a.jpg: .*connect.*failed"):
        read_image(f"http://127.0.0.1:{port}/a.jpg")


@pytest.mark.parametrize("url, reason", [
    ("memory://none.jpg", "no such file"), ("file:///none.jpg", "no such file"), ("file:///", "is a directory"),
    ("nonsense://a.jpg", "nonsense"),
])
def test_what_cannot_be_read(memory, url, reason):
    with pytest.raises(ImageReadError, match=f"{url}: .*{reason}"):
        read_image(url)


def test_without_fsspec_no_picture_is_to_blame(monkeypatch):
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
    """Row i is picture i, from wherever; what cannot be read is named by its URL."""
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
    with pytest.raises(ValueError, match="^memory://empty has no pictures; expected memory://empty/<class>/"):
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
        found = load_table(source, root, columns=["colour"])
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
