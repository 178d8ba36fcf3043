"""Run a command as a well-behaved program: streams, signals, errors and exit status.

The commands import the rest of the package inside their functions, and so inside `run`. Loading it takes a second or
two, and Ctrl-C during that time should end the command as quietly as later.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, redirect_stdout, suppress
from types import FrameType
from typing import Any, TextIO, cast

from .._files import reason_of
from .._text import escape_controls, printable
from ..errors import OutsideError, UserError

_GRACE_S = 6.0  # after a signal; then the process is ended, even inside a computation that notices no signal
#: What to do about an error of the system that names a file.
_REMEDIES = {
    errno.ENOENT: "correct the path",
    errno.ENOTDIR: "correct the path",
    errno.EISDIR: "name a file",
    errno.EACCES: "allow access to it",
    errno.ENOSPC: "make room",
}
_FAULT = "This is a bug in twoflow, not in your input: please report it with the lines above."


class Terminated(KeyboardInterrupt):
    """A signal asked the process to end; code that cleans up after Ctrl-C cleans up after this too."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def run(main: Callable[[Sequence[str] | None], None], argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Parameters
    ----------
    main : callable
        The command. It takes the arguments.
    argv : sequence of str, optional
        The arguments. Default: None, for which the command takes those of the process.

    Returns
    -------
    int
        0 for success. 2 for wrong input, and for trouble outside the command such as a full disk. 128 plus the
        signal's number if a signal ended the command: 130 for Ctrl-C, 143 for SIGTERM. 141 if the reader of the
        output has gone. The line about an interruption or an error ends with the notes of the exception, such as what
        was kept.

    Raises
    ------
    Exception
        A bug in twoflow itself, with its traceback.
    """
    _open_streams()
    try:
        with _ending_at_signals():
            _run(main, argv)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python does not complain at exit
        return 141  # the status of a program that SIGPIPE ends; a number, as Windows has no such signal
    except KeyboardInterrupt as interrupt:
        number = getattr(interrupt, "number", signal.SIGINT)
        how = "interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}"
        say(_with_notes(how, interrupt, ["nothing was written"]))
        _kill_workers()
        return 128 + number
    except BrokenExecutor as error:
        say(_with_notes("error: a worker process was killed, most likely because memory ran out; use fewer --jobs, or "
                        "a method with fewer features", error))
        _kill_workers()
        return 2
    except MemoryError as error:
        say(_with_notes(f"error: memory ran out ({printable(error) or 'MemoryError'}); use fewer --jobs, or a method "
                        "with fewer features", error))
        return 2
    except Exception as error:
        if not _is_expected(error):
            error.add_note(_FAULT)
            raise
        say(_with_notes(f"error: {_describe(error)}", error))
        return 2
    return 0


def print_to_reader(text: str) -> OSError | None:
    """Print the text; return the error if it cannot be printed, so that files are written before it is raised.

    The reader may have gone, as `head` does after its lines, or the disk may be full.
    """
    try:
        print(text, flush=True)
    except BrokenPipeError as error:
        return error
    except OSError as error:
        return OutsideError(f"cannot print the result: {reason_of(error)}; what was written has it too")
    return None


def _run(main: Callable[[Sequence[str] | None], None], argv: Sequence[str] | None) -> None:
    from ..images import UnreadableImagesWarning
    from ..store import StoreWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnreadableImagesWarning)  # the commands list each unreadable image themselves
        warnings.filterwarnings("ignore", module="PIL")  # about damaged metadata of readable images
        warnings.simplefilter("always", StoreWarning)  # one line each; the work goes on
        warnings.showwarning = lambda message, *_: say(f"warning: {printable(message)}")
        with redirect_stdout(cast(TextIO, _Escaping(sys.stdout))):
            main(argv)
            sys.stdout.flush()  # raises BrokenPipeError here, where `run` catches it, if the reader has gone


def _is_expected(error: Exception) -> bool:
    """Return whether twoflow raised the error on purpose, or the system refused something."""
    return isinstance(error, UserError) or getattr(error, "errno", None) is not None


def _with_notes(line: str, error: BaseException, default: Sequence[str] = ()) -> str:
    return "; ".join([line, *map(printable, getattr(error, "__notes__", default))])


def _describe(error: Exception) -> str:
    """Return the message of an error; of an error of the system, the file, what is wrong and what to do."""
    if not isinstance(error, OSError) or error.strerror is None or error.errno is None:
        return printable(error) or type(error).__name__
    where = "" if error.filename is None else f"{error.filename}: "
    remedy = _REMEDIES.get(error.errno)
    return printable(f"{where}{error.strerror.lower()}{f'; {remedy}' if remedy else ''}")


def say(line: str) -> None:
    """Print a line on stderr, if somebody can read it there: that nobody can is no failure of the command."""
    with suppress(OSError, ValueError):  # stderr may be closed
        print(line, file=sys.stderr, flush=True)


class _Escaping:
    """Escape control characters in printed text, so that no file name can act on the terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(escape_controls(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _open_streams() -> None:
    """Open the standard streams that are closed, and let those for output print any text.

    If a stream is closed, the next file to be opened takes its number, and a library that prints would write into
    that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # open() takes the lowest free number
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))
        elif mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def _ending_at_signals() -> Iterator[None]:
    """Make SIGTERM and SIGHUP end the command like Ctrl-C, and within seconds even inside a long computation."""
    numbers = [
        number for number in (signal.SIGTERM, getattr(signal, "SIGHUP", None))
        # A signal that is ignored, such as SIGHUP under nohup, stays ignored.
        if number is not None and signal.getsignal(number) == signal.SIG_DFL
    ]
    if threading.current_thread() is not threading.main_thread() or not numbers:
        yield  # only the main thread may handle signals
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = {number: signal.signal(number, _raise) for number in numbers}
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watch = threading.Thread(target=_end_in_time, args=(reading, frozenset(numbers)), daemon=True)
    watch.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writing)  # ends the watching thread


@contextmanager
def calling_at_signals(end: Callable[[], None]) -> Iterator[None]:
    """Let the command end itself: SIGINT, SIGTERM and SIGHUP call `end`, and nothing else ends the process.

    For a command that finishes what it has begun, such as a server. Outside the context, signals act as in all
    commands.

    Parameters
    ----------
    end : callable
        Called without arguments in the main thread, once for each signal.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may handle signals
        return
    # One that is ignored, such as SIGHUP under nohup, stays ignored.
    numbers = [
        number for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", None))
        if number is not None and signal.getsignal(number) != signal.SIG_IGN
    ]
    wakeup = signal.set_wakeup_fd(-1)  # so that the watching thread of `_ending_at_signals` hears of none
    before = {number: signal.signal(number, lambda number, frame: end()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)


def _raise(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)  # the same signal again ends the process at once
    raise Terminated(number)


def _end_in_time(reading: int, numbers: frozenset[int]) -> None:
    """End the process if it has not ended by itself some seconds after a signal.

    Python handles a signal between its own instructions, so a long computation in C delays it.
    """
    while content := os.read(reading, 1):
        if content[0] in numbers:
            time.sleep(_GRACE_S)
            _kill_workers()
            os._exit(128 + content[0])
    os.close(reading)


def _kill_workers() -> None:
    """Kill the processes that joblib started; they would wait minutes for more work."""
    for process in multiprocessing.active_children():
        if process.pid is not None:
            with suppress(OSError):  # it may have ended already
                os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
