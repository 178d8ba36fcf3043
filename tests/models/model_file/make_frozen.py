"""Make the frozen model files of this version of the format: ``python -m tests.models.model_file.make_frozen``.

Run it once for each version of the format, and never again: what is in `frozen/` must stay readable. The photos are
generated, and the probabilities are kept beside the files.
"""

from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from twoflow import (
    CNNEmbedding,
    ColorHistogram,
    Confidence,
    HierarchicalClassifier,
    ImageCollection,
    OutOfScope,
    PixelProjection,
    make_model,
    make_shop,
    save,
)
from twoflow.heads import MultiTargetClassifier
from twoflow.models.model_file.archive import VERSION

FOLDER = Path(__file__).with_name("frozen")


def photos():
    return make_shop(n_classes=4, n_per_class=6, random_state=0)


def models():
    """Yield the name, the model and the collection of each file."""
    shop = photos()
    kinds, numbers = np.array([label.split("/") for label in shop.labels.tolist()]).T
    grouped = ImageCollection(shop.images, shop.labels, np.arange(len(shop)) // 2, {"kind": kinds})
    network = CNNEmbedding(layer="stage1", pooling="covariance", preprocessing={"input_size": (64, 64)})
    ridge = make_model([("cnn", network), ("color", ColorHistogram("hsv", (4, 3, 3)))], "kernel-ridge", random_state=0)
    yield "ridge", ridge, grouped
    flows = [("projection", PixelProjection(16, (16, 16), random_state=0)), ("color", ColorHistogram("hsv", (4, 3, 3)))]
    several = make_model(flows, MultiTargetClassifier(RandomForestClassifier(5, max_depth=4)), random_state=0)
    yield "forest", several, ImageCollection(
        shop.images, np.column_stack([kinds, numbers]), target_names=["kind", "number"]
    )
    calibrated = make_model([("color", ColorHistogram("hsv", (4, 3, 3)))], "logistic", random_state=0)
    yield "logistic", calibrated, grouped
    tree = HierarchicalClassifier(
        LogisticRegression(max_iter=1000), strategy="parents", fallback=Confidence(0.4), scope=OutOfScope("vim", cv=2),
        cv=2, random_state=0,
    )
    levels = ImageCollection(
        shop.images, np.column_stack([kinds, numbers]), target_names=["kind", "number"], are_levels=True
    )
    yield "tree", make_model([("color", ColorHistogram("hsv", (4, 3, 3)))], tree, random_state=0), levels


def probabilities(model):
    """Return the probabilities of all targets for all photos, side by side."""
    found = model.predict_proba(photos().images)
    return np.hstack(found if isinstance(found, list) else [found])


def main():
    FOLDER.mkdir(exist_ok=True)
    for name, model, collection in models():
        path = FOLDER / f"{name}-{VERSION}.twoflow"
        save(model.fit(collection), path, collection=collection, threshold=0.5, examples=name == "ridge")
        np.save(path.with_suffix(".npy"), probabilities(model))
        print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
