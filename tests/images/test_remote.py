"""Read images by URL, from fsspec's memory and local files, and from a web server on this machine."""

import io
import os
import sys
import zipfile

import numpy as np
import pytest

from twoflow import FlowUnion, ImageReadError, PixelProjection, RawPixels, load_folder, make_shop
from twoflow.flows.engine.extraction import extract
from twoflow.images import LoadedImage, read_image, remote, web
from twoflow.images.reading import describe
from twoflow.images.remote import is_url, mask

from .hostile import JPEG, UNREADABLE


@pytest.mark.parametrize("source, expected", [
    ("s3://bucket/a.jpg", True), ("memory://a.jpg", True), ("zip://a.jpg::s3://b/c.zip", True), ("C:/a.jpg", False),
    ("c://a.jpg", False), ("shoes/http://a.jpg", False), ("a.jpg", False), (b"http://a", False), (7, False),
])
def test_is_url(source, expected):
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
def test_mask_hides_secrets(url, shown):
    assert describe(url) == mask(url) == shown
    assert mask(f"first, url='{url}'") == f"first, url='{shown}'"


class CountingText(str):
    """A string that counts the characters that its searches look at."""

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
def test_masking_takes_linear_time(part, end):
    text = CountingText(part * (2**20 // len(part)) + end)
    masked = remote._mask_word(text)
    assert text.n <= 9 * len(text) and len(masked) <= 4 * len(text)


def test_url_and_bytes_give_the_same_pixels(site, memory, tmp_path):
    folder, address = site
    (folder / "ein Schuh - туфля - 靴.jpg").write_bytes(JPEG)
    memory.pipe("/shop/a b.jpg", JPEG)
    expected = read_image(JPEG)
    for url in (f"{address}/ein Schuh - туфля - 靴.jpg", "memory://shop/a b.jpg",
                f"file://{folder}/ein Schuh - туфля - 靴.jpg"):
        assert (read_image(url) == expected).all()
        assert LoadedImage(url).digest == LoadedImage(JPEG).digest


def test_a_url_is_read_once(memory, monkeypatch):
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
def test_unreadable_images_on_a_web_server(site, path, reason):
    folder, address = site
    for name, (content, _) in UNREADABLE.items():
        (folder / f"{name}.jpg").write_bytes(content)
    url = f"{address.replace('//', '//user:secret@')}/{path}?token=secret"
    with pytest.raises(ImageReadError, match=reason) as caught:
        read_image(url)
    assert caught.value.name == f"{address.replace('//', '//***@')}/{path}?token=***"
    assert "secret" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["memory://large.jpg", "file://{folder}/large.jpg", "zip://large.jpg::memory://a.zip"])
def test_files_over_the_limit(memory, tmp_path, monkeypatch, url):
    """No more than the limit is read, of compressed files too."""
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


@pytest.mark.parametrize("url, reason", [
    ("memory://none.jpg", "no such file"), ("file:///none.jpg", "no such file"), ("file:///", "is a directory"),
    ("nonsense://a.jpg", "nonsense"), ("file:///dev/null", "not a regular file"),
])
def test_unreadable_urls(memory, url, reason):
    with pytest.raises(ImageReadError, match=f"{url}: .*{reason}"):
        read_image(url)


def test_a_named_pipe_behind_a_url(memory, tmp_path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no named pipes")
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(ImageReadError, match="not a regular file"):
        read_image(f"file://{tmp_path}/a.jpg")


def test_missing_fsspec_names_the_extra(monkeypatch):
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


def test_missing_package_of_a_scheme(memory, monkeypatch):
    def refuse(url):
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", refuse)
    with pytest.raises(ModuleNotFoundError, match="^s3://bucket/a.jpg: Install s3fs to access S3$"):
        read_image("s3://bucket/a.jpg")


def test_features_of_urls(site, memory):
    """Row i is image i, whatever its source, and an unreadable image is named by its URL."""
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
