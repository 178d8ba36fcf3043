"""Choose the images to train on: what can be used, and each photo once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..evaluation.duplicates import Duplicates
from .quality import Fault

#: The kinds of faults that leave nothing to learn from. The other faults are for you to judge.
UNUSABLE = ("one color",)

#: The reasons to leave an image out, in the order of the report.
REASONS = ("unreadable", "unusable", "same photo", "same photo, another label")


@dataclass(frozen=True)
class LeftOut:
    """An image that `choose_images` left out.

    Attributes
    ----------
    position : int
        Position of the image.
    reason : str
        One of `REASONS`.
    other : int or None
        Position of the image that was kept instead, or that has another label; None for other reasons.
    """

    position: int
    reason: str
    other: int | None


def choose_images(
    unreadable: Iterable[int], faults: Iterable[Fault], duplicates: Duplicates, labels: np.ndarray | None
) -> tuple[np.ndarray, tuple[LeftOut, ...]]:
    """Choose the images to train on.

    Images that cannot be read or show one color are left out. Of several images of the same photo (pairs that are exact
    or near), the first one is kept. But if their labels differ, all of them are left out: which label is right, only a
    person can say. No label is changed.

    Parameters
    ----------
    unreadable : iterable of int
        Positions of the images that cannot be read.
    faults : iterable of Fault
        Faults of images; only the kinds in `UNUSABLE` count.
    duplicates : Duplicates
        The duplicates among the n images.
    labels : ndarray of shape (n,) or (n, n_targets), or None
        Labels; None if there are none. Images have another label if any target differs.

    Returns
    -------
    kept : ndarray of shape (m,) and dtype int
        Positions of the images to train on, in order.
    left_out : tuple of LeftOut
        The other images, in order.
    """
    n = len(duplicates.photos)
    reasons: dict[int, LeftOut] = {}
    for position in unreadable:
        reasons[position] = LeftOut(position, "unreadable", None)
    for fault in faults:
        if fault.kind in UNUSABLE:
            reasons.setdefault(fault.position, LeftOut(fault.position, "unusable", None))
    usable = np.array([position for position in range(n) if position not in reasons], dtype=int)
    codes = np.zeros(n, dtype=int)
    if labels is not None:
        codes = np.unique(labels.reshape(n, -1), axis=0, return_inverse=True)[1].ravel()
    order = usable[np.argsort(duplicates.photos[usable], kind="stable")]
    starts = np.flatnonzero(np.diff(duplicates.photos[order])) + 1
    for members in np.split(order, starts):
        if len(np.unique(codes[members])) > 1:
            for position in members.tolist():
                other = int(members[codes[members] != codes[position]][0])
                reasons[position] = LeftOut(position, "same photo, another label", other)
        else:
            for position in members[1:].tolist():
                reasons[position] = LeftOut(position, "same photo", int(members[0]))
    kept = np.array([position for position in range(n) if position not in reasons], dtype=int)
    return kept, tuple(reasons[position] for position in sorted(reasons))
