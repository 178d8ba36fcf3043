"""Explanations as HTML: the entries of a page, the pages themselves, and a cell of a notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ...images.thumbnails import data_uri, jpeg_thumbnail
from ..page import render
from .document import explanation_document
from .overlay import overlay_png

if TYPE_CHECKING:
    from ...explaining import Explanation

_SIDE = 480  # pixels of the longer side of a photo on a page


class Entry(NamedTuple):
    """What a page shows of one image.

    Attributes
    ----------
    document : mapping
        As `explanation_document` makes it.
    photo : str
        The photo as a data URI.
    maps : sequence of (str or None)
        The map of each reason as a transparent image, a data URI; None if there is no map.
    thumbnails : mapping of int to str
        Small copies of training images as data URIs, by their position.
    answers : sequence of str
        What the model answered for each target, if that is not the explained class; else "".
    """

    document: Mapping[str, Any]
    photo: str
    maps: Sequence[str | None]
    thumbnails: Mapping[int, str]
    answers: Sequence[str]


class Unreadable(NamedTuple):
    """An image that could not be read, and why."""

    name: str
    error: str


def make_entry(explanation: Explanation, answers: Sequence[str] = ()) -> Entry:
    """Make what a page shows of an explanation.

    Parameters
    ----------
    explanation : Explanation
    answers : sequence of str
        See `Entry`. By default there are none.
    """
    document = explanation_document(explanation)
    size = explanation.image.shape[1::-1]
    photo = jpeg_thumbnail(explanation.image, _SIDE)
    assert photo is not None  # it is an array
    return Entry(
        document,
        data_uri(photo, "image/jpeg"),
        [None if each.map is None else data_uri(overlay_png(each.map, size), "image/png")
         for each in explanation.reasons],
        {position: data_uri(content, "image/jpeg") for position, content in explanation.thumbnails.items()
         if content is not None},
        answers or [""] * len(explanation.reasons),
    )


def explanations_page(
    entries: Sequence[Entry | Unreadable], *, title: str, page: int, previous: str | None, following: str | None,
) -> str:
    """Render one page of explanations, one file that works offline.

    Parameters
    ----------
    entries : sequence of Entry or Unreadable
    title : str
        The title of the model.
    page : int
        The number of the page, from 1.
    previous, following : str or None
        The names of the files of the pages before and after; None for none.
    """
    return render(
        "explanations.html", entries=[each._asdict() for each in entries], model=title, page=page, previous=previous,
        following=following,
    )


def explanation_fragment(explanation: Explanation) -> str:
    """Render an explanation for a cell of a notebook: one element with its own style, which asks for no file."""
    return render("explanation_fragment.html", entry=make_entry(explanation)._asdict())
