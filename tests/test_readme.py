"""The README's examples run as they stand."""

import re
from pathlib import Path

from twoflow import make_shop
from twoflow.evaluation import EXTRA_METHODS, METHODS
from twoflow.heads.table import HEADS
from twoflow.models.recipes import RECIPES

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_examples(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make_shop(n_classes=3, n_per_class=10, folder="shoes", random_state=0)
    blocks = [block for block in re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL) if "dask" not in block]
    assert len(blocks) == 9  # and one in tests/test_scheduler.py, which needs an extra
    namespace = {}
    for block in blocks:
        exec(block, namespace)
    printed = capsys.readouterr().out
    assert Path("features").is_dir() and namespace["search"].best_score_ > 0
    assert "'projection'" in printed and "corrected resampled t-test" in printed and "McNemar's test" in printed
    assert namespace["same"].fit(namespace["shoes"].paths, namespace["shoes"].labels).predict(["shoes/tee/01/0001.jpg"])


def test_rows_are_explained():
    table = README.split("## What comes out")[1].split("## In Python")[0]
    assert all(f"`{row}`" in table for row in METHODS + EXTRA_METHODS)
    recipes = README.split("### Recipes")[1].split("### Comparing")[0]
    assert all(f"| `{name}` |" in recipes for name in (*RECIPES, *HEADS))
