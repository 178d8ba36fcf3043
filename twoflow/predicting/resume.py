"""A file that is written bit by bit, and goes on where it was when the process was killed."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from .._files import reason_of
from ..errors import InputError, OutsideError

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment]

_JOURNAL = 1  # the version of the journal


class Done(NamedTuple):
    """What has been written.

    Attributes
    ----------
    n_items : int
        How many items, such as images.
    names : str
        A digest of their names, in order.
    counts : mapping
        Anything else about them that JSON has.
    """

    n_items: int
    names: str
    counts: Mapping[str, Any]


class ResumableFile:
    """Write a file under another name; a second attempt goes on where the first was ended.

    The text goes to ``NAME.part``. A journal beside it, ``NAME.part.json``, says how much of that is whole, and what
    the run is. It is replaced in one step, and after the text is on the disk, so it is never ahead of the text. After a
    kill, what follows the last journal entry is cut off and written again. `finish` gives the file its name.

    Parameters
    ----------
    path : Path
        The file in the end.
    identity : mapping of str to str
        What the text depends on, with a name for each part, such as the digest of the model.
    anew : bool
        Whether what another run has left is overwritten. False, the default, is an error.

    Attributes
    ----------
    done : Done or None
        What an earlier attempt has written; None if there was none.
    discarded : str
        Why what was left by another run is overwritten; "" if nothing is.

    Raises
    ------
    InputError
        If an interrupted run left something that differs from this run, and not `anew`.
    OutsideError
        If the file cannot be written, or another process writes it.
    """

    def __init__(self, path: Path, identity: Mapping[str, str], *, anew: bool = False) -> None:
        self.path = path
        self.part = path.with_name(f"{path.name}.part")
        self._journal = path.with_name(f"{path.name}.part.json")
        self._identity = dict(identity)
        self._anew = anew
        self.discarded = ""
        self._file = self._open()
        try:
            self.done = self._read_journal()
        except BaseException:
            self._file.close()
            raise

    def write(self, text: str) -> None:
        """Write text; what is not Unicode is escaped with backslashes."""
        with _told(self.path):
            self._file.write(text.encode("utf-8", "backslashreplace"))

    def commit(self, done: Done) -> None:
        """Note that everything written so far is whole."""
        entry = {"version": _JOURNAL, "run": self._identity, "bytes": self._file.tell(), **done._asdict()}
        new = self._journal.with_name(f"{self._journal.name}.new")
        with _told(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())
            with open(new, "w", encoding="utf-8") as file:
                json.dump(entry, file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._journal)

    def begin_anew(self, reason: str) -> None:
        """Overwrite what another run has left.

        Raises
        ------
        InputError
            If this was not asked for; the message gives the reason.
        """
        if not self._anew:
            raise InputError(
                f"{self.part} is from an interrupted run {reason}; repeat that command to go on, use --overwrite to "
                "begin anew, or name another --out"
            )
        self.discarded = f"overwrote what an interrupted run {reason} had left"
        self.done = None
        self._journal.unlink(missing_ok=True)
        self._file.truncate(0)
        self._file.seek(0)

    def finish(self) -> None:
        """Give the file its name."""
        with _told(self.path):
            self._file.flush()
            os.fsync(self._file.fileno())
            self.part.replace(self.path)
            self._journal.unlink(missing_ok=True)
        self._file.close()

    def close(self) -> None:
        """Close the file, and leave it for another attempt; nothing is left if nothing was noted."""
        if self._file.closed:
            return
        if not self._journal.exists():
            with suppress(OSError):
                self.part.unlink()
        with suppress(OSError):  # the disk may be full; what the journal notes is whole
            self._file.close()

    def _open(self) -> BinaryIO:
        """Open the unfinished file for this process only."""
        with _told(self.path):
            if not self.part.exists():  # a journal is left if a kill came just after the file was given its name
                self._journal.unlink(missing_ok=True)
            number = os.open(self.part, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
            file = os.fdopen(number, "r+b")
        if fcntl is not None:
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however it ends
                is_ours = os.path.samestat(os.fstat(number), os.stat(self.part))
            except FileNotFoundError:
                is_ours = False  # the other process has just finished the file
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                    return file  # this file system has no locks
                is_ours = False
            if not is_ours:
                file.close()
                raise OutsideError(
                    f"{self.part} is being written by another process; wait for it, or name another --out"
                )
        return file

    def _read_journal(self) -> Done | None:
        try:
            text = self._journal.read_text("utf-8")
        except FileNotFoundError:
            self._file.truncate(0)  # the first attempt was ended before anything was noted
            return None
        except (OSError, ValueError):
            text = ""
        try:
            entry = json.loads(text)
            version, run, n_bytes = entry["version"], entry["run"], entry["bytes"]
            done = Done(entry["n_items"], entry["names"], entry["counts"])
        except (ValueError, KeyError, TypeError):
            self.begin_anew("whose journal is damaged")
            return None
        if version != _JOURNAL:
            self.begin_anew("of another version of twoflow")
        elif run != self._identity:
            names = [name for name in {**run, **self._identity} if run.get(name) != self._identity.get(name)]
            self.begin_anew(f"with another {names[0]}")
        elif os.fstat(self._file.fileno()).st_size < n_bytes:
            self.begin_anew("that lacks a part of its text")
        else:
            self._file.truncate(n_bytes)
            self._file.seek(n_bytes)
            return done
        return None


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say which file cannot be written."""
    try:
        yield
    except OSError as error:
        raise OutsideError(f"cannot write {path}: {reason_of(error)}; make room, or name another --out") from error
