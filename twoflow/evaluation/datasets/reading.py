"""Read what a report.json says about the scores of methods on one data set."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from ..._files import expand, open_regular, reason_of
from ..._text import printable
from ...errors import InputError, OutsideError

_SCHEMA = 2  # of report.json
_MOST_BYTES = 1_000_000_000  # of a file; the report of 20,000 images has a few million
_SHOWN = 60  # characters of a value in an error
_FILE = "report.json"


class ReportedScore(NamedTuple):
    """A score of a report.

    Attributes
    ----------
    name, label : str
        What report.json calls it, and what tables call it.
    greater_is_better : bool
        Whether a greater score is better.
    """

    name: str
    label: str
    greater_is_better: bool


@dataclass(frozen=True)
class Report:
    """What a report.json says about one data set.

    Attributes
    ----------
    name : str
        Name of the data set.
    path : str
        Path of the file.
    n_images, n_classes : int
        Size of the data set.
    scores : dict of str to ReportedScore
        By name.
    tested_score : str
        Name of the score that the report tests.
    means : dict of str to dict of str to float
        Mean over folds, by method and name of the score.
    results_digest, images_digest : str
        Equal only if the results of the methods, with their times, and the names of the images are equal.
    """

    name: str
    path: str
    n_images: int
    n_classes: int
    scores: dict[str, ReportedScore]
    tested_score: str
    means: dict[str, dict[str, float]]
    results_digest: str
    images_digest: str


def name_reports(paths: Iterable[tuple[str | None, str | os.PathLike]]) -> dict[str, Path]:
    """Find the report.json of each data set, and name those that have no name.

    Parameters
    ----------
    paths : iterable of (str or None, path)
        The name of each data set, and its report.json or the folder that contains it. None takes the name of the
        folder, or that of a file that is not called report.json, without its ending.

    Returns
    -------
    dict of str to Path
        The files, in the same order.

    Raises
    ------
    ValueError
        If two data sets have the same name, or a name is empty.
    """
    found: dict[str, Path] = {}
    for name, path in paths:
        file = expand(path)
        if file.is_dir():
            file = file / _FILE
        if name is None:
            name = Path(os.path.abspath(file)).parent.name if file.name == _FILE else file.stem
        if not name.strip():
            raise InputError(f"{file}: expected a name of its data set, got none; give it one, as NAME={file}")
        if name in found:
            raise InputError(
                f"expected a different name for each data set, got {name!r} for {found[name]} and {file}; give one of "
                f"them another name, as NAME={file}"
            )
        found[name] = file
    return found


def read_report(name: str, path: Path) -> Report:
    """Read and check one report.json.

    Parameters
    ----------
    name : str
        Name of the data set.
    path : Path
        The file.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is not the report.json of a comparison. The message names the file and what is wrong in it.
    """
    try:
        with open_regular(path) as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        remedy = "name the folder that twoflow cv wrote its report to"
        raise OutsideError(f"cannot read {path}: {reason_of(error)}; {remedy}") from error
    try:
        if len(content) > _MOST_BYTES:
            raise _Fault(f"a file of more than {_MOST_BYTES / 1e6:,.0f} MB")
        return _to_report(name, path, json.loads(content, parse_constant=_refuse))
    except _Fault as fault:
        what = str(fault)
    except (ValueError, RecursionError) as error:
        what = f"no JSON ({printable(error, _SHOWN)})"
    raise InputError(f"{path}: expected the report.json of twoflow cv, got {what}; run twoflow cv again")


class _Fault(Exception):
    """What is wrong in a document."""


def _refuse(constant: str) -> NoReturn:
    raise _Fault(f"the number {constant}")


def _to_report(name: str, path: Path, document: Any) -> Report:
    schema = _get(document, "schema", int)
    if schema != _SCHEMA:
        raise _Fault(f"schema {schema} instead of {_SCHEMA}")
    dataset, folds = _get(document, "dataset", dict), _get(document, "folds", dict)
    scores = _by_name(_get(document, "scores", list), "score")
    methods = _by_name(_get(document, "methods", list), "method")
    tested = _get(document, "tested_score", str)
    if tested not in scores:
        raise _Fault(f"no score with the name of its tested score, {_shown(tested)}")
    return Report(
        name=name,
        path=os.fspath(path),
        n_images=_count(dataset, "n_images"),
        n_classes=_count(dataset, "n_classes"),
        scores={
            score: ReportedScore(score, _get(entry, "label", str), _get(entry, "greater_is_better", bool))
            for score, entry in scores.items()
        },
        tested_score=tested,
        means={method: _means(method, entry, scores) for method, entry in methods.items()},
        results_digest=_digest(document["methods"]),
        images_digest=_digest(_get(folds, "images", list)),
    )


def _means(method: str, entry: Any, names: Iterable[str]) -> dict[str, float]:
    scores = _get(entry, "scores", dict)
    return {name: _number(_get(scores, name, dict, f"score of the method {_shown(method)}"), "mean") for name in names}


def _by_name(entries: list[Any], what: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in entries:
        name = _get(entry, "name", str, what)
        if name in found:
            raise _Fault(f"two {what}s with the name {_shown(name)}")
        found[name] = entry
    if not found:
        raise _Fault(f"no {what}")
    return found


def _get(document: Any, key: str, kind: type, what: str = "key") -> Any:
    """Return the value of a key, if it is of the kind."""
    if not isinstance(document, Mapping) or key not in document:
        raise _Fault(f"no {what} {_shown(key)}")
    value = document[key]
    # In Python True is an int; in JSON it is not.
    if not isinstance(value, kind) or isinstance(value, bool) and kind is not bool:
        raise _Fault(f"{_shown(value)} for {_shown(key)}")
    return value


def _count(document: Mapping[str, Any], key: str) -> int:
    number: int = _get(document, key, int)
    if not 0 < number < 2**53:
        raise _Fault(f"{_shown(number)} for {_shown(key)}")
    return number


def _number(document: Mapping[str, Any], key: str) -> float:
    value = _get(document, key, object)
    # Every score so far lies between 0 and 1; the limit keeps sums and squares of others finite.
    if not isinstance(value, (int, float)) or not abs(value) < 1e100:
        raise _Fault(f"{_shown(value)} for {_shown(key)}")
    return float(value)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _shown(value: Any) -> str:
    return printable(repr(value), _SHOWN)
