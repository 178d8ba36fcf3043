"""What is known about a backbone before torch is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import InputError
from ...images import Fitting
from ...networks.card_file import FITTING


@dataclass(frozen=True)
class BackboneInfo:
    """Describe a backbone.

    Attributes
    ----------
    name : str
        The name that it was asked for by.
    kind : str
        The family: "efficientnet-lite", or transformers' name of it, such as "resnet".
    width : int or None
        How many numbers the embedding of an image has. None: only the loaded network tells, as of an unknown family.
    embedding : str
        The name that the embedding has as a layer of the exported network.
    stages : tuple of str
        The names of the stages, from the input to the output. Empty: the family is not known, so its stages are not.
    entry : mapping of str to value
        How images enter, as fields of `twoflow.networks.NetworkCard`: input_size, fit, filter, channels, mean and
        scale; also resize_size, pad_color and rounding where they matter.
    license : str
        SPDX identifier of the license of the weights, or "unknown".
    source : str
        Where the weights come from.
    """

    name: str
    kind: str
    width: int | None
    embedding: str
    stages: tuple[str, ...]
    entry: Mapping[str, Any]
    license: str
    source: str

    @property
    def input_size(self) -> tuple[int, int]:
        """Width and height in pixels of the images that enter."""
        return self.entry["input_size"]

    @property
    def fitting(self) -> Fitting:
        """How the pixels of an image become those that enter."""
        fields = {field: self.entry[field] for field in FITTING[1:] if field in self.entry}
        return Fitting(self.input_size, **fields)

    def count_frozen(self, train: str | int) -> int:
        """Return how many of the first stages keep their weights.

        Parameters
        ----------
        train : {"head", "whole"} or int
            What is trained: only the head behind the trunk, the whole trunk, or this number of its last stages.

        Returns
        -------
        int
            A backbone of an unknown family counts as one stage.

        Raises
        ------
        ValueError
            If there are no such stages.
        """
        n = len(self.stages)
        named = {"head": max(n, 1), "whole": 0}
        if isinstance(train, str) and train in named:
            return named[train]
        if not n:
            raise InputError(
                f'{self.name}: expected train="head" or "whole", because the stages of the family {self.kind!r} are '
                f"not known, got {train!r}; use one of the two"
            )
        if isinstance(train, bool) or not isinstance(train, int) or not 1 <= train <= n:
            raise InputError(
                f'{self.name}: expected train="head", "whole", or how many of its {n} last stages to train, from 1 to '
                f"{n}, got {train!r}; its stages are {', '.join(self.stages)}"
            )
        return n - train

    def card_fields(self) -> dict[str, Any]:
        """Return the fields of the card of the trained network; see `twoflow.networks.card_file.check_fields`."""
        # Without "head", because its mean over positions is the embedding.
        stages = {"stages": tuple(name for name in self.stages if name != "head")} if self.stages else {}
        return {
            "name": self.name, "license": self.license, "source": f"fine-tuned from {self.source}", **self.entry,
            "output": self.embedding, **stages,
        }
