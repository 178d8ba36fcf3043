"""Whatever a flow of the user's own depends on: when it changes, the store does not give the features of before."""

import importlib
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from twoflow import ColorHistogram, FlowUnion, RawPixels, compare, make_shop
from twoflow.flows import color
from twoflow.flows.engine import fingerprint as fingerprints
from twoflow.flows.engine.extraction import extract
from twoflow.flows.engine.fingerprint import digest_sources, fingerprint, identity
from twoflow.flows.engine.origins import find_origin
from twoflow.store import FeatureStore, StoreWarning

ROOT = Path(__file__).parents[3]

#: A flow that gives one number, multiplied with what replaces FACTOR.
FLOW = """
from twoflow.flows import Flow

class Mean(BASES):
    n_features_out, feature_prefix = 1, "mean"

    def __init__(self, factor=None, *, n_jobs=None, on_error="raise", verbose=False, store=None):
        super().__init__(n_jobs=n_jobs, on_error=on_error, verbose=verbose, store=store)
        self.factor = factor

    def extract(self, image, n_threads):
        return image.resized((4, 4)).mean(keepdims=True).ravel() * (FACTOR)

    def __sklearn_is_fitted__(self):
        return True
"""


def flow_with(factor, before="", after="", bases="Flow"):
    return before + FLOW.replace("FACTOR", factor).replace("BASES", bases) + after


PATH = "from pathlib import Path"
HELP = "importlib.import_module('helper').help"

#: By what is changed: the user's files, where 1.0 becomes 3.0, and the arguments of the flow, in Python.
KEPT = {
    "own module": ({"mine.py": flow_with("1.0")}, ""),
    "function in a helper module": ({
        "mine.py": flow_with("helper.help()", "import helper"), "helper.py": "def help(): return 1.0"}, ""),
    "helper of a helper": ({
        "mine.py": flow_with("helper.help()", "import helper"),
        "helper.py": "import inner\ndef help(): return inner.value()", "inner.py": "def value(): return 1.0"}, ""),
    "helper in a package, imported in the method": ({
        "mine.py": flow_with("self.help()", after="\n    def help(self):\n        from tools.helper import help\n"
                                                  "        return help()"),
        "tools/__init__.py": "", "tools/helper.py": "def help(): return 1.0"}, ""),
    "helper that is found by its name": ({
        "mine.py": flow_with("getattr(helper, 'he' + 'lp')()", "import helper"),
        "helper.py": "def help(): return 1.0"}, ""),
    "mixin": ({
        "mine.py": flow_with("self.help()", "from helper import Mixin", bases="Mixin, Flow"),
        "helper.py": "class Mixin:\n    def help(self): return 1.0"}, ""),
    "base of a mixin": ({
        "mine.py": flow_with("self.help()", "from helper import Mixin", bases="Mixin, Flow"),
        "helper.py": "from inner import Base\nclass Mixin(Base): pass",
        "inner.py": "class Base:\n    @property\n    def value(self): return 1.0\n"
                    "    def help(self): return self.value"}, ""),
    "flow derived from one": ({
        "mine.py": "from helper import Mean as Base\nclass Mean(Base): pass", "helper.py": flow_with("1.0")}, ""),
    "function as a parameter": ({
        "mine.py": flow_with("self.factor()"), "helper.py": "def help(): return 1.0"}, HELP),
    "lambda as a parameter": ({"mine.py": flow_with("self.factor()"), "helper.py": "help = lambda: 1.0"},
                              HELP),
    "partial as a parameter": ({
        "mine.py": flow_with("self.factor()"),
        "helper.py": "from functools import partial\nhelp = partial(float, 1.0)"}, HELP),
    "class attribute": ({"mine.py": flow_with("self.value", after="\n    value = 1.0")}, ""),
    "class attribute set later": ({"mine.py": flow_with("self.value", after="\n\nMean.value = 1.0")}, ""),
    "attribute of the object": ({
        "mine.py": flow_with("self.value", after="\n    def check_parameters(self):\n        self.value = 1.0")}, ""),
    "global": ({"mine.py": flow_with("VALUE", "VALUE = 1.0")}, ""),
    "global array": ({"mine.py": flow_with("VALUE[0]", "import numpy as np\nVALUE = np.array([1.0])")}, ""),
    "global that was computed": ({
        "mine.py": flow_with("VALUE", "from pathlib import Path\n"
                                      "VALUE = float((Path(__file__).parent / 'value.txt').read_text())"),
        "value.txt": "1.0"}, ""),
    "closure": ({
        "mine.py": flow_with("multiply()", "def make(value):\n    def multiply(): return value\n    return multiply\n"
                                           "multiply = make(1.0)")}, ""),
    "default": ({"mine.py": flow_with("multiply()", "def multiply(value=1.0): return value")}, ""),
    "decorator": ({
        "mine.py": flow_with("multiply()", "from helper import decorate\n@decorate\ndef multiply(): return 2.0"),
        "helper.py": "from functools import wraps\ndef decorate(f):\n    @wraps(f)\n    def g(): return 1.0 * f()\n"
                     "    return g"}, ""),
    "patched method": ({
        "mine.py": flow_with("self.help()", after="\n    def help(self): return 0\n\nMean.help = lambda _: 1.0")}, ""),
    "patched helper": ({
        "mine.py": flow_with("helper.help()", "import helper", "\n\nhelper.help = lambda: 1.0"),
        "helper.py": "def help(): return 2.0"}, ""),
    "file behind a parameter": ({
        "mine.py": flow_with("float(Path(self.factor).read_text())", PATH), "value.txt": "1.0"},
        "str(folder / 'value.txt')"),
    "file behind a path": ({
        "mine.py": flow_with("float(self.factor.read_text())"), "value.txt": "1.0"}, "folder / 'value.txt'"),
    "file beside the module": ({
        "mine.py": flow_with("float(Path(__file__).with_name('value.txt').read_text())", PATH),
        "value.txt": "1.0"}, ""),
    "list as a parameter": ({"mine.py": flow_with("self.factor[0]"), "helper.py": "help = [1.0]"},
                            HELP),
    "flow as a parameter": ({
        "mine.py": flow_with("self.factor.factor"), "helper.py": "from mine import Mean\nhelp = Mean(1.0)"},
        HELP),
}
#: The same for what has no name, and what the warning says.
NOT_KEPT = {
    "object as a parameter": ({
        "mine.py": flow_with("self.factor.value"), "helper.py": "class Scale: pass\nhelp = Scale()\nhelp.value = 1.0"},
        HELP, "parameter factor of Mean is an object of class Scale"),
    "object with hidden state": ({
        "mine.py": flow_with("next(self.factor)"),
        "helper.py": "import itertools\nhelp = itertools.repeat(1.0)"},
        HELP, "parameter factor of Mean is an object of class repeat"),
    "object as a global": ({
        "mine.py": flow_with("next(VALUE)", "import itertools\nVALUE = itertools.repeat(1.0)")}, "",
        r"VALUE in Mean\.extract\(\) is an object of class repeat"),
    "object as a class attribute": ({
        "mine.py": flow_with("self.value.get()", after="\n    from helper import value"),
        "helper.py": "class Scale:\n    def get(self): return 1.0\nvalue = Scale()"}, "",
        "value of class Mean is an object of class Scale"),
    "bound method": ({
        "mine.py": flow_with("self.factor()"),
        "helper.py": "class Scale:\n    def get(self): return 1.0\nhelp = Scale().get"},
        HELP, "parameter factor of Mean is an object of class method"),
    "folder behind a parameter": ({
        "mine.py": flow_with("float(Path(self.factor, 'value.txt').read_text())", PATH), "value.txt": "1.0"},
        "str(folder)",
        "parameter factor of Mean may name files"),
    "beginning of a path": ({
        "mine.py": flow_with("float(Path(self.factor + '.txt').read_text())", PATH), "value.txt": "1.0"},
        "str(folder / 'value')",
        "parameter factor of Mean may name files"),
    "settings": ({
        "mine.py": flow_with("float(os.environ['VALUE'])", "import os\nos.environ['VALUE'] = '1.0'")}, "",
        r"os\.environ in Mean\.extract\(\) is an object of class _Environ"),
    "settings, asked for": ({
        "mine.py": flow_with("float(os.getenv('VALUE'))", "import os\nos.environ['VALUE'] = '1.0'")}, "",
        "reaches code or settings that cannot be followed"),
    "code in text": ({"mine.py": flow_with("eval('VALUE')", "VALUE = 1.0")}, "", "cannot be followed"),
    "global that changes": ({
        "mine.py": flow_with(
            "self.help()", after="\n    def help(self):\n        global VALUE\n        VALUE = 1.0\n        return 1.0"
        )}, "",
        "changes the global VALUE"),
    "random numbers": ({
        "mine.py": flow_with("1.0 + 0 * np.random.rand()", "import numpy as np")}, "",
        r"np\.random\.rand in Mean.extract\(\) is (an object of class method|a method of a RandomState)"),
}


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "store")


@pytest.fixture
def shop():
    return make_shop(n_classes=2, n_per_class=2, random_state=0).images


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of the user's modules, in which nothing is compiled on disk."""
    folder = tmp_path / "user"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("VALUE", "")
    monkeypatch.setattr(fingerprints, "_warned", set())
    yield folder
    for name in ("mine", "helper", "inner", "tools", "tools.helper"):
        sys.modules.pop(name, None)


def load(folder, files, arguments):
    """The flow as a new process has it."""
    for name in ("mine", "helper", "inner", "tools", "tools.helper"):
        sys.modules.pop(name, None)
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    importlib.invalidate_caches()
    flow = importlib.import_module("mine").Mean
    return flow(*eval(f"[{arguments}]", {"importlib": importlib, "folder": folder}))


def changed(files):
    return {name: content.replace("1.0", "3.0") for name, content in files.items()}


@pytest.mark.parametrize("files, arguments", KEPT.values(), ids=KEPT.keys())
def test_what_is_kept_is_given_only_as_long_as_nothing_changes(files, arguments, folder, shop, tmp_path, monkeypatch):
    found = []
    for version in (files, files, changed(files), changed(files)):
        flow = load(folder, version, arguments).set_params(store=tmp_path / "store").fit(shop)
        found.append(extract(flow, shop))
    assert [each.n_computed for each in found] == [4, 0, 4, 0]
    np.testing.assert_array_equal(found[1].features, found[0].features)
    np.testing.assert_array_equal(found[3].features, found[2].features)
    np.testing.assert_allclose(found[2].features, 3 * found[0].features, rtol=1e-6)


@pytest.mark.parametrize("files, arguments, reason", NOT_KEPT.values(), ids=NOT_KEPT.keys())
def test_what_has_no_name_is_not_kept(files, arguments, reason, folder, shop, tmp_path):
    found = []
    with pytest.warns(StoreWarning, match=f"features of mine.Mean are computed, but not kept.*{reason}") as caught:
        for version in (files, files, changed(files)):
            flow = load(folder, version, arguments).set_params(store=tmp_path / "store").fit(shop)
            found.append(extract(flow, shop))
    assert len(caught) == 1 and [each.n_computed for each in found] == [4, 4, 4]
    assert not (found[2].features == found[0].features).any()
    assert not FeatureStore(tmp_path / "store").flows()


@pytest.mark.parametrize("name", ["extract", "unpack"])
def test_a_method_of_ours_that_was_exchanged(name, shop, store, monkeypatch):
    """For a flow of ours and one derived from it."""
    class Derived(RawPixels):
        pass

    for flow in (RawPixels((2, 2), store=store), Derived((2, 2), store=store)):
        before = extract(flow.fit(shop), shop).features
        with monkeypatch.context() as patch:
            original = getattr(RawPixels, name)
            patch.setattr(RawPixels, name, lambda self, *arguments: 1 - original(self, *arguments))
            assert fingerprint(flow) is not None
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", StoreWarning)  # of pack, which was made for the other
                found = extract(flow, shop)
            assert found.n_computed == len(shop) and (found.features != before).any()
        found = extract(flow, shop)
        assert found.n_computed == 0 and (found.features == before).all()


def test_features_that_packing_would_change(shop, store, monkeypatch):
    """`RawPixels` keeps bytes; what is derived from it may compute anything."""
    monkeypatch.setattr(fingerprints, "_warned", set())

    class Halves(RawPixels):
        def extract(self, image, n_threads):
            return super().extract(image, n_threads) / 2 - np.float32(0.25)

    flow = Halves((2, 2), store=store).fit(shop)
    expected = (RawPixels((2, 2)).transform(shop) / 2 - np.float32(0.25)).tobytes()
    with pytest.warns(StoreWarning, match="Halves are computed, but not kept.*: pack and unpack change") as caught:
        assert [extract(flow, shop).features.tobytes() for _ in range(2)] == [expected, expected]
    assert len(caught) == 1


def test_features_that_are_no_numbers_are_kept(shop, store, folder):
    flow = load(folder, {"mine.py": flow_with("float('nan')")}, "").set_params(store=store).fit(shop)
    assert [extract(flow, shop).n_computed for _ in range(2)] == [len(shop), 0]


def test_a_function_of_ours_that_was_exchanged(shop, store, monkeypatch):
    flow = ColorHistogram(store=store).fit(shop)
    before = extract(flow, shop).features
    name = next(name for name, value in vars(color).items() if getattr(value, "__module__", "") == color.__name__
                and not isinstance(value, type) and name.startswith("_"))
    original = getattr(color, name)
    monkeypatch.setattr(color, name, lambda *arguments, **named: original(*arguments, **named))
    found = extract(flow, shop)
    assert found.n_computed == len(shop) and (found.features == before).all()


def test_a_method_that_was_exchanged_on_one_object(shop, store, folder):
    flow = load(folder, {"mine.py": flow_with("1.0")}, "").set_params(store=store).fit(shop)
    before = extract(flow, shop).features
    flow.extract = lambda image, n_threads: np.full(1, 7.0)
    found = extract(flow, shop)
    assert found.n_computed == len(shop) and (found.features == 7).all() and (before != 7).all()


def test_source_that_was_edited_after_it_was_loaded(shop, store, folder):
    """A notebook goes on with the old code; a process that is started later must not be given its features."""
    files = {"mine.py": flow_with("1.0")}
    flow = load(folder, files, "").set_params(store=store).fit(shop)
    (folder / "mine.py").write_text(flow_with("3.0"))
    before = extract(flow, shop).features
    found = extract(load(folder, changed(files), "").set_params(store=store).fit(shop), shop)
    assert found.n_computed == len(shop) and (found.features == 3 * before).all()


@pytest.mark.parametrize("n", range(2))
def test_fingerprints_are_the_same_in_every_process(n, folder, shop):
    """Whatever the order of sets, and whatever was compiled before."""
    code = flow_with("VALUES[0] + len(NAMES)", "import numpy as np\nfrom PIL import Image\nVALUES = [np.float32(1.0)]\n"
                     "NAMES = {'a', 'b', 'c'}\n", "\n    def help(self, x): return x in {'u', 'v', 'w'} or super().fit")
    here = fingerprint(load(folder, {"mine.py": code}, ""))
    script = (
        "from mine import Mean; from twoflow.flows.engine.fingerprint import fingerprint; print(fingerprint(Mean()))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": str(n), "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    for _ in range(2):
        done = subprocess.run([sys.executable, "-W", "error", "-c", script], env=environment, capture_output=True,
                              text=True, check=True)
        assert done.stdout == f"{here}\n"


def test_a_lambda_raises_nothing(folder, shop):
    """Neither in a store nor in a comparison, where the same one is equal to itself only."""
    flow = load(folder, {"mine.py": flow_with("self.factor()")}, "lambda: 2.0")
    other = clone(flow).set_params(factor=lambda: 3.0)
    assert identity(flow) == identity(clone(flow)) != identity(other)
    assert None not in (fingerprint(flow), fingerprint(other)) and fingerprint(flow) != fingerprint(other)
    rows = {name: make_pipeline(each, StandardScaler(), RidgeClassifier())
            for name, each in (("two", flow), ("three", other))}
    compare(rows, make_shop(n_classes=2, n_per_class=4, random_state=0), folds=2)


def test_one_warning_for_each_class_and_reason(folder, shop, store):
    files = {"mine.py": flow_with("1.0 * self.factor.value"), "helper.py": "class Scale: value = 1.0"}
    flow = load(folder, files, "importlib.import_module('helper').Scale()").set_params(store=store)
    union = FlowUnion([("one", flow), ("two", clone(flow)), ("pixels", RawPixels((2, 2)))], store=store)
    with pytest.warns(StoreWarning) as caught:
        for _ in range(2):
            union.fit(shop).transform(shop)
    assert len(caught) == 1 and [kept.name for kept in store.flows()] == ["RawPixels(size=(2, 2))"]
    flow.factor = [flow.factor]
    with pytest.warns(StoreWarning, match="parameter factor"):
        flow.factor.append(object())
        flow.factor.pop(0)
        fingerprint(flow)


def test_sources_in_any_folder_count(tmp_path):
    digests = set()
    for name in ("a.py", "deep/b.py", "deep/er/c.py"):
        for content in ("1", "2"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(content)
            digests.add(digest_sources([tmp_path]))
    assert len(digests) == 6


def test_our_own_sources_count():
    package = Path(fingerprints.__file__).parents[2]
    assert package.name == "twoflow"
    found = fingerprints.our_code.__wrapped__()
    assert found == digest_sources([package / "flows", package / "images", package / "networks"])
    assert found != digest_sources([])


@pytest.mark.parametrize("module, is_users, name", [
    ("numpy", False, "numpy"), ("sklearn.base", False, "scikit-learn"), ("PIL.Image", False, "pillow"),
    ("json.decoder", False, "Python"), ("sys", False, "Python"), ("builtins", False, "Python"),
    ("twoflow.flows", False, None), (__name__, True, None), ("__main__", True, None), ("nowhere", True, None),
])
def test_whose_a_module_is(module, is_users, name, monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", sys.modules[__name__])
    origin = find_origin(module)
    assert origin.is_users == is_users
    assert name is None and not origin.names or any(each.startswith(f"{name} ") for each in origin.names)
    assert name is None or name == "Python" or len(origin.names) >= (1 if name in ("numpy", "pillow") else 4)
