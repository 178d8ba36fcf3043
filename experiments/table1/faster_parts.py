"""What faster parts cost: selection by extremely randomized trees, the network in 8-bit integers, on the same folds.

    python experiments/table1/faster_parts.py IMAGES LABELS.csv GROUP_COLUMN
"""

import sys

from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline

from twoflow import CNNEmbedding, compare, load_table, make_model
from twoflow.evaluation import make_methods
from twoflow.report import format_text


def main(images: str, labels: str, group_column: str) -> None:
    """Print the comparison of the paper's row, and of a linear head, with their faster likes."""
    two_flow = make_model(random_state=0).set_params(projection__random_state=0)
    faster = {f"{flow}_selector__estimator": "extra-trees" for flow in ("projection", "cnn")}
    discriminant = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    rows = {
        **make_methods(["two-flow"]),
        "extra-trees select": two_flow.set_params(**faster),
        "linear": make_pipeline(CNNEmbedding(), discriminant),
        "linear, int8": make_pipeline(CNNEmbedding(precision="int8"), discriminant),
    }
    collection = load_table(labels, images, group_column=group_column)
    comparison = compare(rows, collection, folds=5, n_jobs=-1, verbose=True)
    print(format_text(comparison))
    for row in comparison.methods:
        print(f"{row.name}: fitted in {row.fit_seconds:.1f} s a fold")


if __name__ == "__main__":
    main(*sys.argv[1:])
