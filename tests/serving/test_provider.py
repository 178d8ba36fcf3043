"""The argument --provider of the command that serves a model file."""

import os
from functools import partial

from . import serving  # noqa: F401  # isort: skip  # it skips the module where the extra is missing

from twoflow.commands import serve
from twoflow.commands.program import run
from twoflow.networks import providers

from ..commands.calling import call_with


def test_a_provider_that_is_not_there(capsys, monkeypatch):
    call = partial(call_with, capsys, partial(run, serve.main), "model.twoflow")
    monkeypatch.setenv(providers.VARIABLE, "")
    monkeypatch.setattr(providers, "available", lambda: ())
    status, out, err = call("--provider", "cuda")
    assert (status, out) == (2, "") and err.startswith('error: provider="cuda": expected an onnxruntime with CUDA')
    assert err.count("\n") == 1 and os.environ[providers.VARIABLE] == ""
    status, out, err = call("--provider", "gpu")
    assert (status, out) == (2, "") and "invalid choice: 'gpu'" in err
    monkeypatch.setenv(providers.VARIABLE, "gpu")
    status, out, err = call()
    assert (status, out) == (2, "") and err.startswith("error: TWOFLOW_PROVIDER: expected one of auto, cpu, ")
