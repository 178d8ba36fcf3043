"""Measure whether explanations show what a decision depends on.

    python experiments/explanations/explanations.py DATA STORE [sneakers] [products] [marks]

DATA is the folder of all data sets. STORE keeps the features. By default all three are measured: "sneakers" and
"products" by deletion and insertion, "marks" by the pointing game on generated images.
"""

import sys
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import stats

from twoflow import explain, load_table, make_model, make_shop
from twoflow.evaluation.folds import draw_folds
from twoflow.explaining.occlusion import cover

SEED, N_IMAGES, N_STEPS, BUDGET = 0, 48, 8, 64
TABLES = {"sneakers": "class", "products": "articleType"}
LEAST = 10  # images of a class
#: The outlines of the marks in the unit square; the first is a disk.
MARKS = {
    "disk": None,
    "triangle": [(.5, 0), (1, 1), (0, 1)],
    "cross": [(.33, 0), (.67, 0), (.67, .33), (1, .33), (1, .67), (.67, .67), (.67, 1), (.33, 1), (.33, .67), (0, .67),
              (0, .33), (.33, .33)],
    "hourglass": [(0, 0), (1, 0), (.6, .5), (1, 1), (0, 1), (.4, .5)],
}
SIDE, MARK = 160, 48  # pixels


def main(data: str, store: str, *names: str) -> None:
    """Measure what is named, and print tables."""
    for name in names or (*TABLES, "marks"):
        if name == "marks":
            point()
        else:
            delete_and_insert(Path(data) / name, TABLES[name], store)


def delete_and_insert(folder: Path, column: str, store: str) -> None:
    """Cover the places of an image, the most important first, and uncover those of a covered one."""
    images = load_table(folder / "labels.csv", folder, label_column=column, group_column="dup_group")
    images = images.without_small_classes(LEAST)
    fold = draw_folds(images.labels, images.groups, n_splits=5, random_state=SEED).splits[0]
    train_images = images[fold.train]
    model = make_model("fast", random_state=SEED, store=store).fit(train_images)
    rng = np.random.RandomState(SEED)
    permuted = make_model("fast", random_state=SEED, store=store).fit(
        train_images.images, rng.permutation(train_images.labels), groups=train_images.groups
    )
    areas: dict[str, list[tuple[float, float]]] = {}
    for row in rng.permutation(fold.test)[:N_IMAGES]:
        reason, = (explanation := explain(model, images[row])).reasons
        label, pixels = reason.label, explanation.image
        maps = {
            "exact": reason.map,
            "occlusion": explain(model, images[row], method="occlusion", budget=BUDGET).reasons[0].map,
            "head of permuted labels": explain(permuted, images[row], label=label).reasons[0].map,
            "random": rng.standard_normal((10, 10)),
        }
        position = model.classes_.tolist().index(label)
        for name, values in maps.items():
            areas.setdefault(name, []).append(_areas(model, pixels, values, position))
    print(f"\n{folder.name}, {column}: {N_IMAGES} test images, probability of the predicted class")
    for name, pairs in areas.items():
        both = np.array(pairs)
        against = both - np.array(areas["random"])
        print(f"  {name:24s} deletion {_interval(both[:, 0])}  insertion {_interval(both[:, 1])}  "
              f"minus random: {_interval(against[:, 0])}  {_interval(against[:, 1])}", flush=True)


def _areas(model, pixels: np.ndarray, values: np.ndarray, position: int) -> tuple[float, float]:
    """Return the areas under the curves of deletion and insertion (Petsiuk, Das & Saenko, BMVC 2018, section 3.2)."""
    height, width = pixels.shape[:2]
    large = np.asarray(Image.fromarray(values.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR))
    rank = np.argsort(np.argsort(-large.ravel(), kind="stable"), kind="stable").reshape(height, width)
    share = rank / rank.size
    mean = np.broadcast_to(pixels.reshape(-1, 3).mean(axis=0).astype(np.uint8), pixels.shape)
    blurred = cover(pixels)
    steps = np.linspace(0, 1, N_STEPS + 1)
    deleted = [np.where((share < step)[:, :, None], mean, pixels) for step in steps]
    inserted = [np.where((share < step)[:, :, None], pixels, blurred) for step in steps]
    proba = model.predict_proba([*deleted, *inserted])[:, position]
    return tuple(float(np.trapezoid(each, steps)) for each in np.split(proba, 2))


def _interval(values: np.ndarray) -> str:
    """Return the mean with its 95 % interval over images."""
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():+.3f} [{values.mean() - half:+.3f}, {values.mean() + half:+.3f}]"


def point() -> None:
    """Explain images of one product whose class is a mark at a random place, and look where the positive mass is."""
    train, labels, _ = draw_marks(20, SEED)
    images, true, boxes = draw_marks(6, SEED + 1)
    model = make_model("fast", random_state=SEED).fit(train, labels)
    print(f"\nmarks: {len(images)} test images, accuracy {model.score(images, true):.3f}; shares of the positive mass")
    for method in ("exact", "occlusion"):
        found = []
        for image, label, box in islice(zip(images, true, boxes), None if method == "exact" else 12):
            values = explain(model, image, label=label, method=method, budget=BUDGET).reasons[0].map
            # A position of the finest map is a tile of 1/20 of the side; a tile is decisive if the mark touches it.
            found.append((mass_inside(values, box), mass_inside(values, box, 1 / 20)))
        inside, around = np.array(found).T
        print(f"  {method:10s} in the box of the mark {_interval(inside)}, one position around {_interval(around)}")


def draw_marks(n_per_class: int, seed: int, side: int = SIDE, size: int = MARK):
    """Draw photos of one product with a mark at a random place; the shape of the mark is the class.

    Returns
    -------
    images : list of n ndarray of shape (side, side, 3)
    labels : ndarray of shape (n,)
    boxes : list of n (left, top, right, bottom)
        Of the marks, as shares of the side.
    """
    rng = np.random.RandomState(seed)
    shop = make_shop(1, n_per_class * len(MARKS), image_size=(side, side), random_state=seed)
    labels = np.resize(list(MARKS), len(shop))
    images, boxes = [], []
    for pixels, label in zip(shop.images, labels):
        image = Image.fromarray(pixels)
        left, top = rng.randint(0, side - size, 2).tolist()
        draw, box, color = ImageDraw.Draw(image), (left, top, left + size, top + size), (20, 90, 200)
        if MARKS[label] is None:
            draw.ellipse(box, fill=color)
        else:
            draw.polygon([(left + size * x, top + size * y) for x, y in MARKS[label]], fill=color)
        images.append(np.asarray(image))
        boxes.append(tuple(edge / side for edge in box))
    return images, labels, boxes


def mass_inside(values: np.ndarray, box: tuple[float, float, float, float], margin: float = 0.0) -> float:
    """Return the share of the positive values of a map whose cells have their middle in a box, or so near to it."""
    down, across = ((np.arange(n) + 0.5) / n for n in values.shape)
    left, top, right, bottom = box
    is_inside = ((down > top - margin) & (down < bottom + margin))[:, None] & (
        (across > left - margin) & (across < right + margin)
    )
    positive = np.maximum(values, 0)
    return float(positive[is_inside].sum() / positive.sum())


if __name__ == "__main__":
    main(*sys.argv[1:])
