"""Read an uploaded form: in memory only, within the limits, and never beyond them."""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from .._text import printable
from .limits import Limits
from .refusal import Refusal

_MOST_FIELDS, _LONGEST_NAME = 8, 255


class Upload(NamedTuple):
    """A file of a form: the name of its field, its own name on one line, and its content."""

    field: str
    name: str
    content: bytes


class Form(NamedTuple):
    """The files of a form in order, and its other fields."""

    files: list[Upload]
    fields: dict[str, str]


class _InMemoryParser(MultiPartParser):
    """Parse a form without temporary files; Starlette writes a file of more than 1 MB to the disk by default."""

    spool_max_size = sys.maxsize


class Uploads:
    """Reads forms, and counts the bytes of all that are in memory.

    Parameters
    ----------
    limits : Limits
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.n_bytes = 0

    @asynccontextmanager
    async def reading(self, request: Request) -> AsyncIterator[Form]:
        """Read the form of a request; its bytes count as in memory until the context ends.

        Raises
        ------
        Refusal
            With status 415 if the body is no form; 413 if it is too large; 422 if it has too many files or fields, or
            is damaged; 503 if the bodies of all requests together are too large.
        """
        limits = self._limits
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "multipart/form-data":
            raise Refusal(415, f"expected a body of type multipart/form-data, got {printable(kind, 80) or 'none'}; send "
                               "the images as files of a form")
        taken = [0]
        try:
            yield await self._read(request, limits, taken)
        finally:
            self.n_bytes -= taken[0]

    async def _read(self, request: Request, limits: Limits, taken: list[int]) -> Form:
        parser = _InMemoryParser(
            request.headers, self._within(request, taken), max_files=limits.max_images, max_fields=_MOST_FIELDS,
            max_part_size=limits.max_header_bytes,
        )
        try:
            items = (await parser.parse()).multi_items()
        except MultiPartException as error:
            raise Refusal(422, f"expected a form of at most {limits.max_images:,} files and {_MOST_FIELDS} other fields, "
                               f"got another body: {printable(error.message, 200)} Correct the form") from None
        form = Form([], {})
        for field, value in items:
            if isinstance(value, UploadFile):
                form.files.append(Upload(field, printable(value.filename or "", _LONGEST_NAME), value.file.read()))
                value.file.close()
            else:
                form.fields[field] = value
        return form

    async def _within(self, request: Request, taken: list[int]) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes, and stop where a limit is reached; `taken` counts its bytes."""
        announced = request.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced) > self._limits.max_bytes:
            raise self._too_large(f"{int(announced):,}")
        async for chunk in request.stream():
            if taken[0] + len(chunk) > self._limits.max_bytes:
                raise self._too_large("more")
            if self.n_bytes + len(chunk) > self._limits.max_buffered:
                raise Refusal(503, "the service holds too many uploads at the moment; try again later")
            taken[0] += len(chunk)
            self.n_bytes += len(chunk)
            yield chunk

    def _too_large(self, got: str) -> Refusal:
        return Refusal(413, f"expected a body of at most {self._limits.max_bytes:,} bytes, got {got}; send fewer or "
                            "smaller images")
