"""Write the predictions of any number of images: to a file that can go on after a kill, or to a stream."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

from .._progress import Phase, phase
from .._text import counted
from ..errors import InputError
from .answers import Prediction
from .formats import Columns, Format
from .inputs import Inputs
from .predictor import Item
from .resume import Done, ResumableFile
from .summary import Counts

_COMMIT_EVERY_S = 1.0  # how much work a kill can cost, besides that under way


class Predicting(Protocol):
    """What answers for a stream of items, such as a `Predictor`."""

    def stream(self, items: Iterable[Item]) -> Iterator[list[Prediction]]: ...


class Written(NamedTuple):
    """What was written.

    Attributes
    ----------
    counts : Counts
    n_before : int
        How many of the images an earlier attempt had predicted.
    seconds : float
        How long the others took.
    discarded : str
        What of another run was overwritten; "" for nothing.
    """

    counts: Counts
    n_before: int
    seconds: float
    discarded: str = ""


def write_stream(
    predictor: Predicting, inputs: Inputs, write: Callable[[str], object], format: Format, columns: Columns,
    verbose: bool = True,
) -> Written:
    """Write predictions to a stream, as soon as they are there.

    Parameters
    ----------
    predictor : Predicting
    inputs : Inputs
    write : callable
        Takes text, and flushes it.
    format : Format
    columns : Columns
    verbose : bool
        Whether to show progress on stderr. The default is True.

    Returns
    -------
    Written

    Raises
    ------
    ValueError
        If there are no images.
    """
    began, counts, text = time.monotonic(), Counts(), format.head(columns)
    with _shown(inputs, 0, verbose) as shown:
        for predictions in _predict(predictor, inputs, counts, shown):
            write(text + "".join(format.line(each, columns) for each in predictions))
            text = ""
    _check_not_empty(counts)
    return Written(counts, 0, time.monotonic() - began)


def write_file(
    predictor: Predicting, inputs: Inputs, path: Path, format: Format, columns: Columns, *,
    identity: Mapping[str, str], anew: bool = False, verbose: bool = True,
) -> Written:
    """Write predictions to a file, and go on where an earlier attempt was ended; see `ResumableFile`.

    However often it is ended and repeated, the file has every prediction once, and is the same to the byte.

    Parameters
    ----------
    predictor, inputs, format, columns, verbose
        See `write_stream`.
    path : Path
        The file.
    identity : mapping of str to str
        What the predictions depend on besides the names of the images.
    anew : bool
        Whether to overwrite what another interrupted run has left. False, the default, is an error.

    Returns
    -------
    Written

    Raises
    ------
    ValueError
        If there are no images, or another interrupted run has left something.
    OSError
        If the file cannot be written.
    """
    file = ResumableFile(path, identity, anew=anew)
    n_kept = 0
    try:
        items, names = iter(inputs), NamesDigest()
        if file.done is not None:
            n_known = 0
            for item in islice(items, file.done.n_items):
                names.add(item)
                n_known += 1
            if (n_known, names.hexdigest()) != (file.done.n_items, file.done.names):
                file.begin_anew("over other images")
                items, names = iter(inputs), NamesDigest()
        counts = Counts() if file.done is None else Counts.from_dict(file.done.counts)
        if file.done is None:
            file.write(format.head(columns))
        n_kept, n_before = counts.n_images, counts.n_images
        began, noted = time.monotonic(), -_COMMIT_EVERY_S
        with _shown(inputs, n_before, verbose) as shown:
            for predictions in _predict(predictor, _noted(items, names), counts, shown):
                file.write("".join(format.line(each, columns) for each in predictions))
                if time.monotonic() - noted >= _COMMIT_EVERY_S:
                    file.commit(Done(counts.n_predictions, names.hexdigest(), counts.to_dict()))
                    n_kept, noted = counts.n_images, time.monotonic()
        _check_not_empty(counts)
        file.finish()
    except BaseException as error:
        if n_kept:
            done = counted(n_kept, "image is", "images are")
            error.add_note(f"{done} done, in {file.part}; repeat the command to go on")
        raise
    finally:
        file.close()
    return Written(counts, n_before, time.monotonic() - began, file.discarded)


def _predict(
    predictor: Predicting, items: Iterable[Item], counts: Counts, shown: Phase
) -> Iterator[list[Prediction]]:
    for predictions in predictor.stream(items):
        before = counts.n_images
        counts.add(predictions)
        yield predictions
        shown.update(counts.n_images - before)


def _noted(items: Iterable[Item], names: NamesDigest) -> Iterator[Item]:
    """Yield the items, and add their names to a digest; a predictor takes no item before it has answered the others."""
    for item in items:
        names.add(item)
        yield item


def _shown(inputs: Inputs, n_before: int, verbose: bool) -> AbstractContextManager[Phase]:
    return phase("predictions", inputs.n_images, "images", n_done=n_before, verbose=verbose)


def _check_not_empty(counts: Counts) -> None:
    if not counts.n_predictions:
        raise InputError("expected at least one image, got an empty list; name images, folders or tables")


class NamesDigest:
    """SHA-256 over the names of items and their images, in order; equal only if all names are equal."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, item: Item) -> None:
        """Add the names of an item."""
        for name in (item.name, *item.image_names):
            encoded = name.encode("utf-8", "surrogatepass")
            self._digest.update(b"%d:%s," % (len(encoded), encoded))
        self._digest.update(b";")

    def hexdigest(self) -> str:
        """Return the digest of the names so far."""
        return self._digest.hexdigest()
