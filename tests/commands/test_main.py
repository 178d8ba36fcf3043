"""Call the program itself: ``twoflow COMMAND``, its help and its version."""

import re
import subprocess
import sys
from importlib import import_module

import pytest

import twoflow
from twoflow.__main__ import main
from twoflow.commands import COMMANDS

from .calling import call_with


def call(capsys, *arguments):
    """Return the program's exit status, standard output and standard error."""
    return call_with(capsys, main, *arguments)


def test_help_lists_every_command(capsys):
    status, out, err = call(capsys, "--help")
    assert (status, err) == (0, "") and out.startswith("usage: twoflow [-h] [--version] COMMAND ...\n")
    for name, what in COMMANDS.items():
        assert re.search(rf"^  {name} +{what}$", out, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(capsys, command):
    """With examples that the command itself can parse."""
    status, out, err = call(capsys, command, "--help")
    assert (status, err) == (0, "") and out.startswith(f"usage: twoflow {command} ")
    _, _, examples = out.partition("\nexamples:\n")
    for example in examples.splitlines():
        program, name, *arguments = example.split()
        assert (program, name) == ("twoflow", command)
        make_parser(command).parse_args(arguments)
    assert examples


def make_parser(command):
    return import_module(f"twoflow.commands.{command}").make_parser()


@pytest.mark.parametrize("action", ["info", "clear", "prune"])
def test_help_of_each_action_of_the_store(capsys, action):
    status, out, _ = call(capsys, "store", action, "--help")
    assert status == 0 and out.startswith(f"usage: twoflow store {action} ")


@pytest.mark.parametrize("command", COMMANDS)
def test_each_option_explains_its_default(command):
    options = [action for action in make_parser(command)._actions if action.option_strings and action.dest != "help"]
    assert all("(default: " in option.help for option in options), command


def test_version(capsys):
    assert call(capsys, "--version") == (0, f"twoflow {twoflow.__version__}\n", "")


def test_a_command_gets_its_arguments_and_its_status_is_returned(tmp_path, capsys):
    folder = tmp_path / "none"
    assert call(capsys, "store", "--store", str(folder), "info") == (0, f"{folder}: no store\n", "")
    assert call(capsys, "networks", "resnet")[0] == 2


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "expected a command, one of cv, datasets, train, audit, predict, networks, store, got none; see twoflow "
             "--help"),
        (["compare"], "one of cv, datasets, train, audit, predict, networks, store, got 'compare'; see twoflow --help"),
        (["two\nlines"], r"got 'two\nlines'; see twoflow --help"),
        (["--speed"], "unrecognized arguments: --speed; see twoflow --help"),
        (["store"], "the following arguments are required: ACTION; see twoflow store --help"),
    ],
)
def test_a_wrong_call_is_one_line_with_status_2(capsys, arguments, message):
    status, out, err = call(capsys, *arguments)
    assert (status, out) == (2, "") and err.startswith("error: ") and err.endswith(f"{message}\n")
    assert err.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_the_program_itself_loads_no_heavy_package(arguments):
    """Only a command loads numpy and what is built on it."""
    command = [sys.executable, "-X", "importtime", "-m", "twoflow", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "twoflow.commands.arguments" in loaded
    assert not loaded & {"numpy", "scipy", "sklearn", "PIL", "cv2", "onnx", "onnxruntime", "joblib"}
