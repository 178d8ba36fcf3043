"""Measure the answers for photos that are half covered, mirrored or rotated, before and after fallback.

    python experiments/fallback/robustness.py DATA STORE

DATA has the folder products with its labels.csv. Models of the recipe "fast" are fitted on the photos as they are, and
on changed copies as well. Only test photos are scored, each changed in one way.
"""

import sys

import numpy as np
from PIL import Image
from task import load_task

from twoflow import FlowUnion, HierarchicalClassifier, Risk, make_model
from twoflow.evaluation.folds import draw_folds
from twoflow.evaluation.hierarchy import SCORES  # noqa
from twoflow.heads import KernelRidgeClassifier
from twoflow.images import read_image

GRAY, WHITE = (128, 128, 128), (255, 255, 255)


def cover_half(image, rng):
    """Cover the left, right, top or bottom half, drawn at random, with a gray rectangle."""
    width, height = image.size
    halves = ((0, 0, width // 2, height), (width // 2, 0, width, height),
              (0, 0, width, height // 2), (0, height // 2, width, height))
    covered = image.copy()
    covered.paste(GRAY, halves[rng.integers(len(halves))])
    return covered


def rotate_slightly(image, rng):
    """Rotate by up to 20 degrees to either side; the corners become white, as the background of most photos is."""
    return image.rotate(rng.uniform(-20, 20), Image.Resampling.BICUBIC, fillcolor=WHITE)


def transpose(how):
    """Make a change that mirrors or rotates by a right angle."""
    return lambda image, rng: image.transpose(how)


#: Name of the change -> function from an image and a random generator to the changed image.
CHANGES = {
    "none": lambda image, rng: image,
    "half covered": cover_half,
    "mirrored": transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "upside down": transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    "rotated by 90 degrees": transpose(Image.Transpose.ROTATE_90),
    "rotated by 180 degrees": transpose(Image.Transpose.ROTATE_180),
    "rotated by up to 20 degrees": rotate_slightly,
}


def change(images, name, seed=0):
    """Change all images in one way; image i draws from a generator of its own."""
    function = CHANGES[name]
    return [
        np.asarray(function(Image.fromarray(read_image(image)), np.random.default_rng([seed, i])))
        for i, image in enumerate(images)
    ]


def extract(task, store):
    """Compute the features of "fast" for each change, of shape (n, n_features)."""
    union = FlowUnion([(flow, step) for flow, step, _ in make_model("fast").flows], store=store)
    union.fit(task)
    return {name: union.transform(change(task, name)) for name in CHANGES}
