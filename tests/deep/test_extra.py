"""Errors and defaults without torch, which is hidden here if it is installed."""

import subprocess
import sys

import pytest

from twoflow.deep import ConvNetClassifier
from twoflow.evaluation import EXTRA_METHODS, METHODS, make_methods
from twoflow.evaluation.methods import find_left_out

REASON = 'needs torch: pip install "twoflow[torch]"'


@pytest.fixture
def without_torch(monkeypatch):
    monkeypatch.setattr("twoflow.deep.extra._is_installed", lambda name: name != "torch")


def test_the_classifier_says_how_to_install_it(shop, without_torch):
    with pytest.raises(ModuleNotFoundError, match=r'^ConvNetClassifier needs torch: pip install "twoflow\[torch\]"$'):
        ConvNetClassifier().fit(shop, shop.labels)


def test_the_method_raises_by_name_and_is_left_out_of_all(without_torch):
    with pytest.raises(ModuleNotFoundError, match="^the method 'convnet' needs torch: pip install"):
        make_methods(["two-flow", "convnet"])
    assert find_left_out() == {"convnet": REASON} and "convnet" not in make_methods(["all"])


def test_the_method_is_in_all_if_torch_is_installed(torch):
    methods = make_methods(["all"], random_state=3)
    assert [*methods][len(METHODS):len(METHODS) + 1] == ["convnet"] and find_left_out() == {}
    assert not {*methods} & {*EXTRA_METHODS[1:]}  # those that are fine-tuned take too long
    assert isinstance(methods["convnet"], ConvNetClassifier) and methods["convnet"].random_state == 3


def test_importing_it_imports_no_torch():
    script = """
import sys, twoflow.deep, twoflow.evaluation
from twoflow.deep.backbones import describe_backbone
describe_backbone("efficientnet-lite0").count_frozen("whole")
print(not {"torch", "skorch", "transformers"}.isdisjoint(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_an_import_hook_that_refuses_torch():
    script = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refuse())
from twoflow.deep.extra import missing_reason
print("needs torch" in missing_reason())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
