"""Fixtures for images behind URLs: a file system in memory, and a web server on this machine."""

import gzip
import http.server
import threading
from contextlib import suppress
from functools import partial

import pytest

from twoflow.images import web

from ..lanes import unavailable
from .hostile import JPEG

try:
    import aiohttp
    import fsspec
except ModuleNotFoundError:
    aiohttp = fsspec = None


@pytest.fixture
def memory():
    """An empty fsspec file system in memory."""
    if fsspec is None:
        unavailable("needs fsspec and aiohttp, the extra remote")
    filesystem = fsspec.filesystem("memory")
    filesystem.rm("/", recursive=True)
    yield filesystem
    filesystem.rm("/", recursive=True)


@pytest.fixture
def site(server, monkeypatch):
    """The folder and the address of a web server whose host is allowed."""
    monkeypatch.setenv(web.VARIABLE, "127.0.0.1")
    return server.folder, server.address


@pytest.fixture
def server(tmp_path, memory, monkeypatch):
    """A web server on this machine, whose host is not allowed."""
    monkeypatch.delenv(web.VARIABLE, raising=False)
    folder = tmp_path / "site"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as server:
        server.released, server.n_parts, server.n_requests, server.content = threading.Event(), 0, 0, b""
        server.folder, server.address = folder, f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=[0.02])
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serve files, and misbehave at some addresses."""

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
            part = gzip.compress(part)  # each part is one more gzip member
        with suppress(OSError):  # the client has closed the connection
            while not self.server.released.is_set():
                self.wfile.write(part)
                self.server.n_parts += 1

    def log_message(self, *_):
        self.server.n_requests += 1
