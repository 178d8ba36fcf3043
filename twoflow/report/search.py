"""Similar images as text, as a table, and as one HTML page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from .._text import counted, printable
from ..images.reading import Source
from ..images.thumbnails import data_uri, thumbnail
from ..models.model_file.gallery import Gallery
from ..similarity import Neighbors, SimilarImages
from .csv_text import to_csv
from .page import render

_SIDE = 160  # pixels of a thumbnail
_MOST = 100  # queries on a page
_NAMED = 10  # unreadable images that are named


class Hit(NamedTuple):
    """One image that was found.

    Attributes
    ----------
    rank : int
        From 1.
    similarity : float
    name : str
    labels : list of str
        One for each target; "" where it is missing.
    position : int
        Its position in the gallery.
    """

    rank: int
    similarity: float
    name: str
    labels: list[str]
    position: int


def format_search(names: Sequence[str], found: Neighbors, index: SimilarImages) -> str:
    """Write the images that were found as text: a block for each query."""
    blocks = []
    for row, name in enumerate(names):
        lines = [printable(name)]
        if row in found.errors:
            lines.append(f"  cannot be read: {printable(found.errors[row].reason)}")
        hits = list(_hits(found, row))
        labels = [printable(", ".join(hit.labels)) for hit in hits]
        width = max(map(len, labels), default=0)
        lines += [
            f"  {hit.rank:>3}  {hit.similarity:.3f}  {own:<{width}}  {printable(hit.name)}"
            for hit, own in zip(hits, labels)
        ]
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def describe_search(index: SimilarImages, notes: Sequence[str]) -> list[str]:
    """Say what was searched, and which images could not be read."""
    kind = " (labels are answers of the model)" if index.are_predicted_ else ""
    lines = ["", f"Searched {counted(len(index.names_), 'image')}{kind}"]
    if index.unreadable_:
        lines.append(f"left out, cannot be read: {counted(len(index.unreadable_), 'image')}")
        lines += [f"  {printable(error.name)}: {printable(error.reason)}" for error in index.unreadable_[:_NAMED]]
        if len(index.unreadable_) > _NAMED:
            lines.append(f"  and {len(index.unreadable_) - _NAMED:,} more")
    return [*lines, *map(printable, notes)]


def search_table(names: Sequence[str], found: Neighbors, index: SimilarImages) -> str:
    """Write the images that were found as CSV: a row for each, and one for a query that cannot be read."""
    rows: list[tuple[Any, ...]] = []
    for row, name in enumerate(names):
        if row in found.errors:
            rows.append((name, "", "", "", *("" for _ in index.target_names_), found.errors[row].reason))
        rows += [
            (name, hit.rank, f"{hit.similarity:.6f}", hit.name, *hit.labels, "") for hit in _hits(found, row)
        ]
    return to_csv(["query", "rank", "similarity", "image", *index.target_names_, "error"], rows)


def search_page(
    names: Sequence[str], images: Sequence[Source], found: Neighbors, index: SimilarImages,
    gallery: Gallery | None = None, notes: Sequence[str] = (),
) -> str:
    """Render a page that shows each query beside the images that were found, with at most 100 queries.

    Parameters
    ----------
    names : sequence of n str
    images : sequence of n images
        The queries.
    found : Neighbors
    index : SimilarImages
    gallery : Gallery, optional
        The gallery of a model file, if this was searched: it has the thumbnails. By default they are made from the
        files that the index names.
    notes : sequence of str
        Further sentences. Empty by default.
    """

    def small(hit: Hit) -> str | None:
        if gallery is None:
            return thumbnail(hit.name, _SIDE)
        content = gallery.thumbnail(hit.position)
        return None if content is None else data_uri(content, "image/jpeg")

    queries = [
        {
            "name": name,
            "image": None if row in found.errors else thumbnail(images[row], _SIDE),
            "error": found.errors[row].reason if row in found.errors else "",
            "hits": [{**hit._asdict(), "image": small(hit)} for hit in _hits(found, row)],
        }
        for row, name in enumerate(names[:_MOST])
    ]
    return render(
        "search.html", title=f"Images like {counted(len(names), 'image')}", queries=queries,
        n_more=max(0, len(names) - _MOST), targets=index.target_names_, lines=describe_search(index, notes)[1:],
    )


def _hits(found: Neighbors, row: int) -> Iterator[Hit]:
    """Yield the images that were found for one query."""
    for place, name in enumerate(found.names[row]):
        labels = found.labels[row, place]
        texts = [str(label) for label in (labels if found.labels.ndim == 3 else [labels])]
        yield Hit(place + 1, float(found.similarities[row, place]), name, texts, int(found.positions[row, place]))
