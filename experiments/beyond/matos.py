"""Type and colour of T-shirts and hoodies: both must be right (Exact Match Ratio), by one model or by one for each.

    python experiments/beyond/matos.py FOLDER [ROW,...]

FOLDER holds train.csv, the pictures in train/, and near_duplicates.txt with a group of files a line.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from twoflow import compare
from twoflow.evaluation import make_rows
from twoflow.images import ImageCollection
from twoflow.report import format_text, write_report


def main(folder, rows="best,fast,paper"):
    """Print the comparisons and, of each row, how often both labels are right."""
    folder, rows = Path(folder), rows.split(",")
    table = pd.read_csv(folder / "train.csv")
    files = {file.stem: file for file in (folder / "train").iterdir()}
    group_of = {
        file: number
        for number, line in enumerate((folder / "near_duplicates.txt").read_text().splitlines())
        for file in line.split()
    }
    pictures = [files[str(number)] for number in table["id"]]
    kind, color = (table[column].astype(str).to_numpy() for column in ("jenis", "warna"))
    groups = [str(group_of.get(f"train/{file.name}", file.stem + " alone")) for file in pictures]

    def run(labels, **options):
        collection = ImageCollection(pictures, labels, groups)
        result = compare(make_rows(rows), collection, n_jobs=-1, store=store, verbose=True, **options)
        print(format_text(result), end="\n\n")
        return result

    with TemporaryDirectory() as store:
        joint = run([f"{one} {other}" for one, other in zip(kind, color)], folds=5)
        write_report(joint, store)
        each = [run(labels, folds_from=Path(store, "report.json")) for labels in (kind, color)]
    for name in rows:
        right = [
            [(predicted == labels[fold.test]) for fold, predicted in zip(result.folds, result[name].predicted)]
            for result, labels in zip(each, (kind, color))
        ]
        matches = np.array([(one & other).mean() for one, other in zip(*right)])
        print(f"{name}: both right, by a model for each {matches.mean():.3f} ± {matches.std(ddof=1):.3f}, "
              f"by one for both {joint[name].accuracy.mean():.3f} ± {joint[name].accuracy.std(ddof=1):.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
