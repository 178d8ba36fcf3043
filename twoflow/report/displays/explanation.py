"""The plot of an explanation: the map over the photo, the shares of the flows, and the nearest training images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from PIL import Image

from ..explanations.document import reason_document
from ..explanations.overlay import AGAINST, FOR, blend, strongest
from ..svg import to_svg
from .base import label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ...explaining import Explanation, Reason

_WIDTH, _HEIGHT, _PIXELS_PER_INCH = 960, 330, 72  # pixels of a row, for one target
_N_SHOWN = 5  # nearest images for a class, and as many against it


class ExplanationDisplay:
    """Draw why a model gave its answer for one image, a row for each target.

    A row has the photo with the map over it, the contribution of each flow to the score, and the training images that
    spoke most for the class and most against it. What spoke for the class is orange, what spoke against it is blue.

    Parameters
    ----------
    explanation : Explanation

    Attributes
    ----------
    axes_ : list of dict of str to matplotlib.axes.Axes
        After `plot`, the axes of each target: "map", "shares", "for 1", "against 1" and so on.
    figure_ : matplotlib.figure.Figure
        After `plot`.

    Examples
    --------
    >>> from twoflow import explain, make_model, make_shop
    >>> from twoflow.report import ExplanationDisplay
    >>> shop = make_shop(n_classes=3, n_per_class=6, random_state=0)
    >>> reasons = explain(make_model("fast").fit(shop), shop.images[0], training=shop)
    >>> display = ExplanationDisplay(reasons).plot()
    >>> display.axes_[0]["map"].get_title()
    'class: tee/01'
    """

    axes_: list[dict[str, Axes]]
    figure_: Any

    def __init__(self, explanation: Explanation) -> None:
        self.explanation = explanation

    @classmethod
    def from_model(cls, model: Any, image: Any, **options: Any) -> Self:
        """Explain the answer of a fitted model for an image; for the options see `explain`."""
        from ...explaining import explain

        return cls(explain(model, image, **options))

    def plot(self, figure: Figure | None = None) -> Self:
        """Draw on the given figure, or by default on a new one, and return self."""
        reasons = self.explanation.reasons
        if figure is None:
            from matplotlib.figure import Figure

            size = (_WIDTH / _PIXELS_PER_INCH, len(reasons) * _HEIGHT / _PIXELS_PER_INCH)
            figure = Figure(figsize=size, dpi=_PIXELS_PER_INCH, layout="constrained")
        self.figure_ = figure
        rows = figure.subfigures(len(reasons), squeeze=False)[:, 0]
        self.axes_ = [self._plot_reason(reason, row) for reason, row in zip(reasons, rows)]
        return self

    def _repr_html_(self) -> str:
        """Show the plot in a notebook."""
        return to_svg(self, f"Why the model gave its answer for {self.explanation.image_name}")

    def _plot_reason(self, reason: Reason, figure: Any) -> dict[str, Axes]:
        document = reason_document(reason)
        near = document["neighbors"]
        left, right = figure.subfigures(1, 2, width_ratios=(1.35, 1)) if near else (figure, None)
        photo, shares = left.subplots(1, 2)
        axes = {"map": photo, "shares": shares}
        self._plot_map(reason, photo)
        _plot_shares(document, shares)
        if right is not None:
            for side, row in zip(("for", "against"), right.subplots(2, _N_SHOWN, squeeze=False)):
                self._plot_near(near[side], side, row)
                axes |= {f"{side} {i}": ax for i, ax in enumerate(row, start=1)}
        return axes

    def _plot_map(self, reason: Reason, ax: Axes) -> None:
        ax.imshow(np.asarray(blend(self.explanation.image, reason.map)))
        ax.set_axis_off()
        ax.set_title(f"{label(reason.target)}: {label(reason.label)}", parse_math=False)
        if reason.map is not None and (end := strongest(reason.map)):
            ax.figure.colorbar(_scale(end), ax=ax, location="bottom", label="against, and for", shrink=0.8)

    def _plot_near(self, near: Sequence[Mapping[str, Any]], side: str, row: Sequence[Axes]) -> None:
        for i, ax in enumerate(row):
            ax.set_xticks([])
            ax.set_yticks([])
            ax.spines[:].set_visible(False)
            ax.set_aspect("equal")
            if i >= len(near):
                continue
            content = self.explanation.thumbnails.get(near[i]["position"])
            if content is not None:
                ax.imshow(_square(Image.open(BytesIO(content))))
            ax.set_xlabel(f"{label(near[i]['label'], 12)}\n{near[i]['term']:+.3g}", fontsize=9)
            ax.xaxis.label.set_parse_math(False)
        row[0].set_title(f"spoke {side} it", loc="left")


def _square(image: Image.Image) -> np.ndarray:
    """Pad an image to a square with transparent borders, so that all thumbnails of a row are equally large."""
    side = max(image.size)
    padded = Image.new("RGBA", (side, side))
    padded.paste(image, tuple((side - length) // 2 for length in image.size))  # type: ignore[arg-type]
    return np.asarray(padded)


def _plot_shares(document: Mapping[str, Any], ax: Axes) -> None:
    parts = {each["name"]: each["share"] for each in document["flows"]} | {"always": document["constant"]}
    values = list(parts.values())
    colors = [_hex(FOR if value > 0 else AGAINST) for value in values]
    ax.barh(range(len(values)), values, 0.6, color=colors)
    ax.axvline(0, color=ax.xaxis.label.get_color(), linewidth=0.8)
    ax.set_yticks(range(len(values)), [label(name, 16) for name in parts], parse_math=False)
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.locator_params(axis="x", nbins=4)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.set_title(f"score {document['score']:.3f}")
    ax.set_xlabel("what each flow adds")


def _scale(end: float) -> Any:
    """Return the colors of a map from its end against the class, over 0, to its end for the class."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    colors = [_hex(AGAINST), "#ffffff", _hex(FOR)]
    return ScalarMappable(Normalize(-end, end), LinearSegmentedColormap.from_list("reasons", colors))


def _hex(color: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)
