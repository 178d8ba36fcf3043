"""The refusal of a request: a status with a sentence, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from .limits import Limits

_RETRY_S = 1  # after 429 and 503


class Refusal(Exception):
    """A request is not answered; `status` and the message say why.

    Parameters
    ----------
    status : int
        A status from 400 on. With 429 and 503 the answer asks the client to try again after a second.
    message : str
        What was expected, what came, and what to do.
    **headers : str
        Further headers of the answer, with ``_`` for ``-``. By default none.
    """

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        retry = {"Retry-After": str(_RETRY_S)} if status in (429, 503) else {}
        self.headers: Mapping[str, str] = retry | {name.replace("_", "-"): value for name, value in headers.items()}

    @property
    def body(self) -> bytes:
        """The JSON of the answer."""
        return error_body(str(self))


def error_body(message: str) -> bytes:
    """Return the JSON body of an error."""
    return json.dumps({"error": message}, ensure_ascii=False).encode("utf-8", "backslashreplace")


def headers_too_large(limits: Limits) -> Refusal:
    """Return the refusal of a request whose headers are too large."""
    return Refusal(431, f"expected headers of at most {limits.max_header_bytes:,} bytes, got more; send fewer")
