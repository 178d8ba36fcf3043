"""Compare ways to give the features of training images, for a fine-tuned network that is stacked with frozen ones.

    python experiments/beyond/cross_fitting.py IMAGES TABLE.csv LABEL_COLUMN GROUP_COLUMN STORE [EPOCHS]

TABLE.csv is what first_fold.py writes with "inner". STORE keeps finished models, and the state of a training after each
epoch. Each line is the model of `fine-tuned+fast` with another `cv`, and with weights of its flows that are found by
leaving out groups or are equal.
"""

import sys
from pathlib import Path

from twoflow import compare, load_table, make_model
from twoflow.deep import FineTunedClassifier, FineTunedFlow
from twoflow.models import BestOf, take_apart
from twoflow.report import format_text

SEED = 0


def make_stack(cv, weights, checkpoint, n_epochs, alone=False):
    """Make `fast` with the late stages of a fine-tuned network beside; or, alone, the fine-tuned network only."""
    frozen = take_apart(make_model("fast", random_state=SEED)).flows
    flows = [flow for _, flow in frozen]
    network = FineTunedClassifier(
        max_epochs=n_epochs, checkpoint=checkpoint, random_state=SEED, n_jobs=-1, verbose=True
    )
    tuned = FineTunedFlow(
        network, [flow.layer for flow in flows], pooling=flows[0].pooling, n_channels=flows[0].n_channels,
        preprocessing=flows[0].preprocessing, cv=cv,
    )
    model = make_model([*([] if alone else frozen), ("fine_tuned", tuned)], "kernel-ridge")
    return BestOf([("only", model)], weights=weights, random_state=SEED)


def main(images, table, label_column, group_column, store, n_epochs=10):
    """Print the comparison."""
    collection = load_table(
        table, images, label_column=label_column, group_column=group_column, columns=["split"]
    )
    checkpoint = str(Path(store) / "trainings")
    methods = {"fast": make_model("fast", random_state=SEED)}
    for cv in (None, 2):
        for weights in ("leave-out", "equal"):
            methods[f"cv={cv}, {weights}"] = make_stack(cv, weights, checkpoint, int(n_epochs))
        methods[f"cv={cv}, alone"] = make_stack(cv, "equal", checkpoint, int(n_epochs), alone=True)
    print(format_text(compare(methods, collection, split_column="split", store=store, verbose=True)))


if __name__ == "__main__":
    main(*sys.argv[1:])
