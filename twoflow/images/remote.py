"""Files behind an fsspec URL: ``s3://``, ``gs://``, ``https://``, ``memory://``, ``file://`` and what else it knows.

What is read stays in memory; nothing is ever cached on this machine's disk.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeGuard

_URL = re.compile(r"[a-z][a-z0-9+.-]+://")  # two letters or more: one is a drive of Windows
_LOCAL = ("file", "local")
_NOT_LISTED = ("http", "https")
_PATIENCE_S = 60.0  # for one file

#: What must not be printed, and what stands in its place: a user with a password, where a password may have any sign
#: but a host's port no more than digits; and the signatures and tokens of links that are good for a while.
_SECRETS = (
    (re.compile(r"//(?:[^/\s]*|[^/:\s]*:(?!\d{1,5}/)\S*)@"), "//***@"),
    (re.compile(r"(?i)([?&][^=&\s]*(?:sig|token|secret|passw|credential|key)[^=&\s]*=)[^&\s'\"]*"), r"\1***"),
)


class RemoteError(OSError):
    """What lies behind a URL cannot be read; both attributes are without secrets.

    Attributes
    ----------
    url : str
    reason : str
        In one line.
    """

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"cannot read {url}: {reason}")
        self.url = url
        self.reason = reason


def is_url(source: Any) -> TypeGuard[str]:
    """Whether this is text with a scheme; a path is anything else."""
    return isinstance(source, str) and _URL.match(source) is not None


def mask(text: str) -> str:
    """The text with three asterisks for each user and password, signature or token in its URLs."""
    for secret, replacement in _SECRETS:
        text = secret.sub(replacement, text)
    return text


def read(url: str) -> bytes:
    """The content of a file.

    Raises
    ------
    RemoteError
        If it cannot be read, or not within a minute.
    ModuleNotFoundError
        If fsspec, or what it needs for such a URL, is not installed.
    """
    with _told(url):
        filesystem, path = _open(url)
        # Only those that work asynchronously can be left waiting for an answer, and told not to.
        patience = {"timeout": _PATIENCE_S} if filesystem.async_impl else {}
        return filesystem.cat_file(path, **patience)


def find(root: str) -> list[str]:
    """All files under a folder, by their paths from there, divided by slashes.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    ValueError
        If it is on a web server; these do not say what they hold.
    RemoteError, ModuleNotFoundError
        As `read` does.
    """
    if _scheme(root) in _NOT_LISTED:
        raise ValueError(f"{mask(root)}: a web server does not list its files; name them in a table")
    with _told(root):
        filesystem, path = _open(root)
        filesystem.invalidate_cache()  # a listing of a while ago, kept by fsspec
        is_folder = filesystem.isdir(path)
        files = filesystem.find(path) if is_folder else []
    if not is_folder:
        raise NotADirectoryError(f"{mask(root)} is not a folder")
    folder = path.strip("/")
    return [file.strip("/").removeprefix(folder).lstrip("/") for file in files]


def join(root: str, path: str) -> str:
    """The URL of a file in a folder; in a chain such as ``zip://folder::s3://bucket/file.zip`` the first part grows."""
    folder, *chain = root.split("::")
    return "::".join([folder + path if folder.endswith("/") else f"{folder}/{path}", *chain])


def local_path(url: str) -> str | None:
    """The absolute path that a URL of a local file stands for; None for any other URL."""
    return _open(url)[1] if _scheme(url) in _LOCAL and "::" not in url else None


def _scheme(url: str) -> str:
    return url.partition("://")[0]


def _open(url: str) -> tuple[Any, str]:
    """fsspec's file system, and what the file is called there."""
    try:
        import fsspec.core
    except ModuleNotFoundError:
        raise ModuleNotFoundError(f'{mask(url)} needs fsspec: pip install "twoflow[remote]"') from None
    try:
        return fsspec.core.url_to_fs(url)
    except ImportError as error:  # what a scheme needs besides, which the message names
        raise ModuleNotFoundError(f"{mask(url)}: {_line(error)}") from None


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Whatever goes wrong as one kind of error, without the secrets that are in those of others."""
    try:
        yield
    except ModuleNotFoundError:
        raise
    except Exception as error:  # those of many libraries, which have no base in common
        raise RemoteError(mask(url), mask(_reason(error))) from None


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {_PATIENCE_S:.0f} seconds"
    if isinstance(error, FileNotFoundError):
        return os.strerror(errno.ENOENT).lower()
    if hasattr(error, "status") and hasattr(error, "message"):  # aiohttp's, which repeats the URL in its text
        return f"HTTP status {error.status}: {error.message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return _line(error)


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
