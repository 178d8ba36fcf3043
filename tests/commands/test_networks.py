from twoflow.commands.networks import main
from twoflow.commands.program import run
from twoflow.networks import NETWORKS

from ..networks.mxnet.files import network, write


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
    assert "net-symbol.json (in files)" in printed and "8 x 9 RGB, (value - (1, 2, 3)) / 4" in printed
    assert "MIT" in printed and "first: 3 x positions" in printed and "last: 216" in printed


def test_errors_are_one_line(capsys, tmp_path):
    assert run(main, ["resnet"]) == 2
    assert capsys.readouterr().err.startswith("error: there is no network 'resnet'; did you mean")
    (tmp_path / "net.onnx").write_bytes(b"\xff" * 100)
    assert run(main, [str(tmp_path / "net.onnx")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
