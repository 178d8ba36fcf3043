"""Keep what users correct, as a table of images and labels for the next training."""

from __future__ import annotations

import csv
import errno
import hashlib
import io
import os
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .._files import expand
from .._text import listed, printable
from ..errors import InputError
from ..images.formats import identify
from ..images.reading import ImageReadError, read_image
from ..images.table_csv import read_csv, tidy
from ..models.model_file import ModelCard
from .corrected_labels import CorrectedLabels
from .refusal import Refusal


class Corrections:
    """A table of corrected images, and the folder with the images.

    The table has the column ``path`` and a column named like the target, or one for each level of its tree, as
    `load_table` reads them. It can lie beside the table of an earlier run, and is continued. A row is written only
    after its image is on the disk, and both are on the disk before the user is thanked.

    Parameters
    ----------
    path : str or Path
        The table, such as ``corrections.csv``; the images are kept in ``corrections-images`` beside it. A model of
        several targets gets a table for each: ``corrections-color.csv``.
    card : ModelCard
    allows_new : bool
        Whether a label may be one that the model does not have. False by default.
    max_bytes : int
        How many bytes all kept images may take. The default is 1 GB.

    Raises
    ------
    ValueError
        If there is such a table with other columns, or it is damaged; or if a target cannot be in the name of a file.
    OSError
        If the table or the folder cannot be written.
    """

    def __init__(
        self, path: str | os.PathLike, card: ModelCard, *, allows_new: bool = False, max_bytes: int = 1_000_000_000
    ) -> None:
        path = expand(path)
        self.allows_new, self._max_bytes = allows_new, max_bytes
        self._folder = path.with_name(f"{path.stem}-images")
        self._lock = threading.Lock()
        self._labels = {target.name: CorrectedLabels(target, allows_new) for target in card.targets}
        is_one = len(card.targets) == 1
        self._tables: Mapping[str, Path] = {
            name: path if is_one else path.with_name(f"{path.stem}-{_safe(name)}{path.suffix}") for name in self._labels
        }
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, table in self._tables.items():
            _open_table(table, self._labels[name].columns)
        self._n_bytes = sum(file.stat().st_size for file in self._folder.iterdir())

    @property
    def labels(self) -> list[str]:
        """The labels of all targets, each once; see `CorrectedLabels`."""
        return list(dict.fromkeys(label for labels in self._labels.values() for label in labels.texts))

    def add(self, content: bytes, target: str, label: str) -> str:
        """Keep an image with its right label.

        Parameters
        ----------
        content : bytes
            The file of the image, which is kept as it is.
        target, label : str

        Returns
        -------
        str
            The SHA-256 of the image. What was kept before is kept once.

        Raises
        ------
        Refusal
            With status 422 if there is no such target or label, or the image cannot be read; 503 if the images take
            more bytes than allowed, or cannot be written.
        """
        cells = self._check(target, label)
        try:
            read_image(content)
        except ImageReadError as error:
            raise Refusal(422, f"expected an image that can be read: {printable(error.reason)}; send another") from None
        digest = hashlib.sha256(content).hexdigest()
        format = identify(content) or "image"
        image = self._folder / f"{digest}.{'jpg' if format == 'JPEG' else format.lower()}"
        try:
            with self._lock:
                self._keep(image, content)
                self._append(target, [f"{self._folder.name}/{image.name}", *cells])
        except OSError as error:
            raise Refusal(503, f"the correction cannot be kept: {(error.strerror or 'the disk').lower()}; tell whoever "
                               "runs the service") from error
        return digest

    def _check(self, target: str, label: str) -> list[str]:
        if target not in self._labels:
            raise Refusal(422, f"expected a target among {', '.join(map(repr, self._labels))}, got "
                               f"{printable(target, 100)!r}; correct it")
        return self._labels[target].read(label)

    def _keep(self, image: Path, content: bytes) -> None:
        """Write the image whole or not at all."""
        if image.exists():
            return
        if self._n_bytes + len(content) > self._max_bytes:
            raise Refusal(503, "the service has no more room for corrections; tell whoever runs the service")
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", suffix=".part", delete=False) as part:
            try:
                part.write(content)
                part.flush()
                os.fsync(part.fileno())
                os.replace(part.name, image)
            except BaseException:
                with suppress(OSError):
                    os.unlink(part.name)
                raise
        _sync_folder(self._folder)
        self._n_bytes += len(content)

    def _append(self, target: str, cells: Sequence[str]) -> None:
        """Append a row to the table of a target, unless the table has it."""
        table, columns = self._tables[target], self._labels[target].columns
        row = _line(cells)
        with _locked(table) as file:
            file.seek(0)
            content = file.read()
            end = len(content)
            start = b"" if content.endswith(b"\n") else b"\n"  # an editor may have left out the last line end
            if b"\n" + row in content + start:
                return
            try:
                _write(file, (start if content else _line(["path", *columns])) + row)
                os.fsync(file.fileno())
            except OSError:
                file.truncate(end)  # half a row, on a full disk, would spoil the table
                raise


def _open_table(table: Path, columns: Sequence[str]) -> None:
    """Make the table, or check that it is one with these columns."""
    expected = ["path", *columns]
    if "path" in columns:
        raise InputError("corrections: expected a target with another name than 'path'; rename its column, and "
                         "train again")
    with _locked(table) as file:
        if not file.read():
            _write(file, _line(expected))
            os.fsync(file.fileno())
            _sync_folder(table.parent)
            return
    read_csv(table, expected)  # raises an error that names the row
    header = table.read_text("utf-8-sig").splitlines()[0]
    if [tidy(cell) for cell in next(csv.reader([header]))] != list(map(tidy, expected)):
        raise InputError(f"{table}: expected the columns {listed(expected)}, got {printable(header, 100)}; name "
                         "another table for corrections")


@contextmanager
def _locked(table: Path) -> Iterator[BinaryIO]:
    """Open a table to read and append, while no other process does."""
    with open(table, "a+b", buffering=0) as file:
        with suppress(ImportError):  # Windows has no such lock
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)  # released when the file is closed
        file.seek(0)
        yield file


def _write(file: BinaryIO, content: bytes) -> None:
    """Write all of it; a full disk may take only a part."""
    if file.write(content) != len(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _sync_folder(folder: Path) -> None:
    """Write the names of new files to the disk; not every system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _safe(name: str) -> str:
    if not name.isprintable() or any(sign in name for sign in '/\\:*?"<>|') or name.startswith("."):
        raise InputError(f"corrections: expected targets whose names can be in the name of a file, got {name!r}; "
                         "rename the column, and train again")
    return name
