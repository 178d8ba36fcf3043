"""The errors that twoflow raises on purpose, so that commands can distinguish them from bugs.

Each also derives from the built-in error that scikit-learn's conventions ask for, so ``except ValueError`` works.
"""

from __future__ import annotations


class UserError(Exception):
    """An error that the user can fix. Its message is one line that says what is wrong and what to do.

    Commands print it without a traceback. Any other error is a bug of twoflow and keeps its traceback.
    """


class InputError(UserError, ValueError):
    """An invalid value, file or collection."""


class InputTypeError(UserError, TypeError):
    """An argument of the wrong type."""


class MissingExtraError(UserError, ModuleNotFoundError):
    """A package is not installed; the message says how to install it."""


class OutsideError(UserError, OSError):
    """A folder, file or server cannot be used."""


class NotAFolderError(OutsideError, NotADirectoryError):
    """A path that should be a folder is not one."""


class UnreachableError(OutsideError, ConnectionError):
    """A cluster or server does not answer."""
