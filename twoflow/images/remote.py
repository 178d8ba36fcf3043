"""Read files by URL with fsspec: ``s3://``, ``gs://``, ``https://``, ``memory://``, ``file://`` and its other schemes.

Content stays in memory and is never cached on disk.
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

_URL = re.compile(r"[a-z][a-z0-9+.-]+://")  # at least two letters, because one letter is a Windows drive
_LOCAL = ("file", "local")
_WEB = ("http", "https")
#: Characters that end a URL inside other text.
_GAPS = re.compile(r"([\s'\"<>]+)")
_LONGEST_REASON = 300


class RemoteError(OutsideError):
    """The error for a URL that cannot be read. Both attributes are free of secrets.

    Attributes
    ----------
    url : str
        The URL, masked.
    reason : str
        What went wrong, in one line.
    """

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"cannot read {url}: {reason}")
        self.url = url
        self.reason = reason

    def __reduce__(self) -> tuple:
        return type(self), (self.url, self.reason)  # an error of a worker is pickled


def is_url(source: Any) -> TypeGuard[str]:
    """Return whether this is text with a scheme. Anything else is a path."""
    return isinstance(source, str) and _URL.match(source) is not None


def mask(text: str) -> str:
    """Replace possible secrets in the URLs of a text by three asterisks.

    These are user and password, the values of a query, and the fragment: each may hold an account, a signature or a
    token. The keys of a query stay.
    """
    words = [text] if is_url(text) else _GAPS.split(text)
    return "".join(map(_mask_word, words))


def _mask_word(word: str) -> str:
    """Mask text without gaps. The time is linear in its length, because the text may be hostile."""
    is_in_url = "://" in word
    is_of_web = any(f"{scheme}://" in word for scheme in _WEB)  # else # is part of a name
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
    """Mask the text between :// and the @ before a host.

    A password may contain any character, even a slash. Text that ends with a port (digits) and a slash is a host, not
    a password.
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
    """Return whether word[start:end] has a colon that neither precedes a port nor joins a chain of URLs."""
    if word.startswith("://", end - 1) and (link := word.rfind("::", start, end - 1)) >= 0:
        end = link  # the next URL of the chain begins here
    if word.startswith("[", start):  # an IPv6 address
        start = max(word.find("]", start, end), start)
    colon = word.find(":", start, end)
    return colon >= 0 and not (end - colon <= 6 and word[colon + 1:end].isdigit())


def read(url: str) -> bytes:
    """Return the content of a file.

    Raises
    ------
    RemoteError
        If the file cannot be read, takes longer than `web.PATIENCE_S`, or is larger than `web.MAX_BYTES`.
    ModuleNotFoundError
        If fsspec, or the package that it needs for this URL, is not installed.
    """
    with _as_remote_error(url):
        filesystem, path = _open(url)
        if _scheme(url) in _LOCAL and os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
            raise OSError(errno.EINVAL, "not a regular file")
        # Only asynchronous file systems take a timeout; only they can wait for an answer without end.
        options: dict[str, Any] = {"timeout": web.PATIENCE_S} if filesystem.async_impl else {}
        if _scheme(url) not in _WEB:  # web responses have their own limit, because a server may ignore a range
            options |= {"start": 0, "end": web.MAX_BYTES + 1}
        content = filesystem.cat_file(path, **options)
        if len(content) > web.MAX_BYTES:
            raise InputError(f"larger than the limit of {web.MAX_BYTES / 1e6:,.0f} MB")
        return content


def find(root: str) -> list[str]:
    """List all files under a folder, by their paths relative to it, with slashes.

    Raises
    ------
    NotADirectoryError
        If there is no such folder.
    ValueError
        If the folder is on a web server, because web servers do not list their files.
    RemoteError, ModuleNotFoundError
        As `read` does.
    """
    if _scheme(root) in _WEB:
        raise InputError(f"{mask(root)}: a web server does not list its files; name them in a table")
    with _as_remote_error(root):
        filesystem, path = _open(root)
        filesystem.invalidate_cache()  # fsspec may hold an outdated listing
        is_folder = filesystem.isdir(path)
        files = filesystem.find(path) if is_folder else []
    if not is_folder:
        raise NotAFolderError(f"expected a folder of images, got {mask(root)}, which is none; correct the URL")
    folder = path.strip("/")
    return [file.strip("/").removeprefix(folder).lstrip("/") for file in files]


def join(root: str, path: str) -> str:
    """Return the URL of a file in a folder. In a chain such as ``zip://folder::s3://b/a.zip`` the first part grows."""
    folder, *chain = root.split("::")
    return "::".join([folder + path if folder.endswith("/") else f"{folder}/{path}", *chain])


def local_path(url: str) -> str | None:
    """Return the absolute path of a local file's URL; None for any other URL."""
    return _open(url)[1] if _scheme(url) in _LOCAL and "::" not in url else None


def _scheme(url: str) -> str:
    return url.partition("://")[0]


def _open(url: str) -> tuple[Any, str]:
    """Return fsspec's file system and the path of the file in it."""
    try:
        import fsspec.core
    except ModuleNotFoundError:
        raise MissingExtraError(f'{mask(url)} needs fsspec: pip install "twoflow[remote]"') from None
    try:
        schemes = {_scheme(part) for part in url.split("::")}.intersection(_WEB)
        return fsspec.core.url_to_fs(url, **{scheme: web.http_options() for scheme in schemes})
    except ImportError as error:  # the scheme needs another package, which the message names
        raise MissingExtraError(f"{mask(url)}: {printable(error)}") from None


@contextmanager
def _as_remote_error(url: str) -> Iterator[None]:
    """Turn any error into a `RemoteError` without the secrets that the original message may hold."""
    try:
        yield
    except ModuleNotFoundError:
        raise
    except Exception as error:  # the errors of many libraries, which share no base class
        raise RemoteError(escape_controls(mask(url)), printable(mask(_reason(error)), _LONGEST_REASON)) from None


def _reason(error: Exception) -> str:
    refused = next((each for each in _causes(error) if isinstance(each, web.RefusedAddressError)), None)
    if refused is not None:  # fsspec reports it as a missing file
        return str(refused.strerror)
    if isinstance(error, TimeoutError):
        return f"not read within {web.PATIENCE_S:.0f} seconds"
    if isinstance(error, FileNotFoundError):
        return os.strerror(errno.ENOENT).lower()
    if hasattr(error, "status") and hasattr(error, "message"):  # aiohttp's error, whose text repeats the URL
        return f"HTTP status {error.status}: {error.message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = getattr(error, "os_error", None) or error.__cause__ or error.__context__
