"""A flow in a file outside the package: the one of the guide works as those of the package do."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from twoflow import CNNEmbedding, FlowUnion, compare, make_model
from twoflow.flows import Flow
from twoflow.flows.contract import FlowContract
from twoflow.heads import KernelWeight
from twoflow.images import LoadedImage
from twoflow.images.tags import read_tag
from twoflow.store import FeatureStore

from ..sklearn_checks import REPLACED_FOR_FLOWS, sklearn_checks
from .flow_checks import FLOW_CHECKS

PAGE = Path(__file__).parents[2] / "experiments/guide/write-a-flow.md"


def python_block(pattern):
    """The one block of code of the page in which a pattern is found."""
    block, = (each for each in re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
              if re.search(pattern, each))
    return block


@pytest.fixture
def edges(tmp_path, monkeypatch):
    """The page's first block as a module of the user's."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules/edges.py").write_text(python_block("class EdgeDirections"), "utf-8")
    monkeypatch.syspath_prepend(tmp_path / "modules")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    importlib.invalidate_caches()
    get_reusable_executor().shutdown()  # workers that are running already cannot import the module
    yield importlib.import_module("edges")
    del sys.modules["edges"]


@pytest.fixture
def reads(monkeypatch):
    """The sizes that images are read at, one for each: 64 x 64 is asked by the flow of one's own, and by the traits."""
    sizes, resized = [], LoadedImage.resized
    monkeypatch.setattr(LoadedImage, "resized", lambda self, size: sizes.append(tuple(size)) or resized(self, size))
    return sizes


def with_edges(edges, head="kernel-ridge"):
    flows = [("edges", edges.EdgeDirections()), ("cnn", CNNEmbedding(layer="stage1"))]
    return make_model(flows, head, random_state=0)


def test_it_takes_under_thirty_lines():
    assert len(python_block("class EdgeDirections").splitlines()) < 30


def test_a_comparison_computes_its_features_once_and_finds_them_the_next_time(edges, shop, tmp_path, reads):
    methods = {"one": with_edges(edges), "two": with_edges(edges, "lda")}
    first = compare(methods, shop, folds=3, store=tmp_path / "store")
    assert reads.count((64, 64)) == 2 * len(shop)
    assert any("EdgeDirections" in kept.name for kept in FeatureStore(tmp_path / "store").flows())
    second = compare(methods, shop, folds=3, store=tmp_path / "store")
    assert reads.count((64, 64)) == 2 * len(shop)
    for name in methods:
        assert (first[name].scores["accuracy"] == second[name].scores["accuracy"]).all()
        assert first[name].scores["accuracy"].mean() > 0.25


def test_its_tag_chooses_the_selector(edges):
    selectors = {name: selector for name, _, selector in with_edges(edges).flows}
    assert isinstance(selectors["edges"], Pipeline) and isinstance(selectors["edges"][-1], KernelWeight)
    assert not any(isinstance(step, KernelWeight) for step in selectors["cnn"])


@pytest.mark.parametrize("head", ["kernel-ridge", "forest"])
def test_importances_name_it(edges, shop, head):
    importances = compare({"model": with_edges(edges, head)}, shop, folds=2)["model"].importances
    assert set(importances) == {"edges", "cnn"} and all(share > 0 for share in importances.values())
    assert sum(importances.values()) == pytest.approx(1)


def test_features_are_named(edges, shop):
    names = edges.EdgeDirections().get_feature_names_out()
    assert len(names) == 16 and names[0] == "edgedirections_000"
    assert FlowUnion([("edges", edges.EdgeDirections())]).fit(shop).get_feature_names_out()[-1] == (
        "edges__edgedirections_015"
    )


@pytest.mark.parametrize("check", FLOW_CHECKS, ids=lambda check: check.__name__)
def test_it_promises_what_every_flow_does(edges, check, shop, tmp_path):
    folder = [tmp_path / "folder"][: "folder" in check.__code__.co_varnames[: check.__code__.co_argcount]]
    for each in folder:
        each.mkdir()
    check(edges.EdgeDirections(), shop, *folder)


def test_scikit_learns_checks(edges):
    checks = list(sklearn_checks(edges.EdgeDirections(), REPLACED_FOR_FLOWS, FLOW_CHECKS))
    for estimator, check in checks:
        check(estimator)
    assert checks


def test_hooks_are_no_parameters(edges):
    assert set(edges.EdgeDirections().get_params()) == {"n_jobs", "on_error", "verbose", "store"}


class Ones(Flow):
    n_features_out = 3

    def extract(self, image, n_threads):
        return np.ones(3)


class Learner(Ones):
    def learn(self, images, y, groups):
        self.n_ = len(images)


def test_a_flow_that_learns_nothing_needs_no_fit(shop):
    assert not Ones().__sklearn_tags__().requires_fit and not read_tag(Ones(), "learns_from_data", None)
    check_is_fitted(Ones())
    assert (Ones().transform(shop) == 1).all()


def test_a_flow_that_learns_is_fitted_in_every_fold():
    assert Learner().__sklearn_tags__().requires_fit and read_tag(Learner(), "learns_from_data", None)
    assert read_tag(FlowUnion([("ones", Ones()), ("learner", Learner())]), "learns_from_data", None)
    assert not read_tag(FlowUnion([("ones", Ones())]), "learns_from_data", None)


@pytest.mark.parametrize("missing", ["extract", "n_features_out"])
def test_what_a_flow_must_say(missing):
    members = {name: vars(Ones)[name] for name in ("extract", "n_features_out") if name != missing}
    with pytest.raises(TypeError, match=f"abstract.*{missing}"):
        type("Half", (Flow,), members)()


@pytest.mark.parametrize("features, shape", [
    (np.ones(1), r"\(1,\)"), (np.ones(4), r"\(4,\)"), (np.ones((1, 3)), r"\(1, 3\)"), (2.0, r"\(\)"),
])
def test_features_of_another_shape_are_an_error(features, shape, shop):
    """Not one that is copied to all columns, nor one that shifts those of the next flow."""
    wrong = type("Wrong", (Ones,), {"extract": lambda self, image, n_threads: features})()
    message = rf"expected extract of Wrong to return an array of shape \(3,\), got {shape}; make"
    for flow in (wrong, FlowUnion([("wrong", wrong), ("ones", Ones())])):
        with pytest.raises(ValueError, match=message):
            clone(flow).fit(shop).transform(shop)


def test_hooks_are_documented():
    hooks = [name for name in vars(FlowContract) if not name.startswith("_")]
    contract = sys.modules[FlowContract.__module__].__doc__
    assert {name for name in hooks if f"`{name}`" not in contract} == set()
    assert all(getattr(FlowContract, name).__doc__ for name in hooks if callable(getattr(FlowContract, name)))
