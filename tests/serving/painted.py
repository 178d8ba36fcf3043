"""A model whose answers a test paints into its photos."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from twoflow.images.reading import read_image
from twoflow.models.model_file import Expectation, ModelCard, ModelFile, TargetCard

#: Names of classes as they should not be, but may be.
HOSTILE = ("<img src=x onerror=console.error(1)>", "\u202eevil\x07", "חולצה כחולה", "long" * 60)
CLASSES = ("ankle boot", "clog", "mule", *HOSTILE, *(f"sandal {i}" for i in range(500)))
COLORS = ("red", "blue")


class Painted:
    """Answers with the class whose number is the red of the photo; its probability is the green, in percent.

    The next classes share the rest. The second target is certain of its first class.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = sizes

    def predict_proba(self, images: Sequence[Any]) -> list[np.ndarray]:
        """The probabilities for each target."""
        pixels = [np.asarray(read_image(image))[0, 0] for image in images]
        return [np.array([self._row(size, *map(int, pixel[:2])) for pixel in pixels]) for size in self._sizes]

    @staticmethod
    def _row(size: int, red: int, green: int) -> np.ndarray:
        row = np.zeros(size)
        share = min(green, 100) / 100
        for k, part in enumerate((share, (1 - share) * 0.99, (1 - share) * 0.01)):
            row[(red + k) % size] += part
        return row


def painted_photo(label: str = "clog", percent: int = 93, size: tuple[int, int] = (120, 90), exif: Any = None) -> bytes:
    """A photo for which the model answers this class with this confidence."""
    file = BytesIO()
    Image.new("RGB", size, (CLASSES.index(label), percent, 0)).save(file, "PNG", exif=exif)
    return file.getvalue()


def painted_model(*, title: str = "our shoes", n_targets: int = 1) -> ModelFile:
    """A model file of one or two targets; the first has examples of all classes but "ankle boot".

    With two, it knows how often both are right, and 3 of 9 images had no color.
    """
    expectation = Expectation(0.912, (0.89, 0.93), 0.95, "5 folds of 3,068 images")
    targets = (
        TargetCard("class", CLASSES, expectation=expectation), TargetCard("the color", COLORS, (4, 2))
    )[:n_targets]
    together = {"n_images": 9, "exact_match": expectation._replace(accuracy=0.87)} if n_targets > 1 else {}
    file = BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "JPEG")
    examples = {("class", position): file.getvalue() for position in range(1, len(CLASSES))}
    card = ModelCard(title, "2026-11-26", targets, threshold=0.7, **together)
    return ModelFile(Painted([len(target.classes) for target in targets]), card, "ab12" * 16, examples)
