"""Find out which images a person should label next, for a model that is there already."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .._jobs import one_blas_thread
from .._text import counted
from ..errors import InputError
from ..evaluation.duplicates import match
from ..flows import FlowUnion
from ..flows.engine.extraction import extract
from ..flows.image_traits import ImageTraits, read_traits
from ..images import ImageReadError, check_images
from ..images.naming import name_images
from ..images.reading import Source
from ..models.deciders import decided_features
from ..models.fitted_parts import fitted_parts
from ..models.model_file.describing import classes_of
from ..models.target_names import find_target_names
from ..models.tree_names import find_hierarchy
from ..networks import NetworkRecord
from ..store import StoreLike
from .acquisition import choose_to_label, find_candidates, measure_uncertainty

_BLOCK = 128  # images that the head takes at a time
_LIKELIEST = 3  # classes that are named for each target


class ToLabel(NamedTuple):
    """An image that a person should label, and why.

    Attributes
    ----------
    position : int
        Its position among the images.
    name : str
        Its path, or "image 1", "image 2", ...
    uncertainty : float
        1 minus the margin between the model's two likeliest answers, from 0 to 1.
    gain : float
        The summed uncertainty of the images that it stands for, which the queue is ordered by.
    n_similar : int
        How many of the most uncertain images it stands for, itself included.
    likeliest : tuple of tuple of (label, float)
        For each target the likeliest classes, at most three, with their probabilities.
    is_out_of_scope : bool
        Whether the model takes it for none of its classes. Such images are last: their labels teach it little.
    """

    position: int
    name: str
    uncertainty: float
    gain: float
    n_similar: int
    likeliest: tuple[tuple[tuple[Any, float], ...], ...]
    is_out_of_scope: bool


@dataclass(frozen=True, eq=False)
class LabelQueue:
    """Result of `label_next` for n images.

    Attributes
    ----------
    queue : tuple of ToLabel
        The images to label, the most useful first.
    target_names : tuple of str
        The targets that need a label.
    n_images : int
        The number of images that were given.
    n_uncertain : int
        The number of images among which the queue was chosen: the most uncertain ones.
    copies : mapping of int to int
        For each image that shows the same photo as an earlier one: the position of that one.
    labeled : tuple of int
        Positions of images that show the same photo as one that has a label already.
    n_out_of_scope : int
        How many images the model takes for none of its classes; 0 for a model without a scope.
    unreadable : tuple of (int, ImageReadError)
        Positions and errors of images that cannot be read.
    notes : tuple of str
        What was left out, and why.
    networks : tuple of NetworkRecord
        The networks whose features were used.
    seconds : float
        Duration.
    """

    queue: tuple[ToLabel, ...]
    target_names: tuple[str, ...]
    n_images: int
    n_uncertain: int
    copies: dict[int, int]
    labeled: tuple[int, ...]
    n_out_of_scope: int
    unreadable: tuple[tuple[int, ImageReadError], ...]
    notes: tuple[str, ...]
    networks: tuple[NetworkRecord, ...]
    seconds: float


def label_next(
    model: Any,
    images: Any,
    n: int = 100,
    *,
    labeled: Any = None,
    random_state: int = 0,
    n_jobs: int | None = None,
    verbose: bool = False,
    store: StoreLike = None,
) -> LabelQueue:
    """Choose the images that teach a model most if a person labels them.

    The model's answers for the most uncertain images are looked at: 20 times as many as are asked for. They are
    grouped by the features that the model decides on, and of each group the most typical image is chosen. Label them,
    train again with all labels, and ask again.

    Parameters
    ----------
    model : estimator or ModelFile
        A fitted model of images with probabilities, made of flows.
    images : sequence of images, ImageCollection, one-column DataFrame or array of shape (n_images, H, W, C)
        Images without labels; labels of a collection are not looked at.
    n : int
        The number of images to choose. Default: 100.
    labeled : sequence of images or ImageCollection, optional
        Images that have labels already, such as those that the model was trained on. An image that shows the same photo
        is not chosen. Default: the small copies in the model file, if `model` is one that has them.
    random_state : int
        Seed of the groups. Default: 0.
    n_jobs, verbose, store
        See `Flow`.

    Returns
    -------
    LabelQueue

    Raises
    ------
    ValueError
        If the model has no probabilities or is not made of flows, n is below 1, or no image can be read.

    Notes
    -----
    On `products`, 450 labels that it chose gave a higher accuracy than 850 that were drawn at random;
    `experiments/label_next` has the learning curves.

    Examples
    --------
    >>> from twoflow import make_model, make_shop
    >>> shop = make_shop(n_classes=3, n_per_class=8, random_state=0)
    >>> model = make_model("fast").fit(shop[::2])
    >>> found = label_next(model, shop[1::2].images, 4)
    >>> len(found.queue), found.n_images
    (4, 12)
    """
    began = time.perf_counter()
    if n < 1:
        raise InputError(f"n: expected an integer of at least 1, got {n}")
    card, gallery = getattr(model, "card", None), getattr(model, "gallery", None)
    estimator = model if card is None else model.model
    targets = _targets(estimator) if card is None else {target.name: target.classes for target in card.targets}
    flow, head = fitted_parts(estimator)
    if flow is None or not hasattr(head, "predict_proba"):
        raise InputError(
            "model: expected a fitted model made of flows with probabilities, got a "
            f"{type(estimator).__name__}; fit one of make_model"
        )
    images = check_images(images)
    if labeled is None and gallery is not None:
        labeled = [small for small in map(gallery.thumbnail, range(len(gallery))) if small is not None]
    known = [] if labeled is None else check_images(labeled)

    options: dict[str, Any] = {"n_jobs": n_jobs, "on_error": "nan", "verbose": verbose, "store": store}
    union = FlowUnion.of_fitted({"traits": ImageTraits().fit(images), "model": flow}, **options)
    extraction = extract(union, images)
    if len(extraction.errors) == len(images):
        raise InputError(f"none of the {len(images)} images can be read; the first: {extraction.errors[0][1]}")
    columns = union.slices()
    copies, copies_of_known = _find_copies(images, extraction.features[:, columns["traits"]], extraction.errors, known,
                                           options)
    gone = [*copies, *copies_of_known, *(position for position, _ in extraction.errors)]
    free = np.setdiff1d(np.arange(len(images)), gone)
    answers = _ask(head, extraction.features, columns["model"], free)
    chosen = _choose(head, extraction.features, columns["model"], free, answers, n, random_state)

    notes = []
    if len(chosen) < min(n, len(images)):
        notes.append(f"{counted(len(chosen), 'image')} instead of {n:,}: there are no more that can be read and show "
                     "another photo")
    if not known:
        notes.append("images that were labeled earlier are not known, so copies of them may be in the queue")
    return LabelQueue(
        queue=tuple(_describe(images, answers, list(targets.values()), *each) for each in chosen),
        target_names=tuple(targets),
        n_images=len(images),
        n_uncertain=len(find_candidates(answers.uncertainty[~answers.is_outside], n)),
        copies=copies,
        labeled=tuple(copies_of_known),
        n_out_of_scope=int(answers.is_outside.sum()),
        unreadable=tuple(extraction.errors),
        notes=tuple(notes),
        networks=tuple(flow.networks()),
        seconds=time.perf_counter() - began,
    )


class _Answers(NamedTuple):
    """What the model says of some images: `rows` are their positions, and the arrays have a row for each of them."""

    rows: np.ndarray
    probabilities: list[np.ndarray]
    uncertainty: np.ndarray
    is_outside: np.ndarray


def _targets(model: Any) -> dict[str, Sequence[Any]]:
    """Return the classes of each target of a fitted estimator, by its name."""
    classes, hierarchy = classes_of(model), find_hierarchy(fitted_parts(model).head)
    names = find_target_names(model, len(classes)) if hierarchy is None else hierarchy.tree_.levels[-1:]
    return dict(zip(names, classes))


def _find_copies(
    images: Sequence[Source], features: np.ndarray, errors: Sequence[tuple[int, ImageReadError]],
    known: Sequence[Source], options: dict[str, Any],
) -> tuple[dict[int, int], list[int]]:
    """Find images that show the photo of an earlier one, and those that show a photo that is labeled already."""
    n, errors = len(images), list(errors)
    if len(known):
        more = extract(ImageTraits(**options).fit(known), known, name="labeled images")
        features = np.vstack([features, more.features])
        errors += [(n + position, error) for position, error in more.errors]
    found = match([*images, *known], read_traits(features), errors, n_jobs=options["n_jobs"])
    is_known = np.isin(found.photos[:n], found.photos[n:])
    _, firsts, inverse = np.unique(found.photos[:n], return_index=True, return_inverse=True)
    copies = {
        position: int(first) for position, first in enumerate(firsts[inverse].tolist())
        if first != position and not is_known[position]
    }
    return copies, np.flatnonzero(is_known).tolist()


def _ask(head: Any, features: np.ndarray, columns: slice, rows: np.ndarray) -> _Answers:
    """Ask the head for the probabilities of some images, and whether they are out of scope."""
    hierarchy = find_hierarchy(head)
    scope = None if hierarchy is None else hierarchy.scope_
    parts: list[list[np.ndarray]] = []
    outside = [np.zeros(0, dtype=bool)]
    with one_blas_thread():
        for start in range(0, len(rows), _BLOCK):
            block = features[rows[start:start + _BLOCK], columns]
            if hierarchy is None:
                found = head.predict_proba(block)
            else:
                leaves = head.predict_node_proba(block)[:, hierarchy.tree_.leaves]
                found = leaves / np.maximum(leaves.sum(axis=1, keepdims=True), np.finfo(float).tiny)
            parts.append(found if isinstance(found, list) else [found])
            is_inside = np.ones(len(block), dtype=bool)
            if scope is not None:
                is_inside = head.scope_scores(block) >= scope.threshold_  # a score of NaN is outside
            outside.append(~is_inside)
    probabilities = [np.concatenate(of_target) for of_target in zip(*parts)]
    uncertainty = measure_uncertainty(probabilities) if parts else np.zeros(0)
    return _Answers(rows, probabilities, np.where(np.isfinite(uncertainty), uncertainty, 1.0), np.concatenate(outside))


def _choose(
    head: Any, features: np.ndarray, columns: slice, free: np.ndarray, answers: _Answers, n: int, random_state: int
) -> list[tuple[int, float, int]]:
    """Choose rows of `answers`, those in scope first, with the gain of each and the number of images it stands for."""
    chosen: list[tuple[int, float, int]] = []
    for rows in (np.flatnonzero(~answers.is_outside), np.flatnonzero(answers.is_outside)):
        left = n - len(chosen)
        if not left or not len(rows):
            continue
        rows = rows[find_candidates(answers.uncertainty[rows], left)]
        decided = decided_features(head, features[free[rows], columns])
        decided = decided - decided.mean(axis=0)
        with one_blas_thread():
            found = choose_to_label(answers.uncertainty[rows], decided @ decided.T, left, random_state)
        chosen += zip(rows[found.positions].tolist(), found.gains.tolist(), found.n_similar.tolist())
    return chosen


def _describe(
    images: Sequence[Source], answers: _Answers, classes: Sequence[Sequence[Any]], row: int, gain: float, n_similar: int
) -> ToLabel:
    likeliest = []
    for labels, probabilities in zip(classes, answers.probabilities):
        best = np.argsort(-probabilities[row], kind="stable")[:_LIKELIEST]
        likeliest.append(tuple((labels[i], float(probabilities[row, i])) for i in best.tolist()))
    position = int(answers.rows[row])
    return ToLabel(
        position, name_images(images)[position], float(answers.uncertainty[row]), gain, n_similar, tuple(likeliest),
        bool(answers.is_outside[row]),
    )
