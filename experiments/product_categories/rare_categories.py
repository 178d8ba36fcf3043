"""Show how the macro F1 depends on which rare categories count.

    python experiments/product_categories/rare_categories.py LABELS.csv LABEL_COLUMN REPORT [REPORT ...]

LABELS.csv has the categories of all images. A REPORT is the folder that `twoflow cv --out` has written. The answers of
all folds are taken together. Each line counts only the images whose category has at least so many images in LABELS.csv;
an answer of a rarer category is wrong there.
"""

import csv
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.metrics import f1_score

LEAST = (1, 2, 5, 10, 20, 30, 60, 100)


def read_answers(report):
    """Return the true categories of the tested images, and the answers of each method."""
    with open(Path(report) / "predictions.csv", newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    methods = [name.removesuffix(" probability") for name in rows[0] if name.endswith(" probability")]
    return np.array([row["true"] for row in rows]), {
        method: np.array([row[method] for row in rows]) for method in methods
    }


def count_images(labels, column):
    """Return how many images each category has."""
    with open(labels, newline="", encoding="utf-8") as table:
        return Counter(row[column] for row in csv.DictReader(table))


def main(labels, column, *reports):
    """Print a table for each report."""
    counts = count_images(labels, column)
    print(f"{len(counts)} categories: {', '.join(f'{name} {count}' for name, count in counts.most_common())}")
    for report in reports:
        truth, answers = read_answers(report)
        print(f"\n{report}: {len(truth)} answers\n")
        heads = " | ".join(f"{name}: accuracy, F1" for name in answers)
        print(f"| at least | categories | tested | images | {heads} |")
        print("| ---: |" + " ---: |" * (3 + len(answers)))
        for least in LEAST:
            categories = [name for name, count in counts.items() if count >= least]
            tested = np.isin(truth, categories)
            if not tested.any():
                break
            present = np.unique(truth[tested])
            cells = [
                f"{(own[tested] == truth[tested]).mean():.4f}, "
                f"{f1_score(truth[tested], own[tested], labels=present, average='macro', zero_division=0):.4f}"
                for own in answers.values()
            ]
            print(f"| {least} | {len(categories)} | {len(present)} | {tested.sum()} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
