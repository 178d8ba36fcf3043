"""Compare models from the paper's to the recipes, one step at a time, and with peers, on the same folds.

    python experiments/beyond/ablation.py IMAGES LABELS.csv LABEL_COLUMN GROUP_COLUMN LEAST_PER_CLASS STORE

It prints the report's table. Then it prints, for a README, each method's gain over the method from which it differs in
one thing.
"""

import sys
from pathlib import Path

from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer

from twoflow import CNNEmbedding, RawPixels, compare, load_table, make_model
from twoflow.evaluation import corrected_resampled_ttest, make_methods
from twoflow.evaluation.probabilities import calibrate
from twoflow.models import BestOf
from twoflow.report import format_text, write_report

LITE0 = "efficientnet-lite0"
STAGES = ("stage4", "stage5", "stage6")
LARGE = {"input_size": (320, 320)}


def stages(pooling, **options):
    """Make flows of the late stages of one network, pooled in one way."""
    return [(name, CNNEmbedding(LITE0, name, pooling=pooling, **options)) for name in STAGES]


def make_steps():
    """Make the methods: by name, the method from which it differs in one thing, and the model."""
    embedding = [("cnn", CNNEmbedding(LITE0))]
    whitened = [("cnn", CNNEmbedding(LITE0), make_pipeline(PCA(256, whiten=True, random_state=0), Normalizer()))]
    covariances = make_model("fast").flows
    (_, weighed), = make_model("best").models
    networks = list(dict.fromkeys(flow.network for _, flow, _ in weighed.flows if hasattr(flow, "network")))

    def best(n_networks, color=False):
        """Take from the flows of "best" those of the first networks; the early stage of the first belongs to color."""
        return [
            (name, flow, selector) for name, flow, selector in weighed.flows
            if (color if name == "stage3" or not hasattr(flow, "network") else flow.network in networks[:n_networks])
        ]

    def model(flows, head="kernel-ridge"):
        return make_model(flows, head, random_state=0)

    def weigh(flows):
        return BestOf([("weighed", model(flows))], weights="leave-out")

    return {
        "paper": (None, make_methods(["paper"])["paper"]),
        "mean, forest": ("paper", model([(*embedding[0], "passthrough")], "forest")),
        "mean, kernel-ridge": ("mean, forest", model(embedding)),
        "whitened mean": ("mean, kernel-ridge", model(whitened)),
        "mean and means of three stages": ("mean, kernel-ridge", model([*embedding, *stages("mean")])),
        "covariances of three stages": ("mean and means of three stages", model(stages("covariance"))),
        "at 320 px": ("covariances of three stages", model(stages("covariance", preprocessing=LARGE))),
        "the middle counts": (
            "at 320 px", model(stages("covariance", center_prior=0.3, preprocessing=LARGE))
        ),
        "own proportions: fast": ("the middle counts", model(covariances)),
        "mirror image": ("own proportions: fast", model(best(1))),
        "color": ("mirror image", model(best(1, color=True))),
        "two networks": ("mirror image", model(best(2))),
        "two networks, color": ("two networks", model(best(2, color=True))),
        "three networks": ("two networks", model(best(3))),
        "three networks, color": ("three networks", model(best(3, color=True))),
        "color, weighed": ("color", weigh(best(1, color=True))),
        "two networks, color, weighed": ("two networks, color", weigh(best(2, color=True))),
        "best": ("three networks, color", make_methods(["best"])["best"]),
        "peer: mean, logistic": (
            "mean, kernel-ridge", make_pipeline(CNNEmbedding(LITE0), LogisticRegression(max_iter=1000))
        ),
        "peer: pixels, forest": (
            "paper", make_pipeline(RawPixels((32, 32)), RandomForestClassifier(200, random_state=0))
        ),
    }


def format_gain(name, scores, steps, folds):
    """Format three cells: the method it is compared with, the difference in score with its interval, and p."""
    other, _ = steps[name]
    if other is None:
        return ["", "", ""]
    sizes = [[len(side) for side in sides] for sides in zip(*((fold.train, fold.test) for fold in folds))]
    test = corrected_resampled_ttest(scores[name], scores[other], *sizes)
    low, high = test.confidence_interval
    p = f"{test.p_value:.3f}" if test.p_value >= 0.001 else "< 0.001"
    return [f"`{other}`", f"{test.mean_difference:+z.3f} [{low:+z.3f}, {high:+z.3f}]", p]


def format_table(header, rows):
    """Format a table in Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [header, ["---"] * len(header), *rows])


def summarize(result, steps):
    """Tabulate each method's accuracy, gain, macro F1, calibration error, and seconds a fold."""
    accuracy = {method.name: method.scores["accuracy"] for method in result.methods}
    header = ["method", "accuracy", "gain over", "gain", "p", "macro F1", "calibration error", "s a fold"]
    return format_table(header, [
        [
            f"`{method.name}`",
            f"{accuracy[method.name].mean():.3f} ± {accuracy[method.name].std(ddof=1):.3f}",
            *format_gain(method.name, accuracy, steps, result.folds), f"{method.means['macro_f1']:.3f}",
            f"{calibrate(result.pooled(method.name)).expected_error:.3f}",
            f"{method.fit_seconds + method.predict_seconds:.0f}",
        ]
        for method in result.methods
    ])


def main(images, labels, label_column, group_column, least, store):
    """Print the comparison and write its report."""
    collection = load_table(labels, images, label_column=label_column, group_column=group_column)
    collection = collection.without_small_classes(int(least))
    steps = make_steps()
    methods = {name: model for name, (_, model) in steps.items()}
    result = compare(methods, collection, folds=5, n_jobs=-1, store=store, verbose=True)
    print(format_text(result))
    print(summarize(result, steps))
    write_report(result, Path(f"beyond-{Path(images).name}-{label_column}"))


if __name__ == "__main__":
    main(*sys.argv[1:])
