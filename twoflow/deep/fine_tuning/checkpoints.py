"""Keep the state of a training in a file, so that a killed training goes on."""

from __future__ import annotations

import hashlib
import io
import pickle
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..._files import expand, open_regular, reason_of, write_file
from ...errors import OutsideError
from ...flows.engine.fingerprint import digest_sources, versions
from .plan import TrainingPlan

#: Choices that say how a training is run, not what it computes.
_RUNNING = ("n_jobs", "verbose", "checkpoint", "device")
_PACKAGES = ("torch", "transformers", "numpy", "scipy")


class Checkpoints:
    """The file of one training in a folder. Its name is a digest of all that the training depends on.

    It begins with the SHA-256 of the rest, which torch writes and reads with ``weights_only=True``; so no code in it is
    run. While the training runs, the file holds the weights, the best ones so far, and the state of the optimizer:
    about four times the size of the trained part. In the end it holds only the best weights, so that the same training
    is not run again. Files are not removed.

    Parameters
    ----------
    folder : str
        It is made if it is missing.
    key : str
        The digest; see `digest_training`.

    Raises
    ------
    OSError
        If the folder cannot be made.
    """

    def __init__(self, folder: str, key: str) -> None:
        self.path = expand(folder) / f"{key}.checkpoint"
        self._is_full = False
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutsideError(
                f"checkpoint: the folder {folder} cannot be made: {reason_of(error)}; choose another"
            ) from error

    def load(self) -> dict[str, Any] | None:
        """Return the state that was saved last; None if there is none, or if it is damaged, with a warning."""
        try:
            with open_regular(self.path) as file:
                digest, content = file.read(32), file.read()
            if hashlib.sha256(content).digest() != digest:
                raise ValueError("its digest is another")
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            warnings.warn(
                f"the checkpoint {self.path} cannot be used, so the training starts again: "
                f"{str(error).splitlines()[0]}",
                stacklevel=2,
            )
            return None

    def save(self, state: dict[str, Any]) -> None:
        """Write a state in place of the last one. If that fails, warn once, and keep the last one."""
        written = io.BytesIO()
        torch.save(state, written)
        content = written.getvalue()
        try:
            write_file(self.path, hashlib.sha256(content).digest() + content)
        except OSError as error:
            if not self._is_full:
                warnings.warn(
                    f"the checkpoint {self.path} of {len(content) / 1e6:,.0f} MB cannot be written: "
                    f"{reason_of(error)}; the training goes on without it",
                    stacklevel=2,
                )
            self._is_full = True


def digest_training(
    plan: TrainingPlan,
    device: torch.device,
    trunk: torch.nn.Module,
    pixels: np.ndarray,
    labels: Sequence[np.ndarray],
) -> str:
    """Return the digest of all that the result of a training depends on.

    It covers the plan, the kind of device, the weights of the trunk, the pixels, all arrays of labels, the code of
    `twoflow.deep` and of the heads, and the versions of the packages that compute.

    Parameters
    ----------
    plan : TrainingPlan
    device : torch.device
    trunk : Trunk
    pixels : ndarray
    labels : sequence of ndarray
        Labels, numbers and weights of the classes, held-out images and groups.
    """
    choices = {name: value for name, value in asdict(plan).items() if name not in _RUNNING}
    package = Path(__file__).parents[2]
    code = digest_sources([package / "deep", package / "heads"])
    digest = hashlib.sha256(repr((sorted(choices.items()), device.type, code, versions(_PACKAGES))).encode())
    for name, value in trunk.state_dict().items():
        _note(digest, name, value.detach().cpu().contiguous().numpy())
    for number, values in enumerate([pixels, *labels]):
        _note(digest, str(number), np.unique(values, return_inverse=True)[1] if values.dtype.hasobject else values)
    return digest.hexdigest()


def _note(digest: Any, name: str, values: np.ndarray) -> None:
    digest.update(f"{name} {values.dtype.str} {values.shape} ".encode())
    digest.update(np.ascontiguousarray(values).reshape(-1).view(np.uint8))
