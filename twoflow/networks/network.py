"""A network that has been opened: its card, and the functions that give its graph and its files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .card import NetworkCard
from .carried import CarriedNetwork
from .content import MAX_BYTES, Content, read_content
from .hub_name import HubName

if TYPE_CHECKING:
    from onnx import ModelProto


class NetworkFiles(NamedTuple):
    """Where a network in files is read from.

    Attributes
    ----------
    model : Path
        The ``.onnx`` file, or MXNet's ``PREFIX-symbol.json``.
    parameters : Path or None
        MXNet's ``PREFIX-EPOCH.params``; None for an ONNX file, which has its weights inside.
    card : Path
        Where a card file would be; it need not exist.
    carried : CarriedNetwork or None
        The files themselves, if they are in memory; the paths are their names then. None by default: on disk.
    folder : Path or None
        The folder whose configuration files describe the network. None by default: there are none.
    hub : HubName or None
        The repository and commit that the files were downloaded from. None by default: from none.
    choice : str
        Why `model` was chosen among several files. Empty by default: it was named.
    """

    model: Path
    parameters: Path | None
    card: Path
    carried: CarriedNetwork | None = None
    folder: Path | None = None
    hub: HubName | None = None
    choice: str = ""

    @property
    def title(self) -> str:
        """The name of the network for error messages: that on the hub, or the path of its model."""
        return str(self.model if self.hub is None else self.hub)

    def read(self, path: Path, limit: int = MAX_BYTES) -> Content:
        """Read one of the files, or one that the model names; see `read_content`."""
        return read_content(path, limit) if self.carried is None else self.carried.read(path, limit)

    def locate(self, location: str, find: Callable[[str, Path], Path]) -> Path:
        """Return the path of a file that the model names; `find` finds it on disk, beside the model."""
        return find(location, self.model) if self.carried is None else Path(location)

    def order(self, path: Path) -> Any:
        """Return the key that files beside the model are sorted by."""
        return path if self.carried is None else self.carried.position(path)

    def has_card(self) -> bool:
        """Return whether there is a card file."""
        return self.card.exists() if self.carried is None else self.carried.has(self.card)


class Checkpoint(NamedTuple):
    """The two files of an MXNet network, which MXNet itself needs to run it.

    Attributes
    ----------
    symbol : Path
        The ``symbol.json``, for error messages.
    read : callable
        Reads the symbol and the parameters again; raises ValueError if either has changed.
    input : str
        The name of the graph's input.
    layers : mapping of str to str
        The name that each layer of the card has in the symbol.
    """

    symbol: Path
    read: Callable[[], Sequence[Content]]
    input: str
    layers: Mapping[str, str]


@dataclass(frozen=True, eq=False)
class Network:
    """A network that has been opened and can be run.

    Two networks are equal only if they are the same object.

    Attributes
    ----------
    title : str
        Its name or the path of its file, for error messages.
    card : NetworkCard
    build : callable
        Takes the names of layers and returns the ONNX graph that has them as outputs.
    digest : str
        Identifies the graph and the weights: the SHA-256 of every file that they were read from.
    outputs : tuple of str
        The layers that the network itself returns. Empty by default.
    checkpoint : Checkpoint or None
        The files of an MXNet network; None by default, for any other network.
    n_bytes : int
        The size of the files that it was read from; 0 by default, for a network with a name.
    """

    title: str
    card: NetworkCard
    build: Callable[[Collection[str]], ModelProto]
    digest: str
    outputs: tuple[str, ...] = ()
    checkpoint: Checkpoint | None = None
    n_bytes: int = 0
