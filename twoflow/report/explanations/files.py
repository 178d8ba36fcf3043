"""The files of explanations: numbered pages, lines of JSON and PNGs of maps, written one image after the other."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..._files import write_file
from .html import Entry, Unreadable, explanations_page, make_entry
from .overlay import blended_png

if TYPE_CHECKING:
    from ...explaining import Explanation

#: The files that say whether a folder holds explanations.
EXPLANATION_FILES = ("index.html", "explanations.jsonl")

_MAPS = "maps"
_PER_PAGE = 100
_LONGEST = 40  # signs of the name of an image, or of a target, in the name of a file
_OURS = ("page-*.html", f"{_MAPS}/*.png")


class ExplanationFiles:
    """Write explanations into a folder, in bounded memory.

    The folder gets `index.html`, the first page of 100 images; `page-2.html` and so on; `explanations.jsonl`, a line
    for each image; and `maps/`, a PNG for each map over its photo. The number of an image, from 1, begins the names of
    its PNGs, so that two images of the same name have different files. Pages, maps and lines of earlier explanations
    in the folder are removed.

    Parameters
    ----------
    folder : Path
        It exists.
    title : str
        The title of the model.

    Attributes
    ----------
    n_pages : int
        How many pages were written.
    """

    def __init__(self, folder: Path, title: str) -> None:
        self._folder, self._title = folder, title
        self._entries: list[Entry | Unreadable] = []
        self._n_images = self.n_pages = 0
        for pattern in _OURS:
            for earlier in folder.glob(pattern):
                earlier.unlink()
        (folder / _MAPS).mkdir(exist_ok=True)
        self._lines = open(folder / "explanations.jsonl", "w", encoding="utf-8", errors="backslashreplace")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, *error: Any) -> None:
        """Write the last page, unless an error has ended the work."""
        self._lines.close()
        if kind is None:
            self._write_page(is_last=True)

    def add(self, explanation: Explanation, answers: Sequence[str] = ()) -> None:
        """Write an explanation; for `answers` see `Entry`."""
        entry = make_entry(explanation, answers)
        self._begin(entry)
        for reason, document in zip(explanation.reasons, entry.document["reasons"]):
            if reason.map is not None:
                name = f"{self._n_images:06d}-{_safe(reason.target)}-{_safe(Path(explanation.image_name).stem)}.png"
                write_file(self._folder / _MAPS / name, blended_png(explanation.image, reason.map))
                document["map"]["file"] = f"{_MAPS}/{name}"
        self._write_line({**entry.document, "error": None})

    def add_unreadable(self, name: str, error: str) -> None:
        """Write that an image cannot be read."""
        self._begin(Unreadable(name, error))
        self._write_line({"name": name, "reasons": [], "error": error})

    def _begin(self, entry: Entry | Unreadable) -> None:
        if len(self._entries) == _PER_PAGE:
            self._write_page(is_last=False)
        self._entries.append(entry)
        self._n_images += 1

    def _write_line(self, document: dict[str, Any]) -> None:
        line = json.dumps({"image": self._n_images, **document}, ensure_ascii=False, allow_nan=False)
        self._lines.write(line + "\n")

    def _write_page(self, is_last: bool) -> None:
        self.n_pages += 1
        page = explanations_page(
            self._entries, title=self._title, page=self.n_pages,
            previous=_page_name(self.n_pages - 1) if self.n_pages > 1 else None,
            following=None if is_last else _page_name(self.n_pages + 1),
        )
        write_file(self._folder / _page_name(self.n_pages), page.encode("utf-8", "backslashreplace"))
        self._entries.clear()


def _page_name(number: int) -> str:
    return "index.html" if number == 1 else f"page-{number}.html"


def _safe(text: str) -> str:
    """Keep the letters, digits and signs of a name that every file system takes."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._")[:_LONGEST] or "image"
