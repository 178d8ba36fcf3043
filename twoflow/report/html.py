"""A comparison as one HTML page, from the content of report.json and the images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from joblib import Parallel, delayed
from markupsafe import Markup

from ..evaluation.explained_errors import ExplainedError
from ..images.reading import Source
from ..images.thumbnails import thumbnail
from .displays import (
    ComparisonDisplay,
    CoverageDisplay,
    DifferencesDisplay,
    Display,
    ImportancesDisplay,
    JointErrorsDisplay,
    LearningCurveDisplay,
    LevelsDisplay,
    ReliabilityDisplay,
    RiskDisplay,
    RocDisplay,
    TrainingDisplay,
)
from .explanations.html import make_entry
from .matrix import matrix_svg
from .page import read_script, render
from .ranking import differences_to_best
from .svg import to_svg
from .values import Values, to_step
from .views import TargetView, view_targets

_TABLE = 30  # classes, up to which a confusion matrix is readable as a table
_LISTED = 200  # names in a list
_PASSED_OVER = 10  # files and folders that are named for one reason

_SHOWN = 2  # methods, the best ones, whose confusions are shown with images
_SIDE, _SMALL_SIDE, _MANY = 400, 240, 250  # pixels of an image, and how many images are shown before they are smaller
_THREADS = 8  # to read these images, which may be on a server

_PLOTS: dict[str, type[Display] | type[TrainingDisplay]] = {
    "comparison": ComparisonDisplay,
    "coverage": CoverageDisplay,
    "differences": DifferencesDisplay,
    "roc": RocDisplay,
    "reliability": ReliabilityDisplay,
    "learning_curve": LearningCurveDisplay,
    "importances": ImportancesDisplay,
    "joint_errors": JointErrorsDisplay,
    "levels": LevelsDisplay,
    "risk": RiskDisplay,
    "training": TrainingDisplay,
}


class Section(NamedTuple):
    """A part of the page; `is_there` tells whether a document has content for it."""

    name: str
    title: str
    is_there: Callable[[Mapping[str, Any]], bool] = lambda document: True


_SECTIONS = (
    Section("scores", "Scores"),
    Section("levels", "Hierarchy", lambda document: document["dataset"]["hierarchy"] is not None),
    Section("together", "Errors together", lambda document: document["methods"][0]["joint_errors"] is not None),
    Section("pairs", "Every pair", lambda document: bool(document["pairwise"])),
    Section("classes", "Classes"),
    Section("confusions", "Confusions"),
    Section("explained", "The most confident errors", lambda document: bool(document["explained_errors"])),
    Section(
        "targets", "Other targets",
        lambda document: len(document["dataset"]["targets"]) > 1 and document["dataset"]["hierarchy"] is None,
    ),
    Section("targets", "Other levels", lambda document: document["dataset"]["hierarchy"] is not None),
    Section(
        "probabilities", "Probabilities", lambda document: any(each["calibration"] for each in document["methods"])
    ),
    Section("flows", "Flows", lambda document: any(method["importances"] for method in document["methods"])),
    Section("choices", "Choices", lambda document: any("choices" in method for method in document["methods"])),
    Section("learning", "Learning curve", lambda document: document["learning_curve"] is not None),
    Section("training", "Training", lambda document: any("training" in method for method in document["methods"])),
    Section("cost", "Time and memory"),
    Section("compared", "What was compared"),
    Section("left-out", "Left out"),
    Section("reproduce", "How to repeat it"),
)


def to_html(document: Mapping[str, Any], images: Sequence[Source], explained: Sequence[ExplainedError] = ()) -> str:
    """Render the page.

    Parameters
    ----------
    document : mapping
        The content of a report.json, which contains every figure on the page.
    images : sequence of n images
        The images of the comparison, in the order of its collection, for thumbnails.
    explained : sequence of ExplainedError
        The explained errors of the document, for their maps. By default there are none.
    """
    views = view_targets(document)
    shown = document["order"][:_SHOWN]
    numbers = count(1)

    def plot(name: str, title: str, **options: Any) -> Markup:
        display = _PLOTS[name].from_document(document, **options)
        return to_svg(display, title, f"plot-{next(numbers)}")

    def matrix(view: TargetView, method: int, title: str) -> Markup:
        return matrix_svg(view.details[method]["confusion"], view.classes, view.class_order, title)

    return render(
        "report.html",
        **scores_values(document),
        sections=[section for section in _SECTIONS if section.is_there(document)],
        views=views,
        pair_at=_places(document["pairwise"]),
        power_at=_places(document["power"]["pairs"]),
        shown=shown,
        n_in_table=_TABLE,
        n_listed=_LISTED,
        n_passed_over=_PASSED_OVER,
        explained=[None if each.explanation is None else make_entry(each.explanation)._asdict() for each in explained],
        thumbnails=_thumbnails(views, shown, images),
        plot=plot,
        matrix=matrix,
        script=read_script("report.js"),
    )


def scores_values(document: Mapping[str, Any]) -> dict[str, Any]:
    """Collect what the answer and its table need, on the page and in a notebook."""
    methods = [{**method, "position": i} for i, method in enumerate(document["methods"])]
    return {
        "document": document,
        "tested": f"scores/{to_step(document['tested_score'])}",
        "label": next(each for each in document["scores"] if each["name"] == document["tested_score"])["label"],
        "several_targets": len(document["dataset"]["targets"]) > 1,
        "several_splits": len(document["folds"]["train_sizes"]) > 1,
        "step": to_step,
        "methods": methods,
        "ranked": [methods[i] for i in document["order"]],
        "to_best": differences_to_best(document),
        "value": Values(document),
    }


def _thumbnails(views: Sequence[TargetView], shown: Sequence[int], images: Sequence[Source]) -> dict[int, str | None]:
    """Make small copies of the images that are shown: for the finest target of the best methods, else of the best."""
    wanted = sorted(set().union(
        *(view.images(method) for k, view in enumerate(views) for method in (shown[:1] if k else shown))
    ))
    small = partial(thumbnail, side=_SIDE if len(wanted) <= _MANY else _SMALL_SIDE)
    return dict(zip(wanted, Parallel(n_jobs=_THREADS, prefer="threads")(delayed(small)(images[i]) for i in wanted)))


def _places(pairs: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], int]:
    """Find the places in a list of pairs of methods by the names of the two methods."""
    return {(each["first"], each["second"]): k for k, each in enumerate(pairs)}
