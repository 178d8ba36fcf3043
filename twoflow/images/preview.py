"""Show some images with their names, and facts about them, in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup

from .._text import printable
from .reading import Source
from .remote import is_url
from .thumbnails import thumbnail

# No color of its own: text and lines take those of the notebook, light or dark. Only images lie on white, as in a shop.
_FRAME = "font-family: system-ui, sans-serif; max-width: 60rem"
_TILES = "display: flex; flex-wrap: wrap; gap: .75rem; margin: .5rem 0 0"
_TILE = "width: 7rem; text-align: left; font-size: .85em; overflow-wrap: anywhere"
_IMAGE = "display: block; width: 7rem; height: 7rem; object-fit: contain; background: #fff; border-radius: .25rem"
_BLANK = "display: grid; place-items: center; width: 7rem; height: 7rem; border: 1px dashed; border-radius: .25rem"


def to_fragment(title: str, facts: Iterable[str], tiles: Sequence[tuple[Source, str, str]], rest: str) -> str:
    """Write a title, a list of facts, some images, and a line on the rest, as HTML.

    Parameters
    ----------
    title : str
    facts : iterable of str
    tiles : sequence of (image, str, str)
        Each image with its name and a note. Images behind URLs are not fetched, because showing a variable must not use
        the network.
    rest : str
        What is not shown; "" if everything is.
    """
    items = Markup("").join(Markup("<li>{}</li>").format(printable(fact)) for fact in facts)
    shown = Markup("").join(_tile(image, name, note) for image, name, note in tiles)
    more = Markup("<p>{}</p>").format(rest) if rest else ""
    return Markup('<div style="{}"><strong>{}</strong><ul>{}</ul><div style="{}">{}</div>{}</div>').format(
        _FRAME, title, items, _TILES, shown, more
    )


def _tile(image: Source, name: str, note: str) -> Markup:
    small = None if is_url(image) else thumbnail(image, 224)  # twice the size shown, for fine screens
    if small is None:
        why = "behind a URL" if is_url(image) else "cannot be read"
        shown = Markup('<span style="{}">{}</span>').format(_BLANK, why)
    else:
        shown = Markup('<img src="{}" alt="" style="{}">').format(small, _IMAGE)
    return Markup('<div style="{}">{}<bdi>{}</bdi><br>{}</div>').format(_TILE, shown, printable(name), note)
