"""The error for a file that is not as `save` wrote it."""

from __future__ import annotations

from ...errors import InputError

#: What to do about it. `open_model_file` adds it to the message.
REMEDY = "get the file again from whoever made it"


class DamagedError(InputError):
    """The content of a model file is not as `save` wrote it; `REMEDY` is not in the message."""
