"""The card of a model file: what the model answers, what it was fitted on, and what to expect of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..._text import counted, printable

if TYPE_CHECKING:
    from ...heads.hierarchy import ClassTree


class HeldOut(NamedTuple):
    """What a model answered for training images that it was not fitted on, for one target.

    Thresholds are chosen, and a drift is measured, by these. There is a row for each held-out answer; the rows name no
    image.

    Attributes
    ----------
    true : ndarray of shape (n,) and dtype int32
        The position of the true class in `TargetCard.classes`.
    predicted : ndarray of shape (n,) and dtype int32
        The position of the predicted class.
    confidence : ndarray of shape (n,) and dtype float32
        The probability of the predicted class.
    groups : ndarray of shape (n,) and dtype int32, or None
        A number for the group of each image; None without groups. None by default.
    answered : ndarray of shape (n,) and dtype int32, or None
        Of a model with a tree of classes: the node that was answered, as a position in `ClassTree.nodes`; -1 for
        unknown. `predicted` and `confidence` are from before the fallback. None, the default, without a tree.
    """

    true: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    groups: np.ndarray | None = None
    answered: np.ndarray | None = None


class Expectation(NamedTuple):
    """How many of a model's answers for new images are expected to be right, for one target.

    Attributes
    ----------
    accuracy : float
        The share of held-out images that were answered right.
    interval : (float, float)
        Its confidence interval; NaN where nothing can be judged.
    confidence : float
        The confidence of the interval, such as 0.95.
    source : str
        How it was measured, such as "5 folds of 3,068 images, groups kept together".
    """

    accuracy: float
    interval: tuple[float, float]
    confidence: float
    source: str


@dataclass(frozen=True)
class TargetCard:
    """One target of a model.

    Attributes
    ----------
    name : str
        The name of the target, such as "class".
    classes : tuple
        The classes, in the order of the columns of the model's probabilities.
    counts : tuple of int
        The number of training images of each class; empty if this is not known. Empty by default.
    levels : mapping of str to tuple
        Broader levels by name, the broadest first: for each class, in the order of `classes`, the broader class that
        it lies in. With a tree, the paths of the tree's broader levels, joined with "/"; see `broader_paths`. Empty by
        default.
    expectation : Expectation or None
        None, the default, if nothing was held out.
    held_out : HeldOut or None
        None, the default, if nothing was held out.
    tree : ClassTree or None
        The tree of the classes, if the model has one. `name` is then its finest level, and `classes` are the paths of
        its leaves, joined with "/". None by default.
    rule : str
        What decides when a model with a tree answers a broader class or "unknown", such as "AtLeast(threshold=0.7)".
        Empty without a tree, which is the default.
    """

    name: str
    classes: tuple
    counts: tuple[int, ...] = ()
    levels: Mapping[str, tuple] = field(default_factory=dict)
    expectation: Expectation | None = None
    held_out: HeldOut | None = None
    tree: ClassTree | None = None
    rule: str = ""

    @property
    def n_labeled(self) -> int | None:
        """How many training images have a label of this target; None with a tree, or if this is not known."""
        return sum(self.counts) if self.counts and self.tree is None else None


class NetworkEntry(NamedTuple):
    """A network that the model needs.

    Attributes
    ----------
    name : str
        The name on the network's card.
    digest : str
        Identifies the graph and the weights.
    license, source : str
        As on the network's card.
    place : str
        Where the network is: "package" if pip installs it, "inside" the model file, or "elsewhere": whoever loads the
        model names its file, and the digest must agree.
    """

    name: str
    digest: str
    license: str
    source: str
    place: str


@dataclass(frozen=True)
class ModelCard:
    """What a model file says about its model. It names no path of the machine that made it.

    Attributes
    ----------
    title : str
        What the model is, such as "recipe fast".
    created : str
        The date, as YYYY-MM-DD.
    targets : tuple of TargetCard
        One for each target.
    n_images : int or None
        The number of training images; None, if this is not known.
    n_groups : int or None
        The number of groups of training images; None without groups.
    data_digest : str
        SHA-256 over the contents and labels of the training images, in order; empty if this is not known.
    threshold : float or None
        Below this confidence, an answer falls back to a broader class or "unknown". None: every answer stands, or the
        rule of a model with a tree decides.
    networks : tuple of NetworkEntry
    versions : mapping of str to str
        The versions of twoflow, Python and the packages that the answers depend on.
    exact_match : Expectation or None
        Of several targets, how many of the new images are expected to be right in all of them. None, the default, with
        one target, or if nothing was held out.
    """

    title: str
    created: str
    targets: tuple[TargetCard, ...]
    n_images: int | None = None
    n_groups: int | None = None
    data_digest: str = ""
    threshold: float | None = None
    networks: tuple[NetworkEntry, ...] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    exact_match: Expectation | None = None

    def __str__(self) -> str:
        """Return the card as lines of text, with aligned columns."""
        facts = [("model", printable(self.title)), ("created", printable(self.created))]
        if self.n_images is not None:
            groups = "" if self.n_groups is None else f" in {counted(self.n_groups, 'group')}"
            facts.append(("fitted on", counted(self.n_images, "image") + groups))
        if self.data_digest:
            facts.append(("data SHA-256", printable(self.data_digest)))
        if self.exact_match is not None:
            facts.append(("all targets", _expect(self.exact_match)))
        for target in self.targets:
            facts += _facts(target, self.n_images)
        own = printable("; ".join(filter(None, (target.rule for target in self.targets))))
        answers = "every answer stands" if not own else f"the model's own rule: {own}"
        if self.threshold is not None:
            answers = f"below {self.threshold:.2f}, answers fall back"
        facts.append(("threshold", answers))
        facts += [
            ("network", printable(f"{each.name} ({each.license}; {each.place}), SHA-256 {each.digest}"))
            for each in self.networks
        ]
        facts.append(("versions", printable(", ".join(f"{name} {number}" for name, number in self.versions.items()))))
        width = max(len(name) for name, _ in facts)
        return "\n".join(f"{name:<{width}}  {fact}" for name, fact in facts)


def _expect(expected: Expectation) -> str:
    low, high = expected.interval
    interval = f" [{low:.3f}, {high:.3f}]" if low == low else ", without an interval"  # NaN is not equal to itself
    return printable(f"{expected.accuracy:.3f}{interval} on new images; {expected.source}")


def _facts(target: TargetCard, n_images: int | None) -> list[tuple[str, str]]:
    """Return the lines about one target: its classes, its broader levels, and what to expect."""
    counts = f" of {min(target.counts):,} to {max(target.counts):,} images" if target.counts else ""
    facts = [("target", printable(f"{target.name}: {counted(len(target.classes), 'class', 'classes')}{counts}"))]
    if target.n_labeled is not None and n_images is not None and target.n_labeled < n_images:
        facts.append(("  labels", f"{target.n_labeled:,} of {counted(n_images, 'image')} have one"))
    facts += [
        ("  level", printable(f"{name}: {counted(len(set(values)), 'class', 'classes')}"))
        for name, values in target.levels.items()
    ]
    if target.expectation is not None:
        facts.append(("  accuracy", _expect(target.expectation)))
    if target.tree is not None:
        return [*facts, *(("  tree" if not number else "", line) for number, line in enumerate(
            str(target.tree).splitlines()
        ))]
    names = [printable(label) for label in target.classes]
    numbers = [f" {count:,}" for count in target.counts] or [""] * len(names)
    width = max(map(len, names))
    facts += [("  class" if not position else "", f"{name:<{width}}{number:>7}".rstrip())
              for position, (name, number) in enumerate(zip(names, numbers))]
    return facts
