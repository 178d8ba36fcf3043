"""The plot of which targets are wrong together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ...errors import InputError
from ..lines import name_pattern
from ..ranking import ranked
from .base import Display, add_legend, label, name_methods, styles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _BAND, _MARGIN, _LINE = 420, 24, 70, 18  # pixels; a band for each method and pattern


class JointErrorsDisplay(Display):
    """How many predictions are wrong for the same targets, by method.

    A filled sign is the share of the predictions. A hollow sign is what it would be if the errors of the targets were
    independent: if it is left of the filled one, the targets tend to be wrong together.

    Parameters
    ----------
    names : sequence of str
    patterns : sequence of str
        The targets that are wrong.
    shares, expected : sequence of array-like of shape (n_patterns,)
        For each method.

    Examples
    --------
    >>> display = JointErrorsDisplay(
    ...     names=["cnn"], patterns=["only type", "only color", "type and color"], shares=[[0.02, 0.05, 0.01]],
    ...     expected=[[0.03, 0.06, 0.002]],
    ... ).plot()
    >>> [text.get_text() for text in display.ax_.get_yticklabels()]
    ['only type', 'only color', 'type and color']
    """

    _needs_predictions = True

    def __init__(
        self, *, names: Sequence[str], patterns: Sequence[str], shares: Sequence[Any], expected: Sequence[Any]
    ) -> None:
        self.names = names
        self.patterns = patterns
        self.shares = shares
        self.expected = expected

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Create from the content of a report.json, the best method first.

        Raises
        ------
        ValueError
            If there is one target, or the targets are levels.
        """
        methods = ranked(document)
        found = [method["joint_errors"] for method in methods]
        if found[0] is None:
            raise InputError("the comparison has one target, or levels; compare a collection of several targets")
        return cls(
            names=[method["name"] for method in methods],
            patterns=[name_pattern(each["wrong"]) for each in found[0]["patterns"]],
            shares=[[each["share"] for each in own["patterns"]] for own in found],
            expected=[[each["expected"] / own["n"] for each in own["patterns"]] for own in found],
        )

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw on the given axes, or by default on new ones, and return self."""
        n = len(self.names)
        ax = self._begin(ax, _WIDTH, _MARGIN + _BAND * n * len(self.patterns) + _LINE * n)
        name_methods(ax, self.patterns)
        offsets = (np.arange(n) - (n - 1) / 2) * 0.8 / n
        for name, shares, expected, offset, style in zip(self.names, self.shares, self.expected, offsets, styles(n)):
            heights = np.arange(len(self.patterns)) + offset
            drawn: dict[str, Any] = {"linestyle": "", "marker": style.marker, "color": style.color}
            ax.plot(np.array(shares), heights, markersize=6, label=label(name), **drawn)
            ax.plot(np.array(expected), heights, markersize=8, markerfacecolor="none", **drawn)
        ax.set_xlim(left=min(0, ax.get_xlim()[0]))
        ax.set_xlabel("share of the predictions (hollow: if independent)")
        add_legend(ax)
        return self
