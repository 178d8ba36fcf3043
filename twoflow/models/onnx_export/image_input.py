"""The image that enters the graph, as flows see it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .graph import Graph

#: The cubic filter of `twoflow.images.resizing`, antialiased. Weights outside the image are spread over the others.
_BICUBIC = {"mode": "cubic", "cubic_coeff_a": -0.5, "antialias": 1, "exclude_outside": 1}


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
        """Stretch the image to `size` (width, height), as `LoadedImage.resized` does.

        Returns
        -------
        str
            The name of the pixels, of shape (height, width, 3) and dtype uint8. Each size is computed once.

        Notes
        -----
        The height first, then the width, each rounded to 8 bits, as the kit does. Of the values of real images, 0.1 to
        0.6 % differ by 1 of 255, because fixed-point weights are rounded at other steps.
        """
        width, height = size
        if (width, height) not in self._resized:
            # onnxruntime antialiases two axes of an array of four only.
            pixels = self._graph.add("Unsqueeze", self._name, np.array([0]))
            for axis, side in ((1, height), (2, width)):
                pixels = self._graph.add("Resize", pixels, "", "", np.array([side]), axes=[axis], **_BICUBIC)
            self._resized[width, height] = self._graph.add("Squeeze", pixels, np.array([0]))
        return self._resized[width, height]
