"""From the paper's model to the recipes, a step at a time, on the same folds; and the peers a user would pick.

    python experiments/beyond/ablation.py IMAGES LABELS.csv LABEL_COLUMN GROUP_COLUMN LEAST_PER_CLASS STORE
"""

import sys
from pathlib import Path

from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from twoflow import CNNEmbedding, RawPixels, TwoFlowClassifier, compare, load_table
from twoflow.evaluation import make_rows
from twoflow.models.recipes import candidates
from twoflow.report import format_text, write_report

LITE0 = "efficientnet-lite0"
LARGER = {"input_size": (320, 320)}
STAGES = ("stage4", "stage5", "stage6")


def stages(pooling, preprocessing=None):
    """The late stages of one network, pooled in one way."""
    return [(name, CNNEmbedding(LITE0, name, pooling=pooling, preprocessing=preprocessing)) for name in STAGES]


def make_steps():
    """Models by name: each but the peers changes one thing of the one before."""
    embedding = [("cnn", CNNEmbedding(LITE0))]
    best = candidates("best", LITE0)
    flows = {
        "embedding, kernel ridge": embedding,
        "+ means of three stages": [*embedding, *stages("mean")],
        "covariances of three stages": stages("covariance"),
        "+ at 320 px (fast)": candidates("fast", LITE0)["fast"].flows,
        "+ mirror image": best["one network"].flows,
        "+ colour": best["one network and colour"].flows,
    }
    if "two networks" in best:
        flows["two networks"] = best["two networks"].flows
        flows["two networks, + colour"] = best["two networks and colour"].flows
    return {
        **make_rows(["paper"]),
        "embedding, forest": TwoFlowClassifier([(*embedding[0], "passthrough")], "forest", random_state=0),
        "embedding, logistic": make_pipeline(CNNEmbedding(LITE0), LogisticRegression(max_iter=1000)),
        "pixels, forest": make_pipeline(RawPixels((32, 32)), RandomForestClassifier(n_estimators=200, random_state=0)),
        **{name: TwoFlowClassifier(own, "kernel-ridge", random_state=0) for name, own in flows.items()},
        **make_rows(["best"]),
    }


def main(images, labels, label_column, group_column, least, store):
    """Print the comparison and write its report."""
    collection = load_table(labels, images, label_column=label_column, group_column=group_column)
    collection = collection.without_small_classes(int(least))
    result = compare(make_steps(), collection, folds=5, n_jobs=-1, store=store, verbose=True)
    print(format_text(result))
    write_report(result, Path(f"beyond-{Path(images).name}-{label_column}"))


if __name__ == "__main__":
    main(*sys.argv[1:])
