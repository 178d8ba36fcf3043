"""An explanation of two targets, by hand: the first has a map and nearest images, the second has neither."""

import io

import numpy as np
from PIL import Image

from twoflow.explaining import Explanation, Reason
from twoflow.similarity import Terms

#: Against the class at the top left, for it at the bottom right; nothing else counts.
MAP = np.zeros((4, 6))
MAP[0, 0], MAP[3, 4:] = -0.2, 0.4


def jpeg(color="red"):
    """A small JPEG."""
    content = io.BytesIO()
    Image.new("RGB", (30, 20), color).save(content, "JPEG")
    return content.getvalue()


def made_explanation(name="new/<b>photo.jpg", label="Heels"):
    terms = Terms(
        ["a/near.jpg", "b/near.jpg", "gone.jpg"], np.array([7, 3, 9]), ["Heels", "Heels", "<i>Boots"],
        np.array([0.5, 0.25, -0.125]), np.array([0.9, 0.8, np.nan]), 0.075, 0.3, is_exact=False,
    )
    first = Reason(
        "type", label, 1.0, 0.1, MAP, {"color": 0.3}, {"cnn": 0.6, "color": 0.3}, "exact", 0.93, terms,
    )
    second = Reason("color", "Red", 0.5, 0.75, None, {"color": -0.25}, {"color": -0.25}, "exact", float("nan"))
    thumbnails = {7: jpeg(), 3: jpeg("blue"), 9: None}
    return Explanation(name, np.full((40, 60, 3), 128, np.uint8), (first, second), thumbnails)
