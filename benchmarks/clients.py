"""Send requests to a service from many clients at the same time, and time each answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from threading import Barrier
from typing import NamedTuple
from urllib.parse import urlsplit

_BOUNDARY = "a-boundary-that-no-photograph-has-inside"
_TIMEOUT_S = 60


class Upload(NamedTuple):
    """A request that is ready to send."""

    body: bytes
    headers: dict[str, str]


def uploads(paths: Sequence[str]) -> list[Upload]:
    """Make a request for each image, as a form of a browser does."""
    headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
    opening = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="images"; filename="photo.jpg"\r\n' \
              "Content-Type: image/jpeg\r\n\r\n"
    closing_line = f"\r\n--{_BOUNDARY}--\r\n"
    return [Upload(opening.encode() + Path(path).read_bytes() + closing_line.encode(), headers) for path in paths]


def send_all(address: str, requests: Sequence[Upload], n_clients: int) -> list[float]:
    """Send the requests from several clients; each takes the next one as soon as it has its answer.

    Parameters
    ----------
    address : str
        Where to send them, such as "http://127.0.0.1:8000/predict".
    requests : sequence of Upload
    n_clients : int
        Clients, each with a connection of its own that stays open.

    Returns
    -------
    list of float
        Seconds from sending each request to its whole answer, in no order.

    Raises
    ------
    RuntimeError
        If an answer has another status than 200.
    """
    left = iter(list(requests))  # threads may share the iterator of a list
    url = urlsplit(address)
    are_connected = Barrier(n_clients)

    def work() -> list[float]:
        seconds = []
        with closing(HTTPConnection(url.hostname or "", url.port, timeout=_TIMEOUT_S)) as connection:
            connection.connect()
            are_connected.wait(_TIMEOUT_S)
            for request in left:
                began = time.perf_counter()
                connection.request("POST", url.path, request.body, request.headers)
                response = connection.getresponse()
                answer = response.read()
                seconds.append(time.perf_counter() - began)
                if response.status != 200:
                    raise RuntimeError(f"expected status 200, got {response.status}: {answer[:200]!r}")
        return seconds

    with ThreadPoolExecutor(n_clients) as pool:
        return [second for done in [pool.submit(work) for _ in range(n_clients)] for second in done.result()]
