"""Measure the search for similar images as retrieval, by class and by item, on images that the model has not seen.

    python experiments/search/search.py LABELS.csv CLASS_COLUMN ITEM_COLUMN STORE [N_SEEDS]

The model is fitted on half of the items, and only on two thirds of the classes. The other half is the gallery, and each
of its images searches all others.
"""

import sys

import numpy as np

from twoflow import SimilarImages, load_table, make_model
from twoflow.models.deciders import decided_features
from twoflow.models.fitted_parts import fitted_parts
from twoflow.models.search_space import N_FEATURES

LEAST = 10  # images of a class
KS = (1, 5)


def draw(collection, rng):
    """Draw half of the items, and two thirds of the classes; return the rows to fit on, to search, and what is new."""
    items, classes = np.unique(collection.groups), collection.classes
    in_half = np.isin(collection.groups, rng.permutation(items)[:len(items) // 2])
    is_known = np.isin(collection.labels, rng.permutation(classes)[:2 * len(classes) // 3])
    return np.flatnonzero(in_half & is_known), np.flatnonzero(~in_half), ~is_known


def find_spaces(index, gallery):
    """Return the rows of unit norm of each way to compare images."""
    flow, head = fitted_parts(index.model)
    return {
        "all features": unit(decided_features(head, flow.transform(gallery))),
        "short features": unit(index.vectors_[:, :N_FEATURES]),
        "opinions": unit(index.vectors_[:, N_FEATURES:]),
        "features and opinions (default)": index.vectors_,
    }


def unit(rows):
    """Scale rows to unit norm."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def judge(vectors, labels, items, is_new):
    """Return recalls: of another photo of the item, and of another item of the class, for known and new classes."""
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -np.inf)
    same_item = items[:, None] == items
    np.fill_diagonal(same_item, False)
    found = {}
    asked = same_item.any(axis=1)
    for k, hit in recalls(similarity, same_item).items():
        found[f"item@{k}"] = hit[asked].mean()
    similarity[same_item] = -np.inf  # or photos of the same item would answer for its class
    same_class = (labels[:, None] == labels) & np.isfinite(similarity)
    asked = same_class.any(axis=1)
    for name, rows in (("known", asked & ~is_new), ("new", asked & is_new)):
        for k, hit in recalls(similarity, same_class).items():
            found[f"{name} class@{k}"] = hit[rows].mean()
    return found


def recalls(similarity, is_right):
    """Return for each k whether one of the k most similar images is right, of shape (n,)."""
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :max(KS)]
    right = np.take_along_axis(is_right, order, axis=1)
    return {k: right[:, :k].any(axis=1) for k in KS}


def main(labels, class_column, item_column, store, n_seeds="3"):
    """Print the mean recalls over the seeds, for each way to compare images."""
    collection = load_table(labels, label_column=class_column, group_column=item_column)
    collection = collection.without_small_classes(LEAST)
    results = {}
    for seed in range(int(n_seeds)):
        train, searched, is_new = draw(collection, np.random.RandomState(seed))
        model = make_model("fast", store=store, n_jobs=-1).fit(collection[train])
        gallery = collection[searched]
        print(f"seed {seed}: fitted on {len(train):,} images, {len(searched):,} searched", flush=True)
        for name, vectors in find_spaces(SimilarImages(model).fit(gallery), gallery).items():
            found = judge(vectors, gallery.labels, gallery.groups, is_new[searched])
            results.setdefault(name, []).append(found)
    columns = list(found)
    print("| | " + " | ".join(columns) + " |\n| --- |" + " --- |" * len(columns))
    for name, each in results.items():
        means = [f"{np.mean([one[column] for one in each]):.3f}" for column in columns]
        print(f"| {name} | " + " | ".join(means) + " |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
