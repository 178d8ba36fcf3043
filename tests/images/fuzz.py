"""Read many damaged image files: ``python -m tests.images.fuzz --n 10000``.

Each must give an image or an `ImageReadError`. All files are read in one process, so a crash ends the run. The script
prints the slowest file and the peak memory.
"""

import argparse
import collections
import time
import warnings

import numpy as np

from twoflow import ImageReadError
from twoflow._peak_memory import peak_memory, total_peak
from twoflow.images import LoadedImage, read_image

from .mutants import SEEDS, mutant


def read(content: bytes) -> str:
    """Return "image" or "refused"; any other error is raised."""
    try:
        pixels = read_image(content)
        assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
        assert LoadedImage(content).resized((24, 24)).shape == (24, 24, 3)
    except ImageReadError as error:
        assert "\n" not in str(error)
        return "refused"
    return "image"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    names = list(SEEDS)
    found: collections.Counter = collections.Counter()
    slowest = (0.0, "", 0)
    for number in range(arguments.first, arguments.first + arguments.n):
        name = names[number % len(names)]
        began = time.perf_counter()
        try:
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                found[name, read(mutant(name, number))] += 1
            assert not warned, warned[0].message
        except BaseException:
            print(f"mutant({name!r}, {number})")
            raise
        slowest = max(slowest, (time.perf_counter() - began, name, number))
    for name in names:
        print(f"{name:20s} {found[name, 'image']:6,} images, {found[name, 'refused']:6,} refused")
    print(f"slowest: {slowest[0]:.2f} s, mutant{slowest[1:]}; peak memory {total_peak([peak_memory()]) or 0:,} bytes")


if __name__ == "__main__":
    main()
