"""Write the card of a model file as strict JSON, and read it with every value checked."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._text import printable
from ...errors import InputError
from ..tree_names import broader_paths, name_classes
from .archive import parse_json
from .arrays import read_array, write_array
from .card import Expectation, HeldOut, ModelCard, NetworkEntry, TargetCard
from .card_tree import read_tree, to_tree_table
from .damage import DamagedError

if TYPE_CHECKING:
    from ...heads.hierarchy import ClassTree

CARD = "card.json"
_PLACES = ("package", "inside", "elsewhere")


def write_card(card: ModelCard) -> dict[str, bytes]:
    """Return the members of a model file that describe the model: the card, and an array for each held-out column.

    Raises
    ------
    ValueError
        If a text on the card is not Unicode; see `check_unicode`.
    """
    table = to_table(card)
    check_unicode(table)
    members = {CARD: json.dumps(table, indent=1, allow_nan=False, ensure_ascii=False).encode("utf-8")}
    for number, target in enumerate(card.targets):
        if target.held_out is not None:
            columns = zip(HeldOut._fields, target.held_out)
            members |= {
                _member(number, name): write_array(np.asarray(column, dtype=_DTYPES[name]))
                for name, column in columns if column is not None
            }
    return members


def check_unicode(value: Any) -> None:
    """Raise ValueError for a text that JSON cannot hold, such as a class named by a folder whose name is not Unicode.

    Parameters
    ----------
    value : object
        A text, or mappings and sequences of texts; other values are passed over.
    """
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(f"expected names of classes, and a title, in Unicode, got {printable(repr(value), 100)}; "
                             "rename it") from error
    elif isinstance(value, Mapping):
        check_unicode([*value, *value.values()])
    elif isinstance(value, (list, tuple)):
        for each in value:
            check_unicode(each)


def read_card(members: Mapping[str, bytes]) -> ModelCard:
    """Read and check the card of a model file, with the held-out answers; ValueError if a value is wrong."""
    if CARD not in members:
        raise DamagedError(f"expected a member {CARD}, got none")
    table = parse_json(members[CARD], CARD)
    card = _Reader(CARD, table)
    targets = tuple(
        _read_target(each, number, members) for number, each in enumerate(card.tables("targets"))
    )
    if not targets:
        raise DamagedError(f"{CARD}: targets: expected at least one, got none")
    networks = tuple(
        NetworkEntry(*(each.text(name) for name in NetworkEntry._fields)) for each in card.tables("networks")
    )
    for network in networks:
        if network.place not in _PLACES:
            raise DamagedError(f"{CARD}: place: expected one of {', '.join(_PLACES)}, got {network.place!r}")
    versions = card.get("versions", dict)
    if not all(isinstance(value, str) for value in versions.values()):
        raise DamagedError(f"{CARD}: versions: expected texts, got others")
    return ModelCard(
        title=card.text("title"), created=card.text("created"), targets=targets,
        n_images=card.count("n_images"), n_groups=card.count("n_groups"), data_digest=card.text("data_digest"),
        threshold=card.share("threshold"), networks=networks, versions=versions,
        exact_match=_read_expectation(card.inside("exact_match")),
    )


def to_table(card: ModelCard) -> dict[str, Any]:
    """Return a card as values for JSON, without the single held-out answers."""
    return {
        "title": card.title, "created": card.created,
        "targets": [
            {
                "name": target.name, "classes": list(target.classes), "counts": list(target.counts),
                "levels": {name: list(values) for name, values in target.levels.items()},
                "expectation": _to_expectation(target.expectation),
                "tree": None if target.tree is None else {**to_tree_table(target.tree), "rule": target.rule},
            }
            for target in card.targets
        ],
        "n_images": card.n_images, "n_groups": card.n_groups, "data_digest": card.data_digest,
        "threshold": card.threshold, "networks": [network._asdict() for network in card.networks],
        "versions": dict(sorted(card.versions.items())), "exact_match": _to_expectation(card.exact_match),
    }


def _to_expectation(expectation: Expectation | None) -> dict[str, Any] | None:
    if expectation is None:
        return None
    return {
        "accuracy": _or_none(expectation.accuracy), "interval": [_or_none(end) for end in expectation.interval],
        "confidence": expectation.confidence, "source": expectation.source,
    }


def _or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


class _Reader:
    """The fields of a JSON object; each method returns one, or raises ValueError if it is of another kind."""

    def __init__(self, where: str, table: Any) -> None:
        if not isinstance(table, dict):
            raise DamagedError(f"{where}: expected a table, got {type(table).__name__}")
        self._where, self._table = where, table

    def get(self, name: str, *kinds: type) -> Any:
        value = self._table.get(name)
        if type(value) not in kinds:
            expected = " or ".join(_KINDS[kind] for kind in kinds)
            raise DamagedError(f"{self._where}: {name}: expected {expected}, got {printable(repr(value), 60)}")
        return value

    def text(self, name: str) -> str:
        return self.get(name, str)

    def count(self, name: str) -> int | None:
        value = self.get(name, int, type(None))
        if value is not None and value < 0:
            raise DamagedError(f"{self._where}: {name}: expected no negative number, got {value}")
        return value

    def share(self, name: str) -> float | None:
        value = self.get(name, float, int, type(None))
        if value is not None and not 0 <= value <= 1:
            raise DamagedError(f"{self._where}: {name}: expected a number from 0 to 1, got {value}")
        return None if value is None else float(value)

    def tables(self, name: str) -> list[_Reader]:
        return [_Reader(f"{self._where}: {name}", each) for each in self.get(name, list)]

    def labels(self, values: Any, name: str) -> tuple:
        if type(values) is not list or not all(type(each) in (str, int, float, bool) for each in values):
            raise DamagedError(f"{self._where}: {name}: expected a list of texts or numbers, got others")
        return tuple(values)

    def inside(self, name: str) -> _Reader | None:
        value = self.get(name, dict, type(None))
        return None if value is None else _Reader(f"{self._where}: {name}", value)


_KINDS = {str: "a text", int: "a number", float: "a number", list: "a list", dict: "a table", type(None): "null"}


def _read_target(table: _Reader, number: int, members: Mapping[str, bytes]) -> TargetCard:
    classes = table.labels(table.get("classes", list), "classes")
    counts = table.get("counts", list)
    levels = {
        name: table.labels(values, f"levels: {name}") for name, values in table.get("levels", dict).items()
    }
    if not classes or len(set(classes)) < len(classes) or len(counts) not in (0, len(classes)):
        raise DamagedError(f"{CARD}: expected different classes, and a count for each or none, got others")
    if not all(type(count) is int and count >= 0 for count in counts):
        raise DamagedError(f"{CARD}: counts: expected whole numbers, got others")
    if any(len(values) != len(classes) for values in levels.values()):
        raise DamagedError(f"{CARD}: levels: expected a value for each of {len(classes)} classes, got others")
    name, of_tree = table.text("name"), table.inside("tree")
    tree = None if of_tree is None else _read_tree(of_tree)
    if tree is not None and (name, classes, list(levels.items())) != (
        tree.levels[-1], name_classes(tree), list(broader_paths(tree).items())
    ):
        raise DamagedError(f"{CARD}: tree: expected the name, classes and levels of its target, got others")
    return TargetCard(
        name=name, classes=classes, counts=tuple(counts), levels=levels,
        expectation=_read_expectation(table.inside("expectation")),
        held_out=_read_held_out(number, len(classes), tree, members), tree=tree,
        rule="" if of_tree is None else of_tree.text("rule"),
    )


def _read_tree(table: _Reader) -> ClassTree:
    return read_tree(table.get("levels", list), table.get("nodes", list), table.get("counts", list, type(None)))


def _read_expectation(table: _Reader | None) -> Expectation | None:
    if table is None:
        return None
    ends = table.get("interval", list)
    if len(ends) != 2 or not all(type(end) in (float, int, type(None)) for end in ends):
        raise DamagedError(f"{CARD}: interval: expected two numbers, got others")
    low, high = (math.nan if end is None else float(end) for end in ends)
    accuracy, confidence = table.share("accuracy"), table.share("confidence")
    if confidence is None:
        raise DamagedError(f"{CARD}: confidence: expected a number from 0 to 1, got null")
    return Expectation(math.nan if accuracy is None else accuracy, (low, high), confidence, table.text("source"))


_DTYPES: dict[str, type] = {
    "true": np.int32, "predicted": np.int32, "confidence": np.float32, "groups": np.int32, "answered": np.int32,
}

_LEAST = {"true": 0, "predicted": -1}


def _member(number: int, column: str) -> str:
    return f"held_out/{number}/{column}.npy"


def _read_held_out(
    number: int, n_classes: int, tree: ClassTree | None, members: Mapping[str, bytes]
) -> HeldOut | None:
    columns = {
        name: read_array(members[_member(number, name)]) for name in HeldOut._fields if _member(number, name) in members
    }
    if not columns:
        return None
    sizes = {column.shape for column in columns.values()}
    if not {"true", "predicted", "confidence"} <= columns.keys() or len(sizes) > 1 or len(sizes.pop()) != 1:
        raise DamagedError("expected held-out answers in columns of one length, got others")
    if any(column.dtype != _DTYPES[name] for name, column in columns.items()):
        raise DamagedError("expected held-out answers as int32 and float32, got others")
    # A prediction that is no class has the position -1.
    if any(not ((columns[name] >= least) & (columns[name] < n_classes)).all() for name, least in _LEAST.items()):
        raise DamagedError(f"expected held-out answers as positions of {n_classes} classes, got others")
    answered, n_nodes = columns.get("answered"), 0 if tree is None else len(tree.nodes)
    if (answered is None) != (tree is None) or answered is not None and not (
        (answered >= -1) & (answered < n_nodes)
    ).all():
        raise DamagedError(f"expected held-out answers as positions of {n_nodes} nodes of a tree, got others")
    if not _are_shares(columns["confidence"]):
        raise DamagedError("expected confidences from 0 to 1, or none, got others")
    return HeldOut(**columns)


def _are_shares(values: np.ndarray) -> bool:
    """Return whether all values are from 0 to 1, or NaN, which a model without probabilities has."""
    return bool((np.isnan(values) | (values >= 0) & (values <= 1)).all())


def to_plain(labels: Sequence[Any] | np.ndarray, name: str) -> tuple:
    """Convert classes to Python's own texts and numbers; ValueError if they are neither."""
    plain = tuple(label.item() if isinstance(label, np.generic) else label for label in labels)
    if not all(type(label) in (str, int, float, bool) for label in plain):
        raise InputError(f"{name}: expected classes that are texts or numbers, got {plain[:3]!r}; rename them")
    return plain
