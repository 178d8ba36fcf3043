"""A hub on this machine: the few answers of the Hugging Face hub that a download needs."""

import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import unquote, urlsplit


class Hub:
    """Repositories as tables: commits by repository, files by commit, and the commit of each branch."""

    def __init__(self):
        self.commits, self.refs, self.gated, self.sizes, self.asked = {}, {}, set(), {}, []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                hub.answer(self)

            do_HEAD = do_GET

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def push(self, repository, files, branch="main"):
        """Add a commit with these files, and return it."""
        content = repr((repository, sorted(files.items()), len(self.commits.get(repository, ()))))
        commit = hashlib.sha1(content.encode()).hexdigest()
        self.commits.setdefault(repository, {})[commit] = dict(files)
        self.refs[repository, branch] = commit
        return commit

    def answer(self, request):
        path = urlsplit(request.path).path
        self.asked.append(f"{request.command} {unquote(path)}")
        is_listing = path.startswith("/api/models/")
        parts = [unquote(part) for part in path.removeprefix("/api/models").strip("/").split("/")]
        repository = "/".join(parts[:2])
        revision = parts[3] if len(parts) > 3 else "main"
        if repository not in self.commits:
            return self._refuse(request, 401, "RepoNotFound")
        commit = self.refs.get((repository, revision), revision)
        files = self.commits[repository].get(commit)
        if files is None:
            return self._refuse(request, 404, "RevisionNotFound")
        if is_listing and len(parts) > 2 and parts[2] != "revision":
            return self._refuse(request, 404, "EntryNotFound")
        if is_listing:
            siblings = [
                {"rfilename": name, "size": self.sizes.get(name, len(data)), "blobId": "0" * 40}
                for name, data in files.items()
            ]
            table = {"id": repository, "sha": commit, "siblings": siblings, "gated": repository in self.gated}
            return self._send(request, json.dumps(table).encode(), {})
        if repository in self.gated:
            return self._refuse(request, 401, "GatedRepo")
        name = "/".join(parts[4:])
        if name not in files:
            return self._refuse(request, 404, "EntryNotFound")
        tag = hashlib.sha256(files[name]).hexdigest()
        return self._send(request, files[name], {"ETag": f'"{tag}"', "X-Repo-Commit": commit})

    def _send(self, request, body, headers):
        request.send_response(200)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            request.send_header(name, value)
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(body)

    def _refuse(self, request, status, code):
        request.send_response(status)
        request.send_header("X-Error-Code", code)
        request.send_header("X-Error-Message", code)
        request.send_header("Content-Length", "0")
        request.end_headers()
