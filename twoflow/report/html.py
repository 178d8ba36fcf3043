"""A comparison as one HTML page, from the content of report.json and the images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from joblib import Parallel, delayed
from markupsafe import Markup

from ..images.reading import Source
from .displays import (
    ComparisonDisplay,
    ConfusionDisplay,
    DifferencesDisplay,
    Display,
    ImportancesDisplay,
    LearningCurveDisplay,
    ReliabilityDisplay,
    RocDisplay,
)
from .page import render, thumbnail
from .svg import to_svg
from .values import Values, to_step

_MATRIX = 30  # classes, up to which a confusion matrix is readable
_LISTED = 200  # names in a list
_PASSED_OVER = 10  # files and folders that are named for one reason

_THREADS = 8  # to read the few dozen images of the thumbnails, which may be on a server

_PLOTS: dict[str, type[Display]] = {
    "comparison": ComparisonDisplay,
    "differences": DifferencesDisplay,
    "confusion": ConfusionDisplay,
    "roc": RocDisplay,
    "reliability": ReliabilityDisplay,
    "learning_curve": LearningCurveDisplay,
    "importances": ImportancesDisplay,
}


class Section(NamedTuple):
    """A part of the page; `is_there` tells whether a document has content for it."""

    name: str
    title: str
    is_there: Callable[[Mapping[str, Any]], bool] = lambda document: True


_SECTIONS = (
    Section("compared", "What was compared"),
    Section("scores", "Scores"),
    Section("pairs", "Every pair", lambda document: bool(document["pairwise"])),
    Section("classes", "Classes"),
    Section("confusions", "Confusions"),
    Section(
        "probabilities", "Probabilities", lambda document: any(each["calibration"] for each in document["methods"])
    ),
    Section("flows", "Flows", lambda document: any(method["importances"] for method in document["methods"])),
    Section("choices", "Choices", lambda document: any("choices" in method for method in document["methods"])),
    Section("learning", "Learning curve", lambda document: document["learning_curve"] is not None),
    Section("cost", "Time and memory"),
    Section("left-out", "Left out"),
    Section("reproduce", "How to repeat it"),
)


def to_html(document: Mapping[str, Any], images: Sequence[Source]) -> str:
    """Render the page.

    Parameters
    ----------
    document : mapping
        The content of a report.json, which contains every figure on the page.
    images : sequence of n images
        The images of the comparison, in the order of its collection, for thumbnails.
    """
    shown = shown_methods(document)
    wanted = sorted({
        each["image"] for i in shown for pair in document["methods"][i]["confused"] for each in pair["images"]
    })
    small = Parallel(n_jobs=_THREADS, prefer="threads")(delayed(thumbnail)(images[i]) for i in wanted)
    numbers = count(1)

    def plot(name: str, title: str, **options: Any) -> Markup:
        display = _PLOTS[name].from_document(document, **options)
        return to_svg(display, title, f"plot-{next(numbers)}")

    return render(
        "report.html",
        **scores_values(document),
        classes=[each["name"] for each in document["dataset"]["classes"]],
        sections=[section for section in _SECTIONS if section.is_there(document)],
        pair_at=_pairs(document),
        by_f1={i: _by_f1(document["methods"][i]) for i in shown},
        cells={i: _cells(document["methods"][i]) for i in shown},
        shown=shown,
        best=document["best"],
        has_matrix=document["dataset"]["n_classes"] <= _MATRIX,
        n_listed=_LISTED,
        n_passed_over=_PASSED_OVER,
        thumbnails=dict(zip(wanted, small)),
        plot=plot,
    )


def scores_values(document: Mapping[str, Any]) -> dict[str, Any]:
    """Collect what the table of scores needs, on the page and in a notebook."""
    return {
        "document": document,
        "tested": f"scores/{to_step(document['tested_score'])}",
        "label": next(each for each in document["scores"] if each["name"] == document["tested_score"])["label"],
        "several_targets": len(document["dataset"]["targets"]) > 1,
        "step": to_step,
        "methods": [{**method, "position": i} for i, method in enumerate(document["methods"])],
        "tests": _tests(document),
        "value": Values(document),
    }


def shown_methods(document: Mapping[str, Any]) -> list[int]:
    """Return the methods whose classes and confusions are shown: the reference, and the best if it is another."""
    return sorted({0, document["best"]})


def _tests(document: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Find the positions in "comparisons" of the tests against the reference, by method and first word of the test."""
    found: dict[str, dict[str, int]] = {}
    for i, each in enumerate(document["comparisons"]):
        found.setdefault(each["first"], {})[each["test"].split()[0]] = i
    return found


def _pairs(document: Mapping[str, Any]) -> dict[tuple[int, int], int]:
    """Find the positions in "pairwise" by the positions of the two methods."""
    position = {method["name"]: i for i, method in enumerate(document["methods"])}
    return {(position[each["first"]], position[each["second"]]): i for i, each in enumerate(document["pairwise"])}


def _by_f1(method: Mapping[str, Any]) -> list[int]:
    """Sort the classes, the lowest F1 first; classes without one are last."""
    f1 = method["per_class"]["f1"]
    return sorted(range(len(f1)), key=lambda k: (f1[k] is None, f1[k]))


def _cells(method: Mapping[str, Any]) -> dict[tuple[int, int | None], int]:
    """Find the positions in "confusion" by the positions of the two classes."""
    return {(true, predicted): i for i, (true, predicted, _) in enumerate(method["confusion"])}
