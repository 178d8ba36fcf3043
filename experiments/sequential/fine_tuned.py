"""Train the network itself on the subcategory, and freeze its features for the other targets, as the reference does.

    python experiments/sequential/fine_tuned.py DATA CHECKPOINTS [METHODS [FOLDS [SHARE ...]]]

DATA has the folder products with its labels.csv. CHECKPOINTS keeps the state of each training after each epoch, and
finished ones: the same command goes on where it stopped. METHODS are names of `METHODS`, separated by commas; by
default sequential,joint. FOLDS is how many of the five grouped folds are measured, by default 1. SHARE is the share of
each fold's training images to keep: 1 and 0.1 by default. Each fold prints a line of JSON.
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import onnx
from sequential import FOLDS, SEED, TARGETS, load_products

from twoflow.deep import DropoutMLPClassifier, FineTunedClassifier
from twoflow.evaluation.folds import draw_folds, shrink
from twoflow.heads.inner_folds import fit_clone
from twoflow.heads.sequential.classifier import count_parameters


def make_network(checkpoints):
    """Make the network that is trained whole."""
    return FineTunedClassifier(checkpoint=checkpoints, random_state=SEED, n_jobs=-1, verbose=True)


def count_weights(network):
    """Count the weights of a trained network and of its heads."""
    _, content = network.network_.files[0]
    graph = onnx.load_model_from_string(content).graph
    of_trunk = sum(int(np.prod(each.dims)) for each in graph.initializer if each.data_type == onnx.TensorProto.FLOAT)
    return of_trunk + sum(count_parameters(each.head_) for each in network.split_targets())


def learn_in_sequence(images, labels, groups, asked, checkpoints):
    """Train the network for the first target, and a perceptron on its frozen features for each other one."""
    network = fit_clone(make_network(checkpoints), images, labels[:, 0], groups)
    features, others = network.flow_.transform(images), network.flow_.transform(asked)
    small = [
        fit_clone(DropoutMLPClassifier(random_state=SEED), features, labels[:, target], groups)
        for target in range(1, labels.shape[1])
    ]
    answers = [network.predict(asked), *(each.predict(others) for each in small)]
    n_weights = count_weights(network) + sum(map(count_parameters, small))
    return np.column_stack(answers), n_weights, [each.epochs_ for each in (network, *small)], network.history_


def learn_together(images, labels, groups, asked, checkpoints):
    """Train one network with a head for each target."""
    network = fit_clone(make_network(checkpoints), images, labels, groups)
    return network.predict(asked), count_weights(network), [network.epochs_], network.history_


def learn_each(images, labels, groups, asked, checkpoints):
    """Train a network for each target."""
    networks = [fit_clone(make_network(checkpoints), images, target, groups) for target in labels.T]
    answers = np.column_stack([each.predict(asked) for each in networks])
    return answers, sum(map(count_weights, networks)), [each.epochs_ for each in networks], networks[0].history_


METHODS = {"sequential": learn_in_sequence, "joint": learn_together, "independent": learn_each}


def main(data, checkpoints, methods="sequential,joint", n_folds=1, *shares):
    """Print a line for each method and fold, and the means."""
    products = load_products(Path(data) / "products")
    folds = draw_folds(products.labels, products.groups, n_splits=FOLDS, random_state=SEED)
    for share in map(float, shares or (1, 0.1)):
        kept = list(shrink(folds, share, products.labels, products.groups))[:int(n_folds)]
        for name in methods.split(","):
            scores = []
            for number, fold in enumerate(kept):
                began = perf_counter()
                answers, n_weights, epochs, history = METHODS[name](
                    products[fold.train], products.labels[fold.train], products.groups[fold.train],
                    products[fold.test], checkpoints,
                )
                right = answers == products.labels[fold.test]
                scores.append([*right.mean(axis=0).tolist(), right.all(axis=1).mean().item()])
                print(json.dumps({
                    "method": name, "share": share, "fold": number, "images": len(fold.train),
                    **dict(zip([*TARGETS, "all right"], scores[-1])), "weights": n_weights, "epochs": epochs,
                    "seconds": round(perf_counter() - began), "history": history,
                }), flush=True)
            means = dict(zip([*TARGETS, "all right"], np.mean(scores, axis=0)))
            print(f"{name}, {share:.0%}: {', '.join(f'{target} {value:.1%}' for target, value in means.items())}")


if __name__ == "__main__":
    main(*sys.argv[1:])
