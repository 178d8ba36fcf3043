"""HTML pages that work offline: one file each, readable without JavaScript."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from .._text import escape_controls


class Script(NamedTuple):
    """The text of a script, and the source by which a Content-Security-Policy allows this script and no other."""

    text: Markup
    source: str


def render(template: str, room: str = __package__, **values: Any) -> str:
    """Render a template; all text is escaped, and a missing name is an error.

    Characters that are not printable are escaped too. A mark of direction in the name of a class or a method would
    otherwise turn around the rest of the sentence.

    Parameters
    ----------
    template : str
        The name of a file in the room's folder ``templates``, or in that of reports.
    room : str
        The package that the template belongs to. Default: reports. A template of another room can extend and include
        those of reports, so that all pages look alike.
    **values
        What the template names.
    """
    return _environment(room).get_template(template).render(**values)


@lru_cache
def read_script(*names: str, room: str = __package__) -> Script:
    """Read scripts of a room, to be written into a page as one; by default the room is that of reports."""
    text = "".join(files(room).joinpath("templates", name).read_text("utf-8") for name in names)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
    return Script(Markup(text), f"'sha256-{digest}'")


@lru_cache
def _environment(room: str) -> Environment:
    return Environment(
        loader=ChoiceLoader([PackageLoader(each) for each in dict.fromkeys([room, __package__])]), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_visible,
    )


def _visible(value: Any) -> Any:
    """Escape the characters of a text that are not printable, except line ends; HTML of our own stays as it is."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isprintable():
        return value
    return escape_controls(value)
