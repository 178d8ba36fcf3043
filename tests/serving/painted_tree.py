"""A model with a tree of classes, whose answers a test paints into its photos."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import Any, Self

import numpy as np
from PIL import Image
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags

from twoflow import ClassTree, HierarchicalClassifier
from twoflow.images.reading import read_image
from twoflow.models.model_file import ModelCard, ModelFile, TargetCard
from twoflow.models.tree_names import broader_paths, name_classes

TREE = ClassTree.from_dict(
    {"bags": ["other", "tote bags"], "hats": None, "shoes": {"boots": None, "heels": None, "other": None}},
    ["category", "article"],
)
LEAVES = name_classes(TREE)


class PaintedLeaves(ClassifierMixin, BaseEstimator):
    """Answers with the leaf whose number is the red of the photo; its probability is the green, in percent.

    The next leaf has the rest.
    """

    def fit(self, X: Any, y: Any) -> Self:
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Sequence[Any]) -> np.ndarray:
        n = len(self.classes_)
        rows = np.zeros((len(X), n))
        for row, image in zip(rows, X):
            leaf, percent, _ = map(int, np.asarray(read_image(image))[0, 0])
            share = min(percent, 100) / 100
            row[leaf % n], row[(leaf + 1) % n] = share, 1 - share
        return rows

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags


class PaintedScope(BaseEstimator):
    """The score of scope is the blue of the photo, in percent; from a half on, it is in scope."""

    score_, threshold_ = "painted", 0.5

    def fit(self, X: Any, y: Any, groups: Any = None, **more: Any) -> Self:
        return self

    def score_samples(self, X: Any, probabilities: Any = None) -> np.ndarray:
        return np.array([int(np.asarray(read_image(image))[0, 0, 2]) for image in X]) / 100


def painted_leaf(leaf: str, percent: int = 93, scope: int = 80) -> bytes:
    """A photo for which the model answers this leaf with this confidence, and this score of scope."""
    file = BytesIO()
    Image.new("RGB", (120, 90), (LEAVES.index(leaf), percent, scope)).save(file, "PNG")
    return file.getvalue()


def tree_model(fallback: Any = 0.7) -> ModelFile:
    """A model file with a tree of two levels, a leaf at the broadest level, and a name under two parents."""
    images = [painted_leaf(leaf) for leaf in LEAVES for _ in range(5)]
    labels = [[*path, ""][:2] for path in (TREE.nodes[leaf] for leaf in TREE.leaves) for _ in range(5)]
    model = HierarchicalClassifier(PaintedLeaves(), TREE, fallback=fallback, scope=PaintedScope()).fit(images, labels)
    target = TargetCard("article", LEAVES, levels=broader_paths(TREE), tree=model.tree_)
    return ModelFile(model, ModelCard("our shop", "2026-11-26", (target,)), "ab12" * 16)
