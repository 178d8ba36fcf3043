"""The details of one target, arranged for a page: which classes and pairs are shown, and in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .values import to_step

_PAIRS = 200  # rows of a table of confused pairs; a longer one makes the page heavy, and nobody reads it


class PairRow(NamedTuple):
    """Two classes that were confused; `at` has the position in "confusion" for each method that confused them."""

    true: int
    predicted: int | None
    at: Mapping[int, int]


class TargetView(NamedTuple):
    """One target of a comparison.

    Attributes
    ----------
    position : int
        The position of the target in the document.
    name : str
    classes : list of str
    class_order : list of int
        Positions of the classes, ordered so that confused classes are neighbors.
    details : list of mapping
        The details of each method, in the order of the document.
    paths : list of str
        The place of each of them in the document, as a JSON pointer.
    ranked : list of int
        Positions of the methods, the best first.
    """

    position: int
    name: str
    classes: list[str]
    class_order: list[int]
    details: list[Mapping[str, Any]]
    paths: list[str]
    ranked: list[int]

    @property
    def hardest_first(self) -> list[int]:
        """The classes by F1 of the best method, the lowest first; classes without F1 are last."""
        f1 = self.details[self.ranked[0]]["per_class"]["f1"]
        return sorted(range(len(f1)), key=lambda k: (f1[k] is None, f1[k]))

    @property
    def confused_pairs(self) -> list[PairRow]:
        """Every pair of classes that a method confused, those most often confused by the best method first."""
        found: dict[tuple[int, int | None], dict[int, int]] = {}
        for method in self.ranked:
            for k, (true, predicted, _) in enumerate(self.details[method]["confusion"]):
                if true != predicted:
                    found.setdefault((true, predicted), {})[method] = k
        rows = [PairRow(true, predicted, at) for (true, predicted), at in found.items()]
        return sorted(rows, key=self._counts, reverse=True)

    @property
    def shown_pairs(self) -> list[PairRow]:
        """The first of `confused_pairs`, as many as a table shows."""
        return self.confused_pairs[:_PAIRS]

    def cells(self, method: int) -> dict[tuple[int, int | None], int]:
        """Find the positions in "confusion" by the positions of the two classes."""
        return {(true, predicted): k for k, (true, predicted, _) in enumerate(self.details[method]["confusion"])}

    def images(self, method: int) -> set[int]:
        """Return the positions of the images that are shown for a method: confused ones, and examples beside them."""
        confused = self.details[method]["confused"]
        wrong = {each["image"] for pair in confused for each in pair["images"]}
        right = {image for pair in confused for image in pair["right"].values() if image is not None}
        return wrong | right

    def _counts(self, row: PairRow) -> list[int]:
        return [self.details[i]["confusion"][row.at[i]][2] if i in row.at else 0 for i in self.ranked]


def view_targets(document: Mapping[str, Any]) -> list[TargetView]:
    """Arrange the details of every target, the finest first."""
    dataset = document["dataset"]
    views = [_view(document, k, target) for k, target in enumerate(dataset["targets"])]
    return sorted(views, key=lambda view: view.name != dataset["finest"])


def _view(document: Mapping[str, Any], position: int, target: Mapping[str, Any]) -> TargetView:
    methods: Sequence[Mapping[str, Any]] = document["methods"]
    paths = [f"/methods/{i}" for i in range(len(methods))]
    classes = [each["name"] for each in target["classes"]]
    details, order = list(methods), list(range(len(classes)))
    if target["name"] == document["dataset"]["finest"]:
        order = document["dataset"]["class_order"]
    else:
        details = [method["other_targets"][target["name"]] for method in methods]
        paths = [f"{path}/other_targets/{to_step(target['name'])}" for path in paths]
    return TargetView(position, target["name"], classes, order, details, paths, document["order"])
