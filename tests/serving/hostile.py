"""Send a service what no client should send, and check that it lives, keeps its memory, and answers.

``python -m tests.serving.hostile --n 10000`` starts a service in a process of its own. Every answer must be JSON with a
status below 500, or 503. Nothing may lie in its temporary folder at the end.
"""

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from twoflow.serving.log import log_to_stderr

from ..images.bombs import BOMBS
from ..images.hostile import JPEG, UNREADABLE
from .serving import RED, serving

_QUICK_BOMBS = ("png of 400 megapixels of one bit", "png of 51 megapixels, RGBA", "png with an iCCP of 3 GB",
                "jpeg of 4,290 megapixels", "gif of 4,290 megapixels", "webp with a canvas of 268 megapixels")
_MOST_GROWTH = 60_000_000  # bytes of memory after the first tenth of the requests


def form(content, name=b"a.jpg", field=b"images"):
    return (b'--b\r\nContent-Disposition: form-data; name="' + field + b'"; filename="' + name
            + b'"\r\nContent-Type: image/jpeg\r\n\r\n' + content + b"\r\n--b--\r\n")


def request(body, *lines, path=b"/predict", kind=b"multipart/form-data; boundary=b"):
    head = [b"POST " + path + b" HTTP/1.1", b"Host: localhost", b"Connection: close", b"Content-Type: " + kind,
            b"Content-Length: %d" % len(body), *lines]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


class Hostile:
    """Makes requests of all kinds, by a random generator."""

    def __init__(self, seed, bombs=_QUICK_BOMBS):
        self.rng = random.Random(seed)
        self._bombs = [BOMBS[name]() for name in bombs]
        self.kinds = {
            "random bytes": lambda: request(form(self.bytes(2000))),
            "truncated image": lambda: request(form(JPEG[:self.rng.randrange(len(JPEG))])),
            "damaged image": lambda: request(form(self.damaged(JPEG))),
            "unreadable": lambda: request(form(self.rng.choice(list(UNREADABLE.values()))[0])),
            "bomb": lambda: request(form(self.rng.choice(self._bombs))),
            "large headers": lambda: request(form(RED), b"X-Large: " + b"a" * self.rng.randrange(200_000)),
            "many headers": lambda: request(form(RED), *[b"X-%d: a" % i for i in range(self.rng.randrange(5_000))]),
            "wrong type": lambda: request(RED, kind=self.rng.choice([b"image/png", b"text/html", b"multipart/x"])),
            "damaged form": lambda: request(self.damaged(form(RED))),
            "damaged boundary": lambda: request(form(RED), kind=b"multipart/form-data; boundary=" + self.text(300)),
            "many parts": lambda: request(form(b"").removesuffix(b"--b--\r\n") * self.rng.randrange(3000)),
            "odd name": lambda: request(form(RED, name=self.text(400))),
            "odd field": lambda: request(form(RED, field=self.text(400))),
            "odd path": lambda: request(form(RED), path=b"/" + self.text(200).replace(b" ", b"")),
            "wrong length": lambda: request(form(RED), b"Content-Length: %d" % self.rng.randrange(10**6)),
            "too large": lambda: request(form(bytes(self.rng.randrange(1_500_000)))),
            "too large, announced": lambda: request(b"").replace(b"Length: 0", b"Length: 9" + b"9" * 15),
            "no HTTP": lambda: self.bytes(500) + b"\r\n\r\n",
            "damaged chunks": lambda: request(self.bytes(500)).replace(
                b"Content-Length: ", b"Transfer-Encoding: chunked\r\nX: "),
            "a good one": lambda: request(form(RED)),
        }

    def bytes(self, most):
        return self.rng.randbytes(self.rng.randrange(1, most))

    def text(self, most):
        return self.bytes(most).replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"")

    def damaged(self, content):
        content = bytearray(content)
        for _ in range(self.rng.randrange(1, 12)):
            content[self.rng.randrange(len(content))] = self.rng.randrange(256)
        return bytes(content)


def ask(port, content):
    """Send bytes as they are; return the status, 0 if the connection was closed without an answer."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        try:
            connection.sendall(content)
        except OSError:
            pass  # refused before all was sent
        try:
            while part := connection.recv(65536):
                answer += part
        except OSError:
            pass
    if not answer:
        return 0
    status = int(answer.split()[1])
    head, _, body = answer.partition(b"\r\n\r\n")
    if status >= 400 and b"transfer-encoding" not in head.lower():
        assert "error" in json.JSONDecoder().raw_decode(body.decode())[0], answer[:500]
    return status


def drip(port, seconds):
    """A slow sender: a byte now and then, of the headers or of the body."""
    content = request(form(RED))
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            end = time.monotonic() + seconds
            for position in range(len(content)):
                if time.monotonic() > end:
                    break
                connection.sendall(content[position:position + 1])
                time.sleep(0.05)
    except OSError:
        pass  # the service has closed it


def memory_of(process):
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def attack(port, n, seed, process, n_threads=24):
    """Send n requests; return how many of each kind got each status, and the memory on the way."""
    found, lock, memory = Counter(), threading.Lock(), []
    numbers = iter(range(n))

    def run(number):
        hostile = Hostile(seed + number)
        while True:
            with lock:
                turn = next(numbers, None)
                if turn is None:
                    return
                if turn % max(1, n // 10) == 0:
                    memory.append(memory_of(process))
            if hostile.rng.random() < 0.002:
                threading.Thread(target=drip, args=(port, 20), daemon=True).start()
            kind = hostile.rng.choice(list(hostile.kinds))
            status = ask(port, hostile.kinds[kind]())
            with lock:
                found[kind, status] += 1

    threads = [threading.Thread(target=run, args=(number,)) for number in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found, [*memory, memory_of(process)]


def serve():
    log_to_stderr(False)
    with serving(max_bytes=1_000_000, header_seconds=1, body_seconds=1, names=("localhost",)) as running:
        print(running.url.rpartition(":")[2], flush=True)
        sys.stdin.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=10_000, help="requests (default: 10000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--serve", action="store_true", help="be the service, until the standard input ends")
    arguments = parser.parse_args()
    if arguments.serve:
        return serve()
    with tempfile.TemporaryDirectory() as folder:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.serving.hostile", "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env={**os.environ, "TMPDIR": folder},
        )
        port = int(child.stdout.readline())
        began = time.monotonic()
        found, memory = attack(port, arguments.n, arguments.seed, child.pid)
        good = ask(port, request(form(RED)))
        left = os.listdir(folder)
        child.communicate()
    for kind in sorted({kind for kind, _ in found}):
        print(f"{kind:22}", {status: n for (own, status), n in sorted(found.items()) if own == kind})
    print(f"{arguments.n} requests in {time.monotonic() - began:.0f} s; memory in MB:", [n // 10**6 for n in memory])
    bad = [key for key in found if key[1] >= 500 and key[1] != 503]
    grown = memory[-1] - memory[min(1, len(memory) - 1)]
    print(f"alive: {good == 200}, other 5xx: {bad}, memory grown by {grown / 1e6:.0f} MB, left in its folder: {left}")
    return int(good != 200 or bool(bad) or grown > _MOST_GROWTH or bool(left) or child.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
