"""Choose the images to train on: what can be used, and each photo once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..evaluation.duplicates import Duplicates
from ..images.targets import has_label
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
    or near), the first one is kept; if some lack labels, the first of those with the most labels. But if their labels
    differ, all of them are left out: which label is right, only a person can say. No label is changed.

    Parameters
    ----------
    unreadable : iterable of int
        Positions of the images that cannot be read.
    faults : iterable of Fault
        Faults of images; only the kinds in `UNUSABLE` count.
    duplicates : Duplicates
        The duplicates among the n images.
    labels : ndarray of shape (n,) or (n, n_targets), or None
        Labels; None if there are none. Images differ if they have different labels for a target.

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
    rows = np.zeros((n, 1), dtype=int) if labels is None else labels.reshape(n, -1)
    is_given = np.stack([has_label(target) for target in rows.T], axis=1)
    order = usable[np.argsort(duplicates.photos[usable], kind="stable")]
    starts = np.flatnonzero(np.diff(duplicates.photos[order])) + 1
    for members in np.split(order, starts):
        conflicts = _conflicts(rows[members], is_given[members])
        if conflicts.any():
            for position, conflicting in zip(members.tolist(), conflicts):
                other = members[conflicting] if conflicting.any() else members[members != position]
                reasons[position] = LeftOut(position, "same photo, another label", int(other[0]))
        else:
            first = members[np.argsort(-is_given[members].sum(axis=1), kind="stable")[:1]]
            for position in members[~np.isin(members, first)].tolist():
                reasons[position] = LeftOut(position, "same photo", int(first[0]))
    kept = np.array([position for position in range(n) if position not in reasons], dtype=int)
    return kept, tuple(reasons[position] for position in sorted(reasons))


def _conflicts(labels: np.ndarray, is_given: np.ndarray) -> np.ndarray:
    """Return which pairs of m images have different labels for some target, of shape (m, m)."""
    both = is_given[:, None] & is_given[None]
    return ((labels[:, None] != labels[None]) & both).any(axis=2)
