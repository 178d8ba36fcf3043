"""Starting programs as a terminal starts them, and on a terminal."""

import os
import signal
import subprocess


def default_signals():
    """For `preexec_fn`: what ends a program is not ignored, as it is in what nohup or a background job starts."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)


def run_on_terminal(command, prompt="", answers="", **options):
    """Run a program on a terminal of its own; return its exit status and what the terminal shows.

    When the terminal shows the prompt, the answers are typed, which may be control characters such as Ctrl-C.
    """
    import fcntl  # these are not on every system
    import pty
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))

    def begin():
        default_signals()  # else Ctrl-C would be ignored where the tests run in the background
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    options = {**options, "start_new_session": True, "preexec_fn": begin}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, **options) as process:
        os.close(theirs)
        shown, is_typed = b"", not answers
        while True:
            try:
                content = os.read(ours, 65536)
            except OSError:  # the program has closed the terminal
                break
            if not content:
                break
            shown += content
            if not is_typed and prompt.encode() in shown:
                os.write(ours, answers.encode())
                is_typed = True
    os.close(ours)
    return process.returncode, shown.decode("utf-8", "replace")
