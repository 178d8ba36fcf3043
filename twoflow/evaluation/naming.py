"""Give each method of a comparison a name, and make the models of those that are given by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import singledispatch
from typing import Any, NamedTuple

import numpy as np
from sklearn.pipeline import Pipeline

from .._text import counted, listed, printable
from ..errors import InputError, InputTypeError
from ..heads import MultiTargetClassifier
from ..heads.class_balance import ClassWeight, check_balance
from ..heads.targets import learns_targets_together
from ..images import ImageCollection
from ..models import TwoFlowClassifier
from ..networks import NetworksLike, get_card, list_networks
from .method_settings import Settings
from .methods import add_size, check_strategy, fine_tunes, list_all, make_method, needs_size, read_size
from .pixel_size import choose_size, note_enlarged
from .trained_networks import check_fine_tuning, find_left_out

#: The column that `load_folder` makes of folders in folders.
_SUPERCLASS_COLUMN = "superclass"


class NamedMethods(NamedTuple):
    """The methods of a comparison.

    Attributes
    ----------
    models : dict of str to classifier
        The models by name, in order.
    left_out : dict of str to str
        The methods that "all" leaves out, each with the reason.
    pixel_sizes : dict of str to (int, int)
        The width and height of those methods of raw pixels that were given by name.
    balance : tuple of str, default=()
        A note if classes are weighed or limited.
    """

    models: dict[str, Any]
    left_out: dict[str, str]
    pixel_sizes: dict[str, tuple[int, int]]
    balance: tuple[str, ...] = ()

    def notes(self, sizes: np.ndarray) -> list[str]:
        """Write the notes: `balance`, and one for each method that enlarges images, whose sizes have shape (n, 2)."""
        enlarged = (note_enlarged(name, size, sizes) for name, size in self.pixel_sizes.items())
        return [*self.balance, *(note for note in enlarged if note is not None)]


def make_methods(
    methods: Any,
    collection: ImageCollection | None = None,
    *,
    network: NetworksLike = "efficientnet-lite0",
    random_state: int = 0,
    superclass_column: str | None = None,
    class_weight: ClassWeight = None,
    max_per_class: int | None = None,
    fine_tuning: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Make the unfitted models of named methods, as `compare` does.

    Parameters
    ----------
    methods : str, classifier, iterable of both, or mapping of str to either
        The methods; see `compare`.
    collection : ImageCollection, optional
        The images to compare on. They set the size of "pixels", and the object hierarchy of "mid-level". By default the
        size is that for the paper's 5,250 images of 640 x 480, and the hierarchy is learned.
    network, random_state, superclass_column, class_weight, max_per_class, fine_tuning
        See `compare`.

    Returns
    -------
    dict of str to classifier
        The models by name. "pixels" is renamed to ``pixels:WIDTHxHEIGHT``.

    Raises
    ------
    ValueError, TypeError, ModuleNotFoundError
        As `compare`.

    Examples
    --------
    >>> from twoflow.evaluation import make_methods
    >>> list(make_methods(["fast", "cnn:logistic"]))
    ['fast', 'cnn:logistic']
    """
    return name_methods(
        methods, collection, network, random_state, superclass_column, class_weight, max_per_class, fine_tuning
    ).models


def name_methods(
    methods: Any,
    collection: ImageCollection | None,
    network: NetworksLike,
    random_state: int,
    superclass_column: str | None,
    class_weight: ClassWeight = None,
    max_per_class: int | None = None,
    fine_tuning: Mapping[str, Any] | None = None,
) -> NamedMethods:
    """Name the methods, and make those that are given by name; see `make_methods` for parameters and errors."""
    for each in list_networks(network):
        get_card(each)  # a wrong network is an error even if no method uses it
    given = _list_entries(methods)
    left_out = find_left_out() if (None, "all") in given else {}
    entries = [entry for each in given for entry in _expand(each, network)]
    called = [method for _, method in entries if isinstance(method, str)]
    check_balance(class_weight, max_per_class)
    if fine_tuning is not None:
        check_fine_tuning(fine_tuning)
        if not any(map(fine_tunes, called)):
            raise InputError(
                "fine_tuning: expected a method that fine-tunes a network among those given by name, such as "
                f"fine-tuned, got {listed(called) or 'none'}; add one, or leave fine_tuning out"
            )
    superclasses = _find_superclasses(collection, superclass_column, called)
    settings = Settings(
        network, random_state, superclasses, class_weight=class_weight, max_per_class=max_per_class,
        fine_tuning=fine_tuning or {},
    )
    if any(map(needs_size, called)):
        size = choose_size(collection)
        entries = [(name, add_size(method, size) if isinstance(method, str) else method) for name, method in entries]
    named = dict(zip(_choose_names(entries), (method for _, method in entries)))
    by_name = {name: method for name, method in named.items() if isinstance(method, str)}
    sizes = {name: read_size(method) for name, method in by_name.items()}
    if collection is not None:
        for method in by_name.values():
            check_strategy(method, len(collection.target_names), collection.are_levels)
    made = {name: make_method(method, settings) for name, method in by_name.items()}
    if collection is not None and len(collection.target_names) > 1:
        apart = [name for name, model in made.items() if not learns_targets_together(model)]
        _check_levels(collection, apart)
        missing = "class" if collection.are_levels else "skip"
        made |= {name: MultiTargetClassifier(made[name], missing=missing, random_state=random_state) for name in apart}
    return NamedMethods(
        models={**named, **made},
        left_out=left_out,
        pixel_sizes={name: size for name, size in sizes.items() if size is not None},
        balance=_describe_balance(class_weight, max_per_class, [name for name in named if name not in by_name]),
    )


def _check_levels(collection: ImageCollection, apart: Sequence[str]) -> None:
    """Raise ValueError if a level has one class only, and methods would learn each level by itself."""
    constant = [name for name, labels in zip(collection.target_names, collection.labels.T) if len(set(labels)) < 2]
    if apart and collection.are_levels and constant:
        raise InputError(
            f"the level {constant[0]!r} has only one class, which {apart[0]} cannot learn by itself; leave this level "
            f"out, or compare methods in the hierarchy, such as {apart[0]}:leaves"
        )


def _describe_balance(class_weight: ClassWeight, max_per_class: int | None, own: Sequence[str]) -> tuple[str, ...]:
    """Say how the methods given by name treat rare and frequent classes; `own` are the other methods."""
    parts = []
    if class_weight is not None:
        weights = class_weight if isinstance(class_weight, str) else listed(
            f"{printable(label)} {weight:g}" for label, weight in class_weight.items()
        )
        parts.append(f"with the class weights {weights}")
    if max_per_class is not None:
        parts.append(f"on at most {counted(max_per_class, 'training image')} of each class")
    if not parts:
        return ()
    but = f"; {listed(own)} as given" if own else ""
    return (f"methods given by name are fitted {' and '.join(parts)}{but}",)


#: A name that was given, or None; and the name of a method, or a classifier.
_Entry = tuple[str | None, Any]


def _list_entries(methods: Any) -> list[_Entry]:
    """List what `compare` takes as methods; raise an error for anything else."""
    entries: list[_Entry]
    if isinstance(methods, Mapping):
        entries = list(methods.items())
    elif isinstance(methods, str) or _is_classifier(methods):
        entries = [(None, methods)]
    elif isinstance(methods, Iterable):
        entries = [(None, method) for method in methods]
    else:
        raise InputTypeError(f"methods: {_EXPECTED}, got {methods!r}")
    if not entries:
        raise InputError("methods: expected at least one method, got none")
    for name, method in entries:
        if not isinstance(method, str) and not _is_classifier(method):
            raise InputTypeError(f"methods: {_EXPECTED}, got {method!r}")
        if name is not None and not isinstance(name, str):
            raise InputTypeError(f"methods: expected names of type str, got {name!r}")
    return entries


_EXPECTED = "expected names of methods and classifiers (instances with fit and predict)"


def _is_classifier(method: Any) -> bool:
    return hasattr(method, "fit") and hasattr(method, "predict") and not isinstance(method, type)


def _expand(entry: _Entry, network: NetworksLike) -> list[_Entry]:
    return [(None, name) for name in list_all(network)] if entry == (None, "all") else [entry]


def _choose_names(entries: Sequence[_Entry]) -> list[str]:
    """Name the methods; classifiers without a name are named by their class, and numbered if that is not distinct."""
    proposed = [propose_name(method) if name is None else name for name, method in entries]
    counts, numbers = Counter(proposed), Counter[str]()
    names = []
    for (name, method), proposal in zip(entries, proposed):
        if name is None and not isinstance(method, str) and counts[proposal] > 1:
            numbers[proposal] += 1
            proposal = f"{proposal}-{numbers[proposal]}"
        names.append(proposal)
    if not all(map(str.strip, names)):
        raise InputError("methods: expected names, got an empty one; give each method a name")
    # Names are printed on one line, so names that differ only in blanks would look the same.
    name, count = Counter(map(printable, names)).most_common(1)[0]
    if count > 1:
        raise InputError(
            f"methods: expected distinct names, got {name!r} {count} times; leave it out, or give a dict of other names"
        )
    return names


@singledispatch
def propose_name(method: Any) -> str:
    """Propose a name for a method: the name itself, or that of the classifier's class in lower case.

    A pipeline is named by its steps, and a `TwoFlowClassifier` by its recipe and head. What learns several targets has
    its strategy in its name, unless it is the default, "separate".
    """
    return type(method).__name__.lower()


@propose_name.register
def _(method: str) -> str:
    return method


@propose_name.register
def _(method: Pipeline) -> str:
    return "+".join(name for name, _ in method.steps)


@propose_name.register
def _(method: TwoFlowClassifier) -> str:
    name = method.recipe if method.head is None else f"{method.recipe}:{propose_name(method.head)}"
    return _with_strategy(name, method.strategy)


@propose_name.register
def _(method: MultiTargetClassifier) -> str:
    several = isinstance(method.estimator, Mapping)
    return _with_strategy(type(method).__name__.lower() if several else propose_name(method.estimator), method.strategy)


def _with_strategy(name: str, strategy: str) -> str:
    return name if strategy == "separate" else f"{name}:{strategy}"


def _find_superclasses(
    collection: ImageCollection | None, column: str | None, names: Sequence[str]
) -> dict[Any, Any] | None:
    """Find the superclass of each class, if a column is given, or if a method needs it and there is one."""
    if collection is None:
        return None
    is_needed, n_targets = "mid-level" in names, len(collection.target_names)
    if is_needed and n_targets > 1:
        if column is not None:
            raise InputError(
                f"superclass_column: expected images of one target for mid-level, got {n_targets} targets; leave it "
                "out, and a hierarchy is learned for each target"
            )
        return None
    if column is not None:
        known = [*collection.columns, *collection.target_names]
        if column not in known:
            raise InputError(
                f"superclass_column: expected a column or a target of the collection ({', '.join(map(repr, known))}), "
                f"got {column!r}"
            )
        return collection.superclasses(column)
    has_hierarchy = is_needed and _SUPERCLASS_COLUMN in collection.columns
    return collection.superclasses(_SUPERCLASS_COLUMN) if has_hierarchy else None
