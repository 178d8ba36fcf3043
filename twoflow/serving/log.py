"""Log to stderr: one line for each event, in which nothing from outside can act on the terminal."""

from __future__ import annotations

import logging
import sys

from .._text import escape_controls


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return escape_controls(super().format(record))


def log_to_stderr(is_verbose: bool) -> None:
    """Send warnings and errors to stderr, with tracebacks; if verbose, also a line for each request.

    No line holds the name of an uploaded file, nor anything else of an upload.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s"))
    # The others warn of every request that is damaged, and quote from it.
    own = logging.INFO if is_verbose else logging.WARNING
    for name, level in (("twoflow.serving", own), ("uvicorn", logging.ERROR), ("python_multipart", logging.ERROR)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False
