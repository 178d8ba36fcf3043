"""List the training photos of matos whose labels the model contradicts most, to look at them.

    python experiments/type_and_color/labels.py DATA STORE [HOW_MANY]

Each photo is answered by a model that was fitted without it and its near duplicates, in five folds.
"""

import sys
from pathlib import Path

import numpy as np
from garments import SEED, Features, load_matos

from twoflow.evaluation.folds import draw_folds
from twoflow.heads.inner_folds import fit_clone


def main(data, store, how_many=20):
    """Print the photos, the most contradicted first."""
    images = load_matos(data)
    features = Features(images, ["best"], store)
    of_label, answers = np.empty(images.labels.shape), np.empty(images.labels.shape, dtype=object)
    for fold in draw_folds(images.labels, images.groups, n_splits=5, random_state=SEED):
        model = fit_clone(
            features.methods()["best:separate"], features.X[fold.train], images.labels[fold.train],
            images.groups[fold.train],
        )
        answers[fold.test] = model.predict(features.X[fold.test])
        for target, (proba, classes) in enumerate(zip(model.predict_proba(features.X[fold.test]), model.classes_)):
            places = np.searchsorted(classes, images.labels[fold.test, target])
            of_label[fold.test, target] = proba[np.arange(len(proba)), places]
    for row in np.argsort(of_label.min(axis=1), kind="stable")[:int(how_many)]:
        name, label, answer = Path(images.images[row]).name, images.labels[row].tolist(), answers[row].tolist()
        print(f"{name}: label {label}, answer {answer}, probabilities of the label {of_label[row].round(3).tolist()}")


if __name__ == "__main__":
    main(*sys.argv[1:])
