"""The image that enters the graph, as flows see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...images import Fitting
from .fitting import Side, is_whole, may_pad, place
from .graph import Graph
from .resizing import cut_needed, resize_rows


class ImageInput:
    """The input of the graph: the pixels of one upright sRGB image of any size.

    Parameters
    ----------
    graph : Graph
    name : str
        The name of the input, of shape (height, width, 3) and dtype uint8.
    """

    def __init__(self, graph: Graph, name: str) -> None:
        self._graph = graph
        self._name = name
        self._fitted: dict[Fitting, str] = {}

    def resized(self, size: Sequence[int]) -> str:
        """Stretch the image to `size` (width, height), to the same pixels as `LoadedImage.resized` for an array.

        Returns
        -------
        str
            The name of the pixels, of shape (height, width, 3) and dtype uint8. Each size is computed once.
        """
        width, height = size
        return self.fitted(Fitting((width, height)))

    def fitted(self, fitting: Fitting) -> str:
        """Fit the image, to the same pixels as `LoadedImage.fitted` for an array.

        Returns
        -------
        str
            The name of the pixels, of shape (height, width, 3) and dtype uint8. Each fitting is computed once.
        """
        if fitting not in self._fitted:
            self._fitted[fitting] = self._fit(fitting)
        return self._fitted[fitting]

    def _fit(self, fitting: Fitting) -> str:
        graph, filter = self._graph, fitting.filter
        width, height = (None, None) if fitting.fit == "area" else fitting.size  # or what the image itself decides
        full_size = self._side(1), self._side(0)
        across, down = place(graph, full_size, fitting)
        pixels = self._name
        if not is_whole(fitting):
            pixels, down = cut_needed(graph, pixels, 0, down, full_size[1], filter)
            pixels, across = cut_needed(graph, pixels, 1, across, full_size[0], filter)
        # The height first, then the width, which is turned to be the first axis.
        rows = resize_rows(graph, self._flattened(pixels), height, down, filter)
        columns = self._flattened(self._turned(graph.add("Reshape", rows, np.array([height or 0, -1, 3]))))
        columns = resize_rows(graph, columns, width, across, filter)
        pixels = self._turned(graph.add("Reshape", columns, np.array([width or 0, height or -1, 3])))
        return self._pad(pixels, across, down, fitting) if may_pad(fitting) else pixels

    def _pad(self, pixels: str, across: Side, down: Side, fitting: Fitting) -> str:
        """Give the margins their color. Before, they repeat the last pixel of the image."""
        graph, (width, height) = self._graph, fitting.size
        inside = graph.add("And", self._inside(down, np.arange(height, dtype=np.float64).reshape(-1, 1, 1)),
                           self._inside(across, np.arange(width, dtype=np.float64).reshape(1, -1, 1)))
        return graph.add("Where", inside, pixels, np.array(fitting.pad_color, np.uint8))

    def _inside(self, side: Side, numbers: np.ndarray) -> str:
        graph = self._graph
        number = graph.add("Sub", numbers, side.n_before)
        return graph.add("And", graph.add("GreaterOrEqual", number, np.float64(0)),
                         graph.add("Less", number, side.n_kept))

    def _side(self, axis: int) -> str:
        shape = self._graph.add("Shape", self._name, start=axis, end=axis + 1)
        return self._graph.cast(shape, np.float64)

    def _flattened(self, pixels: str) -> str:
        return self._graph.add("Flatten", pixels, axis=1)

    def _turned(self, pixels: str) -> str:
        return self._graph.add("Transpose", pixels, perm=[1, 0, 2])
