import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twoflow.networks.content import read_content
from twoflow.networks.mxnet.symbol import MAX_SYMBOL_BYTES, SymbolWarning, read_symbol

from .files import network

OPERATORS = (
    ("Convolution", "conv", {"kernel": "(3, 3)", "num_filter": "4"}, ["data", "conv_weight", "conv_bias"]),
    ("BatchNorm", "bn", {"fix_gamma": "False"}, ["conv", "bn_gamma", "bn_beta"]),
    ("Pooling", "pool", {"kernel": "(2L, 2L)", "stride": "[2, 2]", "pooling_convention": "valid"}, ["bn"]),
)


def read(tmp_path, document):
    path = tmp_path / "net-symbol.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return read_symbol(read_content(path))


@pytest.mark.parametrize("key", ["param", "attr", "attrs"])
@pytest.mark.parametrize("n_inputs", [2, 3])
def test_files_of_every_age_read_the_same(tmp_path, key, n_inputs):
    nodes = read(tmp_path, network(*OPERATORS, key=key, n_inputs=n_inputs))
    assert [node.name for node in nodes if node.op != "null"] == ["conv", "bn", "pool"]
    conv, bn, pool = (node for node in nodes if node.op != "null")
    assert conv.pair("kernel") == (3, 3) and conv.integer("num_filter") == 4
    assert bn.inputs == ("conv", "bn_gamma", "bn_beta", "bn_moving_mean", "bn_moving_var")
    assert pool.pair("kernel") == pool.pair("stride") == (2, 2) and pool.pair("pad", 0, least=0) == (0, 0)


def test_files_from_before_december_2015_are_repaired(tmp_path):
    bare = [(op, name, {}, inputs) for op, name, _, inputs in OPERATORS]
    with pytest.warns(SymbolWarning, match="net-symbol.json is from before December 2015"):
        nodes = {node.name: node for node in read(tmp_path, network(*bare, key="param", n_inputs=2, version=None))}
    assert nodes["pool"].text("pooling_convention", "valid") == "full"
    assert not nodes["bn"].flag("fix_gamma", True)


def test_nothing_is_repaired_if_nothing_is_missing(tmp_path):
    """Files of 2016 have no version either, but have every attribute. A warning is an error in these tests."""
    nodes = {node.name: node for node in read(tmp_path, network(*OPERATORS, key="param", version=None))}
    assert nodes["pool"].text("pooling_convention", "") == "valid"
    assert "pooling_convention" not in {node.name: node for node in read(tmp_path, network(
        ("Pooling", "pool", {}, ["data"])))}["pool"].attributes


def changed(**changes):
    document = network(*OPERATORS)
    document["nodes"][3].update(changes)
    return document


@pytest.mark.parametrize(
    "document, message",
    [
        ("", ""),
        ("{", ""),
        ("[" * 100_000, ""),
        ("[]", "no nodes"),
        ({"nodes": []}, "no nodes"),
        ({"nodes": [1]}, "node 0 has no operator"),
        ({"nodes": [{"op": "null"}]}, "node 0 has no operator"),
        (changed(inputs=[[3, 0, 0]]), "'conv' takes an input from node 3, which is missing or part of a cycle"),
        (changed(inputs=[[6, 0, 0]]), "cycle"),
        (changed(inputs=[[2**70, 0, 0]]), "missing"),
        (changed(inputs=[[-1, 0, 0]]), "missing"),
        (changed(inputs=[[0, 1, 0]]), "takes output 1 of 'data'"),
        (changed(inputs=[[0]]), "two or three integers"),
        (changed(inputs=[["data", 0]]), "two or three integers"),
        (changed(inputs=None), "has no inputs"),
        (changed(attrs=[1]), "attrs of node 'conv': expected a table, got list"),
        (changed(name="data"), "2 nodes named 'data'"),
    ],
)
def test_damaged_graphs_are_refused(tmp_path, document, message):
    with pytest.raises(ValueError, match=f"net-symbol.json is damaged or no MXNet symbol: .*{message}"):
        read(tmp_path, document)


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "net-symbol.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="damaged"):
        read_symbol(read_content(tmp_path / "net-symbol.json", MAX_SYMBOL_BYTES))


@pytest.mark.parametrize(
    "attributes, read_attribute",
    [
        ({"kernel": "(3,)"}, lambda node: node.pair("kernel")),
        ({"kernel": "(3, 99999999999)"}, lambda node: node.pair("kernel")),
        ({"kernel": "(-3, 3)"}, lambda node: node.pair("kernel")),
        ({"kernel": "__import__('os')"}, lambda node: node.pair("kernel")),
        ({}, lambda node: node.pair("kernel")),
        ({"eps": "nan"}, lambda node: node.number("eps")),
        ({"eps": "small"}, lambda node: node.number("eps")),
        ({"no_bias": "maybe"}, lambda node: node.flag("no_bias", False)),
        ({}, lambda node: node.input(5)),
    ],
)
def test_attributes_are_checked(tmp_path, attributes, read_attribute):
    node = read(tmp_path, network(("Convolution", "conv", attributes, ["data"])))[1]
    with pytest.raises(ValueError, match="conv: "):
        read_attribute(node)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
@pytest.mark.filterwarnings("ignore::twoflow.networks.mxnet.symbol.SymbolWarning")  # the damage may hit the version
def test_damaged_bytes_give_an_error_or_nodes(tmp_path_factory, data):
    whole = bytearray(json.dumps(network(*OPERATORS)).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged-symbol.json"
    path.write_bytes(whole)
    try:
        assert read_symbol(read_content(path))
    except ValueError as error:
        assert "damaged-symbol.json" in str(error)
