"""Replace the final Random Forest by a linear discriminant, and compare on the same folds.

    python experiments/table1/linear_head.py IMAGES LABELS.csv GROUP_COLUMN
"""

import sys

from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline

from twoflow import CNNEmbedding, compare, load_table, make_model
from twoflow.report import format_text


def main(images: str, labels: str, group_column: str) -> None:
    """Compare the paper's methods with the same flows and a linear head."""
    discriminant = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
    two_flow = make_model(random_state=0).set_params(projection__random_state=0, head=discriminant)
    methods = {
        "two-flow": "two-flow",
        "cnn": "cnn",
        "two-flow, linear": two_flow,
        "cnn, linear": make_pipeline(CNNEmbedding(), discriminant),
    }
    collection = load_table(labels, images, group_column=group_column)
    print(format_text(compare(methods, collection, n_jobs=-1, verbose=True)))


if __name__ == "__main__":
    main(*sys.argv[1:])
