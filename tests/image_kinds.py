"""The forms in which images may be given, for the checks of flows and of classifiers."""

import io

import numpy as np
import pandas as pd
from PIL import Image


def kinds_of_images(arrays, folder):
    """The same images in every form that X may have, by name; files are written to a folder."""
    files = []
    for i, pixels in enumerate(arrays):
        files.append(folder / f"{i} ü.png")
        Image.fromarray(pixels).save(files[-1])
    frozen = np.stack(arrays)
    frozen.flags.writeable = False
    return {
        "paths": files,
        "strings": [str(file) for file in files],
        "bytes": [file.read_bytes() for file in files],
        "PIL": [Image.open(io.BytesIO(file.read_bytes())) for file in files],
        "4-D, read-only": frozen,
        "4-D, other order": np.asfortranarray(frozen),
        "column": np.array([str(file) for file in files], dtype=object)[:, None],
        "frame": pd.DataFrame({"path": files}),
        "series": pd.Series(files),
        "mixed": [*files[:5], *arrays[5:]],
    }
