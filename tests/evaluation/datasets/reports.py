"""Files like the report.json of comparisons, with whatever scores a test wants."""

import json
from importlib.util import find_spec

from ...lanes import unavailable


def report(scores, tested="accuracy", /, **changes):
    """Make the document of a report, with the keys that `compare_datasets` reads.

    Parameters
    ----------
    scores : dict of str to float or dict of str to float
        By method: its accuracy, or its scores by name.
    tested : str
    changes
        Replace keys; by default the names of the images depend on the scores.
    """
    scores = {name: value if isinstance(value, dict) else {tested: value} for name, value in scores.items()}
    names = list(dict.fromkeys(name for each in scores.values() for name in each)) or [tested]
    return {
        "schema": 2,
        "dataset": {"n_images": 600, "n_classes": 20},
        "folds": {"images": [str(scores)]},
        "scores": [{"name": name, "label": name, "target": None, "greater_is_better": True} for name in names],
        "tested_score": tested,
        "methods": [
            {"name": method, "scores": {name: {"mean": mean} for name, mean in each.items()}}
            for method, each in scores.items()
        ],
    } | changes


def write_reports(folder, table, methods, **options):
    """Write one report for each row of a table of scores, and return their folders, `set1` and so on."""
    folders = []
    for number, row in enumerate(table, start=1):
        own = folder / f"set{number}"
        own.mkdir(parents=True)
        document = report(dict(zip(methods, map(float, row))), **options)
        (own / "report.json").write_text(json.dumps(document), "utf-8")
        folders.append(own)
    return folders


def require_baycomp():
    """Skip, or fail in a lane, where the package of the extra is not installed."""
    if find_spec("baycomp") is None:
        unavailable("needs baycomp, of the extra datasets")
