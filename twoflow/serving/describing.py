"""Make the JSON bodies of the service from predictions, explanations and the card of the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..models.model_file import Expectation, ModelCard, TargetCard
from ..predicting import Answer, Prediction
from ..report.explanations import Entry
from ..report.plain import finite
from .bodies import (
    Accuracy,
    AnswerBody,
    DecisionBody,
    ExplanationBody,
    Label,
    Likely,
    LimitsBody,
    MapBody,
    ModelBody,
    NearBody,
    NeighborsBody,
    PredictionBody,
    ReasonBody,
    ScopeBody,
    StepBody,
    TargetBody,
    TreeBody,
)
from .limits import Limits


def describe_predictions(
    predictions: Sequence[Prediction], card: ModelCard, top: int
) -> list[PredictionBody]:
    """Return the bodies of predictions, each with the `top` likeliest classes."""
    positions = {
        target.name: {label: position for position, label in enumerate(target.classes)} for target in card.targets
    }
    return [
        PredictionBody(
            name=each.name,
            answers=[_answer(answer, positions[answer.target], top) for answer in each.answers],
            decision=None if each.decision is None else DecisionBody(
                name=each.decision.name, rule=each.decision.rule),
            error=each.error or None,
        )
        for each in predictions
    ]


def describe_explanation(entry: Entry, digest: str, name: str) -> ExplanationBody:
    """Return the body of an explanation."""
    return ExplanationBody(
        model=digest, name=name, image=entry.photo,
        reasons=[
            ReasonBody(**{
                **reason,
                "label": shown(reason["label"]),
                "map": None if image is None else MapBody(strongest=reason["map"]["strongest"], image=image),
                "neighbors": _neighbors(reason["neighbors"], entry.thumbnails),
                "sentences": list(map(shown, reason["sentences"])),
            })
            for reason, image in zip(entry.document["reasons"], entry.maps)
        ],
    )


def _neighbors(neighbors: Mapping[str, Any] | None, thumbnails: Mapping[int, str]) -> NeighborsBody | None:
    """Return what is said of training images; their names are left out, as they may be paths of another machine."""
    if neighbors is None:
        return None
    sides = {
        side: [NearBody(label=shown(near["label"]), term=near["term"], similarity=near["similarity"],
                        thumbnail=thumbnails.get(near["position"])) for near in neighbors[side]]
        for side in ("for", "against")
    }
    return NeighborsBody(
        for_it=sides["for"], against_it=sides["against"], rest=neighbors["rest"], constant=neighbors["constant"],
        is_exact=neighbors["is_exact"],
    )


def describe_model(
    card: ModelCard, digest: str, limits: Limits, examples: Mapping[tuple[str, int], bytes],
    *, corrections: bool, new_labels: bool, token: bool,
) -> ModelBody:
    """Return the body that describes the model of a service."""
    return ModelBody(
        title=card.title, digest=digest, created=card.created, threshold=card.threshold,
        n_images=card.n_images, targets=[_target(target, examples) for target in card.targets],
        exact_match=_accuracy(card.exact_match),
        limits=LimitsBody(
            max_images=limits.max_images, max_bytes=limits.max_bytes, max_pixels=limits.max_pixels),
        corrections=corrections, new_labels=new_labels, token=token,
    )


def shown(label: Any) -> Label:
    """Return a label as a value of JSON; characters that UTF-8 cannot encode are escaped."""
    if isinstance(label, str):
        return label.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(label, np.generic):
        label = label.item()
    return label if isinstance(label, (bool, int, float)) else str(label)


def _answer(answer: Answer, positions: Mapping[Any, int], top: int) -> AnswerBody:
    return AnswerBody(
        target=answer.target, label=shown(answer.label), level=answer.level,
        confidence=finite(answer.confidence), reason=answer.reason,
        top=[Likely(label=shown(label), confidence=finite(confidence), position=positions[label])
             for label, confidence in answer.top[:top]],
        path=list(map(shown, answer.path)),
        steps=[StepBody(level=step.level, path=list(map(shown, step.path)), confidence=finite(step.confidence),
                        answered=step.is_answered) for step in answer.steps],
        scope=None if answer.scope is None else ScopeBody(
            score=finite(answer.scope.score), threshold=answer.scope.threshold),
    )


def _target(target: TargetCard, examples: Mapping[tuple[str, int], bytes]) -> TargetBody:
    return TargetBody(
        name=target.name, classes=list(map(shown, target.classes)),
        levels={name: list(map(shown, classes)) for name, classes in target.levels.items()},
        tree=None if target.tree is None else TreeBody(
            levels=list(target.tree.levels), nodes=[list(map(shown, node)) for node in target.tree.nodes]),
        accuracy=_accuracy(target.expectation), n_labeled=target.n_labeled,
        has_examples=any(name == target.name for name, _ in examples),
    )


def _accuracy(found: Expectation | None) -> Accuracy | None:
    return None if found is None else Accuracy(
        accuracy=found.accuracy, interval=(finite(found.interval[0]), finite(found.interval[1])),
        confidence=found.confidence, source=found.source,
    )
