"""A small trunk, data that it learns, and a training of both. It imports torch, so tests import it late."""

import numpy as np
import torch
from torch import nn

from twoflow.deep.backbones.info import BackboneInfo
from twoflow.deep.backbones.trunk import Trunk
from twoflow.deep.fine_tuning import TrainingPlan
from twoflow.deep.fine_tuning.training import fine_tune

SIDE, WIDTH = 8, 12
N_CLASSES = 4


class TinyTrunk(Trunk):
    def __init__(self, seed=0):
        entry = {"input_size": (SIDE, SIDE), "channels": "RGB", "mean": 127.5, "scale": 127.5}
        info = BackboneInfo("tiny", "tiny", WIDTH, "pool", ("first", "second", "third"), entry, "MIT", "a test")
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            stages = [
                nn.Sequential(nn.Conv2d(n_in, WIDTH, 3, stride, 1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU())
                for n_in, stride in ((3, 2), (WIDTH, 1), (WIDTH, 2))
            ]
        super().__init__(info, nn.ModuleList(stages), stages)

    def pool(self, x):
        return x.mean(dim=(2, 3))

    def _graph(self):
        raise AssertionError("a tiny trunk is never exported")


def make_data(n=32, seed=0):
    """Noise whose mean color says the class."""
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % N_CLASSES
    colors = rng.uniform(60, 190, (N_CLASSES, 3))
    pixels = colors[codes][:, None, None] + rng.normal(0, 50, (n, SIDE, SIDE, 3))
    return pixels.clip(0, 255).astype(np.uint8), codes[:, None]


def train(pixels, codes, held_out=None, *, seed=0, n_classes=None, groups=None, weights=None, **choices):
    """Fine-tune a new trunk; return it, and what was learned."""
    trunk = TinyTrunk(seed)
    n_classes = n_classes or [N_CLASSES] * codes.shape[1]
    weights = weights or [np.ones(n) for n in n_classes]
    held_out = np.zeros(len(codes), dtype=bool) if held_out is None else held_out
    plan = TrainingPlan(**{"max_epochs": 3, "batch_size": 12, "augment": None, **choices})
    return trunk, fine_tune(trunk, pixels, codes, n_classes, weights, held_out, plan, groups)


def weights_of(trunk, trained):
    """All that was learned, as one array."""
    values = [value.detach().numpy().ravel() for value in trunk.state_dict().values()]
    return np.concatenate([*values, *(part.ravel() for head in trained.heads for part in head)])


def scores_of(trunk, trained, pixels, target=0):
    with torch.no_grad():
        coef, intercept = trained.heads[target]
        return trunk(torch.from_numpy(pixels)).numpy() @ coef + intercept
