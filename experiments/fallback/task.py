"""Print the products as clothing, shoes and bags with nine subclasses: the tree, and the images under each class.

    python experiments/fallback/task.py DATA

DATA has the folder products with its labels.csv. The other scripts of this folder take the task from here.
"""

import sys
from pathlib import Path

import numpy as np

from twoflow import ClassTree, load_table
from twoflow.images import ImageCollection

#: The nine subclasses by main class, and the articleType of each.
NINE = {
    "clothing": {"dresses": "Dresses", "outerwear": "Jackets", "skirts": "Skirts"},
    "shoes": {"sports shoes": "Sports Shoes", "flats": "Flats", "high heels": "Heels"},
    "bags": {"clutches": "Clutches", "handbags": "Handbags", "backpacks": "Backpacks"},
}

#: The same with the shoes that look like flats in the place of boots.
NINE_WITH_CASUAL_SHOES = {
    **NINE, "shoes": {"casual shoes": "Casual Shoes", "flats": "Flats", "high heels": "Heels"},
}

#: The same with Flip Flops in the place of Flats. Many Flats have heels. This task was added when that was known.
NINE_WITH_FLIP_FLOPS = {
    **NINE, "shoes": {"sports shoes": "Sports Shoes", "flip-flops": "Flip Flops", "high heels": "Heels"},
}

#: The tasks by name.
TASKS = {"nine": NINE, "casual": NINE_WITH_CASUAL_SHOES, "flip-flops": NINE_WITH_FLIP_FLOPS}

#: The subclasses with the fewest images: 16 to 22.
RARE = ("dresses", "skirts", "clutches")

#: Kinds of products outside the nine that look like one of them, by main class.
LOOKALIKES = {
    "clothing": ("Tops", "Kurtas", "Sweaters", "Sweatshirts", "Trousers", "Tunics"),
    "shoes": ("Sandals", "Flip Flops", "Formal Shoes", "Casual Shoes"),
    "bags": ("Wallets", "Laptop Bag", "Duffel Bag", "Mobile Pouch"),
}


def load_task(data, name="nine"):
    """Load the images of a task with two levels, main class and subclass; copies of one product are a group."""
    paths = {kind: (main, own) for main, subs in TASKS[name].items() for own, kind in subs.items()}
    products = _load_products(data)
    chosen = products[np.isin(products.labels, list(paths))]
    labels = [paths[kind] for kind in chosen.labels]
    return ImageCollection(chosen.images, labels, chosen.groups, target_names=["main", "sub"], are_levels=True)


def load_lookalikes(data, most=40):
    """Load products of the kinds in `LOOKALIKES`, labeled by main class and kind; at most some of each kind."""
    products, rng = _load_products(data), np.random.default_rng(0)
    kinds = {kind: main for main, kinds in LOOKALIKES.items() for kind in kinds}
    rows = np.concatenate([
        np.sort(rng.permutation(np.flatnonzero(products.labels == kind))[:most]) for kind in kinds
    ])
    chosen = products[rows]
    labels = [(kinds[kind], kind) for kind in chosen.labels]
    return ImageCollection(chosen.images, labels, chosen.groups, target_names=["main", "kind"], are_levels=True)


def _load_products(data):
    folder = Path(data) / "products"
    return load_table(folder / "labels.csv", folder, label_column="articleType", group_column="dup_group")


def main(data):
    """Print the tree of each task with its counts."""
    for name in TASKS:
        task = load_task(data, name)
        print(f"{name}: {len(task)} images, {len(np.unique(task.groups))} groups")
        print(ClassTree.from_labels(task.labels, task.target_names), end="\n\n")
        for label in RARE:
            of_label = task.target("sub") == label
            print(f"{label}: {of_label.sum()} images in {len(np.unique(task.groups[of_label]))} groups")
    lookalikes = load_lookalikes(data)
    print(f"outside the tree: {len(lookalikes)} images")
    print(ClassTree.from_labels(lookalikes.labels, lookalikes.target_names))


if __name__ == "__main__":
    main(*sys.argv[1:])
