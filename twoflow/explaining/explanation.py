"""The reasons for the answer to one image, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ..similarity import Terms


@dataclass(frozen=True)
class Reason:
    """Why one target of an image has, or has not, a label.

    Attributes
    ----------
    target : str
        The name of the target.
    label : object
        The class that is explained.
    score : float
        The score of this class, before it becomes a probability. See `explain` for what each head's score is.
    constant : float
        The part of the score that does not depend on the image: the intercept and what centers the features. With
        "occlusion", the score of an image that is covered completely.
    map : ndarray of shape (rows, columns) and dtype float64, or None
        The contribution of each place of the upright image to the score; a negative value speaks against the class.
        None if no flow knows the places of its features.
    unlocated : dict of str to float
        The contributions that have no place, by the name of the flow: of a flow that does not know the places of its
        features, and what lies outside the image, such as a network's padding. Empty with "occlusion".
    shares : dict of str to float
        The contribution of each flow, located or not. The sum of the shares and the constant is the score.
    method : {"exact", "occlusion", "shap"}
        "exact": the score is the sum of the constant, the map and what is unlocated. "occlusion": a place of the map
        has the loss of score if it is covered, and the sum of the map need not be the score. "shap": as "exact", with
        the SHAP values of the features.
    confidence : float
        The probability of the label; NaN for a model without probabilities.
    neighbors : Terms or None
        The training images that spoke most for and against the label; None if no training images were given.
    """

    target: str
    label: Any
    score: float
    constant: float
    map: np.ndarray | None
    unlocated: Mapping[str, float]
    shares: Mapping[str, float]
    method: Literal["exact", "occlusion", "shap"]
    confidence: float
    neighbors: Terms | None = None

    def __str__(self) -> str:
        """Return the label, its score, and the share of each flow, the largest first."""
        confidence = "" if np.isnan(self.confidence) else f", confidence {self.confidence:.2f}"
        ranked = sorted(self.shares.items(), key=lambda share: -abs(share[1]))
        shares = ", ".join(f"{flow} {share:+.3f}" for flow, share in ranked)
        return (
            f"{self.target} {self.label}: score {self.score:.3f}{confidence} ({self.method}) = "
            f"constant {self.constant:+.3f}, {shares}"
        )


@dataclass(frozen=True)
class Explanation:
    """The reasons for the answer to one image. `twoflow.explain` makes it.

    Attributes
    ----------
    image_name : str
        The path of the image, or a description of it.
    image : ndarray of shape (height, width, 3) and dtype uint8
        The upright image in RGB, reduced so that its longer side is at most 640 pixels.
    reasons : tuple of Reason
        One for each explained target.
    thumbnails : dict of int to (bytes or None)
        Small JPEGs of the training images that the reasons name, by their position; None for an image that can no
        longer be read. Empty by default.
    """

    image_name: str
    image: np.ndarray
    reasons: tuple[Reason, ...]
    thumbnails: Mapping[int, bytes | None] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        """Show the maps, the shares and the nearest training images in a notebook."""
        # This import is late, because at the top it would be a circle: the report imports this room.
        from ..report.explanations import explanation_fragment

        return explanation_fragment(self)

    def __getitem__(self, target: str) -> Reason:
        """Return the reason of a target, by its name; KeyError if it was not explained."""
        for reason in self.reasons:
            if reason.target == target:
                return reason
        raise KeyError(target)

    def __str__(self) -> str:
        """Return a line for the image and a line for each target."""
        return "\n".join([self.image_name, *map(str, self.reasons)])
