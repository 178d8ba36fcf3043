"""Read an uploaded form: in memory only, within the limits, and never beyond them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from .._text import printable
from .limits import Limits
from .refusal import Refusal

_MOST_FIELDS, _LONGEST_FIELD, _LONGEST_NAME = 8, 10_000, 255


class Upload(NamedTuple):
    """A file of a form: the name of its field, its own name on one line, and its content."""

    field: str
    name: str
    content: bytes


class Form(NamedTuple):
    """The files of a form in order, and its other fields."""

    files: list[Upload]
    fields: dict[str, str]


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
            raise Refusal(415, f"expected a body of type multipart/form-data, got {printable(kind, 80) or 'none'}; "
                               "send the images as files of a form")
        taken = [0]
        try:
            yield await self._read(request, limits, taken)
        finally:
            self.n_bytes -= taken[0]

    async def _read(self, request: Request, limits: Limits, taken: list[int]) -> Form:
        _, options = parse_options_header(request.headers["content-type"])
        reader = _FormReader(limits.max_images)
        try:
            parser = MultipartParser(options.get(b"boundary", b""), reader.callbacks())
            async for chunk in self._within(request, taken):
                parser.write(chunk)
        except FormParserError as error:
            raise Refusal(422, f"expected a form as RFC 7578 says, got {printable(error, 200)}; use an HTTP client's "
                               "own forms") from None
        if not reader.is_whole:
            raise Refusal(422, "expected a whole form, got one without its last boundary; send it again")
        return reader.form

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


class _FormReader:
    """Collects the parts of a form in memory.

    Starlette's own reader, and that of python-multipart, write files of more than 1 MB to the disk.
    """

    def __init__(self, max_files: int) -> None:
        self.form, self.is_whole = Form([], {}), False
        self._max_files = max_files
        self._header = bytearray()
        self._value = bytearray()
        self._options: dict[bytes, bytes] = {}
        self._content = bytearray()

    def callbacks(self) -> Any:
        """Return what python-multipart calls while it parses."""
        return {
            "on_part_begin": self._begin, "on_part_data": self._add_to("_content"), "on_part_end": self._end,
            "on_header_field": self._add_to("_header"), "on_header_value": self._add_to("_value"),
            "on_header_end": self._end_header, "on_headers_finished": self._check, "on_end": self._finish,
        }

    def _add_to(self, name: str) -> Callable[[bytes, int, int], None]:
        def add(data: bytes, start: int, end: int) -> None:
            getattr(self, name).extend(data[start:end])

        return add

    def _begin(self) -> None:
        self._options = {}
        self._content = bytearray()

    def _end_header(self) -> None:
        if self._header.lower() == b"content-disposition":
            _, self._options = parse_options_header(bytes(self._value))
        self._header.clear()
        self._value.clear()

    def _check(self) -> None:
        """Refuse a part as soon as its headers are there."""
        if b"name" not in self._options:
            raise Refusal(422, "expected a name for each part of the form, got a part without; name it")
        if b"filename" in self._options and len(self.form.files) >= self._max_files:
            raise Refusal(422, f"expected at most {self._max_files:,} files, got more; send them in several requests")
        if len(self.form.fields) >= _MOST_FIELDS:
            raise Refusal(422, f"expected at most {_MOST_FIELDS} fields that are no files, got more; correct the form")

    def _end(self) -> None:
        field = self._options[b"name"].decode("utf-8", "replace")
        if b"filename" in self._options:
            name = printable(self._options[b"filename"].decode("utf-8", "replace"), _LONGEST_NAME)
            self.form.files.append(Upload(field, name, bytes(self._content)))
        elif len(self._content) > _LONGEST_FIELD:
            raise Refusal(422, f"expected a field of at most {_LONGEST_FIELD:,} bytes, got {len(self._content):,}; "
                               "send images as files")
        else:
            self.form.fields[field] = self._content.decode("utf-8", "replace")
        self._content = bytearray()

    def _finish(self) -> None:
        self.is_whole = True
