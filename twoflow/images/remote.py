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

from .._text import escape_controls, printable
from ..errors import InputError, MissingExtraError, NotAFolderError, OutsideError
from . import web

_URL = re.compile(r"[a-z][a-z0-9+.-]+://")  # two letters or more: one is a drive of Windows
_LOCAL = ("file", "local")
_WEB = ("http", "https")
#: Where URLs end in other text.
_GAPS = re.compile(r"([\s'\"<>]+)")
_LONGEST_REASON = 300


class RemoteError(OutsideError):
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
    """The text with three asterisks for each user with a password, each value of a query and each fragment in its URLs.

    Any of these may be a secret: a signature, a token, an account. The keys of a query stay.
    """
    words = [text] if is_url(text) else _GAPS.split(text)
    return "".join(map(_mask_word, words))


def _mask_word(word: str) -> str:
    """Mask text without gaps, in time that grows with its length only, as it may be hostile."""
    is_in_url = "://" in word
    is_of_web = any(f"{scheme}://" in word for scheme in _WEB)  # elsewhere # is a letter of names like others
    address, hash_, fragment = _mask_users(word).partition("#") if is_of_web else (_mask_users(word), "", "")
    path, mark, query = address.partition("?")
    items = re.split("([&;])", query)
    items[::2] = [_mask_item(item, is_in_url) for item in items[::2]]
    return "".join([path, mark, *items, hash_, "***" if fragment else ""])


def _mask_item(item: str, is_in_url: bool) -> str:
    key, equals, _ = item.partition("=")
    if equals:
        return f"{key}=***"
    return "***" if item and is_in_url else item


def _mask_users(word: str) -> str:
    """Mask whatever stands between :// and the @ before a host.

    A password may have any sign in it, a slash too; but what ends with a port of digits and a slash is a host.
    """
    parts, done, last = [], 0, word.rfind("@")
    while (start := word.find("://", done) + 3) > 2 and start <= last:
        slash = word.find("/", start)
        end = len(word) if slash < 0 else slash
        at = word.rfind("@", start, end)
        if at < 0 and _has_password(word, start, end):
            at = last
        parts += [word[done:start], "***" if at >= 0 else ""]
        done = max(start, at)
    return "".join([*parts, word[done:]])


def _has_password(word: str, start: int, end: int) -> bool:
    """Whether there is a colon before the first slash that stands neither before a port nor in a chain of URLs."""
    if word.startswith("://", end - 1) and (link := word.rfind("::", start, end - 1)) >= 0:
        end = link  # where the next URL of a chain begins
    if word.startswith("[", start):  # an IPv6 address
        start = max(word.find("]", start, end), start)
    colon = word.find(":", start, end)
    return colon >= 0 and not (end - colon <= 6 and word[colon + 1:end].isdigit())


def read(url: str) -> bytes:
    """The content of a file.

    Raises
    ------
    RemoteError
        If it cannot be read, not within a minute, or is larger than 256 MB.
    ModuleNotFoundError
        If fsspec, or what it needs for such a URL, is not installed.
    """
    with _told(url):
        filesystem, path = _open(url)
        if _scheme(url) in _LOCAL and os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
            raise OSError(errno.EINVAL, "not a regular file")
        # Only those that work asynchronously can be left waiting for an answer, and told not to.
        options: dict[str, Any] = {"timeout": web.PATIENCE_S} if filesystem.async_impl else {}
        if _scheme(url) not in _WEB:  # there, responses have a limit of their own; a server may ignore a range
            options |= {"start": 0, "end": web.MAX_BYTES + 1}
        content = filesystem.cat_file(path, **options)
        if len(content) > web.MAX_BYTES:
            raise InputError(f"larger than the limit of {web.MAX_BYTES / 1e6:,.0f} MB")
        return content


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
    if _scheme(root) in _WEB:
        raise InputError(f"{mask(root)}: a web server does not list its files; name them in a table")
    with _told(root):
        filesystem, path = _open(root)
        filesystem.invalidate_cache()  # a listing of a while ago, kept by fsspec
        is_folder = filesystem.isdir(path)
        files = filesystem.find(path) if is_folder else []
    if not is_folder:
        raise NotAFolderError(f"{mask(root)} is not a folder")
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
        raise MissingExtraError(f'{mask(url)} needs fsspec: pip install "twoflow[remote]"') from None
    try:
        schemes = {_scheme(part) for part in url.split("::")}.intersection(_WEB)
        return fsspec.core.url_to_fs(url, **{scheme: web.http_options() for scheme in schemes})
    except ImportError as error:  # what a scheme needs besides, which the message names
        raise MissingExtraError(f"{mask(url)}: {printable(error)}") from None


@contextmanager
def _told(url: str) -> Iterator[None]:
    """Whatever goes wrong as one kind of error, without the secrets that are in those of others."""
    try:
        yield
    except ModuleNotFoundError:
        raise
    except Exception as error:  # those of many libraries, which have no base in common
        raise RemoteError(escape_controls(mask(url)), printable(mask(_reason(error)), _LONGEST_REASON)) from None


def _reason(error: Exception) -> str:
    refused = next((each for each in _causes(error) if isinstance(each, web.RefusedAddressError)), None)
    if refused is not None:  # which fsspec tells as a missing file
        return str(refused.strerror)
    if isinstance(error, TimeoutError):
        return f"not read within {web.PATIENCE_S:.0f} seconds"
    if isinstance(error, FileNotFoundError):
        return os.strerror(errno.ENOENT).lower()
    if hasattr(error, "status") and hasattr(error, "message"):  # aiohttp's, which repeats the URL in its text
        return f"HTTP status {error.status}: {error.message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = getattr(error, "os_error", None) or error.__cause__ or error.__context__
