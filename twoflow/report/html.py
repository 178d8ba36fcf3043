"""A comparison as a page to look at, made of the document of report.json and of the images themselves."""

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

#: Classes up to which a confusion matrix can be read, and names that a list of them begins with.
_MATRIX, _LISTED = 30, 200
_PASSED_OVER = 10  # files and folders that are named for one reason

_THREADS = 8  # that read images for thumbnails: a few dozen, which may lie far away

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
    """A part of the page; `is_there` says of a document whether it has something for it."""

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
    Section("choices", "What was chosen", lambda document: any("choices" in method for method in document["methods"])),
    Section("learning", "Learning curve", lambda document: document["learning_curve"] is not None),
    Section("cost", "Time and memory"),
    Section("left-out", "Left out"),
    Section("reproduce", "To reproduce it"),
)


def to_html(document: Mapping[str, Any], images: Sequence[Source]) -> str:
    """The page.

    Parameters
    ----------
    document : mapping
        The content of a report.json; every figure on the page is one of it.
    images : sequence of n images
        Those of the comparison, in the order of its collection, for thumbnails of some.
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
        best=_best(document),
        has_matrix=document["dataset"]["n_classes"] <= _MATRIX,
        n_listed=_LISTED,
        n_passed_over=_PASSED_OVER,
        thumbnails=dict(zip(wanted, small)),
        step=to_step,
        plot=plot,
    )


def scores_values(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the table of scores is made of, on the page as in a notebook."""
    return {
        "document": document,
        "methods": [{**method, "position": i} for i, method in enumerate(document["methods"])],
        "tests": _tests(document),
        "value": Values(document),
    }


def shown_methods(document: Mapping[str, Any]) -> list[int]:
    """The methods whose classes and confusions are shown: the reference, and the best if it is another."""
    return sorted({0, _best(document)})


def _best(document: Mapping[str, Any]) -> int:
    means = [method["accuracy"]["mean"] for method in document["methods"]]
    return means.index(max(means))


def _tests(document: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """The positions in "comparisons" of the tests against the reference, by method and word for the test."""
    found: dict[str, dict[str, int]] = {}
    for i, each in enumerate(document["comparisons"]):
        found.setdefault(each["first"], {})[each["test"].split()[0]] = i
    return found


def _pairs(document: Mapping[str, Any]) -> dict[tuple[int, int], int]:
    """The positions in "pairwise", by those of the two methods."""
    position = {method["name"]: i for i, method in enumerate(document["methods"])}
    return {(position[each["first"]], position[each["second"]]): i for i, each in enumerate(document["pairwise"])}


def _by_f1(method: Mapping[str, Any]) -> list[int]:
    """The classes, the lowest F1 first; those without one last."""
    f1 = method["per_class"]["f1"]
    return sorted(range(len(f1)), key=lambda k: (f1[k] is None, f1[k]))


def _cells(method: Mapping[str, Any]) -> dict[tuple[int, int | None], int]:
    """The positions in "confusion", by those of the two classes."""
    return {(true, predicted): i for i, (true, predicted, _) in enumerate(method["confusion"])}
