"""The errors that twoflow raises on purpose, so that a command can tell them from its own faults.

Each is also the built-in error that scikit-learn's conventions ask for, so that ``except ValueError`` works as ever.
"""

from __future__ import annotations


class UserError(Exception):
    """Something the user can mend; the message is one line that says what is wrong and what to do.

    A command prints it without a traceback. Any other error is a fault of twoflow and keeps its traceback.
    """


class InputError(UserError, ValueError):
    """A value, file or collection that cannot be worked on."""


class InputTypeError(UserError, TypeError):
    """An argument of the wrong kind."""


class MissingExtraError(UserError, ModuleNotFoundError):
    """A package that is not installed; the message says how to install it."""


class OutsideError(UserError, OSError):
    """A folder, file or server that cannot be used."""


class NotAFolderError(OutsideError, NotADirectoryError):
    """A path that should be a folder and is none."""


class UnreachableError(OutsideError, ConnectionError):
    """A cluster or server that does not answer."""
