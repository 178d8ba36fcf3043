"""Measure how many images of none of the classes are rejected where 95 % of the others are answered.

    python experiments/fallback/out_of_scope.py sneakers|nine DATA STORE

DATA has the folders sneakers, products and scenes, the first two with a labels.csv. The features are those of "fast".

sneakers: ten models are left out in five draws, so that each of the 50 is left out once, and in three more draws ten
models of brands that stay. nine: the products with nine subclasses of task.py, in five grouped folds; other kinds of
products that look like them are out of scope. Both times, so are the scenes.

In each draw, a fifth of the images of known classes is held out too: they must be answered. Nothing is chosen by looking
at images that are held out or out of scope.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import roc_auc_score

from twoflow import FlowUnion, corrected_resampled_ttest, load_table, make_model
from twoflow.evaluation.folds import draw_folds
from twoflow.heads import KernelRidgeClassifier
from twoflow.heads.dual_ridge import Kernel
from twoflow.heads.scope.scores import SCORES
from twoflow.heads.scope.threshold import choose_threshold
from twoflow.heads.scope.trials import compute_auroc, find_weights, hold_out_classes, hold_out_rows, prepare
from twoflow.heads.scope.views import row_norms, unit_products
from twoflow.heads.scope.weighing import fit_scale, weigh
from twoflow.heads.ties import first_of_best

ANSWERED = 0.95
REFERENCE = "probability"


class Draw(NamedTuple):
    """Rows to train on, held-out rows of the same classes, and rows out of scope by kind."""

    name: str
    train: np.ndarray
    inside: np.ndarray
    outside: dict


def read_features(images, store):
    """Return the features of "fast"."""
    union = FlowUnion([(flow, step) for flow, step, _ in make_model("fast").flows], verbose=True, store=store)
    return union.fit_transform(images)


def find_scenes(data):
    """List the scenes."""
    return sorted(map(str, (Path(data) / "scenes").rglob("*.jpg")))


def load_sneakers(data, store):
    """Return features, classes, groups and draws of the sneakers and scenes."""
    folder = Path(data) / "sneakers"
    shoes = load_table(
        folder / "labels.csv", folder, label_column="class", group_column="dup_group", columns=["superclass"]
    )
    scenes = find_scenes(data)
    X = np.vstack([read_features(shoes.images, store), read_features(scenes, store)])
    y, groups, brands = (np.asarray(each) for each in (shoes.labels, shoes.groups, shoes.columns["superclass"]))
    far = np.arange(len(y), len(X))
    rng = np.random.RandomState(0)
    by_brand = {brand: np.unique(y[brands == brand]) for brand in np.unique(brands)}
    several = [models for models in by_brand.values() if len(models) > 1]
    left_out = {f"ten models, draw {i}": part for i, part in enumerate(np.array_split(rng.permutation(np.unique(y)), 5))}
    for number in range(3):
        left_out[f"look-alikes, draw {number}"] = draw_lookalikes(several, rng)
    draws = []
    for name, models in left_out.items():
        is_out = np.isin(y, models)
        known = np.flatnonzero(~is_out)
        fold = next(iter(draw_folds(y[known], groups[known], n_splits=5, random_state=0)))
        train = known[fold.train]
        out = np.flatnonzero(is_out & ~np.isin(groups, groups[train]))
        draws.append(Draw(name, train, known[fold.test], {name.split(",")[0]: out, "scenes": far}))
    return X, y, groups, draws


def draw_lookalikes(several, rng):
    """Draw ten models so that every brand keeps at least one: one of each brand, then more of the largest ones."""
    chosen = [rng.choice(models) for models in several]
    rest = [model for models in several for model in models if len(models) > 4 and model not in chosen]
    return [*chosen, *rng.choice(rest, 10 - len(chosen), replace=False)]


def load_nine(data, store):
    """Return features, classes, groups and draws of the products, look-alike products and scenes."""
    from task import load_lookalikes, load_task

    task, others = load_task(data), load_lookalikes(data)
    X = np.vstack([read_features(images, store) for images in (task.images, others.images, find_scenes(data))])
    y, groups = np.array(["/".join(path) for path in task.labels]), np.asarray(task.groups)
    ends = np.cumsum([len(y), len(others)])
    outside = {"look-alikes": np.arange(*ends), "scenes": np.arange(ends[1], len(X))}
    folds = draw_folds(y, groups, n_splits=5, random_state=0)
    return X, y, groups, [Draw(f"fold {i}", fold.train, fold.test, outside) for i, fold in enumerate(folds)]


DATA_SETS = {"sneakers": load_sneakers, "nine": load_nine}


def measure(gram, y, groups, draw):
    """Return for each score its AUROC on held-out classes, the share answered, and AUROC and share rejected by kind."""
    train = draw.train
    codes, numbers = (np.unique(each[train], return_inverse=True)[1] for each in (y, groups))
    own = gram[np.ix_(train, train)]
    model = KernelRidgeClassifier()
    model.fit_dual(Kernel(own, 1e-6), codes, numbers)
    rng = np.random.RandomState(0)
    rows = prepare(own, codes, numbers, model.leave_out_probabilities_, 256, 5, rng)
    trials = hold_out_classes(rows, list(SCORES), rng)
    chosen = {name: compute_auroc(trials, name) for name in SCORES}
    held_out = hold_out_rows(rows, list(SCORES), rng)
    every = np.zeros(len(gram), dtype=int)
    every[train] = codes
    fitted = rows._replace(gram=gram, codes=every).fit(train, list(SCORES))
    found = {}
    for kind, asked in {"inside": draw.inside, **draw.outside}.items():
        views = fitted.dual.views(asked)
        logits = views.indicators / rows.temperature
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        found[kind] = fitted.ask(views._replace(probabilities=shares / shares.sum(axis=1, keepdims=True)))
    results = {}
    for name, score in SCORES.items():
        scores, inner = {kind: each[name] for kind, each in found.items()}, held_out[name]
        if score.is_weighed:
            scale, weights = fit_scale(inner), find_weights(trials, name)
            inner = weigh(inner, scale, weights)
            scores = {kind: weigh(each, scale, weights) for kind, each in scores.items()}
        threshold, inside = choose_threshold(inner, ANSWERED), scores.pop("inside")
        results[name] = {"inner AUROC": chosen[name], "answered": np.mean(inside >= threshold)}
        for kind, outside in scores.items():
            truth = np.repeat([1, 0], [len(inside), len(outside)])
            results[name][f"{kind}: AUROC"] = roc_auc_score(truth, np.concatenate([inside, outside]))
            results[name][f"{kind}: rejected"] = np.mean(outside < threshold)
    best = list(SCORES)[first_of_best(list(chosen.values()))]
    return {**results, f"auto ({best})": results[best]}


def print_table(results, draws):
    """Print means over draws, and the gain over the top probability with a corrected interval."""
    names = list(dict.fromkeys(name.split(" (")[0] for each in results for name in each))
    by_name = {
        name: [next(value for key, value in each.items() if key.split(" (")[0] == name) for each in results]
        for name in names
    }
    columns = list(by_name[names[0]][0])
    print(f"| score | {' | '.join(columns)} |")
    print("| --- |" + " --- |" * len(columns))
    n_train, n_test = ([len(getattr(draw, part)) for draw in draws] for part in ("train", "inside"))
    for name, runs in by_name.items():
        cells = []
        for column in columns:
            values = np.array([run[column] for run in runs])
            text = f"{values.mean():.3f}"
            if "rejected" in column and name != REFERENCE:
                reference = [run[column] for run in by_name[REFERENCE]]
                test = corrected_resampled_ttest(values, reference, n_train, n_test)
                text += f" ({test.mean_difference:+.3f} [{test.confidence_interval[0]:+.3f}, {test.confidence_interval[1]:+.3f}])"
            cells.append(text)
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main(name, data, store):
    """Print a table for each kind of draw."""
    X, y, groups, draws = DATA_SETS[name](data, store)
    gram = unit_products(X, row_norms(X))
    by_kind = {}
    for draw in draws:
        results = measure(gram, y, groups, draw)
        best = list(results)[-1]
        print(f"{draw.name}: {len(draw.train)} images to train on, {len(draw.inside)} held out, "
              f"{', '.join(f'{len(rows)} {kind}' for kind, rows in draw.outside.items())}; {best}", flush=True)
        by_kind.setdefault(tuple(draw.outside), []).append((results, draw))
    for kinds, runs in by_kind.items():
        print(f"\n{name}: {' and '.join(kinds)}, {len(runs)} draws")
        print_table([results for results, _ in runs], [draw for _, draw in runs])


if __name__ == "__main__":
    main(*sys.argv[1:])
