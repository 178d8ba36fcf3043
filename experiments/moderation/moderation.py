"""Measure what rules of moderation decide on held-out photos, and whether promised errors are kept.

    python experiments/moderation/moderation.py averaging|splits|promises|strangers|all DATA NAME STORE

DATA has the folders clothing, sneakers, products and scenes, each but the last with its labels.csv. NAME is the data
set: clothing, sneakers or products. All models are those of the recipe "fast".
"""

import sys
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.base import clone

from twoflow import FlowUnion, load_table, make_model
from twoflow.evaluation.folds import draw_folds
from twoflow.evaluation.statistics.wilson import wilson_interval
from twoflow.heads import KernelRidgeClassifier
from twoflow.heads.dual_ridge import compute_kernel
from twoflow.heads.feature_kernel import FeatureKernel
from twoflow.models.model_file import HeldOut
from twoflow.predicting.averaging import average
from twoflow.predicting.thresholds import threshold_for

ERRORS = (0.01, 0.02, 0.05)


class DataSet(NamedTuple):
    """Where the labels of a data set are, and into how many folds its images are split."""

    label_column: str
    group_column: str
    least_per_class: int
    outer: int
    inner: int
    split_column: str | None = None


DATA_SETS = {
    "clothing": DataSet("class", "sender_id", 1, 1, 5, "split"),
    "sneakers": DataSet("class", "dup_group", 1, 3, 3),
    "products": DataSet("articleType", "dup_group", 10, 3, 3),
}


class Photos:
    """The photos of a data set with their features, on which models of "fast" are fitted."""

    def __init__(self, data, name, store):
        self.data_set = DATA_SETS[name]
        folder, split = Path(data) / name, self.data_set.split_column
        collection = load_table(
            folder / "labels.csv", folder, label_column=self.data_set.label_column,
            group_column=self.data_set.group_column, columns=[] if split is None else [split],
        )
        self.collection = collection.without_small_classes(self.data_set.least_per_class)
        self.classes, self.y = np.unique(self.collection.labels, return_inverse=True)
        self.groups = np.unique(self.collection.groups, return_inverse=True)[1]
        union = FlowUnion([(flow, step) for flow, step, _ in make_model("fast").flows], verbose=True, store=store)
        self.X = union.fit_transform(self.collection)
        self.kernel = compute_kernel(self.X)
        self.model = KernelRidgeClassifier()
        # The ridge is chosen once, on the training photos of the first split, because each choice takes seven fits.
        self.model.set_params(alphas=(self.fit(next(self.splits())[0]).alpha_,))
        self.scenes = union.transform(sorted(map(str, (Path(data) / "scenes").rglob("*.jpg"))))

    def fit(self, rows):
        """Fit a model on some photos; groups stay together where it chooses its ridge."""
        model = clone(self.model)
        solution = model.fit_dual(self.kernel.take(rows), self.y[rows], self.groups[rows])
        return model.fit_primal(FeatureKernel([self.X[rows]]), solution)

    def probabilities(self, rows, n_folds):
        """Return held-out probabilities of some photos, of shape (n_rows, n_classes), by grouped folds."""
        found = np.zeros((len(rows), len(self.classes)))
        for fold in draw_folds(self.y[rows], self.groups[rows], n_splits=n_folds, random_state=0):
            model = self.fit(rows[fold.train])
            found[np.ix_(fold.test, model.classes_)] = model.predict_proba(self.X[rows[fold.test]])
        return found

    @cached_property
    def all_probabilities(self):
        """Held-out probabilities of all photos."""
        return self.probabilities(np.arange(len(self.y)), self.data_set.inner)

    def held_out(self, rows, n_folds):
        """Return the held-out answers of some photos, as a model file keeps them."""
        return self.answers(rows, self.probabilities(rows, n_folds))

    def answers(self, rows, probabilities):
        """Turn probabilities of some photos into answers."""
        confidence = probabilities.max(axis=1).astype(np.float32)
        return HeldOut(self.y[rows], probabilities.argmax(axis=1), confidence, self.groups[rows])

    def splits(self):
        """Yield the rows to train on and the rows to test on."""
        if self.data_set.split_column is not None:
            split = self.collection.columns[self.data_set.split_column]
            yield np.flatnonzero(split == "train"), np.flatnonzero(split == "test")
        else:
            for fold in draw_folds(self.y, self.groups, n_splits=self.data_set.outer, random_state=0):
                yield fold.train, fold.test

    def test(self, train, rows):
        """Fit on some photos and return the answers for others, and the confidences for the scenes."""
        model = self.fit(train)
        found = np.zeros((len(rows), len(self.classes)))
        found[:, model.classes_] = model.predict_proba(self.X[rows])
        return self.answers(rows, found), model.predict_proba(self.scenes).max(axis=1)


def decided(answers, threshold):
    """Return how many answers reach a threshold and how many of these are wrong; None reaches nothing."""
    reaches = answers.confidence >= np.float32(2 if threshold is None else threshold)
    return int(reaches.sum()), int((answers.true != answers.predicted)[reaches].sum())


def shown(count, n):
    """Format a share with Wilson's interval."""
    if not n:
        return "none"
    low, high = wilson_interval(count / n, n)
    return f"{count / n:.1%} [{low:.1%}, {high:.1%}] ({count} of {n})"


def print_promises(photos):
    """Print, for each promised error, what is decided and what of this is wrong, on photos held out from everything."""
    print("| promised | groups | thresholds | decided | wrong among these | scenes decided |")
    print("| --- | --- | --- | --- | --- | --- |")
    runs = [
        (photos.held_out(train, photos.data_set.inner), *photos.test(train, test)) for train, test in photos.splits()
    ]
    n_test, n_scenes = sum(len(answers.true) for _, answers, _ in runs), sum(len(scenes) for *_, scenes in runs)
    for is_grouped in (True, False):
        for error in ERRORS:
            thresholds = [threshold_for(of if is_grouped else of._replace(groups=None), error) for of, *_ in runs]
            counts = np.sum([decided(answers, t) for (_, answers, _), t in zip(runs, thresholds)], axis=0)
            scenes = sum(int((found >= (2 if t is None else t)).sum()) for (*_, found), t in zip(runs, thresholds))
            texts = ", ".join("none" if each is None else f"{each:.3f}" for each in thresholds)
            print(f"| {error:.0%} | {'yes' if is_grouped else 'no'} | {texts} | {counts[0] / n_test:.1%} | "
                  f"{shown(counts[1], counts[0])} | {shown(scenes, n_scenes)} |", flush=True)
    right = np.concatenate([answers.true == answers.predicted for _, answers, _ in runs])
    print(f"accuracy {right.mean():.4f} on {n_test} photos, {n_scenes} answers for scenes")


def print_splits(photos, n_splits=500):
    """Print how often the error exceeds the promise, over halves of the groups: one chooses, the other one tests."""
    held_out, rng = photos.answers(np.arange(len(photos.y)), photos.all_probabilities), np.random.default_rng(0)
    print("| promised | groups | a threshold found | decided | mean error | halves with a greater error |")
    print("| --- | --- | --- | --- | --- | --- |")
    for is_grouped in (True, False):
        for error in ERRORS:
            found = []
            for _ in range(n_splits):
                is_first = rng.random(photos.groups.max() + 1)[photos.groups] < 0.5
                first, second = (HeldOut(*(column[side] for column in held_out)) for side in (is_first, ~is_first))
                threshold = threshold_for(first if is_grouped else first._replace(groups=None), error)
                if threshold is not None:
                    n, wrong = decided(second, threshold)
                    found.append((n / len(second.true), wrong / n))
            shares, wrong = np.array(found).T if found else np.full((2, 1), np.nan)
            print(f"| {error:.0%} | {'yes' if is_grouped else 'no'} | {len(found) / n_splits:.0%} | "
                  f"{shares.mean():.1%} | {wrong.mean():.2%} | {(wrong > error).sum() / n_splits:.1%} |", flush=True)


def print_strangers(photos, n_parts=5):
    """Print how many photos of classes that were left out of training are decided, for each promised error."""
    parts = np.array_split(np.random.default_rng(0).permutation(len(photos.classes)), n_parts)
    counts, n_strangers = dict.fromkeys(ERRORS, 0), 0
    fixed = dict.fromkeys((0.9, 0.95, 0.99), 0)
    missing = dict.fromkeys(ERRORS, 0)
    for part in parts:
        is_stranger = np.isin(photos.y, part)
        rows, strangers = np.flatnonzero(~is_stranger), np.flatnonzero(is_stranger)
        held_out = photos.held_out(rows, photos.data_set.inner)._replace(groups=None)
        answers, _ = photos.test(rows, strangers)
        n_strangers += len(strangers)
        for error in ERRORS:
            threshold = threshold_for(held_out, error)
            counts[error] += decided(answers, threshold)[0]
            missing[error] += threshold is None
        for threshold in fixed:
            fixed[threshold] += decided(answers, threshold)[0]
        print(f"left out: {', '.join(map(str, photos.classes[part]))}", flush=True)
    for error, count in counts.items():
        print(f"promised {error:.0%}: {shown(count, n_strangers)}, no threshold in {missing[error]} of {n_parts}")
    for threshold, count in fixed.items():
        print(f"confidence {threshold}: {shown(count, n_strangers)}")


def vote(rows):
    """Count for how many photos each class is the likeliest; of equal counts, the one with the higher mean wins."""
    votes = np.bincount(rows.argmax(axis=1), minlength=rows.shape[1])
    return (votes + rows.mean(axis=0)) / (len(rows) + 1)


def geometric(rows):
    """Average the logarithms."""
    mean = np.exp(np.log(np.clip(rows, 1e-7, None)).mean(axis=0))
    return mean / mean.sum()


WAYS = {"mean of probabilities": average, "mean of logarithms": geometric, "majority": vote}


def in_parts(rows, size):
    """Split rows into parts of one size; the last ones are left out."""
    return rows[:len(rows) // size * size].reshape(-1, size)


def print_averaging(photos, n_draws=2000):
    """Print the accuracy for items of several photos: by one photo, and by all of them in each way."""
    probabilities = photos.all_probabilities
    rng = np.random.default_rng(0)
    by_group = [np.flatnonzero(photos.groups == group) for group in np.flatnonzero(np.bincount(photos.groups) > 1)]
    items = {"groups of one class": [rows for rows in by_group if len(set(photos.y[rows])) == 1]}
    for size in (2, 3, 5):
        items[f"{size} photos of one class"] = [
            rows for label in range(len(photos.classes))
            for rows in in_parts(rng.permutation(np.flatnonzero(photos.y == label)), size)
        ]
    print("| items | n | way | accuracy | gain over one photo | gain over the mean | decided at 0.9 | wrong of these |")
    print("| --- |" + " --- |" * 7)
    for name, own in items.items():
        truth = np.array([photos.y[rows[0]] for rows in own])
        one = np.array([(probabilities[rows].argmax(axis=1) == photos.y[rows]).mean() for rows in own])
        draws = rng.integers(len(own), size=(n_draws, len(own)))
        mean = None
        for way, combine in WAYS.items():
            combined = np.array([combine(probabilities[rows]) for rows in own])
            is_right, is_decided = combined.argmax(axis=1) == truth, combined.max(axis=1) >= 0.9
            mean = is_right if mean is None else mean
            gains = [difference(is_right - one, draws), difference(is_right.astype(float) - mean, draws)]
            print(f"| {name} | {len(own)} | {way} | {is_right.mean():.3f} | {' | '.join(gains)} | "
                  f"{is_decided.mean():.1%} | {1 - is_right[is_decided].mean():.2%} |", flush=True)


def difference(gains, draws):
    """Format a mean difference over items with its bootstrap interval."""
    low, high = np.quantile(gains[draws].mean(axis=1), (0.025, 0.975))
    return f"{gains.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


PARTS = {
    "averaging": print_averaging, "splits": print_splits, "promises": print_promises, "strangers": print_strangers,
}


def main(part, data, name, store):
    """Print one part of the measurements for one data set; with "all", every part."""
    photos = Photos(data, name, store)
    for key, measure in PARTS.items():
        if part in (key, "all"):
            print(f"\n{name}, {key}", flush=True)
            measure(photos)


if __name__ == "__main__":
    main(*sys.argv[1:])
