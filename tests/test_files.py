"""Open regular files only."""

import os
import socket
from pathlib import Path

import pytest

from twoflow import CNNEmbedding, ImageReadError
from twoflow._files import expand, open_regular
from twoflow.images import LoadedImage, read_image


@pytest.fixture
def odd_files(tmp_path):
    """Paths that lead to no regular file, each with words of the error."""
    os.mkfifo(tmp_path / "pipe.jpg")
    server = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(tmp_path)  # the path of a socket has at most about 100 characters
    server.bind("socket.jpg")
    os.chdir(here)
    os.symlink("pipe.jpg", tmp_path / "link.jpg")
    os.symlink("self.jpg", tmp_path / "self.jpg")
    yield {
        str(tmp_path / "pipe.jpg"): "a named pipe, not a regular file",
        str(tmp_path / "link.jpg"): "a named pipe, not a regular file",
        str(tmp_path / "socket.jpg"): "a socket, not a regular file",
        "/dev/zero": "a device, not a regular file",
        str(tmp_path): "is a directory",
        str(tmp_path / "self.jpg"): "symbolic links",
        str(tmp_path / "none.jpg"): "no such file",
        str(tmp_path / ("a" * 300)): "file name too long",
        str(tmp_path / "a\0b.jpg"): "no file can have this name",
        str(tmp_path / "a\ud800.jpg"): "no file can have this name",
        "": "no such file",
    }
    server.close()


def test_other_files_are_refused(odd_files):
    for path, reason in odd_files.items():
        for read in (read_image, lambda path: LoadedImage(path).digest, lambda path: LoadedImage(path).resized((4, 4))):
            with pytest.raises(ImageReadError, match=reason):
                read(path)
        with pytest.raises(OSError):
            open_regular(path)


def test_pipes_are_unreadable_with_and_without_a_store(odd_files, tmp_path):
    paths = [path for path in odd_files if "pipe" in path]
    for store in (None, tmp_path / "store"):
        with pytest.warns(UserWarning, match="named pipe"):
            found = CNNEmbedding(layer="stage1", on_error="nan", store=store, n_jobs=1).fit_transform(paths)
        assert (found != found).all()


def test_regular_files_and_links_are_opened(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    os.symlink("a", tmp_path / "b")
    for each in (path, str(path), tmp_path / "b"):
        with open_regular(each) as file:
            assert file.read() == b"abc"
            assert not os.get_inheritable(file.fileno())


def test_files_over_the_limit_are_refused(tmp_path):
    path = tmp_path / "large.png"
    with open(path, "wb") as file:
        file.truncate(500_000_000)  # a sparse file, which takes no disk space
    with pytest.raises(ImageReadError, match="expected a file of at most 200 MB, got 500 MB; save the image in"):
        read_image(path)


def test_expand_replaces_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/somewhere")
    assert expand("~/a") == expand(Path("~/a")) == Path("/somewhere/a")
    assert expand("a/~b") == Path("a/~b")
