"""Load a backbone into torch. It imports torch, so import it only where it is used."""

from __future__ import annotations

from .trunk import Trunk


def load_trunk(
    name: str, *, pretrained: bool = True, input_size: tuple[int, int] | None = None, seed: int = 0
) -> Trunk:
    """Load a backbone by its name; see `describe_backbone` for the parameters and errors.

    `seed` draws the weights without `pretrained`, and has no effect with it. Torch's global random state is neither
    used nor changed. The trunk is on the CPU, and in evaluation mode.
    """
    raise NotImplementedError
