"""The answer of a model for one image."""

from __future__ import annotations

from typing import Any, NamedTuple


class Step(NamedTuple):
    """The likeliest class of one level.

    Attributes
    ----------
    level : str
        The name of the level.
    path : tuple
        The labels from the broadest level to this class.
    confidence : float
        Its probability.
    is_answered : bool
        Whether it is the answer, or a broader class of the answer.
    """

    level: str
    path: tuple
    confidence: float
    is_answered: bool


class ScopeScore(NamedTuple):
    """How much an image looks like the training images.

    Attributes
    ----------
    score : float
        Higher is more alike. It has no unit.
    threshold : float
        An image below it is out of scope, and its answer is unknown.
    """

    score: float
    threshold: float


class Answer(NamedTuple):
    """What a model answers for one target of one image.

    Attributes
    ----------
    target : str
        The name of the target.
    label : Any
        A class of the target, a class of a broader level, or `UNKNOWN`. With a tree of classes, it is the path of the
        answer, joined with "/".
    level : str
        The target's name if `label` is one of its classes; the name of the broader level; "" if it is unknown.
    confidence : float
        The probability of `label`; of the likeliest class if it is unknown. NaN for a model without probabilities.
    reason : str
        Why the answer is not a class of the target; "" if it is.
    top : tuple of (Any, float)
        The likeliest classes of the target with their probabilities, the likeliest first.
    path : tuple
        Of a model with a tree of classes: the labels from the broadest level to the answer; empty if it is unknown.
        Empty, the default, without a tree.
    steps : tuple of Step
        With a tree, the likeliest class of each level; see `find_steps`. Empty, the default, without.
    scope : ScopeScore or None
        How much the image looks like the training images; None, the default, for a model without a scope.
    """

    target: str
    label: Any
    level: str
    confidence: float
    reason: str
    top: tuple[tuple[Any, float], ...]
    path: tuple = ()
    steps: tuple[Step, ...] = ()
    scope: ScopeScore | None = None


class Decision(NamedTuple):
    """What rules of moderation say about one image.

    Attributes
    ----------
    name : str
        "approved", "denied" or "review".
    rule : str
        The rule that decided, in words.
    """

    name: str
    rule: str


class Prediction(NamedTuple):
    """What a model says about one image, or about one item of several photos.

    Attributes
    ----------
    name : str
        The path, URL, or other name of the image; for an item, the group.
    answers : tuple of Answer
        One for each target; empty if the image cannot be read.
    decision : Decision or None
        None, the default, without rules.
    error : str
        Why the image cannot be read, or which images of the item cannot; "" by default.
    n_images : int
        How many images the answers rest on: 1, 0 if the image cannot be read, or those of the item that can be read.
    n_unreadable : int
        How many images cannot be read; 0 by default.
    """

    name: str
    answers: tuple[Answer, ...]
    decision: Decision | None = None
    error: str = ""
    n_images: int = 1
    n_unreadable: int = 0
