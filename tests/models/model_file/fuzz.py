"""Damage model files: each must give a model, or an error of one line, never a crash, a hang or gigabytes.

``python -m tests.models.model_file.fuzz --n 3000`` tries 3000 files of every kind. A third have changed bytes
somewhere. The others have a changed member, schema or array, with all digests corrected, as a knowing hand would. All
files are loaded and asked in one process, so a crash ends the run. The same numbers give the same files.
"""

import argparse
import json
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from twoflow import ColorHistogram, FlowClassifier, PixelProjection, make_shop, open_model_file, save
from twoflow.errors import UserError
from twoflow.heads import KernelRidgeClassifier
from twoflow.models.fitted_parts import fitted_parts
from twoflow.models.model_file.archive import pack, unpack, write_zip
from twoflow.models.model_file.members import MODEL
from twoflow.models.model_file.schema import SCHEMA, walk

from ...networks.fuzz import mutate, peak_mb
from .tampering import read_state

MAX_SECONDS, MAX_MB = 10, 1000
HEADS = {
    "forest": RandomForestClassifier(3, random_state=0),
    "kernel-ridge": KernelRidgeClassifier(),
    "neighbors": KNeighborsClassifier(3, algorithm="brute"),
    "svc": SVC(),
    "projection": GaussianNB(),
}
_VALUES = ["0", "-1", "1e308", "NaN", "null", "true", "99999999999", '"x"', '"predict"', "[1]", "{}"]


def make_seed(kind, folder):
    """Return the bytes of a model file with a head."""
    shop = make_shop(n_classes=3, n_per_class=4, random_state=0)
    flow = PixelProjection(8, (8, 8), random_state=0) if kind == "projection" else ColorHistogram("hsv", (4, 2, 2))
    path = folder / f"{kind}-seed.twoflow"
    save(FlowClassifier([("flow", flow, "passthrough")], HEADS[kind]).fit(shop), path, collection=shop)
    return path.read_bytes()


def damage(seed, rng):
    """Return the bytes of a damaged model file."""
    if rng.random() < 0.3:
        return mutate(seed, rng)
    members = unpack(seed)
    choice = rng.random()
    if choice < 0.2:
        name = list(members)[rng.integers(len(members))]
        members[name] = mutate(members[name], rng)
        return pack(members)
    schema, files = read_state(members)
    nodes = list(walk(schema))
    if choice < 0.6 and files:
        name = list(files)[rng.integers(len(files))]
        content = files[name]
        # mostly the values, behind the header of 128 bytes
        cut = 128 if rng.random() < 0.8 and len(content) > 128 else 0
        files[name] = content[:cut] + mutate(content[cut:], rng)
    elif choice < 0.8:
        node = nodes[rng.integers(len(nodes))]
        other = nodes[rng.integers(len(nodes))]
        key = list(node)[rng.integers(len(node))]
        node[key] = json.loads(json.dumps(other.get(key, _VALUES[rng.integers(len(_VALUES))])))
    else:
        values = [node for node in nodes if node["__loader__"] == "JsonNode"]
        values[rng.integers(len(values))]["content"] = _VALUES[rng.integers(len(_VALUES))]
    members[MODEL] = write_zip({SCHEMA: json.dumps(schema).encode(), **files})
    return pack(members)


def outcome_of(path):
    """Load a file and ask its head; return "model" or "error", or what is wrong, beginning with FAULT."""
    try:
        opened = open_model_file(path)
        str(opened.card)
    except UserError as error:
        return "error" if str(error).isprintable() and len(str(error)) < 3000 else f"FAULT: unprintable {error!r}"
    flow, head = fitted_parts(opened.model)
    try:  # a loaded model may answer nonsense or raise an error, but must not crash
        head.predict(np.random.default_rng(0).random((5, flow.n_features_out), np.float32))
    except Exception:
        return "model that fails"
    return "model"


def outcomes(kind, numbers, folder):
    """Yield the number of each file and its outcome."""
    seed = make_seed(kind, folder)
    for number in numbers:
        path = folder / "damaged.twoflow"
        path.write_bytes(damage(seed, np.random.default_rng([number, *kind.encode()])))
        begun = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                outcome = outcome_of(path)
        except Exception as error:
            outcome = f"FAULT: {type(error).__name__} {error}"
        if (seconds := time.monotonic() - begun) > MAX_SECONDS:
            outcome = f"FAULT: {seconds:.1f} s"
        yield number, outcome


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for kind in HEADS:
            before, counts = peak_mb(), Counter()
            for number, outcome in outcomes(kind, range(arguments.first, arguments.first + arguments.n), Path(folder)):
                counts[outcome.split(":")[0]] += 1
                if outcome.startswith("FAULT"):
                    print(kind, number, outcome, flush=True)
            print(f"{kind}: {dict(counts)}, at most {peak_mb() - before:.0f} MB more", flush=True)


if __name__ == "__main__":
    main()
