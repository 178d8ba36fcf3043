import json
import os
import re

from twoflow.commands.networks import main
from twoflow.commands.program import run
from twoflow.networks import NETWORKS

from ..networks.mxnet.files import network, write
from ..networks.onnx.nets import node, plain
from ..networks.onnx.nets import write as write_onnx


def test_every_network_is_listed_by_default(capsys):
    assert run(main, []) == 0
    printed = capsys.readouterr().out
    for card in NETWORKS.values():
        for text in (card.name, card.license, card.source, *card.layers):
            assert text in printed
    assert "efficientnet-lite0 (installed, 19 MB)" in printed and "inception-21k (not installed)" in printed


def test_the_layers_of_a_file(capsys, tmp_path):
    card = {"input_size": [8, 9], "mean": [1, 2, 3], "scale": 4, "license": "MIT"}
    path = write(tmp_path, network(("relu", "first", {}, ["data"]), ("Flatten", "last", {}, ["first"])), {}, card=card)
    assert run(main, [str(path)]) == 0
    printed = capsys.readouterr().out
    assert re.match(r"net-symbol.json \(in files, \d\.\d kB\)\n  embedding  last; 216 values", printed)
    assert "stretched to 8 x 9 pixels" in printed and "enters as (v - (1, 2, 3)) / 4, from -0.75 to 63.5\n" in printed
    assert "  license    MIT\n" in printed and re.search(r"\n  first +3 +9 x 8\n", printed)


def test_json(capsys, tmp_path):
    path = str(plain(tmp_path / "net.onnx"))
    assert run(main, ["efficientnet-lite0", path, "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["name"], second["name"]) == ("efficientnet-lite0", "net.onnx")
    assert second["n_bytes"] == os.path.getsize(path) and second["weights"] == {"float32": 6 * 3 * 4}
    assert "map" in [layer["name"] for layer in second["layers"]]


def test_all_layers(capsys, tmp_path):
    nodes = [node("Relu", f"map{i}" if i else "map", f"map{i + 1}") for i in range(30)]
    path = str(write_onnx(tmp_path / "net.onnx", nodes, outputs=["map30"]))
    assert run(main, [path]) == 0
    printed = capsys.readouterr().out
    assert "map17" not in printed and re.search(r"\n  map30 +6 +4 x 4  .*output", printed)
    assert run(main, [path, "--all"]) == 0
    assert re.search(r"\n  map17 +6 +4 x 4\n", capsys.readouterr().out)


def test_errors_are_one_line(capsys, tmp_path):
    assert run(main, ["resnet"]) == 2
    assert capsys.readouterr().err.startswith("error: there is no network 'resnet'; did you mean")
    (tmp_path / "net.onnx").write_bytes(b"\xff" * 100)
    assert run(main, [str(tmp_path / "net.onnx")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
