"""Compare sequential sub-models with a joint model and independent ones, with less and less to train on.

    python experiments/sequential/sequential.py DATA STORE [ATTRIBUTE] [SHARE ...]

DATA is the folder of `products`; STORE keeps the features. ATTRIBUTE is the third target, "gender" by default. SHARE is the
share of each fold's training images to keep: 1, 0.3 and 0.1 by default.
"""

import sys
from itertools import combinations
from pathlib import Path
from time import process_time

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from twoflow import CNNEmbedding, SequentialClassifier, corrected_resampled_ttest, load_table
from twoflow.deep import DropoutMLPClassifier
from twoflow.evaluation.folds import Folds, draw_folds, shrink
from twoflow.heads import EachTargetClassifier, KernelRidgeClassifier
from twoflow.heads.inner_folds import fit_clone
from twoflow.heads.sequential.classifier import count_parameters

FINE, BROAD = "subCategory", "masterCategory"
KINDS = ("Apparel", "Footwear")
FOLDS, SEED, LEAST = 5, 0, 10


def main(data: str, store: str, attribute: str = "gender", *shares: str) -> None:
    """Measure all methods on the embeddings of the images, and print tables."""
    images = load_products(Path(data), attribute)
    features = CNNEmbedding(store=store, verbose=True).fit_transform(images)
    measure(features, images.labels, images.groups, (FINE, BROAD, attribute), [float(share) for share in shares])


def load_products(data: Path, attribute: str):
    """Load the images of the two main categories, without subcategories of fewer than ten images."""
    images = load_table(
        data / "labels.csv", data, label_column=[FINE, BROAD, attribute], group_column="dup_group"
    )
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
        "independent": EachTargetClassifier(mlp),
        "independent, kernel ridge": EachTargetClassifier(KernelRidgeClassifier()),
    }


def measure(features: np.ndarray, labels: np.ndarray, groups: np.ndarray, names, shares=()) -> None:
    """Print for each share of the training images a table of the methods, and the intervals of their differences."""
    folds = draw_folds(labels, groups, n_splits=FOLDS, random_state=SEED)
    for share in shares or (1.0, 0.3, 0.1):
        kept = shrink(folds, share, labels, groups)
        print(f"\n{share:.0%} of the training images, {np.mean([len(fold.train) for fold in kept]):.0f} a fold\n")
        print(f"| method | {' | '.join(names)} | all right | parameters | epochs | CPU seconds |")
        print("| --- |" + " ---: |" * (len(names) + 4))
        scores = {name: run(name, model, features, labels, groups, kept) for name, model in make_methods().items()}
        for one, other in combinations(scores, 2):
            compare(one, other, scores, names, kept)


def run(name: str, model, features, labels, groups, folds: Folds) -> np.ndarray:
    """Fit a method in each fold, print its line, and return its accuracy by fold and target, all right last."""
    accuracy, parameters, epochs, seconds = [], [], [], []
    for fold in folds:
        scaled = make_pipeline(StandardScaler(with_std=False), Normalizer(), model)
        start = process_time()
        fitted = fit_clone(scaled, features[fold.train], labels[fold.train], groups[fold.train])
        seconds.append(process_time() - start)
        right = fitted.predict(features[fold.test]) == labels[fold.test]
        accuracy.append([*right.mean(axis=0), right.all(axis=1).mean()])
        head = fitted[-1]
        parts = getattr(head, "estimators_", [head])
        parameters.append(sum(count_parameters(part) for part in parts))
        epochs.append([part.epochs_ for part in parts if hasattr(part, "epochs_")])
    shown = " | ".join(f"{value:.1%}" for value in np.mean(accuracy, axis=0))
    mean_epochs = " / ".join(f"{value:.0f}" for value in np.mean(epochs, axis=0)) or "none"
    print(f"| {name} | {shown} | {np.mean(parameters):,.0f} | {mean_epochs} | {np.mean(seconds):.1f} |", flush=True)
    return np.array(accuracy)


def compare(one: str, other: str, scores: dict, names, folds: Folds) -> None:
    """Print the corrected interval of the difference of two methods, by target."""
    sizes = [len(fold.train) for fold in folds], [len(fold.test) for fold in folds]
    for position, target in enumerate([*names, "all right"]):
        found = corrected_resampled_ttest(scores[one][:, position], scores[other][:, position], *sizes)
        low, high = found.confidence_interval
        print(f"- {one} minus {other}, {target}: {found.mean_difference:+.2%} [{low:+.2%}, {high:+.2%}]")


if __name__ == "__main__":
    main(*sys.argv[1:])
