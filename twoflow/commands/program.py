"""Running a command as a good citizen: its streams, its signals, its errors and its exit status.

The commands import the rest of the package inside their functions, under `run`: loading it takes a second or two, and a
Ctrl-C in that time is to end as quietly as one later.
"""

from __future__ import annotations

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

from .._text import escape_controls, printable
from ..errors import UserError

_GRACE_S = 6.0  # for a computation that notices no signal, before the process is ended all the same
_FAULT = "This is a fault of twoflow, not of your input: please report it with the lines above."


class Terminated(KeyboardInterrupt):
    """A signal has asked the process to end; whatever undoes things at a Ctrl-C does so now."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def run(main: Callable[[Sequence[str] | None], None], argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Returns
    -------
    int
        0; 2 for input that cannot be worked on and for what is out of the command's hands, such as a full disk; 128
        and the signal's number if one has ended it, such as 130 for Ctrl-C and 143 for SIGTERM; 141 if nobody reads
        what it prints.

    Raises
    ------
    Exception
        A fault of twoflow itself, with its traceback.
    """
    _open_streams()
    try:
        with _ending_at_signals():
            _run(main, argv)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends
        return 141  # as a shell has it of a program that SIGPIPE ends; Windows has no such signal
    except KeyboardInterrupt as interrupt:
        number = getattr(interrupt, "number", signal.SIGINT)
        _say("interrupted; nothing was written" if number == signal.SIGINT
             else f"ended by {signal.Signals(number).name}; nothing was written")
        _kill_workers()
        return 128 + number
    except BrokenExecutor:
        _say("error: a worker process was killed, most likely because memory ran out; use fewer --jobs, or a method "
             "with fewer features")
        _kill_workers()
        return 2
    except MemoryError as error:
        _say(f"error: memory ran out ({printable(error) or 'MemoryError'}); use fewer --jobs, or a method with fewer "
             "features")
        return 2
    except Exception as error:
        if not _is_expected(error):
            error.add_note(_FAULT)
            raise
        _say(f"error: {printable(error) or type(error).__name__}")
        return 2
    return 0


def print_to_reader(text: str) -> BrokenPipeError | None:
    """Print, and return the error if whoever was to read it has gone, as `head` goes after its lines."""
    try:
        print(text, flush=True)
    except BrokenPipeError as error:
        return error
    return None


def _run(main: Callable[[Sequence[str] | None], None], argv: Sequence[str] | None) -> None:
    from ..images import UnreadableImagesWarning
    from ..store import StoreWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnreadableImagesWarning)  # the commands list every such image themselves
        warnings.filterwarnings("ignore", module="PIL")  # damaged metadata of images that can be read
        warnings.simplefilter("always", StoreWarning)  # a line, and never the end of the work
        warnings.showwarning = lambda message, *_: _say(f"warning: {printable(message)}")
        with redirect_stdout(cast(TextIO, _Escaping(sys.stdout))):
            main(argv)
            sys.stdout.flush()  # here, where a reader that has left is expected


def _is_expected(error: Exception) -> bool:
    """Whether the error was raised on purpose, or the system itself has refused something."""
    return isinstance(error, UserError) or getattr(error, "errno", None) is not None


def _say(line: str) -> None:
    with suppress(OSError, ValueError):  # nobody may be there to hear it
        print(line, file=sys.stderr, flush=True)


class _Escaping:
    """A text stream whose lines cannot act on a terminal, whatever names they hold."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(escape_controls(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _open_streams() -> None:
    """Make sure that there are standard streams, and that whatever is printed can be.

    Where one is closed, the next file that is opened would take its number, and whatever a library prints would land
    in that file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # opened as the lowest number that is free
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def _ending_at_signals() -> Iterator[None]:
    """Have SIGTERM and SIGHUP end the command as Ctrl-C does, and do so soon even inside a long computation."""
    numbers = [
        number for number in (signal.SIGTERM, getattr(signal, "SIGHUP", None))
        # One that is ignored, as SIGHUP is under nohup, stays so.
        if number is not None and signal.getsignal(number) == signal.SIG_DFL
    ]
    if threading.current_thread() is not threading.main_thread() or not numbers:
        yield  # Python leaves signals to the main thread
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
        os.close(writing)  # ends the thread


def _raise(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)  # a second one ends the process at once
    raise Terminated(number)


def _end_in_time(reading: int, numbers: frozenset[int]) -> None:
    """Wait for a signal, and then for the process to end by itself; a computation in C notices no signal."""
    while content := os.read(reading, 1):
        if content[0] in numbers:
            time.sleep(_GRACE_S)
            _kill_workers()
            os._exit(128 + content[0])
    os.close(reading)


def _kill_workers() -> None:
    """Processes that joblib has started and that would wait for more work for minutes."""
    for process in multiprocessing.active_children():
        if process.pid is not None:
            with suppress(OSError):  # it may have just ended
                os.kill(process.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
