"""Mark the first of five grouped folds in a table of labels, for methods that are too slow for all five.

    python experiments/beyond/first_fold.py LABELS.csv LABEL_COLUMN GROUP_COLUMN OUT.csv [INNER]

OUT.csv is the table with one more column, split: train or test, as `compare` draws its first fold of five. With the
word "inner", the test images of that fold are "left out", and its training images are split once more. Plans of a
training are chosen there. `twoflow cv --split-column split` reads the column.
"""

import csv
import sys

import numpy as np

from twoflow.evaluation.folds import draw_folds


def mark(labels, groups, inner):
    """Return "train", "test" or "left out" for each row."""
    marks = np.full(len(labels), "left out")
    first, *_ = draw_folds(labels, groups, n_splits=5, random_state=0)
    if inner:
        rows = first.train
        within, *_ = draw_folds(labels[rows], groups[rows], n_splits=5, random_state=1)
        marks[rows[within.train]], marks[rows[within.test]] = "train", "test"
    else:
        marks[first.train], marks[first.test] = "train", "test"
    return marks


def main(labels, label_column, group_column, out, inner=None):
    """Write the table."""
    with open(labels, newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    values, groups = (np.array([row[column] for row in rows]) for column in (label_column, group_column))
    marks = mark(values, groups, inner is not None)
    with open(out, "w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, [*rows[0], "split"])
        writer.writeheader()
        writer.writerows({**row, "split": split} for row, split in zip(rows, marks.tolist()))
    print(f"{(marks == 'train').sum()} images to train on, {(marks == 'test').sum()} to test")


if __name__ == "__main__":
    main(*sys.argv[1:])
