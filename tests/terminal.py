"""Starting programs as a terminal starts them, and on a terminal."""

import os
import signal
import subprocess


def default_signals():
    """For `preexec_fn`: what ends a program is not ignored, as it is in what nohup or a background job starts."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)


def run_on_terminal(command, answers="", **options):
    """Run a program on a terminal, and type the answers; return its exit status and what the terminal shows."""
    import pty  # not on every system
    import termios

    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, **options) as process:
        os.close(theirs)
        os.write(ours, answers.encode())
        shown = b""
        while True:
            try:
                content = os.read(ours, 65536)
            except OSError:  # the program has closed the terminal
                break
            if not content:
                break
            shown += content
    os.close(ours)
    return process.returncode, shown.decode("utf-8", "replace")
