"""The page of the service: one HTML file, the same for every model, which asks the service for all else."""

from __future__ import annotations

from ..report.page import read_script, render

#: The scripts, in the order in which they build on each other.
_SCRIPTS = (
    "words.js", "service.js", "combobox.js", "tree.js", "reasons.js", "answers.js", "correction.js", "about.js",
    "upload.js",
)


def render_page() -> str:
    """Render the page.

    It says nothing about the model, so that it can be given to those who do not have the token. All addresses in it
    are relative to its own, so that the service may lie in a folder of a larger site.
    """
    return render("service.html", __package__, script=read_script(*_SCRIPTS, room=__package__))
