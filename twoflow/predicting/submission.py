"""Fill the sample of a competition's submission with the answers of a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from .._progress import phase
from .._text import counted, listed, printable
from ..errors import InputError
from ..heads.hierarchy import UNKNOWN
from ..images.passed_over import name_first
from ..models.model_file import ModelCard
from .answers import Answer, Prediction
from .matching import Match, match_ids
from .predictor import Item, Predictor
from .sample import Sample, is_number, label_names

#: What is done about cells that a model cannot fill.
UNFILLED = ("error", "keep")


class Submission(NamedTuple):
    """A filled sample.

    Attributes
    ----------
    content : bytes
        The content of the file.
    n_filled : int
        How many ids have the model's labels.
    notes : list of str
        One line for each thing that the user should know.
    """

    content: bytes
    n_filled: int
    notes: list[str]


def fill_sample(
    predictor: Predictor, items: Sequence[Item], sample: Sample, *, unfilled: str = "error", verbose: bool = True
) -> Submission:
    """Fill a sample with the labels of a model.

    Each cell gets the likeliest class, also where the model would fall back to a broader class or "unknown", because a
    submission has no place for these. `Submission.notes` counts such answers.

    Parameters
    ----------
    predictor : Predictor
        With a `top` of at least 1.
    items : sequence of Item
        The images, or items of several photos; see `match_ids` for how ids name them.
    sample : Sample
    unfilled : {"error", "keep"}
        What to do about ids without a readable image, and about columns that are no target of the model: "error", the
        default, names them in an error; "keep" keeps the values of the sample, and names them in a note.
    verbose : bool
        Whether to show progress on stderr. The default is True.

    Returns
    -------
    Submission

    Raises
    ------
    ValueError
        If an id names two images, or no id names an image; if `unfilled` is none of the two, or it is "error" and cells
        cannot be filled.
    """
    if unfilled not in UNFILLED:
        known = listed(map(repr, UNFILLED), " or")
        raise InputError(f"unfilled: expected {known}, got {unfilled!r}; choose one of them")
    match = match_ids(sample.ids, [item.name for item in items])
    if not match.positions:
        raise InputError(
            f"expected images that are called as the ids, such as {printable(sample.ids[0])}.jpg for "
            f"{printable(sample.ids[0])}, got {name_first(map(printable, match.spare)) or 'none'}; name the folder of "
            "these images, or the --id-column"
        )
    left = [
        (("column that is no target of the model", "columns that are no target of the model"), sample.others),
        (("id without an image", "ids without an image"), match.missing),
    ]
    _refuse(left, unfilled)
    wanted = [items[position] for position in match.positions.values()]
    predictions = _predict(predictor, wanted, verbose)
    answered = {
        each: prediction for each, prediction in zip(match.positions, predictions, strict=True)
        if prediction.answers and all(map(_has_label, prediction.answers))
    }
    lacking = [
        f"{each}: {prediction.error or 'the model gives no probabilities'}"
        for each, prediction in zip(match.positions, predictions) if each not in answered
    ]
    left.append((("id whose image has no answer", "ids whose image has no answer"), lacking))
    _refuse(left, unfilled)
    labels = {each: label_answer(prediction, predictor.card) for each, prediction in answered.items()}
    notes = [
        *sample.notes,
        *(f"left as in the sample: {_name(*each)}" for each in left if each[1]),
        *_describe(match, items, answered, sample, predictor.card),
    ]
    content = sample.fill({each: {name: own[name] for name in sample.columns} for each, own in labels.items()})
    return Submission(content, len(answered), notes)


def label_answer(prediction: Prediction, card: ModelCard) -> dict[str, Any]:
    """Return the likeliest labels of a prediction by the names of `label_names`.

    With a tree of classes, they are those of the likeliest full path. A level that the path does not reach has "".
    """
    target = card.targets[0]
    if target.tree is None:
        return {answer.target: answer.top[0][0] for answer in prediction.answers}
    leaf = target.classes.index(prediction.answers[0].top[0][0])
    path = target.tree.nodes[target.tree.leaves[leaf]]
    names = label_names(card)
    return dict(zip(names, [*path, *[""] * (len(names) - len(path))]))


def _predict(predictor: Predictor, items: Sequence[Item], verbose: bool) -> list[Prediction]:
    predictions: list[Prediction] = []
    with phase("predictions", len(items), "images", verbose=verbose) as shown:
        for some in predictor.stream(items):
            predictions += some
            shown.update(len(some))
    return predictions


def _has_label(answer: Answer) -> bool:
    return answer.label != UNKNOWN or answer.confidence == answer.confidence  # NaN: there are no probabilities


def _refuse(left: Sequence[tuple[tuple[str, str], Sequence[str]]], unfilled: str) -> None:
    found = [_name(*each) for each in left if each[1]]
    if found and unfilled == "error":
        raise InputError(
            f"expected a label for every cell of the sample, got none for {listed(found)}; add what is missing, or "
            "keep the values of the sample by --unfilled keep"
        )


def _name(nouns: tuple[str, str], names: Sequence[str]) -> str:
    return f"{counted(len(names), *nouns)} ({name_first(map(printable, names))})"


def _describe(
    match: Match, items: Sequence[Item], answered: dict[str, Prediction], sample: Sample, card: ModelCard
) -> Iterator[str]:
    """Yield a line for each thing that the user should know, besides cells that are not filled."""
    if match.by_number:
        first = match.by_number[0]
        name = printable(items[match.positions[first]].name)
        yield (f"{counted(len(match.by_number), 'id names its image', 'ids name their images')} without regard to "
               f"leading zeros, such as {printable(first)} for {name}")
    if match.spare:
        yield f"not in the sample: {_name(('image', 'images'), match.spare)}"
    partly = [each for each, prediction in answered.items() if prediction.error]
    if partly:
        yield f"answered by some of their photos, because others cannot be read: {_name(('id', 'ids'), partly)}"
    unsure = [each for each, own in answered.items() if any(answer.level != answer.target for answer in own.answers)]
    if unsure:
        yield ("the likeliest class is written although the model answers a broader class or unknown: "
               f"{_name(('id', 'ids'), unsure)}")
    for target in card.targets:
        is_filled = target.name in sample.columns
        if is_filled and sample.looks_numeric(target.name) and not any(map(is_number, target.classes)):
            yield (f"{printable(target.name)} has numbers in the sample, and text in the model, such as "
                   f"{printable(target.classes[0])}; if the competition wants numbers, train on these")
