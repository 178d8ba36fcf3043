"""Compare sequential sub-models with a joint model and independent ones, with less and less to train on.

    python experiments/sequential/sequential.py DATA STORE [FLOWS] [SHARE ...]

DATA has the folder products with its labels.csv. STORE keeps the features. FLOWS is "embedding" (the default) for the
network's embedding, or "fast" for the flows of that recipe. SHARE is the share of each fold's training images to keep:
1, 0.3 and 0.1 by default.
"""

import sys
from itertools import combinations
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from twoflow import CNNEmbedding, FlowUnion, SequentialClassifier, corrected_resampled_ttest, load_table, make_model
from twoflow.deep import DropoutMLPClassifier
from twoflow.evaluation.folds import Folds, draw_folds, shrink
from twoflow.heads import KernelRidgeClassifier, MultiTargetClassifier
from twoflow.heads.inner_folds import fit_clone
from twoflow.heads.sequential.classifier import count_parameters
from twoflow.models import take_apart

TARGETS = ("subCategory", "masterCategory", "gender")
KINDS = ("Apparel", "Footwear")
FOLDS, SEED, LEAST = 5, 0, 10


def main(data: str, store: str, flows: str = "embedding", *shares: str) -> None:
    """Measure all methods on the features of the images, and print tables."""
    images = load_products(Path(data) / "products")
    features = FLOWS[flows](store).fit_transform(images)
    measure(features, images.labels, images.groups, SCALING[flows], [float(share) for share in shares])


#: The features, and what they pass through before a head. A PCA that keeps all components only rotates wide features,
#: so that they are no more than the training images. They have unit norm already.
FLOWS = {
    "embedding": lambda store: CNNEmbedding(store=store, verbose=True),
    "fast": lambda store: FlowUnion(take_apart(make_model("fast")).flows, store=store, verbose=True),
}
SCALING = {
    "embedding": make_pipeline(StandardScaler(with_std=False), Normalizer()),
    "fast": PCA(),
}


def load_products(data: Path):
    """Load the images of the two main categories, without subcategories of fewer than ten images."""
    images = load_table(data / "labels.csv", data, label_column=TARGETS, group_column="dup_group")
    images = images[np.isin(images.labels[:, 1], KINDS)]
    names, counts = np.unique(images.labels[:, 0], return_counts=True)
    return images[np.isin(images.labels[:, 0], names[counts >= LEAST])]


def make_methods() -> dict:
    """Return the unfitted methods. All perceptrons have the paper's layers, dropout and L2 penalty."""
    mlp = DropoutMLPClassifier(random_state=SEED)
    return {
        "sequential, lda": SequentialClassifier([0, 1, 2], estimator=mlp, random_state=SEED),
        "sequential, mlp": SequentialClassifier([0, 1, 2], representation=mlp, estimator=mlp, random_state=SEED),
        "joint": mlp,
        "independent": MultiTargetClassifier(mlp),
        "independent, kernel ridge": MultiTargetClassifier(KernelRidgeClassifier()),
    }


def measure(features: np.ndarray, labels: np.ndarray, groups: np.ndarray, scaling, shares=()) -> None:
    """Print for each share of the training images a table of the methods, and the intervals of their differences."""
    folds = draw_folds(labels, groups, n_splits=FOLDS, random_state=SEED)
    for share in shares or (1.0, 0.3, 0.1):
        kept = shrink(folds, share, labels, groups)
        print(f"\n{share:.0%} of the training images, {np.mean([len(fold.train) for fold in kept]):.0f} a fold\n")
        print(f"| method | {' | '.join(TARGETS)} | all right | parameters | epochs | CPU seconds |")
        print("| --- |" + " ---: |" * (len(TARGETS) + 4))
        rows = [scale(scaling, features, fold) for fold in kept]
        scores = {name: run(name, model, rows, labels, groups, kept) for name, model in make_methods().items()}
        for one, other in combinations(scores, 2):
            compare(one, other, scores, kept)


def scale(scaling, features, fold) -> tuple[np.ndarray, np.ndarray]:
    """Fit the scaling on the training rows of a fold, and return its training and test rows."""
    scaling = clone(scaling).fit(features[fold.train].astype(np.float32))
    return tuple(scaling.transform(features[rows].astype(np.float32)) for rows in (fold.train, fold.test))


def run(name: str, model, rows, labels, groups, folds: Folds) -> np.ndarray:
    """Fit a method in each fold, print its line, and return its accuracy by fold and target, all right last."""
    accuracy, parameters, epochs, seconds = [], [], [], []
    for fold, (train, test) in zip(folds, rows):
        start = process_time()
        fitted = fit_clone(model, train, labels[fold.train], groups[fold.train])
        seconds.append(process_time() - start)
        right = fitted.predict(test) == labels[fold.test]
        accuracy.append([*right.mean(axis=0), right.all(axis=1).mean()])
        parts = getattr(fitted, "estimators_", [fitted])
        parameters.append(sum(count_parameters(part) for part in parts))
        epochs.append([part.epochs_ for part in parts if hasattr(part, "epochs_")])
    shown = " | ".join(f"{value:.1%}" for value in np.mean(accuracy, axis=0))
    mean_epochs = " / ".join(f"{value:.0f}" for value in np.mean(epochs, axis=0)) or "none"
    print(f"| {name} | {shown} | {np.mean(parameters):,.0f} | {mean_epochs} | {np.mean(seconds):.1f} |", flush=True)
    return np.array(accuracy)


def compare(one: str, other: str, scores: dict, folds: Folds) -> None:
    """Print the corrected interval of the difference of two methods, by target."""
    sizes = [len(fold.train) for fold in folds], [len(fold.test) for fold in folds]
    for position, target in enumerate([*TARGETS, "all right"]):
        found = corrected_resampled_ttest(scores[one][:, position], scores[other][:, position], *sizes)
        low, high = found.confidence_interval
        interval = f"[{low:+.2%}, {high:+.2%}]" if low == low else "in each fold"  # NaN differs from itself
        print(f"- {one} minus {other}, {target}: {found.mean_difference:+.2%} {interval}")


if __name__ == "__main__":
    main(*sys.argv[1:])
