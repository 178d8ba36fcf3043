"""Measure what faster parts cost on the same folds: selection by extra trees, and the network in 8-bit integers.

    python experiments/table1/faster_parts.py IMAGES LABELS.csv GROUP_COLUMN
"""

import sys

from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline

from twoflow import CNNEmbedding, compare, load_table, make_model
from twoflow.report import format_text


def main(images: str, labels: str, group_column: str) -> None:
    """Compare the paper's model and a linear head with their faster variants."""
    two_flow = make_model(random_state=0).set_params(projection__random_state=0)
    faster = {f"{flow}_selector__estimator": "extra-trees" for flow in ("projection", "cnn")}
    discriminant = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    methods = {
        "two-flow": "two-flow",
        "extra-trees select": two_flow.set_params(**faster),
        "linear": make_pipeline(CNNEmbedding(), discriminant),
        "linear, int8": make_pipeline(CNNEmbedding(precision="int8"), discriminant),
    }
    collection = load_table(labels, images, group_column=group_column)
    comparison = compare(methods, collection, folds=5, n_jobs=-1, verbose=True)
    print(format_text(comparison))
    for method in comparison.methods:
        print(f"{method.name}: fitted in {method.fit_seconds:.1f} s a fold")


if __name__ == "__main__":
    main(*sys.argv[1:])
