"""Starting programs as a terminal starts them."""

import signal


def default_signals():
    """For `preexec_fn`: what ends a program is not ignored, as it is in what nohup or a background job starts."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
