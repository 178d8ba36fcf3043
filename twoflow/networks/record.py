"""What a report says of a network that features were computed with."""

from __future__ import annotations

from typing import Any, NamedTuple

from .trained_on import count_digests


class NetworkRecord(NamedTuple):
    """A network that features were computed with.

    Attributes
    ----------
    name : str
        The name on the network's card.
    digest : str
        Identifies the graph and the weights: the SHA-256 of each of its files.
    license, source : str
        As on the network's card.
    provider : str
        What ran it, such as "cpu" or "cuda".
    trained_on : str
        As on the network's card. Empty by default: nothing is known of the images that it was trained on.
    """

    name: str
    digest: str
    license: str
    source: str
    provider: str
    trained_on: str = ""

    def document(self) -> dict[str, Any]:
        """Return the values for JSON; of the images that it was trained on only their number, as ``n_trained_on``."""
        values = self._asdict()
        n_trained_on = count_digests(values.pop("trained_on"))
        return {**values, "n_trained_on": n_trained_on}
