"""Print the two tasks, with the images of each label, and the copies of one photo whose labels differ.

    python experiments/type_and_color/garments.py DATA

DATA has the folders matos (train.csv, train/, near_duplicates.txt) and products (labels.csv). The other scripts of this
folder take the tasks and the methods from here.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from scipy import linalg

from twoflow import FlowUnion, MultiTargetClassifier, load_table, make_model
from twoflow.evaluation import chi2_independence
from twoflow.heads import KernelRidgeClassifier
from twoflow.images import ImageCollection
from twoflow.models import take_apart
from twoflow.models.choosing_classifier import ChoosingClassifier
from twoflow.models.selecting_classifier import SelectingClassifier

TYPES = ("T-shirt", "hoodie")
COLORS = ("red", "yellow", "blue", "black", "white")
LEAST = 10  # images of a class, in products
SEED = 0


def load_matos(data):
    """Load the photos of T-shirts and hoodies; near duplicates are a group."""
    folder = Path(data) / "matos"
    files = {file.stem: file for file in (folder / "train").iterdir()}
    group_of = {
        file: str(number)
        for number, line in enumerate((folder / "near_duplicates.txt").read_text().splitlines())
        for file in line.split()
    }
    with open(folder / "train.csv", newline="") as table:
        rows = list(csv.DictReader(table))
    images = [files[row["id"]] for row in rows]
    labels = [(TYPES[int(row["jenis"])], COLORS[int(row["warna"])]) for row in rows]
    groups = [group_of.get(f"train/{file.name}", f"{file.stem} alone") for file in images]
    return ImageCollection(images, labels, groups, target_names=["type", "color"])


def load_products(data, most=None):
    """Load the products, or some drawn at random, without kinds and colors of fewer than `LEAST` images."""
    folder = Path(data) / "products"
    images = load_table(
        folder / "labels.csv", folder, label_column=["articleType", "baseColour"], group_column="dup_group"
    )
    if most is not None:
        images = images[np.sort(np.random.default_rng(SEED).permutation(len(images))[:int(most)])]
    while True:
        counts = [np.unique(labels, return_inverse=True, return_counts=True)[1:] for labels in images.labels.T]
        kept = np.all([of_class[codes] >= LEAST for codes, of_class in counts], axis=0)
        if kept.all():
            return images
        images = images[kept]


TASKS = {"matos": load_matos, "products": load_products}


class Features:
    """The flows of two recipes, each reduced to as many columns as there are images.

    The columns of a flow have the same dot products as its features. Kernel ridge on them is the same, and takes less
    time and memory.
    """

    def __init__(self, images, recipes, store):
        """Compute the columns of each flow of the recipes that are named."""
        self.flows, columns, start = {}, [], 0
        for recipe in recipes:
            parts = take_apart(make_model(recipe))
            head = parts.on_features()
            selections = dict(head.candidates)["weighed"].selections if recipe == "best" else [
                (step.name, step.selector, None) for step in parts.steps
            ]
            self.flows[recipe] = {}
            for (name, flow), (_, selector, _) in zip(parts.flows, selections):
                X = FlowUnion([(name, flow)], store=store, n_jobs=1).fit_transform(images)
                X = X if selector == "passthrough" else selector.fit_transform(X)
                columns.append(_reduce(X))
                self.flows[recipe][name] = slice(start, start + len(images))
                start += len(images)
        self.X = np.hstack(columns)

    def estimator(self, recipe, names=None):
        """Make what decides in a recipe, on the columns of all its flows or of those that are named."""
        flows = self.flows[recipe]
        selections = [(name, "passthrough", flows[name]) for name in (flows if names is None else names)]
        weights = "equal" if recipe == "fast" else "leave-out"
        candidate = SelectingClassifier(selections, KernelRidgeClassifier())
        return ChoosingClassifier([("weighed", candidate)], weights=weights, random_state=SEED)

    def methods(self):
        """Return the unfitted methods by name: each recipe by each strategy, and a recipe for each target."""
        methods = {
            f"{recipe}:{strategy}": MultiTargetClassifier(self.estimator(recipe), strategy, random_state=SEED)
            for recipe in self.flows for strategy in ("separate", "shared", "joint", "chain")
        }
        if "best" in self.flows:
            names = list(self.flows["best"])
            colors = ("lab", "lab_grid", "hsv_grid")
            first = [name for name in names if name.startswith("stage")]
            methods["own recipes"] = MultiTargetClassifier({
                0: self.estimator("best", [name for name in names if name not in colors]),
                1: self.estimator("best", [*first, *colors]),
            }, random_state=SEED)
        return methods


def _reduce(X):
    """Return n columns with the same dot products of rows."""
    gram = np.zeros((len(X), len(X)))
    for start in range(0, X.shape[1], 2048):
        part = np.asarray(X[:, start:start + 2048], dtype=np.float32)
        gram += part @ part.T
    gram[np.diag_indices(len(X))] += 1e-5
    return linalg.cholesky(gram, lower=True, overwrite_a=True).astype(np.float32)


def main(data):
    """Print both tasks."""
    for name, load in TASKS.items():
        images = load(data)
        print(f"{name}: {images!r}")
        print(chi2_independence(*images.labels.T))
        groups, inverse = np.unique(images.groups, return_inverse=True)
        for number in range(len(groups)):
            rows = np.flatnonzero(inverse == number)
            pairs = {tuple(pair) for pair in images.labels[rows].tolist()}
            if name == "matos" and len(pairs) > 1:
                print("copies with different labels:", [Path(images.images[row]).name for row in rows], pairs)


if __name__ == "__main__":
    main(*sys.argv[1:])
