"""A stand-in for the service: answers that a test chose, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread

from PIL import Image

from twoflow.serving.page import render_page


class StandIn:
    """Answers by (method, first step of the path): (status, headers, body); `asked` lists what was asked for."""

    def __init__(self, replies):
        self.replies = replies
        self.asked = []

    def reply(self, method, path, body, headers):
        self.asked.append((method, path, body, headers))
        if path == "/":
            return 200, {"Content-Type": "text/html; charset=utf-8"}, render_page().encode()
        found = self.replies.get((method, path.split("/")[1]))
        if callable(found):
            found = found(path, body, headers)
        status, extra, content = found or (404, {}, {"error": "there is no such page"})
        if isinstance(content, (dict, list)):
            content = json.dumps(content).encode()
        return status, extra, content


@contextmanager
def standing(replies) -> Iterator[tuple[str, StandIn]]:
    stand_in = StandIn(replies)

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, extra, content = stand_in.reply(self.command, self.path, body, self.headers)
            self.send_response(status)
            headers = {"Content-Type": "application/json", "Content-Length": str(len(content)), **extra}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = answer

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", stand_in
    finally:
        server.shutdown()
        server.server_close()


def jpeg(color, size=(120, 90)):
    out = BytesIO()
    Image.new("RGB", size, color).save(out, "JPEG")
    return out.getvalue()
