"""Train the networks of the three strategies, from random weights for five epochs as in the reference, or fine-tuned.

    python experiments/type_and_color/networks.py DATA STORE METHODS [PROTOCOL [OUT]]

DATA has the folder matos. STORE keeps finished folds, and the state of a training after each epoch: the same command
goes on where it stopped. METHODS are names such as scratch:separate,scratch:shared,scratch:joint,tuned:shared. PROTOCOL
is "folds" for five grouped folds (the default), or "split" for one grouped split that tests a fifth of the images. OUT
is a folder for the report; by default none is written.
"""

import sys
from pathlib import Path

from garments import SEED, load_matos

from twoflow import MultiTargetClassifier, compare
from twoflow.deep import FineTunedClassifier
from twoflow.report import format_text, write_report

#: What is trained -> the parameters. The reference trains for five epochs, and holds nothing out of training.
TRAININGS = {
    "scratch": {"pretrained": False, "max_epochs": 5, "patience": None, "augment": None},
    "scratch-30": {"pretrained": False},
    "tuned-5": {"max_epochs": 5, "patience": None},
    "tuned": {},
}
PROTOCOLS = {"folds": {"folds": 5}, "split": {"test_size": 0.2}}


def make_method(name, checkpoint):
    """Make a method from what is trained and the strategy, such as "tuned:shared"."""
    training, strategy = name.split(":")
    network = FineTunedClassifier(**TRAININGS[training], checkpoint=checkpoint, n_jobs=-1, verbose=True)
    return MultiTargetClassifier(network, strategy, random_state=SEED)


def main(data, store, methods, protocol="folds", out=None):
    """Print the comparison, and write its report."""
    checkpoint = str(Path(store) / "trainings")
    result = compare(
        {name: make_method(name, checkpoint) for name in methods.split(",")}, load_matos(data),
        **PROTOCOLS[protocol], random_state=SEED, store=store, verbose=True,
    )
    print(format_text(result))
    if out is not None:
        write_report(result, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
