"""The image that enters the graph, as flows see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .graph import Graph
from .resizing import resize_rows


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
        self._resized: dict[tuple[int, int], str] = {}

    def resized(self, size: Sequence[int]) -> str:
        """Stretch the image to `size` (width, height), to the same pixels as `LoadedImage.resized` for an array.

        Returns
        -------
        str
            The name of the pixels, of shape (height, width, 3) and dtype uint8. Each size is computed once.
        """
        width, height = size
        if (width, height) not in self._resized:
            # The height first, then the width, which is turned to be the first axis.
            rows = self._flattened(self._name)
            rows = resize_rows(self._graph, rows, height)
            columns = self._flattened(self._turned(self._graph.add("Reshape", rows, np.array([height, -1, 3]))))
            columns = resize_rows(self._graph, columns, width)
            self._resized[width, height] = self._turned(
                self._graph.add("Reshape", columns, np.array([width, height, 3]))
            )
        return self._resized[width, height]

    def _flattened(self, pixels: str) -> str:
        return self._graph.add("Flatten", pixels, axis=1)

    def _turned(self, pixels: str) -> str:
        return self._graph.add("Transpose", pixels, perm=[1, 0, 2])
