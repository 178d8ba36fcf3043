"""Read a file of rules of moderation, and choose the thresholds that it asks for."""

from __future__ import annotations

import difflib
import hashlib
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .._files import expand, open_regular, reason_of
from .._text import listed, printable
from ..errors import InputError, OutsideError
from ..heads.hierarchy import UNKNOWN
from ..images.passed_over import name_first
from ..models.model_file import ModelCard, TargetCard
from ..models.tree_names import name_node
from .moderation import DECISIONS, Rule, Rules
from .undecided import CONFIDENCE, Undecided

_MAX_BYTES = 2**20


def read_rules(path: str | os.PathLike, card: ModelCard) -> Rules:
    """Read a file of rules, check it against a model, and choose its thresholds.

    Parameters
    ----------
    path : str or Path
        A TOML file with a table ``[[rules]]`` for each rule. The first rule that fits an image decides; an image that
        no rule fits is for review. The keys of a rule are:

        - ``decision``: "approved", "denied" or "review". Required.
        - ``target``: the target that the rule is about. Required if the model has several.
        - ``classes``: a list of classes. The rule fits an answer that is one of them. By default every class fits. In a
          tree, a class is its path, such as "shoes/sandal", or the last label if no other class has it.
        - ``level``: a broader level. `classes` then are classes of this level, and the rule also fits answers that fell
          back to this level or a finer one. By default, it fits only answers that are a class of the target.
        - ``confidence``: in (0, 1]. The least confidence of an answer that fits.
        - ``error``: in (0, 1), instead of `confidence`. The least confidence is chosen on the held-out answers of the
          model, so that at most this share of the answers on which the rule decides is wrong. This holds for 95 % of
          data sets; see `threshold_for`. The rule fits no answers that fell back to a broader class. With neither of
          the two, any confidence fits.
        - ``unknown = true``: the rule fits images whose answer is unknown, and no others. It allows none of the four
          keys before.
    card : ModelCard
        The card of the model. Answers below `ModelCard.threshold` are not a class, so no rule counts them.

    Returns
    -------
    Rules

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file has a mistake, or the held-out answers allow no threshold for a promise. The message names the rule.

    Notes
    -----
    An answer counts as wrong if its class is wrong (with `level`, its class of that level), even if the decision would
    be the same for the true class. The held-out answers on which an earlier rule decides do not count for a later rule.
    Each promise holds by itself; that several hold together is less sure.
    """
    name = os.fspath(path)
    content = _read(name)
    undecided = {target.name: Undecided(target, card.threshold) for target in card.targets}
    rules: list[Rule] = []
    for number, table in enumerate(_parse_tables(name, content), start=1):
        place = f"{name}, rule {number}"
        _check_table(place, table)
        target = _find_target(place, table, card)
        rule = _make_rule(place, table, target, undecided[target.name], len(card.targets) > 1)
        earlier = next((i for i, other in enumerate(rules, start=1) if other.covers(rule)), None)
        if earlier is not None:
            raise InputError(
                f"{place}: expected a rule that can decide, got one whose images are all decided on by rule {earlier}; "
                f"put it before rule {earlier}, or remove it"
            )
        rules.append(rule)
    return Rules(name, tuple(rules), hashlib.sha256(content).hexdigest())


def _make_rule(place: str, table: Mapping[str, Any], target: TargetCard, undecided: Undecided, is_named: bool) -> Rule:
    """Make a rule of a checked table, and choose its threshold if it promises an error."""
    decision, subject = table["decision"], f"{target.name}: " if is_named else ""
    if "unknown" in table:
        return Rule(decision, target.name, f"{subject}unknown", {"": frozenset([UNKNOWN])}, None)
    level = _find_level(place, table, target)
    positions = _find_classes(place, table, target, level)
    fitting = {target.name: frozenset(target.classes[i] for i in positions)}
    threshold, promise = table.get("confidence"), ""
    if "error" in table:
        threshold = undecided.choose(place, table["error"], positions, level) or None
        promise = f", so that at most {100 * table['error']:.4g}% are wrong ({CONFIDENCE:.0%} confidence)"
    elif level != target.name:
        fitting |= _find_broader(target, level, frozenset(positions))
    classes = f"{level} {name_first(table['classes'])}" if "classes" in table else f"every {level}"
    certain = "any confidence" if threshold is None else f"a confidence of at least {threshold:.6g}"
    counts = *undecided.decide(positions, threshold, level), undecided.n_held_out
    return Rule(decision, target.name, f"{subject}{classes} with {certain}", fitting, threshold, promise, *counts)


def _find_target(place: str, table: Mapping[str, Any], card: ModelCard) -> TargetCard:
    targets = {target.name: target for target in card.targets}
    if "target" in table:
        return _find(place, "target", table["target"], targets)
    if len(targets) > 1:
        raise InputError(f"{place}: target: expected one of {listed(targets, ' or')}, got nothing; add it")
    return card.targets[0]


def _find_level(place: str, table: Mapping[str, Any], target: TargetCard) -> str:
    if "level" not in table:
        return target.name
    if not target.levels:
        raise InputError(f"{place}: level: expected no level, because {target.name} has none, got one; remove it")
    finest = [] if target.tree is None else [target.name]
    return _find(place, "level", table["level"], {name: name for name in [*target.levels, *finest]})


def _find_classes(place: str, table: Mapping[str, Any], target: TargetCard, level: str) -> list[int]:
    """Return the positions of the classes that a rule is about."""
    of_level = target.levels.get(level, target.classes)
    if "classes" not in table:
        return list(range(len(of_level)))
    known: dict[str, list[Any]] = {}
    if (tree := target.tree) is not None:
        for path in tree.nodes:
            if (name := name_node(tree, path)) in of_level:
                known.setdefault(str(path[-1]), []).append(name)
    known |= {str(label): [label] for label in of_level}  # a whole path goes before a last label
    chosen: set[Any] = set()
    for label in table["classes"]:
        found = _find(place, "classes", str(label), known)
        if len(found) > 1:
            raise InputError(
                f"{place}: classes: expected a class, got {_show(label)}, which is the last label of several; write "
                f"{printable(listed(map(repr, found), ' or'))}"
            )
        chosen |= set(found)
    return [i for i, label in enumerate(of_level) if label in chosen]


def _find_broader(target: TargetCard, level: str, positions: frozenset[int]) -> dict[str, frozenset]:
    """Return the labels of a level, and of each finer one, all of whose classes a rule is about."""
    names = list(target.levels)
    fitting = {}
    for name in names[names.index(level):]:
        others = {label for i, label in enumerate(target.levels[name]) if i not in positions}
        fitting[name] = frozenset(target.levels[name]) - others
    return fitting


def _read(name: str) -> bytes:
    try:
        with open_regular(expand(name)) as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise OutsideError(f"cannot read the rules {name}: {reason_of(error)}; name a file of rules") from error
    if len(content) > _MAX_BYTES:
        raise InputError(f"{name}: expected rules of at most {_MAX_BYTES:,} bytes, got more; name a file of rules")
    return content


def _parse_tables(name: str, content: bytes) -> list[dict[str, Any]]:
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:  # tomllib raises a ValueError
        reason = printable(error, 200)
        raise InputError(f"{name}: expected rules in TOML, got other text: {reason}; correct it") from error
    _check_keys(name, document, ("rules",))
    tables = document.get("rules")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise InputError(f"{name}: expected at least one table [[rules]], got {_show(tables)}; add one for each rule")
    return tables


def _check_table(place: str, table: Mapping[str, Any]) -> None:
    """Check the keys of a rule, the types of their values, and that they go together."""
    _check_keys(place, table, _KEYS)
    for key, value in table.items():
        is_valid, expected = _KEYS[key]
        if not is_valid(value):
            raise InputError(f"{place}: {key}: expected {expected}, got {_show(value)}; correct it")
    if "decision" not in table:
        raise InputError(f"{place}: decision: expected {_KEYS['decision'][1]}, got nothing; add it")
    for key, excluded in _EXCLUDED.items():
        others = [other for other in excluded if key in table and other in table]
        if others:
            raise InputError(f"{place}: expected {key} without {listed(others)}, got both; make two rules of it")


def _check_keys(place: str, table: Mapping[str, Any], known: Iterable[str]) -> None:
    for key in table:
        _find(place, "key", key, {name: name for name in known})


def _find(place: str, what: str, name: str, known: Mapping[str, Any]) -> Any:
    """Return the entry of this name; ValueError, with the most similar names, if there is none."""
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or list(known)[:5]
    names = [*map(repr, near), *[f"another of {len(known)}"] * (len(near) < len(known))]
    raise InputError(f"{place}: {what}: expected {printable(listed(names, ' or'))}, got {_show(name)}; correct it")


def _show(value: Any) -> str:
    return "nothing" if value is None else printable(repr(value), 80)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _are_labels(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(_is_text(each) or _is_number(each) for each in value)


#: The keys of a rule: what tells a valid value, and what to write instead of another.
_KEYS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "decision": (lambda value: _is_text(value) and value in DECISIONS, listed(map(repr, DECISIONS), " or")),
    "target": (_is_text, "the name of a target"),
    "classes": (_are_labels, "a list of classes with at least one"),
    "level": (_is_text, "the name of a broader level"),
    "confidence": (lambda value: _is_number(value) and 0 < value <= 1, "a number above 0 and up to 1"),
    "error": (lambda value: _is_number(value) and 0 < value < 1, "a number between 0 and 1"),
    "unknown": (lambda value: value is True, "true, or no such key"),
}

#: The keys with which a key does not go together.
_EXCLUDED = {"confidence": ("error",), "unknown": ("classes", "level", "confidence", "error")}
