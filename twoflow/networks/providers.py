"""What computes a network: the processor, or a graphics card through one of onnxruntime's execution providers.

Which providers there are depends on the package of onnxruntime that is installed; the core of twoflow installs the one
for processors. None of the others was at hand when this was written: the code was tested with a stand-in that records
what a session is asked for, and not on a graphics card. Therefore `twoflow.networks.acceleration` compares every
accelerated session with the processor before it is used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from ..errors import InputError, MissingExtraError
from .runtime import load_onnxruntime

CPU = "cpu"


class Provider(NamedTuple):
    """An accelerator: onnxruntime's name for it, its options, and how to install onnxruntime with it."""

    execution: str
    options: Mapping[str, str]
    installation: str


#: The accelerators, by the names that twoflow calls them; `provider="auto"` takes the first that is there.
ACCELERATORS: dict[str, Provider] = {
    "cuda": Provider(
        "CUDAExecutionProvider",
        # TF32 keeps 10 bits of each number that is multiplied. The default search for the fastest convolution tries
        # all of them at each start, and may choose another one each time.
        {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"},
        "pip uninstall onnxruntime; pip install onnxruntime-gpu (with CUDA and cuDNN, on Linux or Windows)",
    ),
    "directml": Provider(
        "DmlExecutionProvider", {}, "pip uninstall onnxruntime; pip install onnxruntime-directml (on Windows)"
    ),
    "coreml": Provider("CoreMLExecutionProvider", {}, "pip install onnxruntime (on macOS)"),
}

#: The values of a parameter `provider`.
PROVIDERS = ("auto", CPU, *ACCELERATORS)


#: The environment variable that holds what "auto" means; later processes inherit it.
VARIABLE = "TWOFLOW_PROVIDER"


def use_provider(provider: str) -> None:
    """Choose what "auto" means, in this process and in those that it starts later.

    Workers on other machines choose by their own environment variable ``TWOFLOW_PROVIDER``.

    Parameters
    ----------
    provider : {"auto", "cpu", "cuda", "directml", "coreml"}
        "auto" takes an accelerator that is there and agrees with the processor; see
        `twoflow.networks.session.find_provider`.

    Raises
    ------
    ValueError
        If it is none of these.
    MissingExtraError
        If the provider is not there.

    Examples
    --------
    >>> from twoflow.networks import use_provider
    >>> use_provider("cpu")
    >>> use_provider("auto")
    """
    if provider not in PROVIDERS:
        raise InputError(f"provider: expected one of {', '.join(PROVIDERS)}, got {provider!r}")
    if provider != "auto":
        choose(provider)
    os.environ[VARIABLE] = provider


def wanted(provider: str) -> str:
    """Return the provider that is asked for: for "auto", what `use_provider` or the environment variable says."""
    if provider != "auto":
        return provider
    provider = os.environ.get(VARIABLE) or "auto"
    if provider not in PROVIDERS:
        raise InputError(f"{VARIABLE}: expected one of {', '.join(PROVIDERS)}, got {provider!r}; correct or unset it")
    return provider


def available() -> tuple[str, ...]:
    """Return the accelerators of the installed onnxruntime, the preferred first; it may still fail to start one."""
    there = load_onnxruntime().get_available_providers()
    return tuple(name for name, provider in ACCELERATORS.items() if provider.execution in there)


def choose(provider: str = "auto") -> str:
    """Return the name of the provider that computes networks on this machine.

    Parameters
    ----------
    provider : {"auto", "cpu", "cuda", "directml", "coreml"}
        "auto", the default, takes the first of `available`, or the CPU if there is none. Whether it is used for a
        network is decided by `twoflow.networks.session.find_provider`, which tries it.

    Returns
    -------
    str
        A key of `ACCELERATORS`, or "cpu".

    Raises
    ------
    MissingExtraError
        If the provider is not there; the message says what to install.
    """
    provider = wanted(provider)
    if provider == "auto":
        return next(iter(available()), CPU)
    if provider != CPU and provider not in available():
        raise MissingExtraError(
            f'provider="{provider}": expected an onnxruntime with {ACCELERATORS[provider].execution}, got one with '
            f'{", ".join(load_onnxruntime().get_available_providers())}; {ACCELERATORS[provider].installation}, or use '
            'provider="auto"'
        )
    return provider
