"""Predict type and color of T-shirts and hoodies, by one model for both or a model for each (exact match ratio).

    python experiments/beyond/matos.py FOLDER METHODS STORE

FOLDER holds train.csv, the images in train/, and near_duplicates.txt with a group of files in each line. METHODS are
names such as best,fast,paper, or "ablation" for the methods of ablation.py.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from ablation import format_gain, format_table, make_steps

from twoflow import compare
from twoflow.evaluation import make_methods
from twoflow.images import ImageCollection
from twoflow.report import format_text, write_report


def main(folder, methods, store):
    """Print the comparisons, and how often each method gets both labels right."""
    folder = Path(folder)
    if methods == "ablation":
        steps = make_steps()
    else:
        steps = {name: (None, model) for name, model in make_methods(methods.split(",")).items()}
    images, (kind, color) = read_labeled(folder)
    group_of = read_groups(folder)
    groups = [group_of.get(f"train/{file.name}", file.stem + " alone") for file in images]

    def run(labels, **options):
        collection = ImageCollection(images, labels, groups)
        models = {name: model for name, (_, model) in steps.items()}
        result = compare(models, collection, n_jobs=-1, store=store, verbose=True, **options)
        print(format_text(result), end="\n\n")
        return result

    joint = run([f"{one} {other}" for one, other in zip(kind, color)], folds=5)
    with TemporaryDirectory() as report:
        write_report(joint, report)
        each = [run(labels, folds_from=Path(report, "report.json")) for labels in (kind, color)]
    both = {name: np.empty(len(joint.folds)) for name in steps}
    for name, matches in both.items():
        for i, fold in enumerate(joint.folds):
            right = [result[name].predicted[i] == labels[fold.test] for result, labels in zip(each, (kind, color))]
            matches[i] = np.logical_and(*right).mean()
    print(format_table(["method", "both, a model for each", "gain over", "gain", "p", "one model for both"], [
        [
            f"`{name}`", f"{matches.mean():.3f} ± {matches.std(ddof=1):.3f}",
            *format_gain(name, both, steps, joint.folds),
            "{:.3f} ± {:.3f}".format(joint[name].scores["accuracy"].mean(), joint[name].scores["accuracy"].std(ddof=1)),
        ]
        for name, matches in both.items()
    ]))


def read_labeled(folder):
    """Return the photos with labels, their types and their colors."""
    table = pd.read_csv(folder / "train.csv")
    files = {file.stem: file for file in (folder / "train").iterdir()}
    labels = [table[column].astype(str).to_numpy() for column in ("jenis", "warna")]
    return [files[str(number)] for number in table["id"]], labels


def read_groups(folder):
    """Return the group of near duplicates that a photo belongs to, by its file; those without duplicates have none."""
    return {
        file: str(number)
        for number, line in enumerate((folder / "near_duplicates.txt").read_text().splitlines())
        for file in line.split()
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
