"""The arguments --network and --provider, which several commands share."""

import json
import os
from argparse import ArgumentTypeError
from functools import partial

import pytest

from twoflow import load, make_shop
from twoflow.commands import audit, cv, predict, train
from twoflow.commands.arguments import networks
from twoflow.commands.program import run
from twoflow.networks import providers

from ..networks.onnx.nets import plain
from .calling import call_with

RUN = ["--jobs", "1", "--quiet", "--no-store"]


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(providers.VARIABLE, "")
    make_shop(n_classes=2, n_per_class=8, folder="shop", random_state=0)
    for name in ("one", "two", "a,b"):
        plain(tmp_path / f"{name}.onnx", seed=len(name))
    return tmp_path


@pytest.fixture
def call(capsys):
    return lambda module, *arguments: call_with(capsys, partial(run, module.main), *arguments)


@pytest.mark.parametrize("text, expected", [
    ("efficientnet-lite0", "efficientnet-lite0"),
    ("~/one.onnx", os.path.expanduser("~/one.onnx")),
    ("one.onnx, ~/two.onnx", ["one.onnx", os.path.expanduser("~/two.onnx")]),
    ('"a,b.onnx",efficientnet-lite0', ["a,b.onnx", "efficientnet-lite0"]),
    ('"a,b.onnx"', "a,b.onnx"),
    ("hf://a/b@c", "hf://a/b@c"),
])
def test_names_and_paths_of_networks(text, expected):
    assert networks(text) == expected


def test_a_path_with_a_comma_needs_quotes(work):
    with pytest.raises(ArgumentTypeError, match="""in double quotes, got 'a,b.onnx'; write '"a,b.onnx"'"""):
        networks("a,b.onnx")
    with pytest.raises(ArgumentTypeError, match="expected names with commas between them, got 'one.onnx,'"):
        networks("one.onnx,")
    with pytest.raises(ArgumentTypeError, match="expected names with commas between them, got '\"my,net.onnx'"):
        networks('"my,net.onnx')


def test_a_comparison_and_an_audit_of_several_networks(work, call):
    given = ["shop", "--network", 'one.onnx,"a,b.onnx"', *RUN]
    methods = ["--methods", "cnn:lda,one:map:lda,a_b", "--folds", "2"]
    status, out, err = call(cv, *given, *methods, "--out", "report")
    assert (status, err) == (0, "")
    for name in ("one.onnx", "a,b.onnx"):
        assert f"\nnetwork: {name} (license unknown; run on cpu).\n" in out
    document = json.loads((work / "report/report.json").read_text("utf-8"))
    assert [method["n_features"] for method in document["methods"]] == [12, 6, 6]
    assert [(each["name"], each["provider"], len(each["digest"])) for each in document["networks"]] == [
        ("one.onnx", "cpu", 64), ("a,b.onnx", "cpu", 64)
    ]
    assert document["networks"][0]["digest"] in (work / "report/report.html").read_text("utf-8")
    status, out, err = call(audit, *given, "--out", "audit")
    assert (status, err) == (0, "") and "(one.onnx, a,b.onnx; features computed for 16)" in out
    document = json.loads((work / "audit/audit.json").read_text("utf-8"))
    assert [each["name"] for each in document["networks"]] == ["one.onnx", "a,b.onnx"]


def test_a_model_of_several_networks(work, call):
    given = ["--recipe", "paper", "--network", "one.onnx,two.onnx", "--folds", "0", "--out", "model.twoflow", *RUN]
    status, out, err = call(train, "shop", *given, "--no-examples")
    assert (status, err) == (0, "")
    model = load("model.twoflow")
    assert len({str(value) for name, value in model.model_.get_params().items() if name.endswith("__network")}) == 2
    status, out, err = call(predict, "model.twoflow", "shop", "--provider", "cpu", *RUN)
    assert status == 0 and out.count("\n") == 17


@pytest.mark.parametrize("module, arguments", [
    (cv, ["shop", "--methods", "cnn"]), (train, ["shop", "--out", "x.twoflow"]), (audit, ["shop"]),
    (predict, ["model.twoflow", "shop"]),
])
def test_a_provider_that_is_not_there(work, call, module, arguments, monkeypatch):
    monkeypatch.setattr(providers, "available", lambda: ())
    status, out, err = call(module, *arguments, "--provider", "cuda")
    assert (status, out) == (2, "") and err.startswith('error: provider="cuda": expected an onnxruntime with CUDA')
    assert err.count("\n") == 1 and os.environ[providers.VARIABLE] == ""
    status, out, err = call(module, *arguments, "--provider", "gpu")
    assert (status, out) == (2, "") and "invalid choice: 'gpu'" in err
    monkeypatch.setenv(providers.VARIABLE, "gpu")
    before = sorted(os.listdir())
    status, out, err = call(module, *arguments)
    assert (status, out) == (2, "") and err.startswith("error: TWOFLOW_PROVIDER: expected one of auto, cpu, ")
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize("module, name", [(audit, "twoflow-audit"), (cv, "report"), (train, "x/model.twoflow")])
@pytest.mark.parametrize("given", ["a_b,a_b", "nosuch"])
def test_a_wrong_network_leaves_no_folder_behind(work, call, module, name, given):
    before = sorted(os.listdir())
    status, out, err = call(module, "shop", "--network", given, "--out", name, *RUN)
    assert (status, out) == (2, "") and given.split(",")[0] in err and err.count("\n") == 1
    assert sorted(os.listdir()) == before


def test_the_environment_says_what_auto_is(work, monkeypatch):
    monkeypatch.setattr(providers, "available", lambda: ("cuda",))
    assert providers.choose() == "cuda"
    providers.use_provider("cpu")
    assert providers.choose() == "cpu" and providers.choose("cuda") == "cuda"
    monkeypatch.setenv(providers.VARIABLE, "gpu")
    with pytest.raises(ValueError, match="TWOFLOW_PROVIDER: expected one of auto, cpu, .*, got 'gpu'; correct"):
        providers.choose()
    with pytest.raises(ValueError, match="provider: expected one of auto, cpu, .*, got 'gpu'"):
        providers.use_provider("gpu")
