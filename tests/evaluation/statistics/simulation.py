"""Cross-validate two learners whose expected accuracies are equal, many times.

An image is 2 x `n_features` independent normal numbers. In each half of them, the class means are `distance` standard
deviations apart. One learner chooses the nearest class mean by the first half, the other by the second. By symmetry
their expected accuracies are equal at any size of the training set, while on one data set they differ.
With few features far apart, the learners are steady: what they learn hardly depends on which images they are trained
on. With many weak features, they are sensitive to it.

In grouped data two images of a class show one item: their features have the correlation 1/2, and a fold tests both of
them or none.
"""

import math
from typing import NamedTuple

import numpy as np

N_IMAGES = 100
IS_FIRST_CLASS = np.arange(N_IMAGES) < N_IMAGES // 2
BLOCK = 100  # experiments at a time, to bound memory


class Setting(NamedTuple):
    n_features: int
    distance: float
    group_size: int = 1


STEADY, SENSITIVE = Setting(2, 1.5), Setting(10, 1.0)
GROUP_SIZE = 2
GROUPS = np.arange(N_IMAGES) // GROUP_SIZE


def k_fold(rng, n_experiments, n_folds=10, repeats=1, group_size=1):
    """Draw which images are tested by stratified k-fold, of shape (n_experiments, n_folds * repeats, N_IMAGES)."""
    fold = _ranks(rng, (n_experiments, repeats), group_size) * n_folds // (N_IMAGES // 2)
    return (fold[:, :, None] == np.arange(n_folds)[:, None]).reshape(n_experiments, -1, N_IMAGES)


def repeated_k_fold(rng, n_experiments, group_size=1):
    return k_fold(rng, n_experiments, repeats=10, group_size=group_size)


def two_folds(rng, n_experiments, group_size=1):
    return k_fold(rng, n_experiments, n_folds=2, group_size=group_size)


def random_splits(rng, n_experiments, group_size=1):
    """Draw ten random splits of 90 training and 10 test images."""
    return _ranks(rng, (n_experiments, 10), group_size) < 5


def one_split(rng, n_experiments, group_size=1):
    """Draw one split of 50 training and 50 test images."""
    return _ranks(rng, (n_experiments, 1), group_size) < 25


def five_by_two(rng, n_experiments):
    half = _ranks(rng, (n_experiments, 5)) < 25
    return np.stack([half, ~half], axis=2).reshape(n_experiments, 10, N_IMAGES)


def scores(draw_folds, n_experiments, setting, other=None, seed=0):
    """Compute the accuracies of the two learners by fold, each of shape (n_experiments, n_folds)."""
    both = [
        [(is_right & is_tested).sum(axis=-1) / is_tested.sum(axis=-1) for is_right in (first, second)]
        for first, second, is_tested in experiments(draw_folds, n_experiments, setting, other, seed)
    ]
    return tuple(np.concatenate(learner) for learner in zip(*both))


def experiments(draw_folds, n_experiments, setting, other=None, seed=0):
    """Yield in blocks which images the first and the second learner of each fold get right, and which are tested."""
    for *both, is_tested in families(draw_folds, n_experiments, (setting, other or setting), seed):
        yield *both, is_tested


def families(draw_folds, n_experiments, settings, seed=0):
    """Yield in blocks which images each learner of each fold gets right, and last which are tested."""
    rng = np.random.default_rng(seed)
    group_size = settings[0].group_size
    for _ in range(n_experiments // BLOCK):
        is_tested = draw_folds(rng, BLOCK) if group_size == 1 else draw_folds(rng, BLOCK, group_size=group_size)
        yield *(_is_right(draw_images(rng, setting), is_tested) for setting in settings), is_tested


def draw_images(rng, setting, n_experiments=BLOCK):
    """Draw features of shape (n_experiments, N_IMAGES, n_features)."""
    n_features, distance, group_size = setting
    apart = np.where(IS_FIRST_CLASS, 0.5, -0.5)[:, None] * distance / math.sqrt(n_features)
    noise = rng.normal(size=(n_experiments, N_IMAGES, n_features))
    if group_size > 1:
        of_items = rng.normal(size=(n_experiments, N_IMAGES // group_size, n_features))
        noise = (noise + np.repeat(of_items, group_size, axis=1)) / math.sqrt(2)
    return noise + apart


def _is_right(features, is_tested):
    """Classify by the nearest class mean of the training images; right or not, (n_experiments, n_folds, n)."""
    means = []
    for is_class in (IS_FIRST_CLASS, ~IS_FIRST_CLASS):
        is_used = (~is_tested & is_class).astype(float)
        means.append(is_used @ features / is_used.sum(axis=-1, keepdims=True))
    weights, middle = means[0] - means[1], (means[0] + means[1]) / 2
    decision = weights @ features.transpose(0, 2, 1) - (weights * middle).sum(axis=-1, keepdims=True)
    return (decision > 0) == IS_FIRST_CLASS


def _ranks(rng, shape, group_size=1):
    """Draw the place of each image in a random order of its class, groups in one piece, of shape (*shape, N_IMAGES)."""
    half = N_IMAGES // 2 // group_size
    ranks = rng.random((*shape, 2, half)).argsort(axis=-1).argsort(axis=-1).reshape(*shape, 2 * half)
    return np.repeat(ranks, group_size, axis=-1) * group_size
